"""DynamoDB: tables with their replicas and witness, and single items."""

from collections.abc import Iterable, Iterator

from holdfast.twin.provider import table_shapes as shapes
from holdfast.twin.provider.cloud import ApiError, Site
from holdfast.twin.provider.replicas import (
    change_replicas,
    read_replicas,
    regions_of_replicas,
    remove_replicas,
)
from holdfast.twin.provider.rules import needed
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept, recorded, refused
from holdfast.twin.provider.tags import retag
from holdfast.twin.provider.values import Doc, Json, Object, compact, from_pairs, is_unknown, pairs

_GONE = ("ResourceNotFoundException",)
_VOTES = 3
"""Regions of a strongly consistent table, the witness among them."""
_BACKUP = "the emulator keeps no backups that a table could be made from"


class Table(ResourceType):
    """A table, alone or as a global table of either consistency.

    Made as AWS asks for it: ``CreateTable`` in the home region, ``UpdateTable`` for replicas,
    consistency and witness, then each replica's own settings in its own region.
    """

    type_name = "aws:dynamodb/table:Table"
    name_property = "name"
    properties = declared(
        {
            "attributes": kept(computed=True),
            "billingMode": kept(default="PROVISIONED"),
            "deletionProtectionEnabled": kept(),
            "globalSecondaryIndexes": kept(),
            "globalSecondaryIndexes.hashKey": kept(computed=True),
            "globalSecondaryIndexes.rangeKey": kept(computed=True),
            "globalSecondaryIndexes.keySchemas": kept(computed=True),
            "globalSecondaryIndexes.readCapacity": kept(computed=True),
            "globalSecondaryIndexes.writeCapacity": kept(computed=True),
            "globalSecondaryIndexes.onDemandThroughput": refused("the emulator drops it"),
            "globalSecondaryIndexes.warmThroughput": refused("the emulator drops it"),
            "globalTableWitness": kept(),
            "hashKey": kept(replaces=True),
            "importTable": refused("the twin's buckets hold no table exports"),
            "localSecondaryIndexes": kept(replaces=True),
            "name": kept(replaces=True),
            "onDemandThroughput": kept(),
            "onDemandThroughput.maxReadRequestUnits": kept(computed=True),
            "onDemandThroughput.maxWriteRequestUnits": kept(computed=True),
            "pointInTimeRecovery": kept(computed=True),
            "pointInTimeRecovery.recoveryPeriodInDays": recorded(
                "the emulator keeps no backups, for however long", computed=True
            ),
            "rangeKey": kept(replaces=True),
            "readCapacity": kept(computed=True),
            "replicas": kept(),
            "replicas.arn": kept(computed=True),
            "replicas.consistencyMode": kept(default="EVENTUAL"),
            "replicas.kmsKeyArn": kept(computed=True),
            "replicas.propagateTags": recorded(
                "read back from the replica's tags, not as a switch"
            ),
            "replicas.streamArn": kept(computed=True),
            "replicas.streamLabel": kept(computed=True),
            "restoreBackupArn": refused(_BACKUP),
            "restoreDateTime": refused(_BACKUP),
            "restoreSourceName": refused(_BACKUP),
            "restoreSourceTableArn": refused(_BACKUP),
            "restoreToLatestTime": refused(_BACKUP),
            "serverSideEncryption": kept(computed=True),
            "serverSideEncryption.kmsKeyArn": kept(computed=True),
            "streamEnabled": kept(),
            "streamViewType": kept(computed=True),
            "tableClass": kept(default="STANDARD"),
            "tags": kept(),
            "ttl": kept(computed=True),
            "warmThroughput": refused("the emulator has no capacity to warm"),
            "writeCapacity": kept(computed=True),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """What AWS refuses of a table before it makes anything."""
        yield from _capacity_failures(inputs)
        declared = {item.maybe_text("name") for item in inputs.docs("attributes")}
        for key in ("hashKey", "rangeKey"):
            name = inputs.maybe_text(key)
            undeclared = name not in declared and not is_unknown(inputs.raw("attributes"))
            if name is not None and undeclared:
                yield Failure(key, f"is {name!r}, which `attributes` does not declare")
        yield from needed(inputs, ("hashKey",), "a table needs one")
        if inputs.flag("streamEnabled"):
            yield from needed(inputs, ("streamViewType",), "`streamEnabled` needs it")
        strong = [
            item
            for item in inputs.docs("replicas")
            if item.maybe_text("consistencyMode") == "STRONG"
        ]
        if strong and len(strong) + 1 + ("globalTableWitness" in inputs) != _VOTES:
            yield Failure(
                "replicas",
                "with consistencyMode STRONG must make three regions with the table's own: "
                "two replicas, or one replica and a `globalTableWitness`",
            )
        if "globalTableWitness" in inputs and not strong:
            yield Failure("globalTableWitness", "needs a replica with consistencyMode STRONG")
        if strong and inputs.doc("ttl").flag("enabled"):
            yield Failure("ttl", "is enabled; a table of strong consistency cannot have it")
        if strong and inputs.docs("localSecondaryIndexes"):
            yield Failure("localSecondaryIndexes", "cannot be on a table of strong consistency")

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateTable`` in the home region."""
        name = inputs.text("name")
        indexes = [shapes.index(item, inputs) for item in inputs.docs("globalSecondaryIndexes")]
        local = [shapes.local_index(item, inputs) for item in inputs.docs("localSecondaryIndexes")]
        site.call(
            "dynamodb",
            "create_table",
            TableName=name,
            AttributeDefinitions=shapes.attributes(inputs),
            KeySchema=shapes.key_schema(inputs),
            BillingMode=inputs.text("billingMode"),
            ProvisionedThroughput=shapes.throughput(inputs, inputs),
            OnDemandThroughput=shapes.on_demand(inputs),
            GlobalSecondaryIndexes=indexes or None,
            LocalSecondaryIndexes=local or None,
            StreamSpecification=shapes.stream(inputs) if inputs.flag("streamEnabled") else None,
            SSESpecification=shapes.encryption(inputs),
            TableClass=inputs.text("tableClass"),
            DeletionProtectionEnabled=inputs.flag("deletionProtectionEnabled"),
            Tags=pairs(inputs.table("tagsAll")) or None,
        )
        return name

    def configure(self, site: Site, ident: str, inputs: Doc) -> None:
        """What ``CreateTable`` cannot say: expiry, recovery, replicas."""
        _change_ttl(site, ident, Doc(), inputs.doc("ttl"))
        if "pointInTimeRecovery" in inputs:
            _set_recovery(site, ident, inputs.doc("pointInTimeRecovery"))
        change_replicas(site, ident, Doc(), inputs)

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """The table as ``DescribeTable`` and its companions tell it."""
        answer = site.find(_GONE, "dynamodb", "describe_table", TableName=ident)
        if answer is None:
            return None
        table = answer.doc("Table")
        arn = table.text("TableArn")
        tags = site.pages(
            "dynamodb", "list_tags_of_resource", "Tags", ("NextToken", "NextToken"), ResourceArn=arn
        )
        witnesses = table.docs("GlobalTableWitnesses")
        found: dict[str, Json] = {
            **shapes.described(table),
            "pointInTimeRecovery": _recovery(site, ident, state.doc("pointInTimeRecovery")),
            "ttl": _ttl(site, ident),
            "replicas": read_replicas(site, table, state),
            "globalTableWitness": (
                {"regionName": witnesses[0].text("RegionName")} if witnesses else None
            ),
            "tagsAll": from_pairs(tags),
        }
        return found

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """One ``UpdateTable`` for each kind of change, as AWS takes no two at once."""
        for change in shapes.changes(old, new):
            site.call("dynamodb", "update_table", TableName=ident, **change)
        for change in shapes.index_changes(old, new):
            site.call(
                "dynamodb",
                "update_table",
                TableName=ident,
                AttributeDefinitions=shapes.attributes(new),
                GlobalSecondaryIndexUpdates=[change],
            )
        if "ttl" in new:
            _change_ttl(site, ident, old.doc("ttl"), new.doc("ttl"))
        if "pointInTimeRecovery" in new:
            _set_recovery(site, ident, new.doc("pointInTimeRecovery"))
        gone, fresh = retag(old, new)
        arn = old.text("arn")
        if gone:
            site.call("dynamodb", "untag_resource", ResourceArn=arn, TagKeys=gone)
        if fresh:
            site.call("dynamodb", "tag_resource", ResourceArn=arn, Tags=pairs(fresh))
        change_replicas(site, ident, old, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """Replicas first, then the table. Deletion protection refuses, as on AWS."""
        del state
        answer = site.find(_GONE, "dynamodb", "describe_table", TableName=ident)
        if answer is None:
            return
        table = answer.doc("Table")
        if site.forced:
            _unprotect(site, ident, [site.region, *regions_of_replicas(site, table)])
        remove_replicas(site, ident, table)
        site.find(_GONE, "dynamodb", "delete_table", TableName=ident)


def _capacity_failures(inputs: Doc) -> Iterator[Failure]:
    mode = inputs.maybe_text("billingMode")
    if mode is None:
        return
    on_demand = mode == "PAY_PER_REQUEST"
    for key in ("readCapacity", "writeCapacity"):
        given = inputs.maybe_number(key)
        if on_demand and given:
            yield Failure(key, f"is {given}; a table with billingMode PAY_PER_REQUEST has none")
        if not on_demand and key not in inputs:
            yield Failure(key, "is missing; a table with billingMode PROVISIONED needs it")
    if not on_demand and "onDemandThroughput" in inputs:
        yield Failure("onDemandThroughput", "needs billingMode PAY_PER_REQUEST")


def _change_ttl(site: Site, name: str, old: Doc, new: Doc) -> None:
    """Switches expiry off where it was on another attribute, then on where it should be."""
    before, after = old.flag("enabled"), new.flag("enabled")
    moved = old.maybe_text("attributeName") != new.maybe_text("attributeName")
    if before and (moved or not after):
        _set_ttl(site, name, old.text("attributeName"), enabled=False)
    if after and (moved or not before):
        _set_ttl(site, name, new.text("attributeName"), enabled=True)


def _set_ttl(site: Site, name: str, attribute: str, *, enabled: bool) -> None:
    site.call(
        "dynamodb",
        "update_time_to_live",
        TableName=name,
        TimeToLiveSpecification={"Enabled": enabled, "AttributeName": attribute},
    )


def _set_recovery(site: Site, name: str, block: Doc) -> None:
    site.call(
        "dynamodb",
        "update_continuous_backups",
        TableName=name,
        PointInTimeRecoverySpecification=compact(
            PointInTimeRecoveryEnabled=block.flag("enabled"),
            RecoveryPeriodInDays=block.maybe_number("recoveryPeriodInDays"),
        ),
    )


def _ttl(site: Site, name: str) -> Json:
    answer = site.call("dynamodb", "describe_time_to_live", TableName=name)
    found = answer.doc("TimeToLiveDescription")
    return {
        "enabled": found.maybe_text("TimeToLiveStatus") in ("ENABLED", "ENABLING"),
        "attributeName": found.maybe_text("AttributeName") or "",
    }


def _recovery(site: Site, name: str, known: Doc) -> Json:
    answer = site.call("dynamodb", "describe_continuous_backups", TableName=name)
    found = answer.doc("ContinuousBackupsDescription").doc("PointInTimeRecoveryDescription")
    enabled = found.maybe_text("PointInTimeRecoveryStatus") == "ENABLED"
    # AWS keeps 35 days unless told otherwise, and tells the number only while it is enabled.
    days = known.maybe_number("recoveryPeriodInDays") or 35
    return {"enabled": enabled, **({"recoveryPeriodInDays": days} if enabled else {})}


def _unprotect(site: Site, name: str, regions: Iterable[str]) -> None:
    for region in regions:
        try:
            site.at(region).call(
                "dynamodb", "update_table", TableName=name, DeletionProtectionEnabled=False
            )
        except ApiError as error:
            if error.code not in _GONE:
                raise
