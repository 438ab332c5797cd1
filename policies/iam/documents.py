"""IAM documents, as far as rules judge them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, cast

from policies.core.properties import Properties, Undetermined

_CONFINING: Final = frozenset(
    {"arnequals", "arnlike", "stringequals", "stringequalsignorecase", "stringlike"}
)
"""Operators that hold only for the values given, and not for a request without the key."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement.

    Attributes:
        effect: ``Allow`` or ``Deny``.
        actions: Such as ``dynamodb:GetItem``.
        resources: ARNs and patterns.
        principals: Values by kind (``AWS``, ``Service``, ``Federated``).
        conditions: Values by operator and key.
        inverted: Whether it says what it does not cover (``NotAction`` and its kind).
    """

    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    principals: Mapping[str, tuple[str, ...]]
    conditions: Mapping[str, Mapping[str, tuple[str, ...]]]
    inverted: bool

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
        if not self.actions:
            return self.inverted
        return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in self.actions)


def statements(properties: Properties, name: str) -> tuple[Statement, ...]:
    """The statements of a document.

    Args:
        properties: What holds the document.
        name: Property whose text it is.

    Raises:
        Undetermined: If there is none, or none that can be judged.
    """
    path = properties.at(name)
    try:
        parsed: object = json.loads(properties.text(name) or "")
    except ValueError as error:
        raise Undetermined(path, properties.owner) from error
    listed = entries(parsed).get("Statement")
    items = cast("list[object]", listed) if isinstance(listed, list) else [listed]
    return tuple(_statement(item, path) for item in items)


def _statement(item: object, path: str) -> Statement:
    fields = entries(item)
    if not isinstance(fields.get("Effect"), str):
        raise Undetermined(path)
    principal = fields.get("Principal")
    return Statement(
        effect=str(fields["Effect"]),
        actions=_texts(fields.get("Action")),
        resources=_texts(fields.get("Resource")),
        principals=(
            {"AWS": ("*",)}
            if principal == "*"
            else {kind: _texts(value) for kind, value in entries(principal).items()}
        ),
        conditions={
            operator: {key: _texts(value) for key, value in entries(keys).items()}
            for operator, keys in entries(fields.get("Condition")).items()
        },
        inverted=bool({"NotAction", "NotResource", "NotPrincipal"} & set(fields)),
    )


def entries(value: object) -> Mapping[str, object]:
    """What was a JSON object, by key; nothing where it was none."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _texts(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list):
        return tuple(str(item) for item in cast("list[object]", value))
    return (str(value),)
