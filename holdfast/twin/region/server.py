"""One region's server: puts the layers together, starts them in order, and answers its peers.

Guarantees:
    Nothing is served before what was on disk is back, and what peers know is asked for.

Does not guarantee:
    That the local copies are current when the API opens after a restart: peers that cannot be
    reached in time are asked again later. Strongly consistent calls do not depend on it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from holdfast.twin.region.anti_entropy import CatchUp
from holdfast.twin.region.buckets import Buckets
from holdfast.twin.region.cache import Cache
from holdfast.twin.region.config import ServerConfig
from holdfast.twin.region.courier import Courier
from holdfast.twin.region.data import DataPlane
from holdfast.twin.region.door import Door
from holdfast.twin.region.dynamo import Change, Dynamo
from holdfast.twin.region.emulator import Emulator
from holdfast.twin.region.eventual import EventualItems
from holdfast.twin.region.gateway import Gateway
from holdfast.twin.region.groups import Groups
from holdfast.twin.region.http import listening_socket, serve
from holdfast.twin.region.keys import Keys
from holdfast.twin.region.peers import Fields, Handler, Links, RefusedError
from holdfast.twin.region.signatures import Verifier
from holdfast.twin.region.store import Store
from holdfast.twin.region.strong import StrongItems
from holdfast.twin.region.tables import ControlPlane

_CATCH_UP_S = 3.0


class RegionServer:
    """Everything that runs in one region's process."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._emulator = Emulator(config)
        self._store = Store(config.state_dir / "region.sqlite")
        self._groups = Groups(self._store, config.region)
        self._links = Links(config, self._on_message)
        self._dynamo = Dynamo(self._emulator, config.region, self._on_background_change)
        peers = tuple(config.peers)
        self._courier = Courier(self._store, self._links, peers, config.lag_ms, self._on_delivered)
        self._strong = StrongItems(
            config.region, self._store, self._groups, self._dynamo, self._links
        )
        self._eventual = EventualItems(
            config.region, self._store, self._groups, self._dynamo, self._courier
        )
        self._tables = ControlPlane(
            region=config.region,
            regions=config.regions,
            store=self._store,
            groups=self._groups,
            dynamo=self._dynamo,
            strong=self._strong,
            eventual=self._eventual,
            courier=self._courier,
            links=self._links,
        )
        self._catch_up = CatchUp(config.region, self._groups, self._strong)
        data = DataPlane(self._groups, self._dynamo, self._strong, self._eventual)
        self._buckets = Buckets(
            config.region, self._emulator, self._store, self._courier, self._links
        )
        self._cache = Cache(
            self._emulator,
            config.region,
            (config.host, config.valkey_port),
            config.valkey_password,
        )
        self._keys = Keys(config.region, self._emulator, self._courier, self._links)
        door = Door(f"{config.host}:{config.api_port}", Verifier(config.region, config.credentials))
        self._gateway = Gateway(
            door,
            self._emulator,
            data_plane=data,
            tables=self._tables,
            buckets=self._buckets,
            cache=self._cache,
            keys=self._keys,
        )
        self._ready = False
        self._handlers = self._message_handlers()

    async def run(self, stop: asyncio.Event) -> None:
        """Serves until ``stop`` is set.

        Raises:
            OSError: If a port is in use.
        """
        self._restore()
        await self._links.listen()
        self._courier.start()
        self._cache.start()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CATCH_UP_S):
                    await self._catch_up.once()
            self._catch_up.start()
            api = listening_socket(self._config.host, self._config.api_port)
            self._ready = True
            await serve(self._gateway.asgi, api, stop)
        finally:
            await self._cache.stop()
            await self._catch_up.stop()
            await self._courier.stop()
            await self._links.close()
            self._emulator.save()
            self._store.close()

    def _restore(self) -> None:
        self._emulator.restore()
        self._tables.adopt_tables()
        for group in self._groups:
            table = self._dynamo.table(group.name)
            if table is None or self._config.region not in group.replicas:
                continue
            for stored in self._store.items(group.gid):
                if stored.item is not None:
                    self._dynamo.load(table, stored.key, stored.item)

    def _on_background_change(self, change: Change) -> None:
        if self._groups.named(change.table) is None:
            # An import has made the table since.
            self._tables.adopt_tables()
        self._eventual.commit([change])

    def _on_delivered(self, parcel: Fields, refused: bool) -> None:  # noqa: FBT001 -- a callback
        self._buckets.on_delivered(parcel, refused=refused)

    # Messages

    def _message_handlers(self) -> dict[str, Handler]:
        acceptor = self._strong.acceptor
        return {
            "prepare": acceptor.on_prepare,
            "accept": acceptor.on_accept,
            "read": acceptor.on_read,
            "digest": acceptor.on_digest,
            "changes": acceptor.on_changes,
            "learn": self._strong.on_learn,
            "replicate": self._on_replicate,
            "can_create_replica": self._tables.on_can_create,
            "create_replica": self._saved("dynamodb", self._tables.on_create),
            "can_delete_replica": self._tables.on_can_delete,
            "delete_replica": self._saved("dynamodb", self._tables.on_delete),
            "update_group": self._saved("dynamodb", self._tables.on_update_group),
            "find_bucket": self._buckets.on_find,
            "import_key": self._keys.on_import,
            "ping": self._on_ping,
            "status": self._on_status,
            "cut": self._on_cut,
            "heal": self._on_heal,
            "set_lag": self._on_set_lag,
            "catch_up": self._on_catch_up,
            "snapshot": self._on_snapshot,
        }

    def _saved(self, service: str, handler: Callable[[Fields], Fields]) -> Handler:
        def handle(message: Fields) -> Fields:
            reply = handler(message)
            self._emulator.save(service)
            return reply

        return handle

    def _saved_parcel(self, taker: Callable[[Fields], None]) -> Callable[[Fields], None]:
        def take(parcel: Fields) -> None:
            taker(parcel)
            self._emulator.save("dynamodb")

        return take

    def _on_message(self, message: Fields) -> Awaitable[Fields] | Fields:
        handler = self._handlers.get(str(message.get("op")))
        if handler is None:
            raise RefusedError(
                f"unknown op {message.get('op')!r}; this server knows "
                f"{', '.join(sorted(self._handlers))}"
            )
        return handler(message)

    def _on_replicate(self, message: Fields) -> Fields:
        takers = {
            "item": self._eventual.on_parcel,
            "settings": self._saved_parcel(self._tables.on_parcel),
            "group": self._saved_parcel(self._tables.on_parcel),
            "object": self._buckets.on_parcel,
            "marker": self._buckets.on_parcel,
            "key": self._keys.on_parcel,
        }
        refused: list[int] = []
        for number, parcel in enumerate(message["parcels"]):
            try:
                takers[parcel["kind"]](parcel)
            except RefusedError:
                refused.append(number)
        return {"refused": refused}

    def _on_ping(self, _: Fields) -> Fields:
        return {}

    def _on_status(self, _: Fields) -> Fields:
        if not self._ready:
            raise RefusedError(f"{self._config.region} is still starting")
        return {
            "region": self._config.region,
            "catching_up": self._catch_up.is_behind,
            "cut": list(self._links.cuts),
            "lag_ms": self._courier.lag_ms,
            "sent": self._links.sent,
            "pending": [
                {
                    "resource": resource,
                    "peer": peer,
                    "items": items,
                    "oldest_ms": self._courier.oldest_ms(since_ms),
                }
                for resource, peer, items, since_ms in self._store.pending()
            ],
            "tables": [
                {
                    "name": group.name,
                    "consistency": group.consistency.value,
                    "replicas": list(group.replicas),
                    "witness": group.witness,
                }
                for group in self._groups
            ],
        }

    def _on_cut(self, message: Fields) -> Fields:
        self._links.cut(self._peer(message))
        return {}

    def _on_heal(self, message: Fields) -> Fields:
        self._links.heal(self._peer(message))
        self._courier.wake()
        return {}

    def _peer(self, message: Fields) -> str:
        peer = str(message.get("peer"))
        if peer not in self._config.peers:
            raise RefusedError(
                f"{self._config.region} has no peer {peer!r}; it has "
                f"{', '.join(sorted(self._config.peers))}"
            )
        return peer

    def _on_set_lag(self, message: Fields) -> Fields:
        lag_ms = message.get("lag_ms")
        if not isinstance(lag_ms, int) or lag_ms < 0:
            raise RefusedError(f"lag_ms is {lag_ms!r}; it must be an integer of 0 or more")
        self._courier.lag_ms = lag_ms
        self._courier.wake()
        return {}

    async def _on_catch_up(self, _: Fields) -> Fields:
        self._courier.wake()
        await self._catch_up.once()
        return {"catching_up": self._catch_up.is_behind}

    def _on_snapshot(self, _: Fields) -> Fields:
        self._emulator.save()
        return {}
