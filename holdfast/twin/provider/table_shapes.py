"""DynamoDB: what a table looks like to Pulumi and to the API, and how one becomes the other."""

from collections.abc import Iterator, Sequence

from holdfast.twin.provider.values import Doc, Json, compact


def attributes(inputs: Doc) -> list[dict[str, str]]:
    """The declared attributes."""
    return [
        {"AttributeName": item.text("name"), "AttributeType": item.text("type")}
        for item in inputs.docs("attributes")
    ]


def _keys(hash_key: str | None, range_key: str | None) -> list[dict[str, str]]:
    schema = [{"AttributeName": hash_key, "KeyType": "HASH"}] if hash_key else []
    return [*schema, *([{"AttributeName": range_key, "KeyType": "RANGE"}] if range_key else [])]


def key_schema(inputs: Doc) -> list[dict[str, str]]:
    """The table's own keys."""
    return _keys(inputs.maybe_text("hashKey"), inputs.maybe_text("rangeKey"))


def throughput(inputs: Doc, owner: Doc) -> dict[str, int] | None:
    """Provisioned capacity of the table or of an index; None where requests are paid for."""
    if inputs.text("billingMode") == "PAY_PER_REQUEST":
        return None
    return {
        "ReadCapacityUnits": owner.maybe_number("readCapacity") or inputs.number("readCapacity"),
        "WriteCapacityUnits": owner.maybe_number("writeCapacity") or inputs.number("writeCapacity"),
    }


def on_demand(inputs: Doc) -> dict[str, object] | None:
    """Limits of a table whose requests are paid for."""
    limits = inputs.doc("onDemandThroughput")
    if not limits:
        return None
    return compact(
        MaxReadRequestUnits=limits.maybe_number("maxReadRequestUnits"),
        MaxWriteRequestUnits=limits.maybe_number("maxWriteRequestUnits"),
    )


def stream(inputs: Doc) -> dict[str, object]:
    """Whether changes are streamed, and what of them."""
    if not inputs.flag("streamEnabled"):
        return {"StreamEnabled": False}
    return {"StreamEnabled": True, "StreamViewType": inputs.text("streamViewType")}


def encryption(inputs: Doc) -> dict[str, object] | None:
    """The customer's own key, or None for AWS's."""
    block = inputs.doc("serverSideEncryption")
    if not block.flag("enabled"):
        return None
    return compact(Enabled=True, SSEType="KMS", KMSMasterKeyId=block.maybe_text("kmsKeyArn"))


def _projection(item: Doc) -> dict[str, object]:
    return compact(
        ProjectionType=item.text("projectionType"),
        NonKeyAttributes=item.texts("nonKeyAttributes") or None,
    )


def index(item: Doc, inputs: Doc) -> dict[str, object]:
    """A global secondary index."""
    schema = [
        {"AttributeName": key.text("attributeName"), "KeyType": key.text("keyType")}
        for key in item.docs("keySchemas")
    ]
    return compact(
        IndexName=item.text("name"),
        KeySchema=schema or _keys(item.maybe_text("hashKey"), item.maybe_text("rangeKey")),
        Projection=_projection(item),
        ProvisionedThroughput=throughput(inputs, item),
    )


def local_index(item: Doc, inputs: Doc) -> dict[str, object]:
    """A local secondary index."""
    return {
        "IndexName": item.text("name"),
        "KeySchema": _keys(inputs.text("hashKey"), item.text("rangeKey")),
        "Projection": _projection(item),
    }


def described(table: Doc) -> dict[str, Json]:
    """What ``DescribeTable`` says, in Pulumi's names."""
    keys = _read_keys(table.docs("KeySchema"))
    capacity = table.doc("ProvisionedThroughput")
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
        "readCapacity": capacity.maybe_number("ReadCapacityUnits") or 0,
        "writeCapacity": capacity.maybe_number("WriteCapacityUnits") or 0,
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


def changes(old: Doc, new: Doc) -> Iterator[dict[str, object]]:
    """The parameters of each ``UpdateTable`` that turns one table into another."""
    billing = old.text("billingMode") != new.text("billingMode")
    capacity = any(
        (old.maybe_number(key) or 0) != (new.maybe_number(key) or 0)
        for key in ("readCapacity", "writeCapacity")
    )
    if billing or (capacity and new.text("billingMode") == "PROVISIONED"):
        yield compact(
            BillingMode=new.text("billingMode"), ProvisionedThroughput=throughput(new, new)
        )
    if on_demand(old) != on_demand(new) and on_demand(new) is not None:
        yield {"OnDemandThroughput": on_demand(new)}
    if stream(old) != stream(new):
        if old.flag("streamEnabled") and new.flag("streamEnabled"):
            yield {"StreamSpecification": {"StreamEnabled": False}}
        yield {"StreamSpecification": stream(new)}
    if encryption(old) != encryption(new):
        yield {"SSESpecification": encryption(new) or {"Enabled": False}}
    if old.maybe_text("tableClass") != new.maybe_text("tableClass"):
        yield {"TableClass": new.text("tableClass")}
    if old.flag("deletionProtectionEnabled") != new.flag("deletionProtectionEnabled"):
        yield {"DeletionProtectionEnabled": new.flag("deletionProtectionEnabled")}


def index_changes(old: Doc, new: Doc) -> Iterator[dict[str, object]]:
    """Indexes to delete, then to create, one to a call. A changed one is made anew."""
    before = {item.text("name"): index(item, old) for item in _told(old)}
    after = {item.text("name"): index(item, new) for item in _told(new)}
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
        if item.docs("keySchemas"):
            found.append(item)
            continue
        keys = _keys(item.maybe_text("hashKey"), item.maybe_text("rangeKey"))
        schema = [
            {"attributeName": key["AttributeName"], "keyType": key["KeyType"]} for key in keys
        ]
        found.append(item.with_members(keySchemas=schema))
    return found
