"""Items of tables that are not strongly consistent: journalled, and replicated if they have peers.

Guarantees:
    An item that ``commit`` has seen survives a kill. Replicas that have exchanged all their
    writes hold the same items: the latest time wins, and between equal times the region whose
    name sorts last. A write made here after another was visible here is later than it.

Does not guarantee:
    That a write survives: a later one elsewhere silently replaces it. Conditions look at the
    local copy alone, so two regions can both pass one.
"""

import time
from collections.abc import Iterable
from typing import cast

from holdfast.twin.region.consensus import Ballot, Item
from holdfast.twin.region.courier import Courier
from holdfast.twin.region.dynamo import Change, Dynamo
from holdfast.twin.region.groups import Consistency, Group, Groups
from holdfast.twin.region.peers import Fields
from holdfast.twin.region.store import Store, StoredItem, ballot_from, ballot_to


class EventualItems:
    """This region's copies of tables that are not strongly consistent."""

    def __init__(
        self, region: str, store: Store, groups: Groups, dynamo: Dynamo, courier: Courier
    ) -> None:
        self._region = region
        self._store = store
        self._groups = groups
        self._dynamo = dynamo
        self._courier = courier

    def commit(self, changes: Iterable[Change]) -> None:
        """Makes what a call has changed durable, and queues it for the replicas."""
        with self._store.together():
            for change in changes:
                group = self._groups.named(change.table)
                if group is not None and group.consistency is not Consistency.STRONG:
                    self._commit_one(group, change.key)

    def _commit_one(self, group: Group, key: str) -> None:
        table = self._dynamo.table(group.name)
        if table is None:
            return
        item = self._dynamo.item(table, key)
        if group.consistency is Consistency.LOCAL and item is None:
            self._store.forget_item(group.gid, key)
            return
        newer_us = self._store.version(group.gid, key).counter + 1
        version = Ballot(max(int(time.time() * 1_000_000), newer_us), self._region)
        stored = StoredItem(key, version, item)
        self._store.put_item(group.gid, stored)
        for peer in group.others(self._region):
            self._courier.enqueue(peer, group.name, key, _parcel(group, stored))

    def backfill(self, group: Group, peer: str) -> None:
        """Queues every item for a replica that was just made."""
        with self._store.together():
            for stored in self._store.items(group.gid):
                self._courier.enqueue(peer, group.name, stored.key, _parcel(group, stored))

    def on_parcel(self, parcel: Fields) -> None:
        """Takes over a replicated item, unless the copy here is later."""
        group = self._groups.get(str(parcel["gid"]))
        table = None if group is None else self._dynamo.table(group.name)
        if group is None or table is None:
            return  # The replica was deleted; its sender will learn of it.
        key, version = str(parcel["key"]), ballot_from(parcel["version"])
        if version <= self._store.version(group.gid, key):
            return
        item = cast("Item | None", parcel["item"])
        self._store.put_item(group.gid, StoredItem(key, version, item))
        self._dynamo.apply(table, key, item)


def _parcel(group: Group, stored: StoredItem) -> dict[str, object]:
    return {
        "kind": "item",
        "gid": group.gid,
        "key": stored.key,
        "version": ballot_to(stored.version),
        "item": stored.item,
    }
