"""Checklist item: state is not lost, forgotten or torn apart by a mistake.

Deletion protection, and the engine's own ``protect``, are asked for in staging and in
production; a development stack that nobody could take down again would cost more than it saves.
"""

from collections.abc import Iterator
from typing import Final

from policies.core.kinds import (
    BUCKET,
    BUCKET_ENCRYPTION,
    BUCKET_LIFECYCLE,
    BUCKET_VERSIONING,
    KEYS,
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
)
from policies.core.stores import (
    about,
    is_lasting,
    is_our_key,
    no_key,
    off,
    replica_regions,
    too_short,
    unprotected,
)
from policies.core.subjects import Resource, Stack

_FRAMEWORKS: Final = ("SOC 2 A1.2", "ISO 27001:2022 A.8.13")
COORDINATION: Final = "coordination-store"
"""Component tag of the table that decides who may act."""

_VERSION_DAYS: Final = 30
_KEY_DAYS: Final = 30
"""How long production can go back: who deletes a key has not always seen what it opens."""

VOTES: Final = 3
"""Regions of a strongly consistent table, the witness included. AWS allows no other number."""


@resource_rule(
    id="table-deletion-protected",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(TABLE,),
)
def tables_cannot_be_deleted_by_mistake(table: Resource) -> Iterator[Violation]:
    """Deletion protection is on in every region of a lasting table, and so is `protect`.

    Why: a table that a mistaken deployment deletes takes its state along.
    Good: ``deletion_protection_enabled=True`` and ``protect=True``
    Bad: either of them missing in staging or prod
    Fix: set both; ``decommission: true`` takes them off on purpose.
    """
    if not is_lasting(table):
        return
    if table.properties.flag("deletionProtectionEnabled") is not True:
        yield off("deletion protection", table.region, "deletionProtectionEnabled")
    for replica in table.properties.objects("replicas"):
        if replica.flag("deletionProtectionEnabled") is not True:
            region = replica.text("regionName") or "a replica"
            yield off("deletion protection", region, replica.at("deletionProtectionEnabled"))
    yield from unprotected(table)


@stack_rule(
    id="table-encrypted",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.HIGH,
    frameworks=("SOC 2 CC6.1",),
    types=(TABLE,),
)
def tables_are_encrypted_with_our_keys(table: Resource, _stack: Stack) -> Iterator[Violation]:
    """Every region of a table is encrypted with a customer managed key of that region.

    Why: a key of ours can be withdrawn, and its uses are on record.
    Good: ``server_side_encryption={"enabled": True, "kms_key_arn": key.arn}``
    Bad: AWS's own key, or no key for one of the replicas
    Fix: name the jurisdiction's key for the table and for each replica.
    """
    encryption = table.properties.object("serverSideEncryption")
    if encryption is None or encryption.flag("enabled") is not True:
        yield no_key(table.region, "serverSideEncryption")
    else:
        yield from _key_of(table, "serverSideEncryption", encryption, table.region)
    for replica in table.properties.objects("replicas"):
        region = replica.text("regionName")
        if region is None:
            raise Undetermined(replica.at("regionName"))
        yield from _key_of(table, "replicas", replica, region)


@resource_rule(
    id="coordination-strong",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.CRITICAL,
    frameworks=("SOC 2 PI1.2",),
    types=(TABLE,),
)
def leases_are_strongly_consistent(table: Resource) -> Iterator[Violation]:
    """A table that decides who may act is strongly consistent and has exactly three votes.

    Why: two regions that each grant a lease have two leaders.
    Good: ``consistency_mode="STRONG"`` on its replicas, three votes
    Bad: a replica without it: the last writer wins
    Fix: make the table anew: the mode can only be chosen while it is empty.
    """
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
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(BUCKET,),
)
def buckets_keep_old_versions(bucket: Resource, stack: Stack) -> Iterator[Violation]:
    """A bucket is versioned, so that overwriting or deleting an object can be undone.

    Why: an overwritten or deleted object is gone without its versions.
    Good: a BucketVersioning with ``status="Enabled"``
    Bad: ``status="Suspended"``
    Fix: enable versioning on every bucket that holds data.
    """
    for versioning in about(bucket, stack, BUCKET_VERSIONING):
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
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(BUCKET,),
)
def buckets_keep_old_versions_long_enough(bucket: Resource, stack: Stack) -> Iterator[Violation]:
    """No rule of a bucket of production forgets old versions before a mistake is noticed.

    Why: a mistake of one weekend is seen on the next.
    Good: ``noncurrent_days=90``
    Bad: ``noncurrent_days=1``
    Fix: keep old versions for 30 days or more in prod.
    """
    for lifecycle in about(bucket, stack, BUCKET_LIFECYCLE):
        for part in lifecycle.properties.objects("rules"):
            forgotten = part.object("noncurrentVersionExpiration")
            if part.text("status") == "Enabled" and forgotten is not None:
                yield from too_short(bucket, forgotten, "noncurrentDays", _VERSION_DAYS)


@stack_rule(
    id="bucket-encrypted",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.HIGH,
    frameworks=("SOC 2 CC6.1",),
    types=(BUCKET,),
)
def buckets_are_encrypted_with_our_keys(bucket: Resource, stack: Stack) -> Iterator[Violation]:
    """A bucket encrypts with a customer managed key of its region.

    Why: a key of ours can be withdrawn, and its uses are on record.
    Good: ``sse_algorithm="aws:kms"`` with the jurisdiction's key
    Bad: ``sse_algorithm="AES256"``
    Fix: name the key in the bucket's default encryption.
    """
    for encryption in about(bucket, stack, BUCKET_ENCRYPTION):
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
            elif is_our_key(default.text("kmsMasterKeyId"), bucket.region):
                return
    yield no_key(bucket.region, "")


@resource_rule(
    id="bucket-deletion-protected",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(BUCKET,),
)
def buckets_cannot_be_deleted_by_mistake(bucket: Resource) -> Iterator[Violation]:
    """A lasting bucket is protected, and is never emptied in order to delete it.

    Why: a bucket that a mistaken deployment empties takes its objects along.
    Good: ``force_destroy=False`` and ``protect=True``
    Bad: ``force_destroy=True`` in prod
    Fix: leave it out; ``decommission: true`` takes protection off on purpose.
    """
    if not is_lasting(bucket):
        return
    if bucket.properties.flag("forceDestroy"):
        yield Violation(
            found="forceDestroy is on",
            rule="deleting a bucket must not delete what is in it",
            fix="leave forceDestroy off",
            at="forceDestroy",
        )
    yield from unprotected(bucket)


@resource_rule(
    id="key-deletion-protected",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=KEYS,
)
def keys_cannot_be_deleted_by_mistake(key: Resource) -> Iterator[Violation]:
    """A key of production is protected: with it goes all that it encrypts, backups included.

    Why: what a deleted key encrypted is lost, whatever copies there are.
    Good: ``deletion_window_in_days=30`` and ``protect=True``
    Bad: ``deletion_window_in_days=7`` in prod
    Fix: leave whoever notices thirty days to take it back.
    """
    if is_lasting(key):
        yield from unprotected(key)
        yield from too_short(key, key.properties, "deletionWindowInDays", _KEY_DAYS)


@resource_rule(
    id="key-enabled",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=KEYS,
)
def keys_open_what_they_encrypted(key: Resource) -> Iterator[Violation]:
    """A key is enabled: while it is not, nobody reads or writes what it encrypts.

    Why: what a disabled key encrypted cannot be read, and AWS calls that an outage of ours.
    Good: ``is_enabled=True``, or not given
    Bad: ``is_enabled=False``
    Fix: enable the key; delete it with its window where it is no longer used.
    """
    for name in ("isEnabled", "enabled"):
        if key.properties.is_given(name) and key.properties.flag(name) is not True:
            yield Violation(
                found="the key is disabled",
                rule="data can be read for as long as it is kept",
                fix="leave the key enabled, or take down what it encrypts first",
                at=name,
            )


def _key_of(table: Resource, at: str, part: Properties, region: str) -> Iterator[Violation]:
    if part.is_unknown("kmsKeyArn"):
        keys = table.referenced(at, KEYS)
        if not keys:
            raise Undetermined(part.at("kmsKeyArn"))
        if not any(key.region == region for key in keys):
            yield no_key(region, part.at("kmsKeyArn"))
    elif not is_our_key(part.text("kmsKeyArn"), region):
        yield no_key(region, part.at("kmsKeyArn"))


RULES: Final[tuple[Rule, ...]] = (
    tables_cannot_be_deleted_by_mistake,
    tables_are_encrypted_with_our_keys,
    leases_are_strongly_consistent,
    buckets_keep_old_versions,
    buckets_keep_old_versions_long_enough,
    buckets_are_encrypted_with_our_keys,
    buckets_cannot_be_deleted_by_mistake,
    keys_cannot_be_deleted_by_mistake,
    keys_open_what_they_encrypted,
)
