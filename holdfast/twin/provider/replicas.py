"""Replicas and witness of a DynamoDB global table: made, changed, read and removed.

Follows AWS's sequence: ``UpdateTable`` in the home region says where replicas and witness are
and how consistent they are; each replica's own settings (recovery, deletion protection, tags)
are set in its own region.
"""

from collections.abc import Mapping

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.values import Doc, Json, compact, from_pairs, pairs

_GONE = ("ResourceNotFoundException",)
STRONG = "STRONG"


def change_replicas(site: Site, name: str, old: Doc, new: Doc) -> None:
    """Makes a table's replicas as new inputs say.

    Args:
        site: The table's home region.
        name: The table.
        old: Its state; empty for a new table.
        new: Its inputs.
    """
    before = _by_region(old)
    after = _by_region(new)
    again = {
        region
        for region in before.keys() & after.keys()
        # A replica's consistency never changes; another one needs another replica.
        if _mode(before[region]) != _mode(after[region])
    }
    gone = sorted(region for region in before if region not in after or region in again)
    fresh = sorted(region for region in after if region not in before or region in again)
    old_witness = old.doc("globalTableWitness").maybe_text("regionName")
    new_witness = new.doc("globalTableWitness").maybe_text("regionName")
    _remove(
        site,
        name,
        gone,
        old_witness if old_witness != new_witness else None,
        strong=any(_mode(before[region]) == STRONG for region in gone),
    )
    _add(site, name, fresh, after, new_witness if old_witness != new_witness else None)
    for region in sorted(before.keys() & after.keys() - again):
        key = after[region].maybe_text("kmsKeyArn")
        if key is not None and key != before[region].maybe_text("kmsKeyArn"):
            change = {"RegionName": region, "KMSMasterKeyId": key}
            site.call(
                "dynamodb", "update_table", TableName=name, ReplicaUpdates=[{"Update": change}]
            )
    for region, replica in sorted(after.items()):
        earlier = before.get(region, Doc()) if region not in again else Doc()
        _settle(site.at(region), name, earlier, replica, new)


def remove_replicas(site: Site, name: str, table: Doc) -> None:
    """Removes every replica and the witness, as must happen before the table itself goes.

    Args:
        site: The table's home region.
        name: The table.
        table: The home region's description of the table: what is there, which may be less than
            what was asked for.
    """
    strong = table.maybe_text("MultiRegionConsistency") == STRONG
    witnesses = table.docs("GlobalTableWitnesses")
    _remove(
        site,
        name,
        regions_of_replicas(site, table),
        witnesses[0].text("RegionName") if witnesses else None,
        strong=strong,
    )


def regions_of_replicas(site: Site, table: Doc) -> list[str]:
    """Where a table's replicas are, by the home region's description of the table."""
    regions = {item.text("RegionName") for item in table.docs("Replicas")}
    return sorted(regions - {site.region})


def read_replicas(site: Site, table: Doc, state: Doc) -> list[Json]:
    """A table's replicas as their own regions tell of them.

    Args:
        site: The table's home region.
        table: The home region's description of the table.
        state: The table's last known state.
    """
    mode = table.maybe_text("MultiRegionConsistency") or "EVENTUAL"
    known = _by_region(state)
    found: list[Json] = []
    for item in table.docs("Replicas"):
        region = item.text("RegionName")
        if region == site.region:
            continue
        there = site.at(region)
        answer = there.find(_GONE, "dynamodb", "describe_table", TableName=table.text("TableName"))
        if answer is None:
            continue
        found.append(_read_one(there, answer.doc("Table"), item, mode, known.get(region, Doc())))
    return found


def _read_one(there: Site, table: Doc, listed: Doc, mode: str, known: Doc) -> Json:
    arn = table.text("TableArn")
    backups = there.call(
        "dynamodb", "describe_continuous_backups", TableName=table.text("TableName")
    )
    recovery = backups.doc("ContinuousBackupsDescription").doc("PointInTimeRecoveryDescription")
    return {
        "regionName": there.region,
        "arn": arn,
        "consistencyMode": mode,
        "kmsKeyArn": listed.maybe_text("KMSMasterKeyId")
        or table.doc("SSEDescription").maybe_text("KMSMasterKeyArn")
        or "",
        "pointInTimeRecovery": recovery.maybe_text("PointInTimeRecoveryStatus") == "ENABLED",
        "deletionProtectionEnabled": table.flag("DeletionProtectionEnabled"),
        "propagateTags": known.flag("propagateTags"),
        "streamArn": table.maybe_text("LatestStreamArn") or "",
        "streamLabel": table.maybe_text("LatestStreamLabel") or "",
    }


def _by_region(inputs: Doc) -> dict[str, Doc]:
    return {item.text("regionName"): item for item in inputs.docs("replicas")}


def _mode(replica: Doc) -> str:
    return replica.maybe_text("consistencyMode") or "EVENTUAL"


def _add(
    site: Site, name: str, regions: list[str], replicas: Mapping[str, Doc], witness: str | None
) -> None:
    creates = [
        {
            "Create": compact(
                RegionName=region, KMSMasterKeyId=replicas[region].maybe_text("kmsKeyArn")
            )
        }
        for region in regions
    ]
    if any(_mode(replicas[region]) == STRONG for region in regions):
        # Strong replicas and their witness come into being together or not at all.
        site.call(
            "dynamodb",
            "update_table",
            TableName=name,
            MultiRegionConsistency=STRONG,
            ReplicaUpdates=creates,
            GlobalTableWitnessUpdates=(
                [{"Create": {"RegionName": witness}}] if witness is not None else None
            ),
        )
        return
    for create in creates:
        site.call("dynamodb", "update_table", TableName=name, ReplicaUpdates=[create])


def _remove(
    site: Site, name: str, regions: list[str], witness: str | None, *, strong: bool
) -> None:
    deletes = [{"Delete": {"RegionName": region}} for region in regions]
    if strong or witness is not None:
        site.call(
            "dynamodb",
            "update_table",
            TableName=name,
            ReplicaUpdates=deletes or None,
            GlobalTableWitnessUpdates=(
                [{"Delete": {"RegionName": witness}}] if witness is not None else None
            ),
        )
        return
    for delete in deletes:
        site.call("dynamodb", "update_table", TableName=name, ReplicaUpdates=[delete])


def _settle(there: Site, name: str, old: Doc, replica: Doc, table: Doc) -> None:
    """A replica's own settings, in its own region."""
    if old.flag("pointInTimeRecovery") != replica.flag("pointInTimeRecovery"):
        there.call(
            "dynamodb",
            "update_continuous_backups",
            TableName=name,
            PointInTimeRecoverySpecification={
                "PointInTimeRecoveryEnabled": replica.flag("pointInTimeRecovery")
            },
        )
    if old.flag("deletionProtectionEnabled") != replica.flag("deletionProtectionEnabled"):
        there.call(
            "dynamodb",
            "update_table",
            TableName=name,
            DeletionProtectionEnabled=replica.flag("deletionProtectionEnabled"),
        )
    if replica.flag("propagateTags"):
        _propagate_tags(there, name, table.table("tagsAll"))


def _propagate_tags(there: Site, name: str, tags: Mapping[str, str]) -> None:
    arn = f"arn:aws:dynamodb:{there.region}:{there.account}:table/{name}"
    held = from_pairs(
        there.pages(
            "dynamodb", "list_tags_of_resource", "Tags", ("NextToken", "NextToken"), ResourceArn=arn
        )
    )
    gone = sorted(key for key in held if key not in tags)
    if gone:
        there.call("dynamodb", "untag_resource", ResourceArn=arn, TagKeys=gone)
    if tags and held != dict(tags):
        there.call("dynamodb", "tag_resource", ResourceArn=arn, Tags=pairs(tags))
