"""The emulator's DynamoDB, as the replication layers need it: one item, one call, what changed.

Guarantees:
    Every method but those that say otherwise runs without an await: nothing else sees the table
    in between.

Does not guarantee:
    Anything across a change of the emulator's version: it reaches into private functions. The
    version is pinned, and the tests of this module fail when they move.
"""

import asyncio
import copy
import json
import threading
import zlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from holdfast.twin.region.config import ACCOUNT
from holdfast.twin.region.consensus import Item
from holdfast.twin.region.emulator import Emulator, Reply, internal

Table = dict[str, Any]
"""ministack's record of a table."""

Request = dict[str, Any]
"""The parsed body of a DynamoDB request."""

_NO_SORT_KEY = "__no_sort__"


@dataclass(frozen=True, slots=True)
class Change:
    """A key whose item a call has written or removed."""

    table: str
    key: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What a call would do to an item.

    Attributes:
        reply: Its answer.
        item: The item after it.
    """

    reply: Reply
    item: Item | None


def failure(name: str, message: str, status: int = 400) -> Reply:
    """A DynamoDB error."""
    body = json.dumps(
        {"__type": f"com.amazonaws.dynamodb.v20120810#{name}", "message": message}
    ).encode()
    return Reply(status, json_headers(body), body)


def success(body: dict[str, object]) -> Reply:
    """A DynamoDB answer."""
    text = json.dumps(body).encode()
    return Reply(200, json_headers(text), text)


def json_headers(body: bytes) -> dict[str, str]:
    """The headers of a DynamoDB answer; clients verify the checksum."""
    return {
        "Content-Type": "application/x-amz-json-1.0",
        "x-amz-crc32": str(zlib.crc32(body) & 0xFFFFFFFF),
    }


class Dynamo:
    """The emulator's DynamoDB of this region.

    Args:
        emulator: The emulator.
        on_background_change: Called on the event loop for each change that no ``record``
            was there to see, such as the expiry of an item.
    """

    def __init__(
        self, emulator: Emulator, region: str, on_background_change: Callable[[Change], None]
    ) -> None:
        self._emulator = emulator
        self._region = region
        self._module = emulator.service("dynamodb")
        self._loop = asyncio.get_running_loop()
        self._on_background_change = on_background_change
        self._thread = threading.get_ident()
        self._recorded: dict[Change, Item | None] | None = None
        self._silent = False
        self._set = internal(self._module, "_set_item")
        self._remove = internal(self._module, "_remove_item")
        self._emit = internal(self._module, "_emit_stream_event")
        self._get_state = internal(self._module, "get_state")
        self._module.__dict__.update(
            _set_item=self._on_set,
            _remove_item=self._on_remove,
            _emit_stream_event=self._on_stream_event,
            get_state=self._state_without_items,
        )

    # Tables

    def table(self, name: str) -> Table | None:
        """A table's record."""
        found = internal(self._module, "_tables").get_scoped(ACCOUNT, self._region, name)
        return cast("Table | None", found)

    def tables(self) -> dict[str, Table]:
        """Every table's record, by name."""
        return {
            name: table
            for (_, region, name), table in internal(self._module, "_tables").all_items()
            if region == self._region
        }

    def name_of(self, request: Request) -> str:
        """The table's name in a request that gives it, or its ARN, as ``TableName``."""
        normal = internal(self._module, "_normalize_table_name")(request.get("TableName", ""))
        return normal if isinstance(normal, str) else ""

    def keys(self, table: Table) -> list[Change]:
        """Every item of a table, as if it had just been written."""
        return [
            Change(table["TableName"], encode_key(partition, sort))
            for partition, sorts in table["items"].items()
            for sort in sorts
        ]

    def time_to_live(self, name: str) -> Request | None:
        """A table's ``TimeToLiveSpecification``, None unless it is enabled."""
        settings = internal(self._module, "_ttl_settings")
        found = settings.get_scoped(ACCOUNT, self._region, name)
        if not found or found["TimeToLiveStatus"] != "ENABLED":
            return None
        return {"Enabled": True, "AttributeName": found["AttributeName"]}

    def start_stream(self, table: Table) -> None:
        """Turns the table's stream on, with both images, unless it is on."""
        stream = cast("dict[str, Any]", table.get("StreamSpecification") or {})
        if not stream.get("StreamEnabled"):
            both = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
            name = table["TableName"]
            self.call("UpdateTable", {"TableName": name, "StreamSpecification": both})

    # Keys

    def key(self, table: Table, attributes: object, *, whole_item: bool) -> str | None:
        """The encoded key of an item or a ``Key``; None when it does not fit the table.

        Spellings of one number become one: the request is changed in place.
        """
        if not isinstance(attributes, dict):
            return None
        values = cast("Item", attributes)
        for name in (table["pk_name"], table["sk_name"]):
            self._canonical(values.get(name) if name else None)
        partition, sort, wrong = internal(self._module, "_resolve_table_key_values")(
            table, values, allow_extra=whole_item
        )
        return None if wrong else encode_key(partition, sort)

    def canonical_values(self, request: Request) -> None:
        """Makes spellings of one number one in a Query's values, as they are in stored keys.

        Otherwise ``1.50``, which is what boto3 makes of a Decimal, would not find ``1.5``.
        """
        values = request.get("ExpressionAttributeValues")
        if isinstance(values, dict):
            for value in cast("dict[str, object]", values).values():
                self._canonical(value)

    def _canonical(self, value: object) -> None:
        if isinstance(value, dict) and "N" in value:
            number = cast("dict[str, object]", value)
            canonical = internal(self._module, "_ddb_canonicalize_number")(number["N"])
            number["N"] = canonical or number["N"]

    def partition(self, table: Table, request: Request) -> str:
        """The prefix of the encoded keys that a Query can return; "" when it is not plain."""
        if request.get("IndexName"):
            return ""
        names = cast("dict[str, str]", request.get("ExpressionAttributeNames") or {})
        values = cast("dict[str, Any]", request.get("ExpressionAttributeValues") or {})
        try:
            found = internal(self._module, "_extract_pk_from_condition")(
                request.get("KeyConditionExpression", ""), values, names, table["pk_name"]
            )
        except (ValueError, KeyError, TypeError):
            return ""
        return json.dumps([found])[:-1] if isinstance(found, str) and found else ""

    # Items

    def item(self, table: Table, key: str) -> Item | None:
        """The local copy of an item, not to be changed."""
        partition, sort = decode_key(key)
        return cast("Item | None", table["items"].get(partition, {}).get(sort))

    def apply(self, table: Table, key: str, item: Item | None) -> None:
        """Makes ``item`` the local copy, with an event in the table's stream."""
        before = self.item(table, key)
        self._place(table, key, item)
        if before is None and item is None:
            return
        event = "REMOVE" if item is None else ("MODIFY" if before is not None else "INSERT")
        with self._emulator.scope():
            self._emit(table["TableName"], event, before, copy.deepcopy(item), replicate=False)

    def load(self, table: Table, key: str, item: Item) -> None:
        """Puts an item back after a restart, with no event in the stream."""
        self._place(table, key, item)

    def _place(self, table: Table, key: str, item: Item | None) -> None:
        partition, sort = decode_key(key)
        if item is None:
            self._remove(table, partition, sort)
        else:
            self._set(table, partition, sort, item)

    # Calls

    def call(self, operation: str, request: Request) -> Reply:
        """Has ministack answer one request."""
        with self._emulator.scope():
            handler = cast(
                "Coroutine[None, None, tuple[int, dict[str, str], bytes | str]]",
                self._module.__dict__["handle_request"](
                    "POST",
                    "/",
                    {"x-amz-target": f"DynamoDB_20120810.{operation}"},
                    json.dumps(request).encode(),
                    {},
                ),
            )
            try:
                handler.send(None)
            except StopIteration as finished:
                status, headers, body = finished.value
            else:
                raise RuntimeError(f"ministack's {operation} awaited; it must not")
        return Reply(status, dict(headers), body if isinstance(body, bytes) else body.encode())

    def record(self, operation: str, request: Request) -> tuple[Reply, list[Change]]:
        """Has ministack answer, and tells which items that changed. None if it failed."""
        self._recorded = {}
        try:
            reply = self.call(operation, request)
            changes = list(self._recorded)
        finally:
            self._recorded = None
        return reply, changes if reply.status == HTTPStatus.OK else []

    def rehearse(self, operation: str, request: Request) -> Reply:
        """The answer that ministack would give. Nothing changes."""
        self._recorded = {}
        self._silent = True
        try:
            return self.call(operation, request)
        finally:
            for change, before in self._recorded.items():
                table = self.table(change.table)
                if table is not None:
                    self._place(table, change.key, before)
            self._silent = False
            self._recorded = None

    def trial(
        self, table: Table, key: str, current: Item | None, operation: str, request: Request
    ) -> Trial:
        """What a request would do if the item were ``current``. The local copy stays as it is."""
        before = self.item(table, key)
        self._recorded = {}
        self._silent = True
        try:
            self._place(table, key, copy.deepcopy(current))
            reply = self.call(operation, request)
            after = copy.deepcopy(self.item(table, key))
        finally:
            self._place(table, key, before)
            self._silent = False
            self._recorded = None
        return Trial(reply, after)

    # What ministack calls instead of its own

    def _on_set(self, table: Table, partition: str, sort: str, item: Item) -> Item | None:
        before = cast("Item | None", self._set(table, partition, sort, item))
        self._note(table, partition, sort, before)
        return before

    def _on_remove(self, table: Table, partition: str, sort: str) -> Item | None:
        before = cast("Item | None", self._remove(table, partition, sort))
        self._note(table, partition, sort, before)
        return before

    def _note(self, table: Table, partition: str, sort: str, before: Item | None) -> None:
        change = Change(table["TableName"], encode_key(partition, sort))
        if self._recorded is not None and threading.get_ident() == self._thread:
            self._recorded.setdefault(change, before)
        else:
            # The emulator's expiry and import run in threads of their own.
            self._loop.call_soon_threadsafe(self._on_background_change, change)

    def _on_stream_event(self, *args: object, **options: object) -> None:
        if not self._silent:
            self._emit(*args, **options)

    def _state_without_items(self) -> dict[str, Any]:
        """The control plane's state alone: items are in the region's own store."""
        records = [table for _, table in internal(self._module, "_tables").all_items()]
        kept = [record["items"] for record in records]
        for record in records:
            record["items"] = {}
        try:
            return cast("dict[str, Any]", self._get_state())
        finally:
            for record, items in zip(records, kept, strict=True):
                record["items"] = items


def encode_key(partition: str, sort: str) -> str:
    """A key as text; keys of one partition share a prefix."""
    return json.dumps([partition] if sort == _NO_SORT_KEY else [partition, sort])


def decode_key(key: str) -> tuple[str, str]:
    """The emulator's two keys of an item."""
    parts = cast("list[str]", json.loads(key))
    return parts[0], parts[1] if len(parts) > 1 else _NO_SORT_KEY
