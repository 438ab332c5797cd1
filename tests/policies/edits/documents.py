"""Edits of IAM documents in the shipped stacks."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from holdfast.graph import Value
from tests.policies.shipped import Edit, rewriting

Statement = Mapping[str, Any]
"""A statement as it stands in a document."""


def allow(action: object, resource: object = "*", **more: object) -> dict[str, Any]:
    """A statement that allows something; one that says what it is not does not say what it is."""
    said = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    inverted = {name.removeprefix("Not") for name in more if name.startswith("Not")}
    return {name: value for name, value in said.items() if name not in inverted}


def document(*statements: Statement) -> str:
    """A document of some statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def saying(resource: str, *statements: Statement, at: str = "policy") -> Edit:
    """Adds statements to the document of a resource."""
    return documented(resource, lambda said: [*said, *statements], at=at)


def restated(
    resource: str, number: int, change: Callable[[dict[str, Any]], Statement], at: str = "policy"
) -> Edit:
    """Changes one statement of the document of a resource."""

    def changed(said: list[Any]) -> list[Any]:
        return [change(one) if index == number else one for index, one in enumerate(said)]

    return documented(resource, changed, at=at)


def documented(resource: str, change: Callable[[list[Any]], list[Any]], at: str = "policy") -> Edit:
    """Changes the statements of the document of a resource."""

    def changed(value: Value) -> Value:
        parsed = json.loads(str(value))
        return json.dumps({**parsed, "Statement": change(parsed["Statement"])})

    return rewriting(resource, at, changed)
