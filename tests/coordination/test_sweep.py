"""Records of events handled long ago are removed, and nothing else ever is."""

from collections.abc import Callable

import pytest

import holdfast.coordination.sweep as module
from holdfast.contract import Consistency, Table
from holdfast.coordination import (
    ConditionalStore,
    Delete,
    DynamoDbStore,
    Fence,
    Get,
    Item,
    LeaseTiming,
    Lock,
    MemoryStore,
    Once,
    Outcome,
    Put,
    Reply,
    Request,
    Schema,
    VersionedState,
)
from holdfast.coordination.idempotency_core import EventRecord
from holdfast.coordination.lease_core import Send
from holdfast.coordination.program import run
from holdfast.coordination.store import Absent, Always, AtMost, Condition, number
from holdfast.coordination.sweep import DynamoDbListing, Page, Swept, sweep_events
from holdfast.errors import ConfigurationError, LeaseLostError, StoreUnavailableError
from tests.coordination.servers import REGION, TABLE, client, environment

DAY_S = 86_400
NOW_S = 2_000_000_000
TIMING = LeaseTiming()


class EverythingListing:
    """Names every key, old or young, event or lease: the worst listing that there is."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = sorted(keys)

    def page(self, *, prefix: str, before_s: int, after: str | None, limit: int) -> Page:
        del prefix, before_s
        rest = [key for key in self.keys if after is None or key > after]
        return Page(tuple(rest[:limit]), rest[limit - 1] if len(rest) > limit else None)


def _finished(store: ConditionalStore, key: str, age_s: int) -> EventRecord:
    """Handles an event so many seconds ago."""
    nonces = iter(f"{key}-{number_}" for number_ in range(100))
    record = EventRecord(
        key=key,
        payload=b"",
        owner="a",
        timing=TIMING,
        new_nonce=lambda: next(nonces),
        date_s=lambda: NOW_S - age_s,
    )
    _begin(store, record)
    run(record.complete(1, "done"), store)
    return record


def _begin(store: ConditionalStore, record: EventRecord) -> None:
    send = record.core.campaign(0)[0]
    assert isinstance(send, Send)
    record.core.on_reply(1, store.call(send.request))


def _sweep(store: ConditionalStore, keys: list[str], after: str | None = None) -> Swept:
    return sweep_events(
        store,
        EverythingListing(keys),
        prefix="order",
        older_than_s=DAY_S,
        after=after,
        max_records=3,
        date_s=lambda: NOW_S,
    )


def _sweep_all(store: ConditionalStore, keys: list[str]) -> int:
    deleted, after = 0, None
    while True:
        swept = _sweep(store, keys, after)
        deleted += swept.deleted
        assert swept.deleted + swept.kept <= 3
        after = swept.resume_after
        if after is None:
            return deleted


def _world() -> tuple[MemoryStore, list[str], list[str]]:
    """A store with all kinds of records: what must stay, and what must go."""
    store = MemoryStore()
    with Lock(store=store, key="order/lock-released", owner="a", wait_s=0):
        pass
    held: Item = {"holder": "a/1", "nonce": "n", "token": 7, "beat": 0, "lease_ms": 10_000}
    store.call(Put(key="order/lock-held", when=Always(), item=held))
    schema = Schema(version=1, encode=str, decode=int)
    VersionedState(store=store, schema=schema).update("order/counter", lambda _: 1)
    _finished(store, "order/young", DAY_S - 1)
    undated: Item = {"result": "done", "nonce": "n", "token": 1}
    store.call(Put(key="order/undated", when=Always(), item=undated))
    old = [f"order/old-{index}" for index in range(7)]
    for key in old:
        _finished(store, key, DAY_S)
    kinds = ("lock-released", "lock-held", "counter", "young", "undated")
    return store, [f"order/{kind}" for kind in kinds], old


def _check_that_only_old_events_go() -> None:
    store, stay, old = _world()
    before = [store.call(Get(key)).item for key in stay]
    assert _sweep_all(store, stay + old) == len(old)
    assert [store.call(Get(key)).item for key in stay] == before
    assert [store.call(Get(key)).item for key in old] == [None] * len(old)


def _check_that_a_run_which_took_the_place_of_an_old_record_stays() -> None:
    store = MemoryStore()
    _finished(store, "order/1", 2 * DAY_S)

    class Racing(MemoryStore):
        """Another sweeper and a new delivery come between the listing and the delete."""

        def call(self, request: Request) -> Reply:
            store.call(Delete(key="order/1", when=Always()))
            _begin(store, _record("order/1"))
            return store.call(request)

    assert _sweep(Racing(), ["order/1"]).deleted == 0
    assert number(store.call(Get("order/1")).item, "token") == 1


def _record(key: str) -> EventRecord:
    return EventRecord(key=key, payload=b"", owner="b", timing=TIMING, new_nonce=lambda: "new")


CHECKS = (
    _check_that_only_old_events_go,
    _check_that_a_run_which_took_the_place_of_an_old_record_stays,
)


def test_old_events_go_in_bounded_runs_and_everything_else_stays() -> None:
    _check_that_only_old_events_go()


def test_a_run_that_took_the_place_of_an_old_record_stays() -> None:
    _check_that_a_run_which_took_the_place_of_an_old_record_stays()


def _whatever(_attribute: str, _bound: int) -> Condition:
    return Always()


def _free(_attribute: str, _bound: int) -> Condition:
    return Absent("holder")


def _any_age(attribute: str, _bound: int) -> Condition:
    return AtMost(attribute, NOW_S)


@pytest.mark.parametrize(
    ("mutant", "check"),
    [(_whatever, CHECKS[0]), (_whatever, CHECKS[1]), (_free, CHECKS[0]), (_any_age, CHECKS[0])],
)
def test_a_sweeper_with_another_condition_is_caught(
    mutant: Callable[[str, int], Condition],
    check: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AtMost", mutant)
    with pytest.raises(AssertionError):
        check()


def test_the_result_of_a_zombie_is_not_kept_after_its_record_was_swept() -> None:
    store = MemoryStore()
    zombie = _record("order/1")
    _begin(store, zombie)
    store.call(Delete(key="order/1", when=Always()))
    with pytest.raises(LeaseLostError):
        run(zombie.complete(1, "late"), store)
    store.call(Fence(5).guard(Put(key="effect", when=Always(), item={"n": 1})))
    again = Fence(1).guard(Put(key="effect", when=Always(), item={"n": 2}))
    assert store.call(again).outcome is Outcome.REFUSED


def test_a_store_that_does_not_answer_keeps_its_records_for_the_next_run() -> None:
    class Silent(MemoryStore):
        def call(self, request: Request) -> Reply:
            del request
            return Reply(Outcome.UNKNOWN, reason="lost")

    assert _sweep(Silent(), ["order/1", "order/2"]) == Swept(0, 2, None)


def test_bounds_that_cannot_be_meant_are_refused() -> None:
    listing = EverythingListing([])
    with pytest.raises(ConfigurationError, match=r"older_than_s=60 .*3600 or more"):
        sweep_events(MemoryStore(), listing, prefix="order", older_than_s=60)
    with pytest.raises(ConfigurationError, match="max_records=0"):
        sweep_events(MemoryStore(), listing, prefix="order", older_than_s=DAY_S, max_records=0)


def test_an_event_that_once_handled_is_dated() -> None:
    store = MemoryStore()
    with Once(store=store, prefix="order", owner="a", wait_s=15).event("1") as delivery:
        delivery.complete("done")
    swept = sweep_events(store, EverythingListing(["order/1"]), prefix="order", older_than_s=DAY_S)
    assert swept.deleted == 0
    assert number(store.call(Get("order/1")).item, "finished_s") > 0


@pytest.mark.slow
def test_a_real_table_is_swept_page_by_page(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)
    own = client(server)
    store = DynamoDbStore(Table(name=TABLE, consistency=Consistency.STRONG, regions=(REGION,)))
    for index in range(5):
        _finished(store, f"sweep/old-{index}", DAY_S)
    _finished(store, "sweep/young", 0)
    _finished(store, "other/old", DAY_S)
    after, runs, deleted = None, 0, 0
    while True:
        swept = sweep_events(
            store,
            DynamoDbListing(own, TABLE),
            prefix="sweep",
            older_than_s=DAY_S,
            after=after,
            max_records=2,
            date_s=lambda: NOW_S,
        )
        after, runs, deleted = swept.resume_after, runs + 1, deleted + swept.deleted
        if after is None:
            break
    assert deleted == 5
    assert runs >= 3
    assert store.call(Get("sweep/young")).item is not None
    assert store.call(Get("other/old")).item is not None
    with pytest.raises(StoreUnavailableError, match="no-such-table could not be scanned"):
        DynamoDbListing(own, "no-such-table").page(prefix="", before_s=0, after=None, limit=1)
