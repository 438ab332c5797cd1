"""Checklist item: state is replicated, and comes back after a mistake or the loss of a region.

Deletion protection, and the engine's own ``protect``, are asked for in staging and in
production; a development stack that nobody could take down again would cost more than it saves.
"""

from collections.abc import Iterator
from typing import Final

from holdfast.contract import Environment
from policies.checklist.residency.stores import destinations_of
from policies.core.arns import region_of
from policies.core.kinds import (
    BUCKET,
    BUCKET_ENCRYPTION,
    BUCKET_LIFECYCLE,
    BUCKET_REPLICATION,
    BUCKET_VERSIONING,
    DATA,
    KEYS,
    REPLACEABLE,
    TABLE,
)
from policies.core.properties import Properties, Undetermined
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
    stack_rule,
    whole_rule,
)
from policies.core.subjects import ENVIRONMENT_TAG, Resource, Stack

_FRAMEWORKS: Final = ("SOC 2 A1.2", "ISO 27001 A.8.13")
_LASTING: Final = frozenset({Environment.STAGING, Environment.PROD})
COORDINATION: Final = "coordination-store"
"""Component tag of the table that decides who may act."""

_RECOVERY_DAYS: Final = 7
_VERSION_DAYS: Final = 30
_KEY_DAYS: Final = 30
"""How long production can go back: a mistake of one weekend is seen on the next, and who deletes a
key has not always seen what it opens."""

VOTES: Final = 3
"""Regions of a strongly consistent table, the witness included. AWS allows no other number."""


@resource_rule(
    id="state-judged",
    item=ChecklistItem.RECOVERABILITY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=tuple(sorted(set(DATA) - {BUCKET, TABLE, *REPLACEABLE})),
)
def state_is_of_a_kind_whose_recovery_is_judged(resource: Resource) -> Iterator[Violation]:
    """A lasting store is of a kind of which rules tell whether it comes back."""
    if _is_lasting(resource):
        yield Violation(
            found=f"no rule tells whether a {resource.type} survives the loss of its region",
            rule="lasting state is replicated and can be brought back",
            fix="keep it in a table or a bucket, or write rules for this type",
        )


@resource_rule(
    id="table-replicated",
    item=ChecklistItem.RECOVERABILITY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(TABLE,),
)
def tables_survive_the_loss_of_a_region(table: Resource) -> Iterator[Violation]:
    """A table has a replica in another region."""
    others = set(replica_regions(table)) - {table.region}
    if not others:
        yield Violation(
            found=f"the table exists in {table.region} only",
            rule="losing one region loses no table",
            fix="add a replica in another region of the jurisdiction",
            at="replicas",
        )


@resource_rule(
    id="table-recoverable",
    item=ChecklistItem.RECOVERABILITY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(TABLE,),
)
def tables_can_go_back_in_time(table: Resource) -> Iterator[Violation]:
    """Point-in-time recovery is on in every region of a table, and goes back far enough."""
    recovery = table.properties.object("pointInTimeRecovery")
    if recovery is None or recovery.flag("enabled") is not True:
        yield _off("point-in-time recovery", table.region, "pointInTimeRecovery.enabled")
    else:
        yield from _too_short(table, recovery, "recoveryPeriodInDays", _RECOVERY_DAYS)
    for replica in table.properties.objects("replicas"):
        if replica.flag("pointInTimeRecovery") is not True:
            region = replica.text("regionName") or "a replica"
            yield _off("point-in-time recovery", region, replica.at("pointInTimeRecovery"))


@resource_rule(
    id="table-deletion-protected",
    item=ChecklistItem.RECOVERABILITY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(TABLE,),
)
def tables_cannot_be_deleted_by_mistake(table: Resource) -> Iterator[Violation]:
    """Deletion protection is on in every region of a lasting table, and so is `protect`."""
    if not _is_lasting(table):
        return
    if table.properties.flag("deletionProtectionEnabled") is not True:
        yield _off("deletion protection", table.region, "deletionProtectionEnabled")
    for replica in table.properties.objects("replicas"):
        if replica.flag("deletionProtectionEnabled") is not True:
            region = replica.text("regionName") or "a replica"
            yield _off("deletion protection", region, replica.at("deletionProtectionEnabled"))
    yield from _unprotected(table)


@stack_rule(
    id="table-encrypted",
    item=ChecklistItem.RECOVERABILITY,
    severity=Severity.HIGH,
    frameworks=("SOC 2 CC6.1",),
    types=(TABLE,),
)
def tables_are_encrypted_with_our_keys(table: Resource, _stack: Stack) -> Iterator[Violation]:
    """Every region of a table is encrypted with a customer managed key of that region."""
    encryption = table.properties.object("serverSideEncryption")
    if encryption is None or encryption.flag("enabled") is not True:
        yield _no_key(table.region, "serverSideEncryption")
    else:
        yield from _key_of(table, "serverSideEncryption", encryption, table.region)
    for replica in table.properties.objects("replicas"):
        region = replica.text("regionName")
        if region is None:
            raise Undetermined(replica.at("regionName"))
        yield from _key_of(table, "replicas", replica, region)


@resource_rule(
    id="coordination-strong",
    item=ChecklistItem.RECOVERABILITY,
    severity=Severity.CRITICAL,
    frameworks=("SOC 2 PI1.2",),
    types=(TABLE,),
)
def leases_are_strongly_consistent(table: Resource) -> Iterator[Violation]:
    """A table that decides who may act is strongly consistent and has exactly three votes."""
    if table.component == COORDINATION:
        yield from not_strong(table)


def not_strong(table: Resource) -> Iterator[Violation]:
    """What keeps a table from being strongly consistent over three regions."""
    replicas = table.properties.objects("replicas")
    for replica in replicas:
        mode = replica.text("consistencyMode")
        if mode != "STRONG":
            yield Violation(
                found=f"the replica's mode is {mode or 'EVENTUAL'}",
                rule="leases, locks and the kill switch are STRONG: the last writer must not win",
                fix="set consistencyMode to STRONG on every replica",
                at=replica.at("consistencyMode"),
            )
    witness = table.properties.object("globalTableWitness")
    votes = {table.region, *replica_regions(table)}
    if witness is not None:
        votes.add(witness.text("regionName") or "")
    if len(votes) != VOTES or "" in votes:
        yield Violation(
            found=f"the table has {len(votes)} votes ({', '.join(sorted(votes))})",
            rule=f"strong consistency needs exactly {VOTES}",
            fix="use two replicas, or one replica and a witness",
            at="globalTableWitness",
        )


@stack_rule(
    id="bucket-versioned",
    item=ChecklistItem.RECOVERABILITY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(BUCKET,),
)
def buckets_keep_old_versions(bucket: Resource, stack: Stack) -> Iterator[Violation]:
    """A bucket is versioned, so that overwriting or deleting an object can be undone."""
    for versioning in _about(bucket, stack, BUCKET_VERSIONING):
        configuration = versioning.properties.object("versioningConfiguration")
        if configuration is not None and configuration.text("status") == "Enabled":
            return
    yield Violation(
        found="versioning is not enabled",
        rule="deleted and overwritten objects can be brought back",
        fix="add a BucketVersioning with status Enabled for this bucket",
    )


@stack_rule(
    id="bucket-versions-kept",
    item=ChecklistItem.RECOVERABILITY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(BUCKET,),
)
def buckets_keep_old_versions_long_enough(bucket: Resource, stack: Stack) -> Iterator[Violation]:
    """No rule of a bucket of production forgets old versions before a mistake is noticed."""
    for lifecycle in _about(bucket, stack, BUCKET_LIFECYCLE):
        for part in lifecycle.properties.objects("rules"):
            forgotten = part.object("noncurrentVersionExpiration")
            if part.text("status") == "Enabled" and forgotten is not None:
                yield from _too_short(bucket, forgotten, "noncurrentDays", _VERSION_DAYS)


@stack_rule(
    id="bucket-replicated",
    item=ChecklistItem.RECOVERABILITY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(BUCKET,),
)
def buckets_survive_the_loss_of_a_region(bucket: Resource, stack: Stack) -> Iterator[Violation]:
    """A bucket replicates all of its objects to a bucket in another region."""
    left_out: list[str] = []
    for replication in _about(bucket, stack, BUCKET_REPLICATION):
        for part, destinations in destinations_of(replication, stack):
            if any(other.region != bucket.region for other in destinations):
                missing = tuple(_not_copied(part))
                if not missing:
                    return
                left_out += missing
    yield Violation(
        found=f"its objects exist in {bucket.region} only"
        if not left_out
        else f"the replication to another region leaves out {' and '.join(left_out)}",
        rule="losing one region loses no object",
        fix="add an enabled replication rule for all objects, those under a key of ours included, "
        "to a bucket in another region of the jurisdiction",
    )


def _not_copied(part: Properties) -> Iterator[str]:
    """What an enabled replication rule does not copy."""
    chosen = part.object("filter")
    chooses = bool(part.text("prefix"))
    if chosen is not None:
        chooses |= bool(chosen.text("prefix")) or any(map(chosen.is_given, ("and", "tag")))
    if chooses:
        yield "what its filter does not choose"
    criteria = part.object("sourceSelectionCriteria")
    encrypted = None if criteria is None else criteria.object("sseKmsEncryptedObjects")
    destination = part.object("destination")
    copies = None if destination is None else destination.object("encryptionConfiguration")
    if (
        encrypted is None
        or encrypted.text("status") != "Enabled"
        or copies is None
        or not copies.is_given("replicaKmsKeyId")
    ):
        # S3 copies no object that a KMS key encrypts unless it is told to, and with which key.
        yield "what a key encrypts"


@stack_rule(
    id="bucket-encrypted",
    item=ChecklistItem.RECOVERABILITY,
    severity=Severity.HIGH,
    frameworks=("SOC 2 CC6.1",),
    types=(BUCKET,),
)
def buckets_are_encrypted_with_our_keys(bucket: Resource, stack: Stack) -> Iterator[Violation]:
    """A bucket encrypts with a customer managed key of its region."""
    for encryption in _about(bucket, stack, BUCKET_ENCRYPTION):
        for part in encryption.properties.objects("rules"):
            default = part.object("applyServerSideEncryptionByDefault")
            if default is None or default.text("sseAlgorithm") not in {"aws:kms", "aws:kms:dsse"}:
                continue
            if default.is_unknown("kmsMasterKeyId"):
                keys = encryption.referenced("rules", KEYS)
                if not keys:
                    raise Undetermined(default.at("kmsMasterKeyId"))
                if all(key.region == bucket.region for key in keys):
                    return
            elif _is_our_key(default.text("kmsMasterKeyId"), bucket.region):
                return
    yield _no_key(bucket.region, "")


@resource_rule(
    id="bucket-deletion-protected",
    item=ChecklistItem.RECOVERABILITY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(BUCKET,),
)
def buckets_cannot_be_deleted_by_mistake(bucket: Resource) -> Iterator[Violation]:
    """A lasting bucket is protected, and is never emptied in order to delete it."""
    if not _is_lasting(bucket):
        return
    if bucket.properties.flag("forceDestroy"):
        yield Violation(
            found="forceDestroy is on",
            rule="deleting a bucket must not delete what is in it",
            fix="leave forceDestroy off",
            at="forceDestroy",
        )
    yield from _unprotected(bucket)


@resource_rule(
    id="key-deletion-protected",
    item=ChecklistItem.RECOVERABILITY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=KEYS,
)
def keys_cannot_be_deleted_by_mistake(key: Resource) -> Iterator[Violation]:
    """A key of production is protected: with it goes all that it encrypts, backups included."""
    if _is_lasting(key):
        yield from _unprotected(key)
        yield from _too_short(key, key.properties, "deletionWindowInDays", _KEY_DAYS)


@resource_rule(
    id="key-enabled",
    item=ChecklistItem.RECOVERABILITY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=KEYS,
)
def keys_open_what_they_encrypted(key: Resource) -> Iterator[Violation]:
    """A key is enabled: while it is not, nobody reads or writes what it encrypts."""
    for name in ("isEnabled", "enabled"):
        if key.properties.is_given(name) and key.properties.flag(name) is not True:
            yield Violation(
                found="the key is disabled",
                rule="data can be read for as long as it is kept",
                fix="leave the key enabled, or take down what it encrypts first",
                at=name,
            )


@whole_rule(
    id="environment-named",
    item=ChecklistItem.RECOVERABILITY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
)
def a_stack_is_of_one_environment(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """Every resource names the same environment, by which other rules judge it."""
    named: dict[str, list[str]] = {}
    for resource in stack.resources:
        if "tags" in resource.properties and (environment := resource.environment):
            named.setdefault(environment, []).append(resource.urn)
    usual = max(named, key=lambda environment: len(named[environment]), default="")
    for environment in sorted(set(named) - {usual}):
        for urn in named[environment]:
            yield (
                urn,
                Violation(
                    found=f"its environment is {environment}, and that of the others {usual}",
                    rule="no resource escapes the rules of production by calling itself another's",
                    fix=f"set the tag {ENVIRONMENT_TAG} to {usual}",
                    at="tags",
                ),
            )


def replica_regions(table: Resource) -> tuple[str, ...]:
    """Regions of a table's replicas, its own region not among them."""
    regions: list[str] = []
    for replica in table.properties.objects("replicas"):
        region = replica.text("regionName")
        if region is None:
            raise Undetermined(replica.at("regionName"))
        regions.append(region)
    return tuple(regions)


def _about(bucket: Resource, stack: Stack, type_token: str) -> Iterator[Resource]:
    """The resources of a type that configure a bucket."""
    for other in stack.of_type(type_token):
        if bucket in stack.targets(other, "bucket", BUCKET):
            yield other


def _key_of(table: Resource, at: str, part: Properties, region: str) -> Iterator[Violation]:
    if part.is_unknown("kmsKeyArn"):
        keys = table.referenced(at, KEYS)
        if not keys:
            raise Undetermined(part.at("kmsKeyArn"))
        if not any(key.region == region for key in keys):
            yield _no_key(region, part.at("kmsKeyArn"))
    elif not _is_our_key(part.text("kmsKeyArn"), region):
        yield _no_key(region, part.at("kmsKeyArn"))


def _is_our_key(arn: str | None, region: str) -> bool:
    """Whether it is the ARN of a key in a region, and not the one that AWS manages itself."""
    return arn is not None and region_of(arn) == region and ":alias/aws/" not in arn


def _is_lasting(resource: Resource) -> bool:
    environment = resource.environment
    if environment not in set(Environment):
        raise Undetermined(f"tags.{ENVIRONMENT_TAG}")
    return environment in _LASTING


def _unprotected(resource: Resource) -> Iterator[Violation]:
    if resource.environment == Environment.PROD and not resource.protect:
        yield Violation(
            found="the resource option `protect` is off",
            rule="in production the engine refuses to delete state",
            fix="pass protect=True in its resource options",
        )


def _too_short(
    resource: Resource, part: Properties, name: str, least_days: int
) -> Iterator[Violation]:
    """Violations of a number of days of production that is given, and too small."""
    days = part.number(name)
    if resource.environment == Environment.PROD and days is not None and days < least_days:
        yield Violation(
            found=f"{days:g} days",
            rule=f"production can go back {least_days} days",
            fix=f"write {least_days} or more",
            at=part.at(name),
        )


def _off(what: str, where: str, at: str) -> Violation:
    return Violation(
        found=f"{what} is off in {where}",
        rule=f"{what} is on in every region",
        fix="turn it on for the table and for each of its replicas",
        at=at,
    )


def _no_key(region: str, at: str) -> Violation:
    return Violation(
        found=f"no customer managed key of {region}",
        rule="data at rest is encrypted with a key that we can audit and revoke",
        fix="name the jurisdiction's key of that region",
        at=at,
    )


RULES: Final[tuple[Rule, ...]] = (
    state_is_of_a_kind_whose_recovery_is_judged,
    tables_survive_the_loss_of_a_region,
    tables_can_go_back_in_time,
    tables_cannot_be_deleted_by_mistake,
    tables_are_encrypted_with_our_keys,
    leases_are_strongly_consistent,
    buckets_keep_old_versions,
    buckets_keep_old_versions_long_enough,
    buckets_survive_the_loss_of_a_region,
    buckets_are_encrypted_with_our_keys,
    buckets_cannot_be_deleted_by_mistake,
    keys_cannot_be_deleted_by_mistake,
    keys_open_what_they_encrypted,
    a_stack_is_of_one_environment,
)
