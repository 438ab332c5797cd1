"""Edits that take from the switch what it needs, or give its role more."""

from typing import Any, Final

from tests.policies.edits.documents import Statement, allow, restated, saying
from tests.policies.edits.iam_names import (
    BUCKET,
    EU_AGENTS,
    KEY,
    MANAGED,
    RESPONDER,
    SWITCH,
    SWITCH_ROLE,
)
from tests.policies.shipped import Edit, Harm, adding, setting


def hindered(name: str, edit: Edit, rule: str = "kill-switch-only-trips", at: str = "") -> Harm:
    """A switch that cannot be tripped, or that does more than to be tripped."""
    return Harm(name=f"switch: {name}", edit=edit, rule=rule, at=at or "eu-kill-switch")


def _conditioned(**conditions: Any) -> Edit:  # noqa: ANN401
    def more(statement: dict[str, Any]) -> Statement:
        return {**statement, "Condition": {**statement["Condition"], **conditions}}

    return restated(SWITCH, 1, more)


SWITCH_EDITS: Final[tuple[Harm, ...]] = (
    hindered("is denied", saying(SWITCH, {**allow("dynamodb:*"), "Effect": "Deny"})),
    hindered(
        "is denied where it is slow",
        saying(
            SWITCH,
            {
                **allow(
                    "dynamodb:UpdateItem",
                    Condition={"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}},
                ),
                "Effect": "Deny",
            },
        ),
    ),
    hindered(
        "is tripped from one place only", _conditioned(IpAddress={"aws:SourceIp": "192.0.2.0/24"})
    ),
    hindered(
        "is tripped before a day",
        _conditioned(DateLessThan={"aws:CurrentTime": "2020-01-01T00:00:00Z"}),
    ),
    hindered(
        "is tripped without its epoch",
        restated(
            SWITCH,
            1,
            lambda s: {
                **s,
                "Condition": {
                    **s["Condition"],
                    "ForAllValues:StringEquals": {
                        "dynamodb:LeadingKeys": ["kill"],
                        "dynamodb:Attributes": ["pk", "state"],
                    },
                },
            },
        ),
    ),
    hindered(
        "is tripped in one region",
        restated(SWITCH, 1, lambda s: {**s, "Resource": s["Resource"][:1]}),
    ),
    hindered(
        "has no key in one region",
        restated(
            SWITCH,
            3,
            lambda s: {
                **s,
                "Condition": {
                    **s["Condition"],
                    "ForAnyValue:StringEquals": {"kms:ResourceAliases": ["alias/other"]},
                },
            },
        ),
    ),
    hindered(
        "has a key of another service",
        restated(
            SWITCH,
            2,
            lambda s: {
                **s,
                "Condition": {
                    **s["Condition"],
                    "StringEquals": {"kms:ViaService": ["s3.eu-west-1.amazonaws.com"]},
                },
            },
        ),
    ),
    hindered(
        "writes every item",
        restated(SWITCH, 1, lambda s: {k: v for k, v in s.items() if k != "Condition"}),
    ),
    hindered(
        "deletes the flag",
        restated(
            SWITCH, 1, lambda s: {**s, "Action": ["dynamodb:UpdateItem", "dynamodb:DeleteItem"]}
        ),
    ),
    hindered("reads objects", saying(SWITCH, allow("s3:GetObject", f"{BUCKET}/*"))),
    hindered(
        "is shut out by its key",
        saying(KEY, {**allow("kms:Decrypt"), "Effect": "Deny", "Principal": {"AWS": RESPONDER}}),
        at="eu-keys-eu-west-1",
    ),
    hindered(
        "is not let in by its key",
        restated(KEY, 1, lambda s: {**s, "Principal": {"AWS": EU_AGENTS}}),
        at="eu-keys-eu-west-1",
    ),
    hindered(
        "has a boundary",
        setting(SWITCH_ROLE, "permissionsBoundary", f"{MANAGED}ReadOnlyAccess"),
        "kill-switch-plain",
    ),
    hindered(
        "loses its policy to a list",
        adding(
            "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive",
            "list",
            {"roleName": "holdfast-prod-eu-kill-switch", "policyNames": []},
        ),
        at="list",
    ),
    hindered(
        "is given more",
        adding(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            "more",
            {
                "role": "holdfast-prod-eu-kill-switch",
                "policyArn": f"{MANAGED}CloudWatchAgentServerPolicy",
            },
        ),
        at="more",
    ),
)
