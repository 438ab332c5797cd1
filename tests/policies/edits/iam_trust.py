"""Edits that let in others: to roles, and to what the stack owns."""

from typing import Any, Final

from tests.policies.edits.documents import allow, restated, saying
from tests.policies.edits.iam_names import (
    ACCOUNT,
    AGENTS_ROLE,
    AUD,
    BUCKET_POLICY,
    EU_AGENTS,
    KEY,
    ROOT,
    STRANGER,
    SWITCH_ROLE,
    TOPIC,
    US_AGENTS,
    WEB,
)
from tests.policies.shipped import Harm


def trusting(name: str, rule: str, role: str, **statement: Any) -> Harm:  # noqa: ANN401
    """Somebody else who may take a role."""
    one = {"Effect": "Allow", "Action": "sts:AssumeRole", **statement}
    edit = saying(role, one, at="assumeRolePolicy")
    return Harm(name=f"trust: {name}", edit=edit, rule=rule, at=role.rpartition("::")[2])


def opened(name: str, resource: str, **statement: Any) -> Harm:  # noqa: ANN401
    """Somebody outside of the account who may use a resource."""
    one = {"Effect": "Allow", "Resource": "*", **statement}
    return Harm(
        name=f"open: {name}",
        edit=saying(resource, one),
        rule="identity-open",
        at=resource.rpartition("::")[2],
    )


_OIDC: Final = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
TRUST_EDITS: Final[tuple[Harm, ...]] = (
    trusting(
        "a stranger",
        "identity-trust",
        AGENTS_ROLE,
        Principal={"AWS": f"arn:aws:iam::{STRANGER}:root"},
    ),
    trusting(
        "anybody who has an ARN",
        "identity-trust",
        AGENTS_ROLE,
        Principal="*",
        Condition={"StringLike": {"aws:PrincipalArn": "*"}},
    ),
    trusting(
        "anybody, if there is an account",
        "identity-trust",
        AGENTS_ROLE,
        Principal={"AWS": "*"},
        Condition={"StringEqualsIfExists": {"aws:PrincipalAccount": ACCOUNT}},
    ),
    trusting("everybody of the account", "identity-trust", AGENTS_ROLE, Principal={"AWS": ROOT}),
    trusting(
        "whoever pods belong to",
        "identity-trust",
        AGENTS_ROLE,
        Principal={"Service": "pods.eks.amazonaws.com"},
    ),
    trusting(
        "any workflow",
        "identity-trust",
        AGENTS_ROLE,
        Principal={"Federated": _OIDC},
        Action=WEB,
        Condition={"StringEquals": AUD},
    ),
    trusting(
        "any repository",
        "identity-trust",
        AGENTS_ROLE,
        Principal={"Federated": _OIDC},
        Action=WEB,
        Condition={
            "StringEquals": AUD,
            "StringLike": {"token.actions.githubusercontent.com:sub": "repo:*"},
        },
    ),
    trusting("all but one", "identity-trust", AGENTS_ROLE, NotPrincipal={"AWS": ROOT}),
    trusting("agents of the US", "identity-trust", AGENTS_ROLE, Principal={"AWS": US_AGENTS}),
    trusting(
        "agents, of the switch", "kill-switch-reachable", SWITCH_ROLE, Principal={"AWS": EU_AGENTS}
    ),
    trusting(
        "any role, of the switch",
        "kill-switch-reachable",
        SWITCH_ROLE,
        Principal={"AWS": ROOT},
        Condition={"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*"}},
    ),
    trusting(
        "nobody, of the switch", "kill-switch-reachable", SWITCH_ROLE, Effect="Deny", Principal="*"
    ),
)

OPEN_EDITS: Final[tuple[Harm, ...]] = (
    opened("a key to a stranger", KEY, Principal={"AWS": STRANGER}, Action="kms:Decrypt"),
    opened(
        "a key to whoever comes by a service",
        KEY,
        Principal="*",
        Action="kms:*",
        Condition={"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}},
    ),
    opened(
        "a key to a service of anybody",
        KEY,
        Principal={"Service": "sns.amazonaws.com"},
        Action="kms:Decrypt",
    ),
    opened("a bucket to everybody", BUCKET_POLICY, Principal="*", Action="s3:GetObject"),
    opened(
        "a bucket to an organization",
        BUCKET_POLICY,
        Principal={"AWS": "*"},
        Action="s3:*",
        Condition={"StringEquals": {"aws:PrincipalOrgID": "o-x"}},
    ),
    opened(
        "a bucket to all but one", BUCKET_POLICY, NotPrincipal={"AWS": ROOT}, Action="s3:PutObject"
    ),
    opened("a topic to whoever publishes", TOPIC, Principal={"AWS": "*"}, Action="sns:Publish"),
    opened(
        "a topic to whoever subscribes",
        TOPIC,
        Principal={"AWS": "*"},
        Action=["SNS:Subscribe"],
        Condition={"StringEqualsIfExists": {"aws:SourceOwner": ACCOUNT}},
    ),
    opened(
        "a topic to a stranger's bucket",
        TOPIC,
        Principal={"Service": "s3.amazonaws.com"},
        Action="sns:Publish",
        Condition={"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}},
    ),
    opened(
        "a key to roles of another jurisdiction",
        KEY,
        Principal={"AWS": US_AGENTS},
        Action="kms:Decrypt",
    ),
    opened(
        "a key to those who use it, to delete",
        KEY,
        Principal={"AWS": EU_AGENTS},
        Action="kms:ScheduleKeyDeletion",
    ),
    Harm(
        name="trust: pods of any account",
        edit=restated(
            AGENTS_ROLE,
            0,
            lambda said: {name: value for name, value in said.items() if name != "Condition"},
            at="assumeRolePolicy",
        ),
        rule="identity-trust",
        at="eu-agents",
    ),
    Harm(
        name="open: nobody, by a condition that is spelt wrong",
        edit=saying(TOPIC, {**allow("sns:Publish"), "Principal": "*", "Conditions": {}}),
        rule="identity-policies-known",
        at="eu-kill-switch-eu-west-1",
    ),
)
