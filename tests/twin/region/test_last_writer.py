"""Last writer wins, on a table in memory: whatever the order of delivery, replicas converge."""

import random
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from holdfast.twin.region.consensus import NO_BALLOT, Ballot, Item
from holdfast.twin.region.dynamo import Change, Dynamo, Table
from holdfast.twin.region.eventual import EventualItems
from holdfast.twin.region.groups import Consistency, Group, Groups
from holdfast.twin.region.store import Store

if TYPE_CHECKING:
    from holdfast.twin.region.courier import Courier

REGIONS = ("us-east-1", "us-east-2", "us-west-2")
GROUP = Group(gid="g", name="table", consistency=Consistency.EVENTUAL, replicas=REGIONS)


class MemoryTable:
    """The part of ``Dynamo`` that replication uses."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}

    def table(self, _: str) -> Table:
        return {}

    def item(self, _: Table, key: str) -> Item | None:
        return self.items.get(key)

    def apply(self, _: Table, key: str, item: Item | None) -> None:
        self.items.pop(key, None)
        if item is not None:
            self.items[key] = item


class Post:
    """A courier that hands everything to the test."""

    def __init__(self, outbox: list[tuple[str, dict[str, object]]]) -> None:
        self.outbox = outbox

    def enqueue(self, peer: str, _: str, __: str, body: dict[str, object]) -> None:
        self.outbox.append((peer, body))


class Replica:
    def __init__(
        self, path: Path, region: str, outbox: list[tuple[str, dict[str, object]]]
    ) -> None:
        self.memory = MemoryTable()
        self.store = Store(path / f"{region}.sqlite")
        groups = Groups(self.store, region)
        groups.put(GROUP)
        self.items = EventualItems(
            region,
            self.store,
            groups,
            cast("Dynamo", self.memory),
            cast("Courier", Post(outbox)),
        )

    def write(self, key: str, item: Item | None) -> None:
        self.memory.apply({}, key, item)
        self.items.commit([Change("table", key)])


def diverges(path: Path, seed: int) -> bool:
    """Whether replicas end up different after writes, delays, doubling and reordering."""
    dice = random.Random(seed)  # noqa: S311 -- a world, not a secret
    outbox: list[tuple[str, dict[str, object]]] = []
    path.mkdir()
    replicas = {region: Replica(path, region, outbox) for region in REGIONS}
    for number in range(60):
        if dice.random() < 0.5 or not outbox:
            item: Item | None = {"v": {"N": str(number)}} if dice.random() < 0.7 else None
            replicas[dice.choice(REGIONS)].write(dice.choice("ab"), item)
        else:
            peer, parcel = outbox.pop(dice.randrange(len(outbox)))
            replicas[peer].items.on_parcel(parcel)
            if dice.random() < 0.2:
                replicas[peer].items.on_parcel(parcel)
    dice.shuffle(outbox)
    for peer, parcel in outbox:
        replicas[peer].items.on_parcel(parcel)
    copies = [replica.memory.items for replica in replicas.values()]
    for replica in replicas.values():
        replica.store.close()
    return any(copy != copies[0] for copy in copies)


def test_replicas_converge_whatever_the_order_of_delivery(tmp_path: Path) -> None:
    for seed in range(40):
        assert not diverges(tmp_path / str(seed), seed), f"seed {seed}"


def test_copies_that_take_what_arrives_last_are_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(_: Store, __: str, ___: str) -> Ballot:
        return NO_BALLOT

    monkeypatch.setattr(Store, "version", unknown)
    assert any(diverges(tmp_path / str(seed), seed) for seed in range(40))


def test_deletions_that_leave_no_trace_are_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember = Store.put_item

    def forgetful(store: Store, gid: str, stored: object) -> None:
        remember(store, gid, stored)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        if getattr(stored, "item", None) is None:
            store.forget_item(gid, getattr(stored, "key", ""))

    monkeypatch.setattr(Store, "put_item", forgetful)
    assert any(diverges(tmp_path / str(seed), seed) for seed in range(40))


def test_a_write_made_after_seeing_another_is_later_than_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox: list[tuple[str, dict[str, object]]] = []
    first = Replica(tmp_path, REGIONS[0], outbox)
    second = Replica(tmp_path, REGIONS[1], outbox)
    first.write("k", {"v": {"N": "1"}})
    second.items.on_parcel(outbox.pop(0)[1])
    outbox.clear()

    def long_ago() -> float:
        return 0.0

    monkeypatch.setattr("holdfast.twin.region.eventual.time.time", long_ago)
    second.write("k", {"v": {"N": "2"}})
    first.items.on_parcel(outbox[0][1])
    assert first.memory.items["k"] == {"v": {"N": "2"}}
    first.store.close()
    second.store.close()
