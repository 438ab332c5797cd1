"""Policy documents from typed statements, known in full before anything is created.

Guarantees:
    No statement allows an action by a pattern, and none allows an action on every resource
    unless it says why. Equal statements give equal text, so a preview shows no false change.

Does not guarantee:
    That the actions exist, or that they suffice. AWS checks both when it takes the document.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from holdfast.errors import ConfigurationError

LONGEST_DOCUMENT_CHARACTERS = 10_240
"""Of the inline policies of one IAM role. Key, topic and bucket policies may be longer."""

LONGEST_TRUST_CHARACTERS = 2_048
"""Of the policy that says who may take a role, unless AWS has raised the account's quota."""

Conditions = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Condition keys and their values, by operator."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a policy document.

    Attributes:
        sid: Letters and digits, unique in its document.
        effect: Deny wins over every Allow.
        actions: What is allowed or denied. An Allow names each one in full.
        resources: ARNs or ARN patterns. Empty only in trust policies.
        principals: Who, by kind (``AWS``, ``Service``); empty in a role's own policies.
        conditions: All operators and keys must match.
        every_resource_because: Why an Allow is for the resource ``*``, where it is.

    Raises:
        ConfigurationError: If an Allow is wider than its author can have meant.
    """

    sid: str
    effect: Literal["Allow", "Deny"] = "Allow"
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    principals: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    conditions: Conditions = field(default_factory=dict[str, Mapping[str, tuple[str, ...]]])
    every_resource_because: str | None = None

    def __post_init__(self) -> None:
        if self.effect == "Deny":
            return
        patterns = [action for action in self.actions if "*" in action or "?" in action]
        if patterns:
            raise ConfigurationError(
                f"Statement {self.sid} allows {', '.join(patterns)}. An Allow names every action "
                "in full: list the ones that are needed."
            )
        if "*" in self.resources and not self.every_resource_because:
            raise ConfigurationError(
                f"Statement {self.sid} allows its actions on every resource. Name the resources, "
                "or say in every_resource_because why that is not possible."
            )
        if any("*" in who for who in self.principals.values()):
            raise ConfigurationError(
                f"Statement {self.sid} allows its actions to everyone. Name the principals."
            )

    def render(self) -> dict[str, object]:
        """The statement as AWS reads it."""
        rendered: dict[str, object] = {"Sid": self.sid, "Effect": self.effect}
        if self.principals:
            rendered["Principal"] = {kind: list(who) for kind, who in self.principals.items()}
        rendered["Action"] = list(self.actions)
        if self.resources:
            rendered["Resource"] = list(self.resources)
        if self.conditions:
            rendered["Condition"] = {
                operator: {key: list(values) for key, values in keys.items()}
                for operator, keys in self.conditions.items()
            }
        return rendered


def document(*statements: Statement) -> str:
    """The JSON text of a policy of these statements, in this order.

    Raises:
        ConfigurationError: If two statements have the same ``sid``.
    """
    sids = [statement.sid for statement in statements]
    repeated = sorted({sid for sid in sids if sids.count(sid) > 1})
    if repeated:
        raise ConfigurationError(
            f"A policy has more than one statement called {', '.join(repeated)}. "
            "A sid is unique in its document: rename one."
        )
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [statement.render() for statement in statements]}
    )


def role_document(*statements: Statement) -> str:
    """Like :func:`document`, for the only inline policy of an IAM role.

    Raises:
        ConfigurationError: If it is longer than AWS takes.
    """
    fix = "Serve the jurisdiction from fewer regions."
    return _fitting("policy", document(*statements), LONGEST_DOCUMENT_CHARACTERS, fix)


def trust_document(*statements: Statement) -> str:
    """Like :func:`document`, for what says who may take an IAM role.

    Raises:
        ConfigurationError: If it is longer than AWS takes.
    """
    fix = "Name fewer principals, or several by one pattern with *."
    return _fitting("trust policy", document(*statements), LONGEST_TRUST_CHARACTERS, fix)


def _fitting(what: str, text: str, longest: int, fix: str) -> str:
    if len(text) > longest:
        raise ConfigurationError(
            f"A role's {what} has {len(text)} characters; AWS takes {longest}. {fix}"
        )
    return text


def key_use(
    *,
    sid: str,
    region: str,
    key_pattern: str,
    alias: str,
    services: tuple[str, ...],
    actions: tuple[str, ...],
) -> Statement:
    """Allows the use of one key, named by its alias, through some services of its region.

    Args:
        sid: Of the statement.
        region: Where the key is.
        key_pattern: Every key of that region, from :func:`components.aws.arns.keys`.
        alias: ``alias/...`` of the one key meant.
        services: Short names, such as ``dynamodb``. Only on their behalf is the key used.
        actions: Of KMS, named in full.
    """
    return Statement(
        sid=sid,
        actions=actions,
        resources=(key_pattern,),
        conditions={
            "ForAnyValue:StringEquals": {"kms:ResourceAliases": (alias,)},
            "StringEquals": {
                "kms:ViaService": tuple(f"{name}.{region}.amazonaws.com" for name in services)
            },
        },
    )
