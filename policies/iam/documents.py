"""IAM documents, as far as rules judge them.

Guarantees:
    What AWS would refuse, or reads in a way that no rule knows, is undetermined: a statement
    without an effect, with an element that is misspelt, or with one given twice.

Does not guarantee:
    That AWS takes the document: its length, and whether actions exist, are asked elsewhere.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, cast

from policies.core.properties import Properties, Undetermined
from policies.iam.patterns import matches

_CONFINING: Final = frozenset(
    {"arnequals", "arnlike", "stringequals", "stringequalsignorecase", "stringlike"}
)
"""Operators that hold only for the values given, and not for a request without the key."""

_ELEMENTS: Final = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)

Conditions = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Condition values by operator and key."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement.

    Attributes:
        effect: ``Allow`` or ``Deny``.
        actions: Such as ``dynamodb:GetItem``, or patterns.
        not_actions: Those that it does not speak of, where it names these.
        resources: ARNs and patterns.
        not_resources: Those that it does not speak of, where it names these.
        principals: Values by kind (``AWS``, ``Service``, ``Federated``).
        not_principals: Those that it does not speak of, where it names these.
        conditions: Values by operator and key.
        at: Its place in the document, such as ``Statement[2]``.
        variables: Whether ``${...}`` in it stands for something of the request.
    """

    effect: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    principals: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    not_principals: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict[str, tuple[str, ...]]
    )
    conditions: Conditions = field(default_factory=dict[str, Mapping[str, tuple[str, ...]]])
    at: str = "Statement[0]"
    variables: bool = True

    @property
    def allows(self) -> bool:
        """Whether it allows something rather than deny it."""
        return self.effect == "Allow"

    @property
    def inverted(self) -> bool:
        """Whether it says what it does not cover (``NotAction`` and its kind)."""
        return bool(self.not_actions or self.not_resources or self.not_principals)

    def condition(self, key: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Operators and values that the statement's conditions put on a key."""
        for operator, keys in self.conditions.items():
            for name, values in keys.items():
                if name.lower() == key.lower():
                    yield operator, values

    def confined_to(self, key: str) -> tuple[str, ...]:
        """Values of a key outside which the statement does not apply; empty where it may."""
        return tuple(
            value
            for operator, values in self.condition(key)
            if operator.lower() in _CONFINING
            for value in values
        )

    def keys(self) -> set[str]:
        """The keys that the statement's conditions are on, in lower case."""
        return {key.lower() for keys in self.conditions.values() for key in keys}

    def covers(self, action: str) -> bool:
        """Whether it speaks of an action: by its name, by a pattern, or by leaving it out."""
        if self.not_actions:
            return not _any_matches(self.not_actions, action)
        return _any_matches(self.actions, action)


def statements(properties: Properties, name: str) -> tuple[Statement, ...]:
    """The statements of a document.

    Args:
        properties: What holds the document.
        name: Property whose text it is.

    Raises:
        Undetermined: If there is none, or none that can be judged.
    """
    try:
        return parsed(properties.text(name) or "")
    except ValueError as error:
        raise Undetermined(properties.at(name), properties.owner) from error


@lru_cache(maxsize=1024)
def parsed(text: str) -> tuple[Statement, ...]:
    """The statements of a document's text.

    Raises:
        ValueError: If AWS would not take it, or no rule could tell what it says.
    """
    try:
        document = entries(json.loads(text, object_pairs_hook=_once))
    except RecursionError as error:
        raise ValueError("a document is not a thousand levels deep") from error
    unknown = set(document) - {"Version", "Id", "Statement"}
    if unknown:
        raise ValueError(f"a document has no {', '.join(sorted(unknown))}")
    # Without a version, and in the first one, a variable is nothing but its characters.
    variables = document.get("Version") == "2012-10-17"
    listed = document.get("Statement")
    items = cast("list[object]", listed) if isinstance(listed, list) else [listed]
    return tuple(
        _statement(item, f"Statement[{number}]", variables=variables)
        for number, item in enumerate(items)
    )


def _statement(item: object, at: str, *, variables: bool) -> Statement:
    fields = entries(item)
    if fields.get("Effect") not in {"Allow", "Deny"} or not set(fields) <= _ELEMENTS:
        raise ValueError(f"{at} has no effect, or elements that statements do not have")
    if ("Action" in fields) == ("NotAction" in fields):
        raise ValueError(f"{at} names actions by both Action and NotAction, or by none")
    if {"Resource", "NotResource"} <= set(fields) or {"Principal", "NotPrincipal"} <= set(fields):
        raise ValueError(f"{at} names the same both by what it is and by what it is not")
    return Statement(
        effect=str(fields["Effect"]),
        actions=_texts(fields.get("Action")),
        not_actions=_texts(fields.get("NotAction")),
        resources=_texts(fields.get("Resource")),
        not_resources=_texts(fields.get("NotResource")),
        principals=_principals(fields.get("Principal")),
        not_principals=_principals(fields.get("NotPrincipal")),
        conditions={
            operator: {key: _texts(value) for key, value in entries(keys).items()}
            for operator, keys in entries(fields.get("Condition")).items()
        },
        at=at,
        variables=variables,
    )


def _principals(value: object) -> Mapping[str, tuple[str, ...]]:
    if value == "*":
        return {"AWS": ("*",)}
    return {kind: _texts(named) for kind, named in entries(value).items()}


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an element is given twice")
    return found


@lru_cache(maxsize=65_536)
def _any_matches(patterns: tuple[str, ...], action: str) -> bool:
    return any(matches(pattern.lower(), action.lower()) for pattern in patterns)


def entries(value: object) -> Mapping[str, object]:
    """What was a JSON object, by key; nothing where it was none."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _texts(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list):
        return tuple(_text(item) for item in cast("list[object]", value))
    return (_text(value),)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
