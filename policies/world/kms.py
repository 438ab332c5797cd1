"""Keys and their names."""

from typing import Final

from policies.world.kind import LABEL, TAGS, Kind, alike

_LOCKOUT: Final = "a policy that nobody could change again would be accepted: leave it out"
_OUTSIDE: Final = "key material outside of AWS KMS is lost where no rule can see it: leave it out"
_SHAPE: Final = "data is encrypted with a symmetric key of AWS KMS: leave it out"

KEY: Final = Kind(
    type="aws:kms/key:Key",
    judged={
        "deletionWindowInDays": "key-deletion-protected",
        "enableKeyRotation": "key-rotated",
        "isEnabled": "key-enabled",
        "multiRegion": "residency-key-copies",
        "policy": "residency-key-copies",
        "region": "residency-region",
        "rotationPeriodInDays": "key-rotated",
    },
    neutral={"description": LABEL, "tags": TAGS},
    refused={
        "bypassPolicyLockoutSafetyCheck": _LOCKOUT,
        **alike(_OUTSIDE, "customKeyStoreId", "xksKeyId"),
        **alike(_SHAPE, "customerMasterKeySpec", "keyUsage"),
    },
)

REPLICA_KEY: Final = Kind(
    type="aws:kms/replicaKey:ReplicaKey",
    judged={
        "deletionWindowInDays": "key-deletion-protected",
        "enabled": "key-enabled",
        "policy": "residency-key-copies",
        "primaryKeyArn": "residency-keys",
        "region": "residency-region",
    },
    neutral={"description": LABEL, "tags": TAGS},
    refused={"bypassPolicyLockoutSafetyCheck": _LOCKOUT},
)

ALIAS: Final = Kind(
    type="aws:kms/alias:Alias",
    judged=alike("key-named", "name", "region", "targetKeyId"),
    refused={"namePrefix": "permissions name keys by their alias, which must be known: use `name`"},
)

KINDS: Final = (KEY, REPLICA_KEY, ALIAS)
