"""Conditions and changes as DynamoDB's expressions, which it refuses for more than their meaning.

An expression here names attributes by placeholders, because hundreds of words are reserved; has no
parentheses that could be left out, because doubled ones are refused ("redundant parentheses");
and changes no attribute twice ("two document paths overlap").

The grammar is at
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from holdfast.coordination.stores.store import (
    Absent,
    AllOf,
    Always,
    AnyOf,
    AtMost,
    Condition,
    Equals,
    Update,
    Value,
    number,
)
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_NEVER = AnyOf(())
_TOKEN = re.compile(r"[#:]?\w+|[()]")
# A bare SET can only be the clause: as an attribute's name it is reserved. Nothing need follow it.
_SET_CLAUSE = re.compile(r"(?<![#:.\w])SET(?!\w)\s*", re.IGNORECASE)


class Expressions:
    """Expressions of one request, and the placeholders that they use.

    Args:
        key: The table's partition key.
    """

    def __init__(self, key: str) -> None:
        self._key = key
        self.names: dict[str, str] = {}
        self.values: dict[str, AttributeValueTypeDef] = {}

    def condition(self, condition: Condition) -> str:
        """The expression of a condition; empty where it always holds.

        Args:
            condition: The condition.
        """
        fewest = simplified(condition)
        return "" if isinstance(fewest, Always) else self._expression(fewest)

    def changes(self, request: Update) -> str:
        """The expression of what an update changes; empty where it changes nothing.

        Args:
            request: The update.

        Raises:
            TypeError: If it adds to what it assigns, and that is no number.
        """
        # As every store has it: assigned first, then added to, then removed.
        removed = tuple(dict.fromkeys(request.remove))
        assigned = {name: value for name, value in request.assign.items() if name not in removed}
        added = {name: amount for name, amount in request.add.items() if name not in removed}
        for name in assigned.keys() & added.keys():
            assigned[name] = number(assigned, name) + added.pop(name)
        clauses = {
            "SET": [f"{self._name(k)} = {self._value(v)}" for k, v in assigned.items()],
            # True is a number to Python, and not to DynamoDB.
            "ADD": [f"{self._name(k)} {self._value(int(v))}" for k, v in added.items()],
            "REMOVE": [self._name(name) for name in removed],
        }
        return " ".join(f"{word} {', '.join(parts)}" for word, parts in clauses.items() if parts)

    def _expression(self, condition: Condition) -> str:
        match condition:
            case Always():
                raise AssertionError("what always holds has no expression")
            case Absent(attribute):
                return f"attribute_not_exists({self._name(attribute)})"
            case Equals(attribute, value):
                return f"{self._name(attribute)} = {self._value(value)}"
            case AtMost(attribute, bound):
                return f"{self._name(attribute)} <= {self._value(int(bound))}"
            case AllOf(conditions):
                return " AND ".join(map(self._operand, conditions))
            case AnyOf(()):
                key = self._name(self._key)
                return f"attribute_exists({key}) AND attribute_not_exists({key})"
            case AnyOf(conditions):
                return " OR ".join(map(self._expression, conditions))

    def _operand(self, condition: Condition) -> str:
        """A part of a conjunction, which binds more tightly than a disjunction."""
        expression = self._expression(condition)
        return f"({expression})" if isinstance(condition, AnyOf) else expression

    def _name(self, attribute: str) -> str:
        for placeholder, known in self.names.items():
            if known == attribute:
                return placeholder
        placeholder = f"#n{len(self.names)}"
        self.names[placeholder] = utf8(attribute)
        return placeholder

    def _value(self, value: Value) -> str:
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = encode_value(value)
        return placeholder


def simplified(condition: Condition) -> Condition:
    """The same condition in the fewest parts.

    No list in it lies in another of its kind, has fewer than two parts, or has a part that always
    or never holds. What is left of a condition that never holds is ``AnyOf(())``.

    Args:
        condition: The condition.
    """
    match condition:
        case AllOf(conditions):
            parts: list[Condition] = []
            for part in map(simplified, conditions):
                if part == _NEVER:
                    return _NEVER
                if not isinstance(part, Always):
                    parts += part.conditions if isinstance(part, AllOf) else (part,)
            if len(parts) > 1:
                return AllOf(tuple(parts))
            return parts[0] if parts else Always()
        case AnyOf(conditions):
            parts = []
            for part in map(simplified, conditions):
                if isinstance(part, Always):
                    return part
                parts += part.conditions if isinstance(part, AnyOf) else (part,)
            return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))
        case _:
            return condition


def conjunction(disjunction: str, condition: str | None) -> str:
    """What holds where a disjunction and somebody's condition hold.

    Args:
        disjunction: An expression of parts between OR.
        condition: Any condition expression, in parentheses or not; None or blank for none.

    Raises:
        ConfigurationError: If it is no text, or a parenthesis of it has no other: the disjunction
            would then stand beside it and not above it.
    """
    given = cast("object", condition)
    if not isinstance(given, str | None):
        raise ConfigurationError(
            f"ConditionExpression is of type {type(given).__name__}; it must be text, as boto3's "
            "clients take it. A ConditionExpressionBuilder of boto3.dynamodb.conditions makes it, "
            "and the names and values, of Attr(...)."
        )
    theirs = (given or "").strip()
    if not theirs:
        return disjunction
    depth, alternatives = 0, False
    for token in _TOKEN.findall(theirs):
        depth += {"(": 1, ")": -1}.get(token, 0)
        alternatives |= depth == 0 and token.upper() == "OR"
        if depth < 0:
            break
    if depth:
        raise ConfigurationError(
            f"ConditionExpression={condition!r} has parentheses that do not pair. Close each one "
            "that it opens."
        )
    return f"({disjunction}) AND {f'({theirs})' if alternatives else theirs}"


def with_assignment(update: str | None, assignment: str) -> str:
    """An update expression that also makes an assignment.

    Args:
        update: Any update expression, its clauses in any order; None or blank for none.
        assignment: Such as ``#a = :a``.
    """
    theirs = (update or "").strip()
    if _SET_CLAUSE.search(theirs):
        return _SET_CLAUSE.sub(lambda _: f"SET {assignment}, ", theirs, count=1)
    return f"SET {assignment} {theirs}".rstrip()


def encode(item: Mapping[str, Value]) -> "dict[str, AttributeValueTypeDef]":
    """An item in DynamoDB's form.

    Args:
        item: The item.

    Raises:
        ConfigurationError: If a text in it cannot be stored.
    """
    return {utf8(name): encode_value(value) for name, value in item.items()}


def encode_value(value: Value) -> "AttributeValueTypeDef":
    """A value in DynamoDB's form.

    Args:
        value: The value.

    Raises:
        ConfigurationError: If it is a text that cannot be stored.
    """
    match value:
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": utf8(value)}
        case bytes():
            return {"B": value}


def utf8(text: str) -> str:
    """The same text. DynamoDB has no answer that says what is wrong with any other.

    Args:
        text: The text.

    Raises:
        ConfigurationError: If it cannot be written as UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError(
            f"A text holds half a surrogate pair, {text[error.start]!r}, at {error.start}, which "
            "DynamoDB cannot store. Leave it out, or store bytes."
        ) from error
    return text
