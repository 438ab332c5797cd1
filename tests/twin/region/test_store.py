from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.twin.region.consensus import NO_BALLOT, Ballot, Register, Slot
from holdfast.twin.region.store import Store, StoredItem, register_from, register_to

ONE, TWO = Ballot(1, "a"), Ballot(2, "b")
VALUE = Register((("a", "op"),), {"pk": {"S": "k"}})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "region.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store(path)
    yield store
    store.close()


def test_a_slot_is_read_back_by_another_process(store: Store, path: Path) -> None:
    slot = Slot(TWO, ONE, VALUE)
    store.put_slot("g", "k", slot)
    again = Store(path)
    assert again.slot("g", "k") == slot
    assert again.slot("g", "other") == Slot()
    assert again.highest_counter() == 2
    again.close()


def test_a_register_survives_json() -> None:
    assert register_from(register_to(VALUE)) == VALUE
    assert register_from(register_to(Register((), None))) == Register((), None)


def test_changes_are_told_once_each_in_the_order_of_their_latest_vote(store: Store) -> None:
    for key in ("k1", "k2", "k1"):
        store.put_slot("g", key, Slot(ONE, ONE, VALUE))
    store.put_slot("other", "k3", Slot(ONE, ONE, VALUE))
    changes = store.changes("g", 0, 10)
    assert [key for _, key, _ in changes] == ["k2", "k1"]
    assert store.changes("g", changes[-1][0], 10) == []
    assert len(store.changes("g", 0, 1)) == 1


def test_sequence_numbers_go_on_after_a_restart(store: Store, path: Path) -> None:
    store.put_slot("g", "k1", Slot(ONE, ONE, VALUE))
    seen = store.changes("g", 0, 10)[-1][0]
    again = Store(path)
    again.put_slot("g", "k2", Slot(ONE, ONE, VALUE))
    assert [key for _, key, _ in again.changes("g", seen, 10)] == ["k2"]
    again.close()


def test_ballots_are_listed_by_prefix_and_without_keys_that_were_only_promised(
    store: Store,
) -> None:
    store.put_slot("g", '["p", "1"]', Slot(ONE, ONE, VALUE))
    store.put_slot("g", '["p", "2"]', Slot(TWO, TWO, VALUE))
    store.put_slot("g", '["p", "3"]', Slot(promised=TWO))
    store.put_slot("g", '["pq", "1"]', Slot(ONE, ONE, VALUE))
    assert store.ballots("g", '["p"') == {'["p", "1"]': ONE, '["p", "2"]': TWO}
    assert len(store.ballots("g", "")) == 3


def test_a_deleted_item_is_remembered_with_its_version(store: Store) -> None:
    store.put_item("g", StoredItem("k", ONE, {"pk": {"S": "k"}}))
    store.put_item("g", StoredItem("k", TWO, None))
    assert store.version("g", "k") == TWO
    assert list(store.items("g")) == [StoredItem("k", TWO, None)]
    store.forget_item("g", "k")
    assert store.version("g", "k") == NO_BALLOT


def test_what_fails_half_way_leaves_nothing(store: Store) -> None:
    def half_way() -> None:
        with store.together():
            store.put_item("g", StoredItem("k", ONE, None))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_way()
    assert list(store.items("g")) == []


def test_a_later_parcel_replaces_an_earlier_one_in_its_place(store: Store) -> None:
    store.enqueue("p", "table", "k1", "old", 100)
    store.enqueue("p", "table", "k2", "other", 200)
    store.enqueue("p", "table", "k1", "new", 300)
    assert [parcel.body for parcel in store.due("p", 250, 10)] == ["new", "other"]
    assert store.next_due_ms("p") == 100
    assert store.pending() == [("table", "p", 2, 100)]


def test_a_parcel_that_was_replaced_while_on_its_way_is_sent_again(store: Store) -> None:
    store.enqueue("p", "table", "k", "old", 100)
    sent = store.due("p", 100, 10)
    store.enqueue("p", "table", "k", "new", 150)
    store.delivered(sent)
    assert [parcel.body for parcel in store.due("p", 200, 10)] == ["new"]
    store.delivered(store.due("p", 200, 10))
    assert store.pending() == []


def test_a_dropped_group_takes_its_votes_and_items_with_it(store: Store) -> None:
    for gid in ("g", "kept"):
        store.put_group(gid, "table", "{}")
        store.put_slot(gid, "k", Slot(ONE, ONE, VALUE))
        store.put_item(gid, StoredItem("k", ONE, None))
    store.drop_group("g")
    assert store.slot("g", "k") == Slot()
    assert list(store.items("g")) == []
    assert store.slot("kept", "k") != Slot()
    assert len(store.groups()) == 1


def test_parcels_of_one_peer_or_of_all_are_given_up(store: Store) -> None:
    store.enqueue("p", "table", "k", "1", 100)
    store.enqueue("q", "table", "k", "1", 100)
    store.drop_parcels("table", "p")
    assert [peer for _, peer, _, _ in store.pending()] == ["q"]
    store.drop_parcels("table")
    assert store.pending() == []
