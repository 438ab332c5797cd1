"""Stacks with one value that nobody can know yet: the rule that needs it, and where it stands."""

from holdfast.graph import UNKNOWN, Value
from policies.checklist.disaster_recovery.alarms import HEALTH_CHECK
from policies.core.kinds import (
    POLICY_ATTACHMENT,
    ROLE_ATTACHMENT,
)
from tests.policies.changes import (
    ABSENT,
    TAG,
    attached,
    leading_to,
    model,
    two_destinations,
    unlinked,
)
from tests.policies.specs import (
    Spec,
    changed,
)

UNKNOWN_ROLES: list[tuple[str, str, Value]] = [
    (ROLE_ATTACHMENT, "role", UNKNOWN),
    (POLICY_ATTACHMENT, "roles", UNKNOWN),
    (POLICY_ATTACHMENT, "roles", ["p-eu-agents", UNKNOWN]),
]

UNDETERMINED: list[tuple[str, dict[str, Spec], str]] = [
    ("residency-tag", changed("secret", TAG, UNKNOWN), "tags.holdfast:jurisdiction"),
    ("residency-tag", changed("secret", "tags", UNKNOWN), "tags"),
    ("residency-region", changed("secret", "region", UNKNOWN), "region"),
    ("residency-region", changed("secret", "region", ABSENT), "region"),
    (
        "residency-replica",
        changed("coordination", "replicas.0.regionName", UNKNOWN),
        "replicas[0].regionName",
    ),
    (
        "residency-replica",
        changed("coordination", "replicas.0.regionName", ABSENT),
        "replicas[0].regionName",
    ),
    (
        "residency-bucket-replication",
        changed("replication-eu-west-1", "rules.0.destination", ABSENT),
        "rules[0].destination",
    ),
    ("residency-replica", changed("coordination", "replicas", UNKNOWN), "replicas"),
    ("residency-replica", changed("coordination", "globalTableWitness", UNKNOWN), "globalTable"),
    (
        "residency-bucket-replication",
        unlinked("replication-eu-west-1", "rules.0.destination.bucket", "rules"),
        "rules",
    ),
    ("residency-endpoint", leading_to(UNKNOWN), "serviceRegion"),
    ("residency-keys", changed("secret", "tags", UNKNOWN), "tags"),
    ("residency-keys", unlinked("key-other", "primaryKeyArn", "primaryKeyArn"), "primaryKeyArn"),
    ("residency-key-copies", changed("key-home", "policy", UNKNOWN), "policy"),
    ("residency-key-copies", changed("key-home", "multiRegion", UNKNOWN), "multiRegion"),
    ("residency-subscription", changed("subscription-eu-west-1", "endpoint", UNKNOWN), "endpoint"),
    ("residency-hostname", changed("record-eu-west-1", "name", UNKNOWN), "name"),
    (
        "residency-bucket-replication",
        two_destinations("bucket-eu-central-1"),
        "rules[1].destination.bucket",
    ),
    ("residency-keys", unlinked("encryption-eu-west-1", "bucket", "bucket"), "bucket"),
    ("residency-inference", model(UNKNOWN), "foundationModel"),
    (
        "residency-inference",
        model("a.b", modelSource={"copyFrom": UNKNOWN}),
        "modelSource.copyFrom",
    ),
    (
        "residency-inference",
        model("a.b", variants=[{"modelId": UNKNOWN}]),
        "variants[0].modelId",
    ),
    ("kill-switch-plain", changed("switch", "tags", UNKNOWN), "tags"),
    *(("kill-switch-guarded", attached(token, at, to), at) for token, at, to in UNKNOWN_ROLES),
    ("environment-property-known", changed("coordination", "replicas", UNKNOWN), "replicas"),
    ("kill-switch-only-trips", changed("switch-policy", "policy", ABSENT), "policy"),
    ("identity-policies-known", changed("key-home", "policy", UNKNOWN), "policy"),
    ("identity-trust", changed("agents", "assumeRolePolicy", UNKNOWN), "assumeRolePolicy"),
    ("kill-switch-present", changed("flag", "item", UNKNOWN), "item"),
    ("kill-switch-present", changed("flag", "item", "{"), "item"),
    ("kill-switch-present", changed("flag", "item", ABSENT), "item"),
    ("kill-switch-present", changed("flag", "hashKey", ABSENT), "hashKey"),
    ("kill-switch-reachable", changed("switch", "assumeRolePolicy", ABSENT), "assumeRolePolicy"),
    ("kill-switch-reachable", changed("switch", "assumeRolePolicy", UNKNOWN), "assumeRolePolicy"),
    ("kill-switch-reachable", changed("switch", "tags", UNKNOWN), "tags"),
    ("kill-switch-reachable", changed("agents", "name", ABSENT), "name"),
    ("kill-switch-only-trips", changed("switch-policy", "policy", UNKNOWN), "policy"),
    ("kill-switch-only-trips", changed("switch-policy", "policy", "x"), "policy"),
    ("kill-switch-guarded", changed("agents-policy", "policy", UNKNOWN), "policy"),
    ("kill-switch-guarded", changed("agents-policy", "role", UNKNOWN), "role"),
    ("kill-switch-guarded", attached(ROLE_ATTACHMENT, "role", "p-eu-agents", UNKNOWN), "policyArn"),
    (
        "kill-switch-guarded-inside",
        changed("agents", "managedPolicyArns", [UNKNOWN]),
        "managedPolicyArns[0]",
    ),
    (
        "kill-switch-guarded-inside",
        changed("agents", "inlinePolicies", [{"policy": UNKNOWN}]),
        "inlinePolicies[0].policy",
    ),
    ("key-enabled", changed("key-home", "isEnabled", UNKNOWN), "isEnabled"),
    ("kill-switch-final", changed("flag", "item", UNKNOWN), "item"),
    ("kill-switch-announced", changed("topic-eu-west-1", "policy", UNKNOWN), "policy"),
    ("kill-switch-announced", unlinked("topic-eu-west-1", "kmsMasterKeyId", "kmsMasterKeyId"), "k"),
    ("kill-switch-announced", changed("key-home", "policy", ABSENT), "policy"),
    ("kill-switch-alarm", changed("alarm-eu-west-1", "threshold", UNKNOWN), "threshold"),
    ("kill-switch-alarm", changed("alarm-eu-west-1", "dimensions", UNKNOWN), "dimensions"),
    ("kill-switch-alarm", unlinked("alarm-eu-west-1", "alarmActions", "alarmActions"), "alarmA"),
    ("disaster-recovery-records-late", changed("coordination", "replicas", UNKNOWN), "replicas"),
    ("disaster-recovery-objects-lost", changed("lost-eu-west-1", "threshold", UNKNOWN), "thresh"),
    (
        "disaster-recovery-copies-measured",
        changed("replication-eu-west-1", "rules.0.destination.metrics", UNKNOWN),
        "rules[0].destination.metrics",
    ),
    (
        "disaster-recovery-region-left",
        {**changed("lost-eu-west-1", "region", UNKNOWN), "check": Spec(HEALTH_CHECK, {})},
        "region",
    ),
    (
        "observability-throttled",
        changed("throttled-Read-eu-west-1", "period", UNKNOWN),
        "period",
    ),
    *(
        (rule, changed("contract", f"platform.{path}", UNKNOWN), f"platform.{path}")
        for rule, path in (
            ("environment-matrix", "agents.approvals"),
            ("environment-matrix", "agents"),
            ("cost-limits-budget", "monthly_budget_usd"),
            ("disaster-recovery-objectives", "objectives.rto_s"),
            ("rollback-in-time", "objectives.rollback_s"),
            ("kill-switch-in-time", "objectives.kill_s"),
        )
    ),
    ("cost-limits-budget", changed("budget", "limitAmount", UNKNOWN), "limitAmount"),
    ("observability-alarm-apart", changed("lost-eu-west-1", "name", UNKNOWN), "name"),
    ("observability-alarm-acts", changed("lost-eu-west-1", "metricName", UNKNOWN), "metricName"),
    ("observability-announced", changed("topic-eu-west-1", "policy", UNKNOWN), "policy"),
    (
        "observability-subscribed",
        unlinked("lost-eu-west-1", "alarmActions", "alarmActions"),
        "alarmActions",
    ),
    ("kill-switch-subscribed", unlinked("subscription-eu-west-1", "topic", "topic"), "topic"),
    ("table-replicated", changed("coordination", "replicas", UNKNOWN), "replicas"),
    *(
        (rule, changed("coordination", "replicas.0.regionName", ABSENT), "replicas[0].regionName")
        for rule in ("table-replicated", "table-encrypted")
    ),
    (
        "table-recoverable",
        changed("coordination", "pointInTimeRecovery.enabled", UNKNOWN),
        "pointInTimeRecovery.enabled",
    ),
    (
        "table-deletion-protected",
        changed("coordination", "deletionProtectionEnabled", UNKNOWN),
        "deletionProtectionEnabled",
    ),
    (
        "table-encrypted",
        unlinked("coordination", "serverSideEncryption.kmsKeyArn", "serverSideEncryption"),
        "serverSideEncryption.kmsKeyArn",
    ),
    (
        "coordination-strong",
        changed("coordination", "replicas.0.consistencyMode", UNKNOWN),
        "replicas[0].consistencyMode",
    ),
    (
        "bucket-versioned",
        changed("versioning-eu-west-1", "versioningConfiguration.status", UNKNOWN),
        "versioningConfiguration.status",
    ),
    ("bucket-versioned", unlinked("versioning-eu-west-1", "bucket", "bucket"), "bucket"),
    (
        "key-deletion-protected",
        changed("key-home", "tags.holdfast:environment", UNKNOWN),
        "tags.holdfast:environment",
    ),
    (
        "bucket-versions-kept",
        changed(
            "lifecycle-eu-west-1", "rules.0.noncurrentVersionExpiration.noncurrentDays", UNKNOWN
        ),
        "rules[0].noncurrentVersionExpiration.noncurrentDays",
    ),
    (
        "environment-named",
        changed("secret", "tags.holdfast:environment", UNKNOWN),
        "tags.holdfast:environment",
    ),
    ("bucket-replicated", changed("replication-eu-west-1", "rules", UNKNOWN), "rules"),
    ("bucket-encrypted", changed("encryption-eu-west-1", "rules", UNKNOWN), "rules"),
    ("bucket-deletion-protected", changed("bucket-eu-west-1", "forceDestroy", UNKNOWN), "forceD"),
]
