"""Edits that give permissions by way of groups, users, lists, and what AWS wrote."""

from typing import Final

from tests.policies.edits.documents import allow, document, restated, saying
from tests.policies.edits.iam_names import (
    ACCOUNT,
    AGENTS,
    AGENTS_ROLE,
    COPYING,
    GUARDED,
    MANAGED,
    STRANGER,
    TABLE,
)
from tests.policies.shipped import Edit, Harm, adding, setting, together


def _user(*others: Edit) -> Edit:
    return together(adding("aws:iam/user:User", "mallory", {"name": "mallory"}), *others)


HOLDER_EDITS: Final[tuple[Harm, ...]] = (
    Harm(
        name="a group is given tables",
        edit=adding(
            "aws:iam/groupPolicy:GroupPolicy",
            "ops",
            {"group": "ops", "policy": document(allow("dynamodb:*"))},
        ),
        rule=GUARDED,
        at="ops",
    ),
    Harm(
        name="a policy is attached to a group by a list",
        edit=together(
            adding(
                "aws:iam/policy:Policy",
                "all",
                {"name": "all", "policy": document(allow("dynamodb:PutItem", TABLE))},
            ),
            adding(
                "aws:iam/policyAttachment:PolicyAttachment",
                "to-ops",
                {"name": "a", "groups": ["ops"], "policyArn": f"arn:aws:iam::{ACCOUNT}:policy/all"},
            ),
        ),
        rule=GUARDED,
        at="all",
    ),
    Harm(
        name="a user is given a policy that AWS wrote",
        edit=_user(
            adding(
                "aws:iam/userPolicyAttachment:UserPolicyAttachment",
                "to-mallory",
                {"user": "mallory", "policyArn": f"{MANAGED}PowerUserAccess"},
            )
        ),
        rule=GUARDED,
        at="to-mallory",
    ),
    Harm(
        name="agents are given all policies of a list",
        edit=adding(
            "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
            "list",
            {"roleName": "holdfast-prod-eu-agents", "policyArns": [f"{MANAGED}IAMFullAccess"]},
        ),
        rule="identity-escalation",
        at="list",
    ),
    Harm(
        name="agents are given a policy that nobody read",
        edit=adding(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            "unread",
            {"role": "holdfast-prod-eu-agents", "policyArn": f"arn:aws:iam::{STRANGER}:policy/x"},
        ),
        rule="kill-switch-attached",
        at="unread",
    ),
    Harm(
        name="agents have a policy inside",
        edit=setting(
            AGENTS_ROLE,
            "inlinePolicies",
            [{"name": "x", "policy": document(allow("dynamodb:UpdateTable"))}],
        ),
        rule=GUARDED,
        at="eu-agents",
    ),
    Harm(
        name="agents are administrators",
        edit=setting(AGENTS_ROLE, "managedPolicyArns", [f"{MANAGED}AdministratorAccess"]),
        rule=GUARDED,
        at="eu-agents",
    ),
    Harm(
        name="what copies objects may write the flag",
        edit=saying(COPYING, allow("dynamodb:UpdateItem", TABLE)),
        rule=GUARDED,
        at="eu-store-replication",
    ),
    Harm(
        name="a guard holds for one item more",
        edit=restated(
            AGENTS,
            1,
            lambda s: {
                **s,
                "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["kill"]}},
            },
        ),
        rule=GUARDED,
        at="eu-agents",
    ),
    Harm(
        name="a guard is spelt wrong",
        edit=restated(
            AGENTS,
            1,
            lambda s: {
                **s,
                "Condition": {"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": ["Kill"]}},
            },
        ),
        rule=GUARDED,
        at="eu-agents",
    ),
    Harm(
        name="a guard leaves one action out",
        edit=restated(
            AGENTS, 1, lambda s: {**s, "Action": [a for a in s["Action"] if "PutItem" not in a]}
        ),
        rule=GUARDED,
        at="eu-agents",
    ),
    Harm(
        name="a user has a key that never ends",
        edit=_user(adding("aws:iam/accessKey:AccessKey", "key", {"user": "mallory"})),
        rule="environment-type-known",
        at="key",
    ),
    Harm(
        name="a user has a password",
        edit=_user(
            adding("aws:iam/userLoginProfile:UserLoginProfile", "password", {"user": "mallory"})
        ),
        rule="environment-type-known",
        at="password",
    ),
    Harm(
        name="a grant opens a key to somebody else",
        edit=adding(
            "aws:kms/grant:Grant",
            "grant",
            {
                "granteePrincipal": f"arn:aws:iam::{STRANGER}:root",
                "operations": ["Decrypt"],
                "keyId": "x",
                "region": "eu-west-1",
            },
        ),
        rule="environment-type-known",
        at="grant",
    ),
    Harm(
        name="a role of no jurisdiction reads data of two",
        edit=together(
            adding(
                "aws:iam/role:Role",
                "reporter",
                {
                    "name": "reporter",
                    "assumeRolePolicy": document(
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "ec2.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ),
                },
            ),
            adding(
                "aws:iam/rolePolicy:RolePolicy",
                "reports",
                {
                    "role": "reporter",
                    "policy": document(allow("s3:GetObject", "arn:aws:s3:::holdfast-prod-*/*")),
                },
            ),
        ),
        rule="residency-permission",
        at="reports",
    ),
    Harm(
        name="agents of the EU are said to be of the US",
        edit=setting(AGENTS_ROLE, "tags.holdfast:jurisdiction", "us"),
        rule="residency-permission",
        at="eu-agents",
    ),
)
