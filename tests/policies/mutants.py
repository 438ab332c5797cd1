"""Stacks with one mistake: the rule that finds it, where, and what it says."""

from policies.core.kinds import POLICY
from tests.policies.changes import (
    ABSENT,
    AWS_MANAGED_KEY,
    DEFAULT_KEY,
    MODEL_CALL,
    PROFILES,
    TAG,
    agents_may,
    bucket_abroad,
    calls,
    copied_from,
    copied_where,
    copies_encrypted_with,
    foreign_bucket,
    leading_to,
    led_by_alias,
    left_as_it_is,
    model,
    relinked,
    unprotected,
    with_new,
)
from tests.policies.specs import (
    ACCOUNT,
    Spec,
    changed,
    document,
    tags,
    use_statement,
    without,
)
from tests.policies.switch_mutants import SWITCH_MUTANTS

MUTANTS: list[tuple[str, dict[str, Spec], str, str]] = [
    ("residency-tag", changed("coordination", TAG, ABSENT), "coordination", "is missing"),
    ("residency-tag", changed("secret", TAG, "mars"), "secret", "'mars'"),
    ("residency-region", changed("coordination", "region", "us-east-1"), "coordination", "us-east"),
    ("residency-region", changed("secret", "region", "eu-west-2"), "secret", "eu-west-2"),
    ("residency-region", changed("key-other", "region", "eu-central-2"), "key-other", "central-2"),
    (
        "residency-replica",
        changed("coordination", "replicas.0.regionName", "us-west-2"),
        "coordination",
        "a replica lies in us-west-2",
    ),
    (
        "residency-replica",
        changed("coordination", "globalTableWitness.regionName", "eu-west-2"),
        "coordination",
        "the witness lies in eu-west-2",
    ),
    (
        "residency-replica",
        changed("secret", "replicas", [{"region": "us-east-1"}]),
        "secret",
        "a replica lies in us-east-1",
    ),
    (
        "residency-bucket-replication",
        foreign_bucket(),
        "replication-eu-west-1",
        "belongs to us",
    ),
    (
        "residency-bucket-replication",
        changed("replication-eu-west-1", "rules.0.destination.bucket", "arn:aws:s3:::elsewhere"),
        "replication-eu-west-1",
        "not in this stack",
    ),
    (
        "residency-bucket-replication",
        changed("replication-eu-west-1", "bucket", "elsewhere"),
        "replication-eu-west-1",
        "not in this stack",
    ),
    (
        "residency-bucket-replication",
        changed("bucket-eu-west-1", TAG, ABSENT),
        "replication-eu-west-1",
        "belongs to None",
    ),
    ("residency-keys", changed("key-home", TAG, "us"), "coordination", "belongs to us"),
    ("residency-keys", changed("key-other", TAG, ABSENT), "key-other", "belongs to eu"),
    ("residency-keys", changed("topic-eu-west-1", TAG, ABSENT), "topic-eu-w", "belongs to eu"),
    ("residency-keys", copied_from("us-east-1"), "key-other", "it copies a key of us-east-1"),
    ("residency-keys", copied_from("eu-west-1", None), "key-other", "data of no jurisdiction"),
    ("residency-region", changed("balancer-eu-west-1", "region", "us-east-1"), "bal", "us-east-1"),
    *(
        ("residency-key-copies", copied_where(name, condition), name, f"copied to {where}")
        for name, condition, where in (
            ("key-home", None, "any region"),
            ("key-other", None, "any region"),
            ("key-home", ("StringEquals", "eu-west-2"), "eu-west-2"),
            ("key-home", ("StringNotEquals", "us-east-1"), "any region"),
        )
    ),
    (
        "residency-subscription",
        changed("subscription-eu-west-1", "endpoint", f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"),
        "subscription-eu-west-1",
        "is told what topic-eu-west-1 says",
    ),
    (
        "residency-hostname",
        changed("balancer-eu-west-1", TAG, "us"),
        "record-eu-west-1",
        "leads to balancer-eu-west-1 of us, and elsewhere to eu",
    ),
    (
        "residency-hostname",
        led_by_alias("us"),
        "record-eu-west-1",
        "leads to balancer-eu-west-1 of us",
    ),
    *(
        (
            "residency-permission",
            agents_may(use_statement(), {**use_statement(), "Resource": arn}),
            "agents-policy",
            "may use .* in ",
        )
        for arn in (
            f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/p-us-state",
            f"arn:aws:dynamodb:*:{ACCOUNT}:table/p-eu-state",
        )
    ),
    (
        "residency-permission",
        bucket_abroad("arn:aws:s3:::b-eu-west-1/*"),
        "agents-policy",
        "may use .*b-eu-west-1/\\*",
    ),
    ("residency-keys", changed("key-home", TAG, ABSENT), "key-other", "no jurisdiction"),
    (
        "environment-type-known",
        with_new("aws:dynamodb/tableReplica:TableReplica"),
        "new",
        "no table knows",
    ),
    (
        "environment-type-known",
        with_new("aws:dynamodb/globalTable:GlobalTable"),
        "new",
        "no table knows",
    ),
    *(
        ("environment-type-known", with_new(f"aws:{token}"), "new", "no table knows")
        for token in (
            "dynamodb/globalTable:GlobalTable",
            "dynamodb/tableReplica:TableReplica",
            "rds/instance:Instance",
            "route53/resolverQueryLogConfig:ResolverQueryLogConfig",
            "s3/bucketV2:BucketV2",
        )
    ),
    ("residency-region", model("anthropic.claude-x", region="us-east-1"), "agent", "us-east-1"),
    (
        "environment-property-known",
        changed("bucket-eu-west-1", "acl", "public-read"),
        "bucket-eu-west-1",
        "acl is given",
    ),
    (
        "environment-property-known",
        changed("coordination", "brandNew", {"size": 1}),
        "coordination",
        "undetermined: no rule knows brandNew of a Table",
    ),
    (
        "environment-property-known",
        changed("coordination", "replicas.0.brandNew", value=True),
        "coordination",
        r"replicas\[0\].brandNew: undetermined",
    ),
    (
        "environment-property-known",
        changed("coordination", "importTable", {"inputFormat": "CSV"}),
        "coordination",
        "importTable is given",
    ),
    ("environment-property-known", left_as_it_is("coordination", "tags"), "coordination", "leaves"),
    ("residency-endpoint", leading_to("us-east-1"), "endpoint", "from eu-west-1 to us-east-1"),
    ("residency-endpoint", leading_to("eu-west-2"), "endpoint", "from eu-west-1 to eu-west-2"),
    (
        "residency-keys",
        copies_encrypted_with("key-other", "us"),
        "replication-eu-west-1",
        "key-other belongs to us",
    ),
    ("residency-inference", model("global.anthropic.claude-x"), "agent", "`global.`"),
    ("residency-inference", model("ca.anthropic.claude-x"), "agent", "`ca.`"),
    ("residency-inference", model("us.anthropic.claude-x"), "agent", "`us.`"),
    (
        "residency-inference",
        model("anthropic.claude-x", tags=tags("agents", None)),
        "agent",
        "is missing",
    ),
    *(
        ("residency-inference-permission", calls(resource), "agents-policy", "may call models by")
        for resource in (
            "*",
            f"{PROFILES}*",
            f"{PROFILES}global.a.b",
            f"{PROFILES}*anthropic.claude-x",
            f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:*",
            "arn:aws:bedrock:*::foundation-model/a.b",
            "arn:aws:bedrock:us-east-1::foundation-model/a.b",
            "arn:aws:bedrock:::foundation-model/a.b",
        )
    ),
    *(
        (rule, calls("*", **{key: action}), "agents-p", found)
        for rule, key, action, found in (
            (
                "residency-inference-permission",
                "Action",
                "BEDROCK:invokeM*",
                "may call models by",
            ),
            ("kill-switch-guarded", "Action", "*", "the item 'kill'"),
            ("kill-switch-guarded", "NotAction", "s3:*", "the item 'kill'"),
        )
    ),
    (
        "residency-inference-permission",
        calls(None, NotResource=f"{PROFILES}global.a.b"),
        "agents-policy",
        "may call models by \\*",
    ),
    (
        "residency-inference-permission",
        {"policy": Spec(POLICY, {"policy": document(MODEL_CALL)})},
        "policy",
        "no jurisdiction is named",
    ),
    (
        "residency-inference-permission",
        changed("agents", "inlinePolicies", [{"policy": document(MODEL_CALL)}]),
        "agents",
        "may call models by",
    ),
    *SWITCH_MUTANTS,
    ("table-replicated", changed("coordination", "replicas", []), "coordination", "only"),
    (
        "table-replicated",
        changed("coordination", "replicas.0.regionName", "eu-west-1"),
        "coordination",
        "only",
    ),
    (
        "table-recoverable",
        changed("coordination", "pointInTimeRecovery.enabled", value=False),
        "coordination",
        "off in eu-west-1",
    ),
    ("table-recoverable", changed("coordination", "pointInTimeRecovery", ABSENT), "c", "eu-west-1"),
    (
        "table-recoverable",
        changed("coordination", "replicas.0.pointInTimeRecovery", value=False),
        "coordination",
        "off in eu-central-1",
    ),
    (
        "table-deletion-protected",
        changed("coordination", "deletionProtectionEnabled", ABSENT),
        "coordination",
        "off in eu-west-1",
    ),
    (
        "table-deletion-protected",
        changed("coordination", "replicas.0.deletionProtectionEnabled", value=False),
        "coordination",
        "off in eu-central-1",
    ),
    ("table-deletion-protected", unprotected("coordination"), "coordination", "`protect` is off"),
    (
        "table-encrypted",
        changed("coordination", "serverSideEncryption", ABSENT),
        "coordination",
        "managed key of eu-west-1",
    ),
    (
        "table-encrypted",
        changed("coordination", "replicas.0.kmsKeyArn", ABSENT),
        "coordination",
        "managed key of eu-central-1",
    ),
    *(
        (
            "table-encrypted",
            changed("coordination", "serverSideEncryption.kmsKeyArn", arn),
            "coordination",
            "managed key of eu-west-1",
        )
        for arn in (f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k", AWS_MANAGED_KEY)
    ),
    *(
        ("bucket-encrypted", changed("encryption-eu-west-1", DEFAULT_KEY, arn), "b", "managed key")
        for arn in (f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k", AWS_MANAGED_KEY, "alias/aws/s3")
    ),
    (
        "table-encrypted",
        relinked("coordination", "replicas", "key-home"),
        "coordination",
        "managed key of eu-central-1",
    ),
    (
        "coordination-strong",
        changed("coordination", "replicas.0.consistencyMode", "EVENTUAL"),
        "coordination",
        "EVENTUAL",
    ),
    (
        "coordination-strong",
        changed("coordination", "replicas.0.consistencyMode", ABSENT),
        "coordination",
        "EVENTUAL",
    ),
    (
        "coordination-strong",
        changed("coordination", "globalTableWitness", ABSENT),
        "coordination",
        "2 votes",
    ),
    *(
        (rule, changed(name, path, days), where, f"{days} days")
        for rule, name, path, days, where in (
            (
                "table-recoverable",
                "coordination",
                "pointInTimeRecovery.recoveryPeriodInDays",
                6,
                "c",
            ),
            ("key-deletion-protected", "key-other", "deletionWindowInDays", 29, "key-other"),
            (
                "bucket-versions-kept",
                "lifecycle-eu-west-1",
                "rules.0.noncurrentVersionExpiration.noncurrentDays",
                29,
                "bucket-eu-west-1",
            ),
        )
    ),
    (
        "environment-named",
        changed("coordination", "tags.holdfast:environment", "dev"),
        "coordination",
        "is dev, and that of the others prod",
    ),
    ("key-enabled", changed("key-home", "isEnabled", value=False), "key-home", "is disabled"),
    ("key-enabled", changed("key-other", "enabled", value=False), "key-other", "is disabled"),
    ("key-deletion-protected", unprotected("key-home"), "key-home", "`protect` is off"),
    ("key-deletion-protected", unprotected("key-other"), "key-other", "`protect` is off"),
    (
        "table-encrypted",
        changed("coordination", "serverSideEncryption.enabled", value=False),
        "coordination",
        "managed key of eu-west-1",
    ),
    (
        "coordination-strong",
        changed("coordination", "globalTableWitness", {}),
        "coordination",
        "3 votes \\(,",
    ),
    ("bucket-versioned", without("versioning-eu-west-1"), "bucket-eu-west-1", "not enabled"),
    (
        "bucket-versioned",
        changed("versioning-eu-west-1", "versioningConfiguration.status", "Suspended"),
        "bucket-eu-west-1",
        "not enabled",
    ),
    (
        "bucket-versioned",
        changed("versioning-eu-west-1", "versioningConfiguration", ABSENT),
        "bucket-eu-west-1",
        "not enabled",
    ),
    (
        "bucket-encrypted",
        changed("encryption-eu-west-1", "rules.0", {"bucketKeyEnabled": True}),
        "bucket-eu-west-1",
        "managed key",
    ),
    (
        "bucket-encrypted",
        changed(
            "encryption-eu-west-1", DEFAULT_KEY.replace("kmsMasterKeyId", "sseAlgorithm"), "AES256"
        ),
        "bucket-eu-west-1",
        "managed key",
    ),
    ("bucket-replicated", without("replication-eu-west-1"), "bucket-eu-west-1", "only"),
    (
        "bucket-replicated",
        changed("replication-eu-west-1", "rules.0.status", "Disabled"),
        "bucket-eu-west-1",
        "only",
    ),
    (
        "bucket-replicated",
        relinked("replication-eu-west-1", "rules", "bucket-eu-west-1"),
        "bucket-eu-west-1",
        "only",
    ),
    *(
        ("bucket-replicated", changed("replication-eu-west-1", path, value), "bucket-eu-w", out)
        for path, value, out in (
            ("rules.0.filter.prefix", "tmp/", "leaves out what its filter"),
            ("rules.0.prefix", "tmp/", "leaves out what its filter"),
            ("rules.0.filter", {"tag": {"key": "k", "value": "v"}}, "leaves out what its filter"),
            ("rules.0.filter", {"and": {"prefix": "tmp/"}}, "leaves out what its filter"),
            ("rules.0.deleteMarkerReplication", ABSENT, "leaves out deletions"),
            ("rules.0.deleteMarkerReplication.status", "Disabled", "leaves out deletions"),
            ("rules.0.sourceSelectionCriteria", ABSENT, "leaves out what a key"),
            (
                "rules.0.sourceSelectionCriteria.sseKmsEncryptedObjects.status",
                "Disabled",
                "leaves out what a key",
            ),
            ("rules.0.destination.encryptionConfiguration", ABSENT, "leaves out what a key"),
        )
    ),
    ("bucket-encrypted", without("encryption-eu-west-1"), "bucket-eu-west-1", "managed key"),
    (
        "bucket-encrypted",
        relinked("encryption-eu-west-1", "rules", "key-other"),
        "bucket-eu-west-1",
        "managed key",
    ),
    (
        "bucket-deletion-protected",
        changed("bucket-eu-west-1", "forceDestroy", value=True),
        "bucket-eu-west-1",
        "forceDestroy",
    ),
    ("bucket-deletion-protected", unprotected("bucket-eu-west-1"), "bucket-eu-west-1", "protect"),
]
