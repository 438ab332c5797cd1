"""DynamoDB's data plane: which layer answers which call.

Guarantees:
    Calls on strongly consistent tables are linearizable per item where AWS's are: writes, and
    reads with ``ConsistentRead``. What AWS refuses on such tables is refused.

Does not guarantee:
    PartiQL on strongly consistent tables, which AWS allows and this refuses by name.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, cast

from holdfast.twin.region.consensus import Item
from holdfast.twin.region.dynamo import Dynamo, Request, Table, failure, success
from holdfast.twin.region.emulator import Reply
from holdfast.twin.region.eventual import EventualItems
from holdfast.twin.region.groups import Consistency, Group, Groups
from holdfast.twin.region.strong import ConflictError, Evaluated, NoQuorumError, StrongItems

_PARTIQL = frozenset({"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"})
_TRANSACTIONS = frozenset({"TransactWriteItems", "TransactGetItems"})

OPERATIONS = frozenset(
    {
        "PutItem", "UpdateItem", "DeleteItem", "GetItem", "Query", "Scan", "BatchGetItem",
        "BatchWriteItem", "SearchVectors", *_PARTIQL, *_TRANSACTIONS,
    }
)  # fmt: skip


_Answer = Callable[[str, Request], Awaitable[Reply]]


class DataPlane:
    """Answers data calls on this region's tables."""

    def __init__(
        self, groups: Groups, dynamo: Dynamo, strong: StrongItems, eventual: EventualItems
    ) -> None:
        self._groups = groups
        self._dynamo = dynamo
        self._strong = strong
        self._eventual = eventual
        self._special: dict[str, _Answer] = {
            "GetItem": self._get,
            "Query": self._range,
            "Scan": self._range,
            "BatchGetItem": self._batch_get,
            "BatchWriteItem": self._batch_write,
            **dict.fromkeys(("PutItem", "UpdateItem", "DeleteItem"), self._write),
            **dict.fromkeys(_TRANSACTIONS, self._transaction),
            **dict.fromkeys(_PARTIQL, self._partiql),
        }

    async def handle(self, operation: str, request: Request) -> Reply:
        """The answer to one data call."""
        try:
            special = self._special.get(operation)
            if special is None:
                return self._dynamo.call(operation, request)
            return await special(operation, request)
        except NoQuorumError:
            return failure(
                "InternalServerError",
                "The write or strongly consistent read could not be confirmed by two of the "
                "table's three regions. It may or may not have been carried out.",
                HTTPStatus.INTERNAL_SERVER_ERROR,
            )
        except ConflictError:
            return failure(
                "ReplicatedWriteConflictException",
                "One or more items in the request are being modified by a request in another "
                "Region. Nothing was written; try again.",
            )

    def _local(self, operation: str, request: Request) -> Reply:
        reply, changes = self._dynamo.record(operation, request)
        if changes:
            self._eventual.commit(changes)
        return reply

    def _strong_group(self, name: object) -> tuple[Group, Table] | None:
        named = self._dynamo.name_of({"TableName": name})
        group = self._groups.named(named)
        table = self._dynamo.table(named)
        if group is None or table is None or group.consistency is not Consistency.STRONG:
            return None
        return group, table

    # One item

    async def _write(self, operation: str, request: Request) -> Reply:
        found = self._strong_group(request.get("TableName"))
        if found is None:
            return self._local(operation, request)
        group, table = found
        whole = operation == "PutItem"
        key = self._dynamo.key(table, request.get("Item" if whole else "Key"), whole_item=whole)
        if key is None:
            return self._dynamo.rehearse(operation, request)
        return await self._change(group, table, key, operation, request)

    async def _change(
        self, group: Group, table: Table, key: str, operation: str, request: Request
    ) -> Reply:
        def apply(current: Item | None) -> Evaluated[Reply]:
            trial = self._dynamo.trial(table, key, current, operation, request)
            if trial.reply.status == HTTPStatus.OK:
                return Evaluated(trial.item, changed=True, answer=trial.reply)
            # A refusal tells the caller what the item is, so that has to be agreed on too.
            return Evaluated(current, changed=False, answer=trial.reply)

        return await self._strong.change(group, key, apply)

    async def _get(self, operation: str, request: Request) -> Reply:
        found = self._strong_group(request.get("TableName"))
        if found is not None and request.get("ConsistentRead") is True:
            group, table = found
            key = self._dynamo.key(table, request.get("Key"), whole_item=False)
            if key is not None:
                await self._strong.refresh(group, [key])
        return self._dynamo.call(operation, request)

    # Ranges

    async def _range(self, operation: str, request: Request) -> Reply:
        if operation == "Query":
            self._dynamo.canonical_values(request)
        found = self._strong_group(request.get("TableName"))
        if found is not None and request.get("ConsistentRead") is True:
            group, table = found
            prefix = self._dynamo.partition(table, request) if operation == "Query" else ""
            await self._strong.refresh_range(group, prefix)
        return self._dynamo.call(operation, request)

    # Batches

    async def _batch_get(self, operation: str, request: Request) -> Reply:
        for name, wanted in _members(request).items():
            found = self._strong_group(name)
            if found is None or not isinstance(wanted, dict):
                continue
            asked = cast("dict[str, Any]", wanted)
            if asked.get("ConsistentRead") is not True or not isinstance(asked.get("Keys"), list):
                continue
            group, table = found
            keys = [self._dynamo.key(table, key, whole_item=False) for key in asked["Keys"]]
            await self._strong.refresh(group, [key for key in keys if key is not None])
        return self._dynamo.call(operation, request)

    async def _batch_write(self, operation: str, request: Request) -> Reply:
        strong = {name for name in _members(request) if self._strong_group(name) is not None}
        if not strong:
            return self._local(operation, request)
        rehearsed = self._dynamo.rehearse(operation, request)
        if rehearsed.status != HTTPStatus.OK:
            return rehearsed
        members = _members(request)
        rest = {name: writes for name, writes in members.items() if name not in strong}
        if rest:
            self._local(operation, {**request, "RequestItems": rest})
        unprocessed = await self._write_each({name: members[name] for name in strong})
        return success({**rehearsed.json(), "UnprocessedItems": unprocessed})

    async def _write_each(self, members: dict[str, Any]) -> dict[str, object]:
        """Carries out a batch's writes one by one, as AWS may; returns those that failed."""
        pending = [(name, write) for name, writes in members.items() for write in writes]
        outcomes = await asyncio.gather(*(self._write_one(name, write) for name, write in pending))
        failed = [
            where
            for where, reply in zip(pending, outcomes, strict=True)
            if reply.status != HTTPStatus.OK
        ]
        if len(failed) == len(pending):
            raise NoQuorumError
        unprocessed: dict[str, object] = {}
        for name, write in failed:
            cast("list[object]", unprocessed.setdefault(name, [])).append(write)
        return unprocessed

    async def _write_one(self, name: str, write: dict[str, Any]) -> Reply:
        if "PutRequest" in write:
            request: Request = {"TableName": name, "Item": write["PutRequest"]["Item"]}
            return await self.handle("PutItem", request)
        return await self.handle(
            "DeleteItem", {"TableName": name, "Key": write["DeleteRequest"]["Key"]}
        )

    # Several items at once

    async def _transaction(self, operation: str, request: Request) -> Reply:
        for entry in cast("list[Any]", request.get("TransactItems") or []):
            for action in cast("dict[str, Any]", entry).values():
                named = cast("dict[str, Any]", action).get("TableName")
                if self._strong_group(named) is not None:
                    return failure(
                        "ValidationException",
                        "Transactional operations are not supported on global tables with "
                        f"MultiRegionConsistency set to STRONG: {named}",
                    )
        return self._local(operation, request)

    async def _partiql(self, operation: str, request: Request) -> Reply:
        text = json.dumps(request)
        for group in self._groups:
            if group.consistency is Consistency.STRONG and group.name in text:
                return failure(
                    "ValidationException",
                    f"The twin does not reproduce PartiQL ({operation}) on global tables with "
                    f"MultiRegionConsistency set to STRONG: {group.name}. Use the item calls.",
                )
        return self._local(operation, request)


def _members(request: Request) -> dict[str, Any]:
    members = request.get("RequestItems")
    return cast("dict[str, Any]", members) if isinstance(members, dict) else {}
