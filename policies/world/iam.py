"""Identities: roles and what they are allowed. Their documents are evaluated, not read."""

from typing import Final

from policies.world.kind import LABEL, TAGS, Kind, alike

_KNOWN_NAME: Final = "policies name it, so its name must be known: use `name`"

_GUARDED: Final = "kill-switch-guarded"
_ATTACHED: Final = "kill-switch-attached"
_INSIDE: Final = "kill-switch-guarded-inside"

ROLE: Final = Kind(
    type="aws:iam/role:Role",
    judged={
        "assumeRolePolicy": "identity-trust",
        "inlinePolicies[].policy": _INSIDE,
        "managedPolicyArns": _INSIDE,
        "name": "contract-roles",
        "permissionsBoundary": _GUARDED,
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
    judged=alike(_GUARDED, "policy", "role"),
    neutral=alike(LABEL, "name", "namePrefix"),
)

POLICY: Final = Kind(
    type="aws:iam/policy:Policy",
    judged={"policy": _GUARDED},
    neutral={
        "tags": TAGS,
        **alike(LABEL, "delayAfterPolicyCreationInMs", "description", "name", "path"),
    },
    refused={"namePrefix": _KNOWN_NAME},
)

USER: Final = Kind(
    type="aws:iam/user:User",
    judged={"permissionsBoundary": _GUARDED},
    neutral={
        "tags": TAGS,
        **alike(LABEL, "name", "path"),
        "forceDestroy": "how a deployment takes a user away",
    },
)

GROUP: Final = Kind(type="aws:iam/group:Group", neutral=alike(LABEL, "name", "path"))

USER_POLICY: Final = Kind(
    type="aws:iam/userPolicy:UserPolicy",
    judged=alike(_GUARDED, "policy", "user"),
    neutral=alike(LABEL, "name", "namePrefix"),
)

GROUP_POLICY: Final = Kind(
    type="aws:iam/groupPolicy:GroupPolicy",
    judged=alike(_GUARDED, "policy", "group"),
    neutral=alike(LABEL, "name", "namePrefix"),
)

GROUP_MEMBERSHIP: Final = Kind(
    type="aws:iam/groupMembership:GroupMembership",
    judged=alike(_GUARDED, "group", "users"),
    neutral=alike(LABEL, "name"),
)

USER_GROUP_MEMBERSHIP: Final = Kind(
    type="aws:iam/userGroupMembership:UserGroupMembership",
    judged=alike(_GUARDED, "groups", "user"),
)

POLICY_ATTACHMENT: Final = Kind(
    type="aws:iam/policyAttachment:PolicyAttachment",
    judged={"policyArn": _ATTACHED, **alike(_GUARDED, "groups", "roles", "users")},
    neutral=alike(LABEL, "name"),
)

ATTACHMENTS: Final = tuple(
    Kind(type=token, judged={arn: _ATTACHED, holder: _GUARDED})
    for token, arn, holder in (
        ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "policyArn", "role"),
        ("aws:iam/userPolicyAttachment:UserPolicyAttachment", "policyArn", "user"),
        ("aws:iam/groupPolicyAttachment:GroupPolicyAttachment", "policyArn", "group"),
        (
            "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
            "policyArns",
            "roleName",
        ),
        (
            "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive",
            "policyArns",
            "userName",
        ),
        (
            "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive",
            "policyArns",
            "groupName",
        ),
    )
)

ROLE_POLICIES_EXCLUSIVE: Final = Kind(
    type="aws:iam/rolePoliciesExclusive:RolePoliciesExclusive",
    judged={"roleName": "kill-switch-only-trips"},
    neutral={"policyNames": "it takes policies away and gives none"},
)

INSTANCE_PROFILE: Final = Kind(
    type="aws:iam/instanceProfile:InstanceProfile",
    neutral={
        "tags": TAGS,
        **alike(LABEL, "name", "namePrefix", "path"),
        "role": "what the role may do is judged, whoever runs with it; its trust says who can",
    },
)

OIDC_PROVIDER: Final = Kind(
    type="aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    neutral={
        "tags": TAGS,
        **alike(
            "trust in it asks for subject and audience",
            "clientIdLists",
            "thumbprintLists",
            "url",
        ),
    },
)

KINDS: Final = (
    ROLE,
    ROLE_POLICY,
    POLICY,
    USER,
    GROUP,
    USER_POLICY,
    GROUP_POLICY,
    GROUP_MEMBERSHIP,
    USER_GROUP_MEMBERSHIP,
    POLICY_ATTACHMENT,
    *ATTACHMENTS,
    ROLE_POLICIES_EXCLUSIVE,
    INSTANCE_PROFILE,
    OIDC_PROVIDER,
)
