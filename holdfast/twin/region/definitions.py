"""A table's definition as it travels to the region of a new replica. Pure.

What AWS keeps equal in all replicas travels; what each replica has for itself (tags, deletion
protection, point-in-time recovery, resource policy) does not.
"""

import copy
from typing import Any, cast

from holdfast.twin.region.dynamo import Request, Table

_INDEX_FIELDS = (
    "IndexName", "KeySchema", "Projection", "ProvisionedThroughput", "OnDemandThroughput",
)  # fmt: skip


def definition_of(table: Table) -> Request:
    """The CreateTable request that would make this table."""
    billing = table["BillingModeSummary"]["BillingMode"]
    request: Request = {
        "TableName": table["TableName"],
        "KeySchema": table["KeySchema"],
        "AttributeDefinitions": table["AttributeDefinitions"],
        "BillingMode": billing,
    }
    provisioned = billing == "PROVISIONED"
    if provisioned:
        request["ProvisionedThroughput"] = table["ProvisionedThroughput"]
    for field in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        made = cast("list[dict[str, Any]]", table.get(field) or [])
        indexes = [_index(index, provisioned=provisioned) for index in made]
        if indexes:
            request[field] = indexes
    if table.get("StreamSpecification"):
        request["StreamSpecification"] = table["StreamSpecification"]
    if table.get("TableClassSummary"):
        request["TableClass"] = table["TableClassSummary"]["TableClass"]
    if table.get("OnDemandThroughput"):
        request["OnDemandThroughput"] = table["OnDemandThroughput"]
    encryption = cast("dict[str, Any]", table.get("SSEDescription") or {})
    if encryption.get("Status") == "ENABLED":
        # The key itself is regional: a replica has the one it was given, or AWS's own.
        request["SSESpecification"] = {"Enabled": True, "SSEType": "KMS"}
    return copy.deepcopy(request)


def _index(index: dict[str, Any], *, provisioned: bool) -> dict[str, Any]:
    fields = {name: index[name] for name in _INDEX_FIELDS if name in index}
    if not provisioned:
        fields.pop("ProvisionedThroughput", None)
    return fields


def replica_request(definition: Request, settings: dict[str, Any]) -> Request:
    """The CreateTable request for a replica with settings of its own, as UpdateTable names them."""
    return {**definition, **settings_request(settings)}


def settings_request(settings: dict[str, Any]) -> Request:
    """A replica's own settings as CreateTable and UpdateTable spell them."""
    request: Request = {}
    if "KMSMasterKeyId" in settings:
        request["SSESpecification"] = {
            "Enabled": True,
            "SSEType": "KMS",
            "KMSMasterKeyId": settings["KMSMasterKeyId"],
        }
    if "TableClassOverride" in settings:
        request["TableClass"] = settings["TableClassOverride"]
    return request
