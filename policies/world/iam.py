"""Identities: roles and what they are allowed. Their documents are evaluated, not read."""

from typing import Final

from policies.world.kind import LABEL, TAGS, Kind, alike

_KNOWN_NAME: Final = "policies name it, so its name must be known: use `name`"

ROLE: Final = Kind(
    type="aws:iam/role:Role",
    judged={
        "assumeRolePolicy": "kill-switch-reachable",
        "inlinePolicies[].policy": "kill-switch-guarded-inside",
        "managedPolicyArns": "kill-switch-guarded-inside",
        "name": "contract-roles",
        "permissionsBoundary": "kill-switch-plain",
    },
    neutral={
        "tags": TAGS,
        **alike(LABEL, "description", "inlinePolicies[].name", "path"),
        "maxSessionDuration": "who may assume a role may do so again",
        "forceDetachPolicies": "how a deployment takes a role away",
    },
    refused={"namePrefix": _KNOWN_NAME},
)

ROLE_POLICY: Final = Kind(
    type="aws:iam/rolePolicy:RolePolicy",
    judged={"policy": "kill-switch-guarded", "role": "kill-switch-guarded"},
    neutral=alike(LABEL, "name", "namePrefix"),
)

POLICY: Final = Kind(
    type="aws:iam/policy:Policy",
    judged={"policy": "kill-switch-guarded"},
    neutral={
        "tags": TAGS,
        **alike(LABEL, "delayAfterPolicyCreationInMs", "description", "name", "path"),
    },
    refused={"namePrefix": _KNOWN_NAME},
)

USER_POLICY: Final = Kind(
    type="aws:iam/userPolicy:UserPolicy",
    judged={"policy": "kill-switch-guarded"},
    neutral=alike(LABEL, "name", "namePrefix", "user"),
)

GROUP_POLICY: Final = Kind(
    type="aws:iam/groupPolicy:GroupPolicy",
    judged={"policy": "kill-switch-guarded"},
    neutral=alike(LABEL, "group", "name", "namePrefix"),
)

ROLE_ATTACHMENT: Final = Kind(
    type="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    judged={"policyArn": "kill-switch-attached", "role": "kill-switch-only-trips"},
)

ROLE_ATTACHMENTS_EXCLUSIVE: Final = Kind(
    type="aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
    judged={"policyArns": "kill-switch-attached", "roleName": "kill-switch-only-trips"},
)

POLICY_ATTACHMENT: Final = Kind(
    type="aws:iam/policyAttachment:PolicyAttachment",
    judged={"policyArn": "kill-switch-attached", "roles": "kill-switch-only-trips"},
    neutral=alike(LABEL, "groups", "name", "users"),
)

KINDS: Final = (
    ROLE,
    ROLE_POLICY,
    POLICY,
    USER_POLICY,
    GROUP_POLICY,
    ROLE_ATTACHMENT,
    ROLE_ATTACHMENTS_EXCLUSIVE,
    POLICY_ATTACHMENT,
)
