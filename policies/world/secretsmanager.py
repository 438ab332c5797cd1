"""Secrets, and what stands in them."""

from typing import Final

from policies.world.kind import ANSWER, ELSEWHERE, LABEL, SETTING, TAGS, Kind, alike

SECRET: Final = Kind(
    type="aws:secretsmanager/secret:Secret",
    judged={
        "kmsKeyId": "secret-encrypted",
        "recoveryWindowInDays": "secret-recoverable",
        "region": "residency-region",
        "replicas[].kmsKeyId": "secret-encrypted",
        "replicas[].region": "residency-replica",
    },
    neutral={
        "tags": TAGS,
        **alike(LABEL, "description", "name", "type"),
    },
    refused={
        "forceOverwriteReplicaSecret": "it would overwrite a secret of somebody else: leave it out",
        "namePrefix": "agents are allowed secrets by name, which must be known: use `name`",
        "policy": f"{ELSEWHERE}: use a SecretPolicy",
        **alike(
            ANSWER, "replicas[].lastAccessedDate", "replicas[].status", "replicas[].statusMessage"
        ),
    },
)

SECRET_VERSION: Final = Kind(
    type="aws:secretsmanager/secretVersion:SecretVersion",
    judged={"secretId": "limiter-authenticated"},
    neutral={
        "region": SETTING,
        **alike("a secret's own value", "secretBinary", "secretString", "secretStringWo"),
        "secretStringWoVersion": "a count of the values written",
    },
    refused={"versionStages": "clients read the current version: leave it out"},
    ignorable={"secretString": "the first draw of a token is kept, and each run draws one"},
)

KINDS: Final = (SECRET, SECRET_VERSION)
