"""Conditions of statements, decided as far as a request is known.

Guarantees:
    Three answers. ``YES`` and ``NO`` hold for every request that fits what is known of it;
    ``MAYBE`` is everything else, an operator that nobody here knows included.

Source: "IAM JSON policy elements: Condition operators" and "Set operators for multivalued context
keys" in the IAM user guide.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from functools import lru_cache
from typing import Final

from policies.iam.documents import Statement
from policies.iam.patterns import matches


class Answer(IntEnum):
    """Whether something holds: for no request, for some perhaps, or for every one."""

    NO = 0
    MAYBE = 1
    YES = 2

    def __invert__(self) -> "Answer":
        return Answer(2 - self)


NO, MAYBE, YES = Answer.NO, Answer.MAYBE, Answer.YES


@dataclass(frozen=True)
class Fact:
    """What is known of one key of a request.

    Attributes:
        values: Those that it has; none means that the request does not have the key.
        open: Whether it may have others besides.
    """

    values: tuple[str, ...]
    open: bool = False


ABSENT: Final = Fact(())

Context = Mapping[str, Fact]
"""What is known of a request, by key in lower case. Of all other keys nothing is known."""

MULTIVALUED: Final = frozenset(
    {
        "aws:calledvia",
        "aws:principalorgpaths",
        "aws:principalservicenameslist",
        "aws:tagkeys",
        "dynamodb:attributes",
        "dynamodb:leadingkeys",
        "kms:encryptioncontextkeys",
        "kms:grantoperations",
        "kms:resourcealiases",
        "secretsmanager:addreplicaregions",
    }
)
"""Keys with several values at once. What an operator without a quantifier says of them, AWS leaves
open."""

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
_ARN_PARTS: Final = 6


def hold(statement: Statement, context: Context) -> Answer:
    """Whether the conditions of a statement hold: all operators, and of each all keys."""
    answer = YES
    for operator, keys in statement.conditions.items():
        for key, values in keys.items():
            answer = min(answer, _holds(operator, key.lower(), values, statement, context))
    return answer


def _holds(  # noqa: PLR0911 - one for each thing that can be known of a key
    operator: str, key: str, values: tuple[str, ...], statement: Statement, context: Context
) -> Answer:
    name = operator.lower()
    quantifier, _, name = name.rpartition(":")
    fact = context.get(key)
    if name == "null":
        return _absence(values, fact)
    optional = name.endswith("ifexists")
    compare = _OPERATORS.get(name.removesuffix("ifexists"))
    if compare is None or quantifier not in {"", "foranyvalue", "forallvalues"}:
        return MAYBE
    if fact is None or (key in MULTIVALUED and not quantifier and fact.values):
        return MAYBE
    negated = "not" in name
    if not fact.values and not fact.open:
        if quantifier == "foranyvalue":
            # "Any" says no and "if it exists" says yes; AWS does not say which of them counts.
            return MAYBE if optional else NO
        return YES if optional or quantifier == "forallvalues" or negated else NO

    def fits(value: str) -> Answer:
        wanted = (_resolved(one, statement, context) for one in values)
        found = max((_compared(compare, value, one) for one in wanted), default=NO)
        return ~found if negated else found

    each = [fits(value) for value in fact.values]
    if quantifier == "foranyvalue":
        return max([*each, MAYBE] if fact.open else each)
    return min([*each, MAYBE] if fact.open else each)


def _absence(values: tuple[str, ...], fact: Fact | None) -> Answer:
    if fact is None or (fact.open and not fact.values):
        return MAYBE
    wanted = "false" if fact.values else "true"
    return YES if wanted in {value.lower() for value in values} else NO


@dataclass(frozen=True)
class _Wanted:
    """A value of a policy, with variables put in; its pattern where one was not known."""

    text: str
    exact: bool


def _resolved(value: str, statement: Statement, context: Context) -> _Wanted:
    if "${" not in value or not statement.variables:
        return _Wanted(value, exact=True)
    exact = True

    def put(found: re.Match[str]) -> str:
        nonlocal exact
        inside = found[1]
        if inside in {"*", "?", "$"}:
            # A literal character; a pattern cannot say so, and "?" takes it in.
            exact = False
            return "?"
        key, _, default = inside.partition(",")
        fact = context.get(key.strip().lower())
        if fact == ABSENT and default:
            return default.strip().strip("'")
        if fact is None or fact.open or len(fact.values) != 1:
            exact = False
            return "*"
        return fact.values[0]

    return _Wanted(_VARIABLE.sub(put, value), exact)


def resolve(pattern: str, statement: Statement, context: Context) -> tuple[str, bool]:
    """A pattern of a statement with its variables put in, and whether all of them were known."""
    wanted = _resolved(pattern, statement, context)
    return wanted.text, wanted.exact


_Compare = Callable[[str, str], bool]


def _compared(compare: _Compare, value: str, wanted: _Wanted) -> Answer:
    if wanted.exact:
        try:
            return YES if compare(value, wanted.text) else NO
        except ValueError:
            # AWS takes what it cannot read for no match, and warns of it when it is written.
            return NO
    return MAYBE if matches(wanted.text.lower(), value.lower()) else NO


def _arn(value: str, pattern: str) -> bool:
    mine, theirs = value.split(":", _ARN_PARTS - 1), pattern.split(":", _ARN_PARTS - 1)
    return (
        len(mine) == len(theirs) == _ARN_PARTS
        and theirs[0] == "arn"
        and all(matches(part, text) for text, part in zip(mine, theirs, strict=True))
    )


@lru_cache(maxsize=256)
def _time(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _address(value: str, wanted: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)


def _ordered(read: Callable[[str], float], name: str) -> Iterator[tuple[str, _Compare]]:
    yield f"{name}equals", lambda value, wanted: read(value) == read(wanted)
    yield f"{name}notequals", lambda value, wanted: read(value) == read(wanted)
    yield f"{name}lessthan", lambda value, wanted: read(value) < read(wanted)
    yield f"{name}lessthanequals", lambda value, wanted: read(value) <= read(wanted)
    yield f"{name}greaterthan", lambda value, wanted: read(value) > read(wanted)
    yield f"{name}greaterthanequals", lambda value, wanted: read(value) >= read(wanted)


_OPERATORS: Final[Mapping[str, _Compare]] = {
    **dict.fromkeys(("stringequals", "stringnotequals", "binaryequals"), str.__eq__),
    **{
        name: lambda value, wanted: value.lower() == wanted.lower()
        for name in ("stringequalsignorecase", "stringnotequalsignorecase", "bool")
    },
    **{
        name: lambda value, wanted: matches(wanted, value)
        for name in ("stringlike", "stringnotlike")
    },
    **dict.fromkeys(("arnequals", "arnlike", "arnnotequals", "arnnotlike"), _arn),
    **dict.fromkeys(("ipaddress", "notipaddress"), _address),
    **dict(_ordered(float, "numeric")),
    **dict(_ordered(_time, "date")),
}
"""How a value of the request is compared with one of the policy; denials are turned around."""
