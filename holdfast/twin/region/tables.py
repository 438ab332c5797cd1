"""DynamoDB's control plane: tables, their replicas, and AWS's rules for both.

The rules and their messages were read from AWS's own answers (UpdateTable on version 2019.11.21
global tables, 2026) and from botocore's model.

Guarantees:
    A replica is made everywhere or nowhere: a call that fails half-way takes back what it did.

Does not guarantee:
    That a region which dies while it is told of a deletion carries it out before it is back.
    That a write which another region acknowledges while its replica is being removed is kept.
"""

import asyncio
from dataclasses import replace
from http import HTTPStatus
from typing import Any, cast

from holdfast.twin.region.courier import Courier
from holdfast.twin.region.definitions import definition_of, replica_request, settings_request
from holdfast.twin.region.dynamo import Dynamo, Request, Table, failure, success
from holdfast.twin.region.emulator import Reply
from holdfast.twin.region.eventual import EventualItems
from holdfast.twin.region.groups import Consistency, Group, Groups, new_gid
from holdfast.twin.region.peers import Fields, Links, RefusedError, UnreachableError
from holdfast.twin.region.replica_rules import Plan, RuleError, plan_update
from holdfast.twin.region.store import Store
from holdfast.twin.region.strong import ConflictError, NoQuorumError, StrongItems

_SHARED = frozenset(
    {
        "BillingMode", "ProvisionedThroughput", "OnDemandThroughput",
        "GlobalSecondaryIndexUpdates", "AttributeDefinitions",
    }
)  # fmt: skip
"""Settings of one replica that AWS keeps equal in all."""

_RESTORES = frozenset({"RestoreTableFromBackup", "RestoreTableToPointInTime", "ImportTable"})


class ControlPlane:
    """Answers control calls on this region's tables."""

    def __init__(
        self,
        *,
        region: str,
        regions: frozenset[str],
        store: Store,
        groups: Groups,
        dynamo: Dynamo,
        strong: StrongItems,
        eventual: EventualItems,
        courier: Courier,
        links: Links,
    ) -> None:
        self._region = region
        self._regions = regions
        self._store = store
        self._groups = groups
        self._dynamo = dynamo
        self._strong = strong
        self._eventual = eventual
        self._courier = courier
        self._links = links
        self._one_at_a_time = asyncio.Lock()

    async def handle(self, operation: str, request: Request) -> Reply:
        """The answer to one control call. A description does not wait for a change."""
        if operation == "DescribeTable":
            return self._described(self._dynamo.call(operation, request), "Table")
        async with self._one_at_a_time:
            match operation:
                case "CreateTable":
                    return self._create(request)
                case "UpdateTable":
                    return await self._update(request)
                case "DeleteTable":
                    return await self._delete(request)
                case "UpdateTimeToLive":
                    return self._update_ttl(request)
                case _:
                    reply = self._dynamo.call(operation, request)
                    if operation in _RESTORES:
                        self.adopt_tables()
                    return reply

    # Creation

    def _create(self, request: Request) -> Reply:
        for field in ("GlobalTableSourceArn", "GlobalTableSettingsReplicationMode"):
            if field in request:
                return failure(
                    "ValidationException",
                    f"The twin has one account and does not reproduce {field} "
                    "(multi-account global tables). Leave it out.",
                )
        reply = self._dynamo.call("CreateTable", request)
        if reply.status == HTTPStatus.OK:
            self.adopt_tables()
        return reply

    def adopt_tables(self) -> None:
        """Makes a group of one for each table that has none, and forgets groups without table."""
        tables = self._dynamo.tables()
        for name, table in tables.items():
            if self._groups.named(name) is None:
                group = Group(
                    gid=new_gid(),
                    name=name,
                    consistency=Consistency.LOCAL,
                    replicas=(self._region,),
                )
                self._groups.put(group)
                self._eventual.commit(self._dynamo.keys(table))
        for group in self._groups:
            if self._region in group.replicas and group.name not in tables:
                self._groups.drop(group)

    # Updates

    async def _update(self, request: Request) -> Reply:
        name = self._dynamo.name_of(request)
        group, table = self._groups.named(name), self._dynamo.table(name)
        if group is None or table is None:
            return self._dynamo.call("UpdateTable", request)
        if request.get("ReplicaUpdates"):
            return await self._update_replicas(group, table, request)
        if "GlobalTableSettingsReplicationMode" in request:
            return failure(
                "ValidationException",
                "The twin has one account and does not reproduce "
                "GlobalTableSettingsReplicationMode. Leave it out.",
            )
        return self._update_settings(group, request)

    async def _update_replicas(self, group: Group, table: Table, request: Request) -> Reply:
        try:
            plan = plan_update(
                request,
                group=group,
                region=self._region,
                regions=self._regions,
                is_empty=not table["items"],
                has_local_index=bool(table.get("LocalSecondaryIndexes")),
                has_ttl=self._dynamo.time_to_live(group.name) is not None,
            )
            await self._carry_out(plan, group, table)
        except (RuleError, RefusedError) as error:
            return failure("ValidationException", str(error))
        except (UnreachableError, NoQuorumError, ConflictError) as error:
            return failure(
                "InternalServerError",
                f"A region of the table does not answer, so its replicas stay as they are. {error}",
                HTTPStatus.INTERNAL_SERVER_ERROR,
            )
        return self._describe(group.name, "TableDescription")

    def _update_settings(self, group: Group, request: Request) -> Reply:
        reply = self._dynamo.call("UpdateTable", request)
        shared = {field: request[field] for field in _SHARED if field in request}
        if reply.status == HTTPStatus.OK and shared:
            self._tell(group, "UpdateTable", shared)
        return self._described(reply, "TableDescription")

    def _update_ttl(self, request: Request) -> Reply:
        group = self._groups.named(self._dynamo.name_of(request))
        if group is not None and group.consistency is Consistency.STRONG:
            return failure(
                "ValidationException",
                "Time to live is not supported on global tables with MultiRegionConsistency set "
                f"to STRONG: {group.name}",
            )
        reply = self._dynamo.call("UpdateTimeToLive", request)
        if group is not None and reply.status == HTTPStatus.OK:
            shared = {"TimeToLiveSpecification": request["TimeToLiveSpecification"]}
            self._tell(group, "UpdateTimeToLive", shared)
        return reply

    def _tell(self, group: Group, operation: str, shared: Request) -> None:
        """Has every other replica take over a setting. One that is down takes it from the queue."""
        for peer in group.others(self._region):
            self._courier.enqueue(
                peer,
                group.name,
                f"{operation}:{new_gid()}",
                {
                    "kind": "settings",
                    "gid": group.gid,
                    "operation": operation,
                    "request": {**shared, "TableName": group.name},
                },
            )

    def on_parcel(self, parcel: Fields) -> None:
        """Takes over a setting that another replica was given, or a decision on the group."""
        if parcel["kind"] == "group":
            decide = self.on_delete if parcel["op"] == "delete_replica" else self.on_update_group
            decide(cast("Fields", parcel["message"]))
        elif self._groups.get(str(parcel["gid"])) is not None:
            self._dynamo.call(str(parcel["operation"]), cast("Request", parcel["request"]))

    # Replicas

    async def _carry_out(self, plan: Plan, group: Group, table: Table) -> None:
        await self._check(plan, group)
        if plan.after.consistency is not Consistency.STRONG and (
            group.consistency is Consistency.STRONG
        ):
            # What stays here must be everything that was ever acknowledged.
            await self._strong.refresh_range(group, "")
        if plan.starts_stream:
            self._dynamo.start_stream(table)
        definition = {
            "table": definition_of(table),
            "time_to_live": self._dynamo.time_to_live(group.name),
        }
        made: list[str] = []
        try:
            for peer in plan.added:
                await self._links.request(
                    peer,
                    "create_replica",
                    {"group": plan.after.to_json(), "definition": definition},
                    timeout_s=10,
                )
                made.append(peer)
        except (UnreachableError, RefusedError):
            for peer in made:
                await self._notify(peer, "delete_replica", {"gid": group.gid})
            raise
        self._take(plan.after, fresh=plan.becomes_strong)
        for peer in plan.removed:
            await self._notify(peer, "delete_replica", {"gid": group.gid})
            self._store.drop_parcels(group.name, peer)
        for peer in plan.kept:
            await self._notify(peer, "update_group", {"group": plan.after.to_json()})
        if plan.after.consistency is Consistency.EVENTUAL:
            for peer in plan.added:
                self._eventual.backfill(plan.after, peer)

    async def _notify(self, peer: str, op: str, message: dict[str, object]) -> None:
        """Tells a peer of a decision; later, if it cannot be told now."""
        try:
            await self._links.request(peer, op, message, timeout_s=10)
        except (UnreachableError, RefusedError):
            parcel: dict[str, object] = {"kind": "group", "op": op, "message": message}
            self._courier.enqueue(peer, "", new_gid(), parcel)

    async def _check(self, plan: Plan, group: Group) -> None:
        """Asks every region concerned whether it can, before any of them does."""
        for peer in plan.added:
            role = "witness" if peer == plan.after.witness else "replica"
            question = {"name": group.name, "gid": group.gid, "role": role}
            await self._links.request(peer, "can_create_replica", question)
        for peer in plan.removed:
            await self._links.request(peer, "can_delete_replica", {"gid": group.gid})
        for peer in plan.kept:
            await self._links.request(peer, "ping", {})

    def _take(self, after: Group, *, fresh: bool) -> None:
        if fresh:
            self._store.drop_items(after.gid)
        if after.consistency is not Consistency.STRONG:
            self._store.drop_slots(after.gid)
            self._strong.forget(after.gid)
        self._groups.put(after)

    # Deletion

    async def _delete(self, request: Request) -> Reply:
        name = self._dynamo.name_of(request)
        group = self._groups.named(name)
        if group is not None and group.consistency is Consistency.STRONG:
            return failure(
                "ValidationException",
                "Deletion of only one table replica is not supported for global tables with "
                "MultiRegionConsistency set to STRONG.",
            )
        reply = self._dynamo.call("DeleteTable", request)
        if group is None or reply.status != HTTPStatus.OK:
            return reply
        self._forget(group)
        remaining = group.others(self._region)
        after = replace(
            group,
            replicas=remaining,
            consistency=Consistency.EVENTUAL if len(remaining) > 1 else Consistency.LOCAL,
        )
        for peer in remaining:
            await self._notify(peer, "update_group", {"group": after.to_json()})
        return reply

    def _forget(self, group: Group) -> None:
        self._store.drop_parcels(group.name)
        self._strong.forget(group.gid)
        self._groups.drop(group)

    # What peers ask

    def on_can_create(self, message: Fields) -> Fields:
        """``can_create_replica {name, gid, role}``."""
        existing = self._groups.named(message["name"])
        # One of the same group is left over from an attempt whose maker died half-way.
        left_over = existing is not None and existing.gid == message["gid"]
        taken = self._dynamo.table(message["name"]) is not None and not left_over
        if message["role"] == "replica" and taken:
            raise RefusedError(
                "Failed to create a the new replica of table with name: "
                f"'{message['name']}' because one or more replicas already existed as tables."
            )
        return {}

    def on_create(self, message: Fields) -> Fields:
        """``create_replica {group, definition}``: a copy, or a vote, of a peer's table."""
        group = Group.from_json(message["group"])
        self.on_delete({"gid": group.gid})
        if self._region in group.replicas:
            definition = cast("dict[str, Any]", message["definition"])
            settings = group.settings.get(self._region, {})
            request = replica_request(definition["table"], settings)
            reply = self._dynamo.call("CreateTable", request)
            if reply.status != HTTPStatus.OK:
                raise RefusedError(str(reply.json().get("message", reply.error_type)))
            if definition["time_to_live"] is not None:
                self._dynamo.call(
                    "UpdateTimeToLive",
                    {
                        "TableName": group.name,
                        "TimeToLiveSpecification": definition["time_to_live"],
                    },
                )
        self._groups.put(group)
        return {}

    def on_can_delete(self, message: Fields) -> Fields:
        """``can_delete_replica {gid}``."""
        group = self._groups.get(str(message["gid"]))
        table = None if group is None else self._dynamo.table(group.name)
        if (
            group is not None
            and self._region in group.replicas
            and table is not None
            and (table.get("DeletionProtectionEnabled"))
        ):
            raise RefusedError(
                f"Replica {self._region} of table {group.name} cannot be deleted because it is "
                "protected against deletion. Disable deletion protection there first."
            )
        return {}

    def on_delete(self, message: Fields) -> Fields:
        """``delete_replica {gid}``: the copy, or the vote, is no longer wanted."""
        group = self._groups.get(str(message["gid"]))
        if group is not None:
            if self._region in group.replicas:
                self._dynamo.call("DeleteTable", {"TableName": group.name})
            self._forget(group)
        return {}

    def on_update_group(self, message: Fields) -> Fields:
        """``update_group {group}``: another member joined or left."""
        after = Group.from_json(message["group"])
        before = self._groups.get(after.gid)
        if before is not None:
            for gone in set(before.replicas) - set(after.replicas):
                self._store.drop_parcels(after.name, gone)
            own = after.settings.get(self._region, {})
            if own != before.settings.get(self._region, {}):
                request = {"TableName": after.name, **settings_request(own)}
                self._dynamo.call("UpdateTable", request)
            self._take(after, fresh=False)
            if after.consistency is Consistency.EVENTUAL:
                # The region that made the newcomer cannot hand over what it has not received
                # from here, and passes nothing on.
                for joined in set(after.replicas) - set(before.replicas):
                    self._eventual.backfill(after, joined)
        return {}

    # Description

    def _describe(self, name: str, field: str) -> Reply:
        reply = self._dynamo.call("DescribeTable", {"TableName": name})
        description = reply.json().get("Table")
        return success({field: self._with_replicas(name, description)})

    def _described(self, reply: Reply, field: str) -> Reply:
        body = reply.json()
        if reply.status != HTTPStatus.OK or field not in body:
            return reply
        description = cast("dict[str, Any]", body[field])
        whole = self._with_replicas(str(description["TableName"]), description)
        return success({**body, field: whole})

    def _with_replicas(self, name: str, description: Any) -> dict[str, Any]:  # noqa: ANN401
        described = cast("dict[str, Any]", description)
        group = self._groups.named(name)
        if group is None or len(group.replicas) == 1:
            return described
        described["GlobalTableVersion"] = "2019.11.21"
        described["GlobalTableSettingsReplicationMode"] = "ENABLED_WITH_OVERRIDES"
        described["Replicas"] = [
            _replica_description(peer, group.settings.get(peer, {}))
            for peer in group.others(self._region)
        ]
        if group.consistency is Consistency.STRONG:
            described["MultiRegionConsistency"] = "STRONG"
            if group.witness:
                described["GlobalTableWitnesses"] = [
                    {"RegionName": group.witness, "WitnessStatus": "ACTIVE"}
                ]
        return described


def _replica_description(region: str, settings: dict[str, Any]) -> dict[str, Any]:
    description: dict[str, Any] = {
        "RegionName": region,
        "ReplicaStatus": "ACTIVE",
        "GlobalTableSettingsReplicationMode": "ENABLED_WITH_OVERRIDES",
    }
    if "KMSMasterKeyId" in settings:
        description["KMSMasterKeyId"] = settings["KMSMasterKeyId"]
    if "TableClassOverride" in settings:
        description["ReplicaTableClassSummary"] = {"TableClass": settings["TableClassOverride"]}
    return description
