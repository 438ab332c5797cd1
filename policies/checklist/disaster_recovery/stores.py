"""Checklist item: state survives the loss of a region, and goes back to before a mistake."""

from collections.abc import Iterator
from typing import Final

from policies.checklist.residency.stores import destinations_of
from policies.core.kinds import BUCKET, BUCKET_REPLICATION, TABLE
from policies.core.properties import Properties
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
    stack_rule,
)
from policies.core.stores import about, off, replica_regions, too_short
from policies.core.subjects import Resource, Stack

_FRAMEWORKS: Final = ("SOC 2 A1.2", "ISO 27001:2022 A.8.13")
_RECOVERY_DAYS: Final = 7
"""How long production can go back: a mistake of one weekend is seen on the next."""


@resource_rule(
    id="table-replicated",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(TABLE,),
)
def tables_survive_the_loss_of_a_region(table: Resource) -> Iterator[Violation]:
    """A table has a replica in another region.

    Why: a table in one region is lost to its users with that region.
    Good: one replica or more, in the table's jurisdiction
    Bad: no ``replicas`` on a table of prod
    Fix: add a replica in another region of the jurisdiction.
    """
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
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(TABLE,),
)
def tables_can_go_back_in_time(table: Resource) -> Iterator[Violation]:
    """Point-in-time recovery is on in every region of a table, and goes back far enough.

    Why: replicas copy mistakes too; only the past is without them.
    Good: ``point_in_time_recovery={"enabled": True}`` for the table and each replica
    Bad: a replica without it
    Fix: turn it on in every region of the table.
    """
    recovery = table.properties.object("pointInTimeRecovery")
    if recovery is None or recovery.flag("enabled") is not True:
        yield off("point-in-time recovery", table.region, "pointInTimeRecovery.enabled")
    else:
        yield from too_short(table, recovery, "recoveryPeriodInDays", _RECOVERY_DAYS)
    for replica in table.properties.objects("replicas"):
        if replica.flag("pointInTimeRecovery") is not True:
            region = replica.text("regionName") or "a replica"
            yield off("point-in-time recovery", region, replica.at("pointInTimeRecovery"))


@stack_rule(
    id="bucket-replicated",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(BUCKET,),
)
def buckets_survive_the_loss_of_a_region(bucket: Resource, stack: Stack) -> Iterator[Violation]:
    """A bucket replicates all of its objects to a bucket in another region.

    Why: objects in one region are lost to their users with that region.
    Good: a BucketReplicationConfig without a filter, enabled, with encrypted objects
    Bad: a rule with ``prefix="a/"``, or ``status="Disabled"``
    Fix: replicate all objects to the jurisdiction's other region.
    """
    left_out: list[str] = []
    for replication in about(bucket, stack, BUCKET_REPLICATION):
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
    markers = part.object("deleteMarkerReplication")
    if markers is None or markers.text("status") != "Enabled":
        # What users deleted would be there again as soon as the other region serves them.
        yield "deletions"
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


RULES: Final[tuple[Rule, ...]] = (
    tables_survive_the_loss_of_a_region,
    tables_can_go_back_in_time,
    buckets_survive_the_loss_of_a_region,
)
