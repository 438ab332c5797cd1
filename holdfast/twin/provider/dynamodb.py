"""DynamoDB: tables with their replicas and witness, and single items."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from holdfast.twin.provider.cloud import ApiError, Site
from holdfast.twin.provider.replicas import change_replicas, read_replicas, remove_replicas
from holdfast.twin.provider.spec import Failure, ResourceType, kept, recorded, refused
from holdfast.twin.provider.tags import retag
from holdfast.twin.provider.values import Doc, Json, Object, compact, from_pairs, pairs

_GONE = ("ResourceNotFoundException",)
_BACKUP = "the emulator keeps no backups that a table could be made from"


class Table(ResourceType):
    """A table, alone or as a global table of either consistency.

    Made as AWS asks for it: ``CreateTable`` in the home region, ``UpdateTable`` for replicas,
    consistency and witness, then each replica's own settings in its own region.
    """

    token = "aws:dynamodb/table:Table"
    name_property = "name"
    properties = {
        "attributes": kept(),
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
        "pointInTimeRecovery": kept(),
        "pointInTimeRecovery.recoveryPeriodInDays": recorded(
            "the emulator keeps no backups, for however long", computed=True
        ),
        "rangeKey": kept(replaces=True),
        "readCapacity": kept(computed=True),
        "replicas": kept(),
        "replicas.arn": kept(computed=True),
        "replicas.consistencyMode": kept(default="EVENTUAL"),
        "replicas.kmsKeyArn": kept(computed=True),
        "replicas.propagateTags": recorded("read back from the replica's tags, not as a switch"),
        "replicas.streamArn": kept(computed=True),
        "replicas.streamLabel": kept(computed=True),
        "restoreBackupArn": refused(_BACKUP),
        "restoreDateTime": refused(_BACKUP),
        "restoreSourceName": refused(_BACKUP),
        "restoreSourceTableArn": refused(_BACKUP),
        "restoreToLatestTime": refused(_BACKUP),
        "serverSideEncryption": kept(),
        "serverSideEncryption.kmsKeyArn": kept(computed=True),
        "streamEnabled": kept(),
        "streamViewType": kept(computed=True),
        "tableClass": kept(default="STANDARD"),
        "tags": kept(),
        "ttl": kept(),
        "warmThroughput": refused("the emulator has no capacity to warm"),
        "writeCapacity": kept(computed=True),
    }

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """What AWS refuses of a table before it makes anything."""
        yield from _capacity_failures(inputs)
        declared = {item.maybe_text("name") for item in inputs.docs("attributes")}
        for key in ("hashKey", "rangeKey"):
            name = inputs.maybe_text(key)
            if name is not None and name not in declared:
                yield Failure(key, f"is {name!r}, which `attributes` does not declare")
        if "hashKey" not in inputs:
            yield Failure("hashKey", "is missing; a table needs one")
        if inputs.flag("streamEnabled") and "streamViewType" not in inputs:
            yield Failure("streamViewType", "is missing; `streamEnabled` needs it")
        strong = [
            item
            for item in inputs.docs("replicas")
            if item.maybe_text("consistencyMode") == "STRONG"
        ]
        if strong and len(strong) + 1 + ("globalTableWitness" in inputs) != 3:
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
        indexes = [_index(item, inputs) for item in inputs.docs("globalSecondaryIndexes")]
        local = [_local_index(item, inputs) for item in inputs.docs("localSecondaryIndexes")]
        site.call(
            "dynamodb",
            "create_table",
            TableName=name,
            AttributeDefinitions=_attributes(inputs),
            KeySchema=_key_schema(inputs),
            BillingMode=inputs.text("billingMode"),
            ProvisionedThroughput=_throughput(inputs, inputs),
            OnDemandThroughput=_on_demand(inputs),
            GlobalSecondaryIndexes=indexes or None,
            LocalSecondaryIndexes=local or None,
            StreamSpecification=_stream(inputs) if inputs.flag("streamEnabled") else None,
            SSESpecification=_encryption(inputs),
            TableClass=inputs.text("tableClass"),
            DeletionProtectionEnabled=inputs.flag("deletionProtectionEnabled"),
            Tags=pairs(inputs.table("tagsAll")) or None,
        )
        return name

    def configure(self, site: Site, ident: str, inputs: Doc) -> None:
        """What ``CreateTable`` cannot say: expiry, recovery, replicas."""
        if inputs.doc("ttl").flag("enabled"):
            _set_ttl(site, ident, inputs.doc("ttl"))
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
            **_described(table),
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
        for change in _changes(old, new):
            site.call("dynamodb", "update_table", TableName=ident, **change)
        for change in _index_changes(old, new):
            site.call(
                "dynamodb",
                "update_table",
                TableName=ident,
                AttributeDefinitions=_attributes(new),
                GlobalSecondaryIndexUpdates=[change],
            )
        if old.doc("ttl").flag("enabled") != new.doc("ttl").flag("enabled"):
            _set_ttl(site, ident, new.doc("ttl") if "ttl" in new else old.doc("ttl"), new)
        if "pointInTimeRecovery" in new:
            _set_recovery(site, ident, new.doc("pointInTimeRecovery"))
        elif old.doc("pointInTimeRecovery").flag("enabled"):
            _set_recovery(site, ident, Doc({"enabled": False}))
        gone, fresh = retag(old, new)
        arn = old.text("arn")
        if gone:
            site.call("dynamodb", "untag_resource", ResourceArn=arn, TagKeys=gone)
        if fresh:
            site.call("dynamodb", "tag_resource", ResourceArn=arn, Tags=pairs(fresh))
        change_replicas(site, ident, old, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """Replicas first, then the table. Deletion protection refuses, as on AWS."""
        if site.find(_GONE, "dynamodb", "describe_table", TableName=ident) is None:
            return
        if site.forced:
            _unprotect(site, ident, state)
        remove_replicas(site, ident, state)
        site.find(_GONE, "dynamodb", "delete_table", TableName=ident)


class TableItem(ResourceType):
    """One item that the stack puts into a table."""

    token = "aws:dynamodb/tableItem:TableItem"
    properties = {
        "hashKey": recorded("part of the table's schema; names the item here", replaces=True),
        "item": kept(document="json"),
        "rangeKey": recorded("part of the table's schema; names the item here", replaces=True),
        "tableName": recorded("names the table of every call", replaces=True),
    }

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """The item must be DynamoDB's JSON and hold its key."""
        text = inputs.maybe_text("item")
        if text is None:
            return
        try:
            item = json.loads(text)
        except ValueError as error:
            yield Failure("item", f"is no JSON: {error}")
            return
        if not isinstance(item, Mapping):
            yield Failure("item", "must be a JSON object of typed attributes")
            return
        for key in (inputs.maybe_text("hashKey"), inputs.maybe_text("rangeKey")):
            if key is not None and key not in item:
                yield Failure("item", f"lacks its key attribute {key!r}")

    def create(self, site: Site, inputs: Doc) -> str:
        """A put that refuses to overwrite, as the AWS provider does it."""
        site.call(
            "dynamodb",
            "put_item",
            TableName=inputs.text("tableName"),
            Item=_item(inputs),
            ConditionExpression="attribute_not_exists(#hash)",
            ExpressionAttributeNames={"#hash": inputs.text("hashKey")},
        )
        return "|".join([inputs.text("tableName"), *_key_values(inputs)])

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """The attributes that the stack put. Others that the item gained are not the stack's."""
        del ident
        answer = site.find(
            _GONE,
            "dynamodb",
            "get_item",
            TableName=state.text("tableName"),
            Key=_key(state),
            ConsistentRead=True,
        )
        if answer is None or "Item" not in answer:
            return None
        values = [*_key_values(state), ""]
        return {
            "item": json.dumps(answer.doc("Item").members, sort_keys=True),
            "hashKeyValue": values[0],
            "rangeKeyValue": values[1],
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Puts the new item; removes the old one when its key differs."""
        del ident
        site.call("dynamodb", "put_item", TableName=new.text("tableName"), Item=_item(new))
        if _key(old) != _key(new):
            site.call(
                "dynamodb", "delete_item", TableName=old.text("tableName"), Key=_key(old)
            )

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """Deletes the item, whatever it has become."""
        del ident
        site.find(
            _GONE,
            "dynamodb",
            "delete_item",
            TableName=state.text("tableName"),
            Key=_key(state),
        )


def _capacity_failures(inputs: Doc) -> Iterator[Failure]:
    on_demand = inputs.maybe_text("billingMode") == "PAY_PER_REQUEST"
    for key in ("readCapacity", "writeCapacity"):
        given = inputs.maybe_number(key)
        if on_demand and given:
            yield Failure(key, f"is {given}; a table with billingMode PAY_PER_REQUEST has none")
        if not on_demand and "billingMode" in inputs and not given:
            yield Failure(key, "is missing; a table with billingMode PROVISIONED needs it")
    if not on_demand and "onDemandThroughput" in inputs:
        yield Failure("onDemandThroughput", "needs billingMode PAY_PER_REQUEST")


def _attributes(inputs: Doc) -> list[dict[str, str]]:
    return [
        {"AttributeName": item.text("name"), "AttributeType": item.text("type")}
        for item in inputs.docs("attributes")
    ]


def _keys(hash_key: str | None, range_key: str | None) -> list[dict[str, str]]:
    schema = [{"AttributeName": hash_key, "KeyType": "HASH"}] if hash_key else []
    return [*schema, *([{"AttributeName": range_key, "KeyType": "RANGE"}] if range_key else [])]


def _key_schema(inputs: Doc) -> list[dict[str, str]]:
    return _keys(inputs.maybe_text("hashKey"), inputs.maybe_text("rangeKey"))


def _throughput(inputs: Doc, owner: Doc) -> dict[str, int] | None:
    if inputs.text("billingMode") == "PAY_PER_REQUEST":
        return None
    return {
        "ReadCapacityUnits": owner.maybe_number("readCapacity") or inputs.number("readCapacity"),
        "WriteCapacityUnits": owner.maybe_number("writeCapacity") or inputs.number("writeCapacity"),
    }


def _on_demand(inputs: Doc) -> dict[str, object] | None:
    limits = inputs.doc("onDemandThroughput")
    if not limits:
        return None
    return compact(
        MaxReadRequestUnits=limits.maybe_number("maxReadRequestUnits"),
        MaxWriteRequestUnits=limits.maybe_number("maxWriteRequestUnits"),
    )


def _stream(inputs: Doc) -> dict[str, object]:
    if not inputs.flag("streamEnabled"):
        return {"StreamEnabled": False}
    return {"StreamEnabled": True, "StreamViewType": inputs.text("streamViewType")}


def _encryption(inputs: Doc) -> dict[str, object] | None:
    block = inputs.doc("serverSideEncryption")
    if not block.flag("enabled"):
        return None
    return compact(Enabled=True, SSEType="KMS", KMSMasterKeyId=block.maybe_text("kmsKeyArn"))


def _projection(item: Doc) -> dict[str, object]:
    return compact(
        ProjectionType=item.text("projectionType"),
        NonKeyAttributes=item.texts("nonKeyAttributes") or None,
    )


def _index(item: Doc, inputs: Doc) -> dict[str, object]:
    schema = [
        {"AttributeName": key.text("attributeName"), "KeyType": key.text("keyType")}
        for key in item.docs("keySchemas")
    ]
    return compact(
        IndexName=item.text("name"),
        KeySchema=schema or _keys(item.maybe_text("hashKey"), item.maybe_text("rangeKey")),
        Projection=_projection(item),
        ProvisionedThroughput=_throughput(inputs, item),
    )


def _local_index(item: Doc, inputs: Doc) -> dict[str, object]:
    return {
        "IndexName": item.text("name"),
        "KeySchema": _keys(inputs.text("hashKey"), item.text("rangeKey")),
        "Projection": _projection(item),
    }


def _set_ttl(site: Site, name: str, block: Doc, new: Doc | None = None) -> None:
    enabled = (new.doc("ttl") if new is not None else block).flag("enabled")
    site.call(
        "dynamodb",
        "update_time_to_live",
        TableName=name,
        TimeToLiveSpecification={
            "Enabled": enabled,
            "AttributeName": block.text("attributeName"),
        },
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


def _described(table: Doc) -> dict[str, Json]:
    keys = _read_keys(table.docs("KeySchema"))
    throughput = table.doc("ProvisionedThroughput")
    encryption = table.doc("SSEDescription")
    encrypted = encryption.maybe_text("Status") == "ENABLED"
    stream = table.doc("StreamSpecification")
    limits = table.doc("OnDemandThroughput")
    return {
        "arn": table.text("TableArn"),
        "name": table.text("TableName"),
        "hashKey": keys.get("HASH"),
        "rangeKey": keys.get("RANGE"),
        "attributes": [
            {"name": item.text("AttributeName"), "type": item.text("AttributeType")}
            for item in table.docs("AttributeDefinitions")
        ],
        "billingMode": table.doc("BillingModeSummary").maybe_text("BillingMode") or "PROVISIONED",
        "readCapacity": throughput.maybe_number("ReadCapacityUnits") or 0,
        "writeCapacity": throughput.maybe_number("WriteCapacityUnits") or 0,
        "deletionProtectionEnabled": table.flag("DeletionProtectionEnabled"),
        "tableClass": table.doc("TableClassSummary").maybe_text("TableClass") or "STANDARD",
        "streamEnabled": stream.flag("StreamEnabled"),
        "streamViewType": stream.maybe_text("StreamViewType") or "",
        "streamArn": table.maybe_text("LatestStreamArn") or "",
        "streamLabel": table.maybe_text("LatestStreamLabel") or "",
        "serverSideEncryption": {
            "enabled": encrypted,
            "kmsKeyArn": (encryption.maybe_text("KMSMasterKeyArn") or "") if encrypted else "",
        },
        "onDemandThroughput": {
            "maxReadRequestUnits": limits.maybe_number("MaxReadRequestUnits"),
            "maxWriteRequestUnits": limits.maybe_number("MaxWriteRequestUnits"),
        }
        if limits
        else None,
        "warmThroughput": {
            "readUnitsPerSecond": table.doc("WarmThroughput").maybe_number("ReadUnitsPerSecond"),
            "writeUnitsPerSecond": table.doc("WarmThroughput").maybe_number("WriteUnitsPerSecond"),
        },
        "globalSecondaryIndexes": [
            _read_index(item) for item in table.docs("GlobalSecondaryIndexes")
        ],
        "localSecondaryIndexes": [
            {
                "name": item.text("IndexName"),
                "rangeKey": _read_keys(item.docs("KeySchema")).get("RANGE"),
                **_read_projection(item),
            }
            for item in table.docs("LocalSecondaryIndexes")
        ],
    }


def _read_keys(schema: Sequence[Doc]) -> dict[str, str]:
    return {item.text("KeyType"): item.text("AttributeName") for item in schema}


def _read_projection(item: Doc) -> dict[str, Json]:
    projection = item.doc("Projection")
    return {
        "projectionType": projection.maybe_text("ProjectionType"),
        "nonKeyAttributes": projection.texts("NonKeyAttributes"),
    }


def _read_index(item: Doc) -> Json:
    schema = item.docs("KeySchema")
    keys = _read_keys(schema)
    throughput = item.doc("ProvisionedThroughput")
    return {
        "name": item.text("IndexName"),
        "hashKey": keys.get("HASH"),
        "rangeKey": keys.get("RANGE"),
        "keySchemas": [
            {"attributeName": key.text("AttributeName"), "keyType": key.text("KeyType")}
            for key in schema
        ],
        "readCapacity": throughput.maybe_number("ReadCapacityUnits") or 0,
        "writeCapacity": throughput.maybe_number("WriteCapacityUnits") or 0,
        **_read_projection(item),
    }


def _changes(old: Doc, new: Doc) -> Iterator[dict[str, object]]:
    billing = old.text("billingMode") != new.text("billingMode")
    capacity = any(
        (old.maybe_number(key) or 0) != (new.maybe_number(key) or 0)
        for key in ("readCapacity", "writeCapacity")
    )
    if billing or (capacity and new.text("billingMode") == "PROVISIONED"):
        yield compact(
            BillingMode=new.text("billingMode"), ProvisionedThroughput=_throughput(new, new)
        )
    if _on_demand(old) != _on_demand(new) and _on_demand(new) is not None:
        yield {"OnDemandThroughput": _on_demand(new)}
    if _stream(old) != _stream(new):
        if old.flag("streamEnabled") and new.flag("streamEnabled"):
            yield {"StreamSpecification": {"StreamEnabled": False}}
        yield {"StreamSpecification": _stream(new)}
    if _encryption(old) != _encryption(new):
        yield {"SSESpecification": _encryption(new) or {"Enabled": False}}
    if old.maybe_text("tableClass") != new.maybe_text("tableClass"):
        yield {"TableClass": new.text("tableClass")}
    if old.flag("deletionProtectionEnabled") != new.flag("deletionProtectionEnabled"):
        yield {"DeletionProtectionEnabled": new.flag("deletionProtectionEnabled")}


def _index_changes(old: Doc, new: Doc) -> Iterator[dict[str, object]]:
    """Indexes to delete, then to create, one to a call. A changed one is made anew."""
    before = {item.text("name"): _index(item, old) for item in _told(old)}
    after = {item.text("name"): _index(item, new) for item in _told(new)}
    for name in sorted(before):
        if before[name] != after.get(name):
            yield {"Delete": {"IndexName": name}}
    for name in sorted(after):
        if before.get(name) != after[name]:
            yield {"Create": after[name]}


def _told(inputs: Doc) -> list[Doc]:
    """Indexes with their keys in one form: a state holds both forms, a program one."""
    found: list[Doc] = []
    for item in inputs.docs("globalSecondaryIndexes"):
        schema = item.docs("keySchemas")
        if not schema:
            keys = _keys(item.maybe_text("hashKey"), item.maybe_text("rangeKey"))
            item = item.with_members(
                keySchemas=[
                    {"attributeName": key["AttributeName"], "keyType": key["KeyType"]}
                    for key in keys
                ]
            )
        found.append(item)
    return found


def _unprotect(site: Site, name: str, state: Doc) -> None:
    for region in [site.region, *(item.text("regionName") for item in state.docs("replicas"))]:
        try:
            site.at(region).call(
                "dynamodb", "update_table", TableName=name, DeletionProtectionEnabled=False
            )
        except ApiError as error:
            if error.code not in _GONE:
                raise


def _item(inputs: Doc) -> dict[str, object]:
    return cast("dict[str, object]", json.loads(inputs.text("item")))


def _key(inputs: Doc) -> dict[str, object]:
    item = _item(inputs)
    names = [inputs.text("hashKey"), *filter(None, [inputs.maybe_text("rangeKey")])]
    return {name: item[name] for name in names}


def _key_values(inputs: Doc) -> list[str]:
    found: list[str] = []
    for value in _key(inputs).values():
        typed = cast("Mapping[str, object]", value)
        found.append(str(next(iter(typed.values()))))
    return found
