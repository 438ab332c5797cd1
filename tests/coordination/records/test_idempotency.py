"""Each event is handled once, by whoever is alive, and no zombie has the last word."""

import threading
import time
from dataclasses import replace
from typing import cast

import pytest

from holdfast.coordination import (
    AsyncMemoryStore,
    AsyncOnce,
    Get,
    Item,
    LeaseTiming,
    MemoryStore,
    Once,
    Outcome,
    Reply,
    Request,
    Update,
)
from holdfast.coordination.stores.store import Always, Delete, Put
from holdfast.errors import (
    ConfigurationError,
    LeaseLostError,
    LockTimeoutError,
    PayloadMismatchError,
    StoreUnavailableError,
)

FAST = LeaseTiming(lease_ms=500, renew_ms=100, retry_ms=50, margin_ms=100)
# For a holder that must not lose its lease on a machine that is busy with other things.
STEADY = LeaseTiming(lease_ms=1_500, renew_ms=50, retry_ms=50, margin_ms=300)
SLOW = LeaseTiming(lease_ms=60_000, renew_ms=20_000, margin_ms=12_000)


def _once(
    store: MemoryStore, owner: str = "a", wait_s: float = 10, timing: LeaseTiming = FAST
) -> Once:
    return Once(store=store, prefix="order", owner=owner, wait_s=wait_s, timing=timing)


class CountingStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Request] = []
        self.lose = 0

    def call(self, request: Request) -> Reply:
        self.requests.append(request)
        reply = super().call(request)
        if self.lose and isinstance(request, Update) and "result" in request.assign:
            self.lose -= 1
            return Reply(Outcome.UNKNOWN, reason="lost")
        return reply


def test_a_new_event_costs_two_requests_and_a_repeated_one_costs_one() -> None:
    store = CountingStore()
    once = Once(store=store, prefix="order", owner="a", wait_s=70, timing=SLOW)
    with once.event("1", b"x") as run:
        assert run.result is None
        assert run.lease is not None
        run.complete("done")
    assert len(store.requests) == 2
    with once.event("1", b"x") as run:
        assert run.result == "done"
        assert run.lease is None
    assert len(store.requests) == 3


def test_a_handler_runs_once_however_often_its_event_is_delivered() -> None:
    store = MemoryStore()
    handled: list[str] = []

    def name(event: dict[str, str]) -> str:
        return event["id"]

    def body(event: dict[str, str]) -> bytes:
        return event["body"].encode()

    @_once(store, timing=STEADY).handler(event_id=name, payload=body)
    def handle(event: dict[str, str]) -> str:
        handled.append(event["id"])
        time.sleep(0.02)
        return f"paid {event['body']}"

    results: list[str] = []
    deliveries = [
        threading.Thread(target=lambda: results.append(handle({"id": "7", "body": "5 EUR"})))
        for _ in range(8)
    ]
    for delivery in deliveries:
        delivery.start()
    for delivery in deliveries:
        delivery.join(30)
    assert handled == ["7"]
    assert results == ["paid 5 EUR"] * 8


def test_a_run_that_fails_leaves_the_event_to_the_next_at_once() -> None:
    store = MemoryStore()
    once = _once(store)
    with pytest.raises(ValueError, match="half-way"), once.event("1"):
        raise ValueError("half-way")
    assert "holder" not in (store.call(Get("order/1")).item or {})
    with once.event("1") as run:
        assert run.result is None
        assert run.lease is not None
        assert run.lease.token == 2
        run.complete("")
    with once.event("1") as run:
        assert run.result == ""


def test_a_run_that_crashed_is_taken_over_after_one_lease() -> None:
    store = MemoryStore()
    dead: Item = {"holder": "dead", "nonce": "n", "token": 4, "beat": 0, "lease_ms": 300}
    store.call(Put(key="order/1", when=Always(), item=dead))
    began = time.monotonic()
    with _once(store).event("1") as run:
        assert run.lease is not None
        assert run.lease.token == 5
        run.complete("done")
    assert 0.298 <= time.monotonic() - began < 5


def test_a_long_run_that_is_alive_is_not_taken_over() -> None:
    store = MemoryStore()
    with _once(store, "slow", timing=STEADY).event("1") as run:
        with (
            pytest.raises(LockTimeoutError, match=r"order/1 could not .* slow/\w+ holds it"),
            _once(store, "eager", wait_s=2, timing=STEADY).event("1"),
        ):
            pytest.fail("two runs")
        run.complete("done")


def test_an_id_with_another_payload_is_refused_while_running_and_after() -> None:
    store = MemoryStore()
    once = _once(store)
    with once.event("1", b"first") as run:
        with pytest.raises(PayloadMismatchError, match="order/1 was handled before with another"):
            once.event("1", b"second").__enter__()
        run.complete("done")
    with pytest.raises(PayloadMismatchError):
        once.event("1", b"second").__enter__()


def test_an_id_is_not_lent_to_another_payload_by_a_run_that_failed() -> None:
    once = _once(MemoryStore())
    with pytest.raises(ValueError, match="half-way"), once.event("1", b"first"):
        raise ValueError("half-way")
    with pytest.raises(PayloadMismatchError):
        once.event("1", b"second").__enter__()


def test_a_finished_event_has_no_holder_and_nobody_looks_after_it_any_more() -> None:
    store = MemoryStore()
    with _once(store, timing=SLOW, wait_s=70).event("1") as run:
        assert "lease of order/1" in {thread.name for thread in threading.enumerate()}
        run.complete("done")
    assert "lease of order/1" not in {thread.name for thread in threading.enumerate()}
    assert "holder" not in (store.call(Get("order/1")).item or {})


@pytest.mark.parametrize("prefix", ["", "payment/refund"])
def test_a_kind_whose_events_could_be_those_of_another_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigurationError, match=f"prefix='{prefix}' for events is empty or has"):
        Once(store=MemoryStore(), prefix=prefix, owner="a", wait_s=15)


def test_events_with_other_ids_or_of_another_kind_are_other_events() -> None:
    store = MemoryStore()
    for prefix, event_id in (("order", "1"), ("order", "2"), ("refund", "1")):
        once = Once(store=store, prefix=prefix, owner="a", wait_s=10, timing=FAST)
        with once.event(event_id, prefix.encode()) as run:
            assert run.result is None
            run.complete(f"{prefix} {event_id}")


def test_an_event_without_an_id_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="kind order has the id ''"):
        _once(MemoryStore()).event("")


def test_a_result_whose_reply_was_lost_is_recognised() -> None:
    store = CountingStore()
    store.lose = 2
    with _once(store).event("1") as run:
        run.complete("done")
    assert (store.call(Get("order/1")).item or {})["result"] == "done"


def test_a_result_that_nobody_confirms_is_unknown() -> None:
    store = CountingStore()
    store.lose = 1_000
    once = _once(store)
    with pytest.raises(StoreUnavailableError, match="unknown whether the result"):
        once.event("1").__enter__().complete("done")


def test_a_result_that_no_item_can_hold_is_refused() -> None:
    with (
        pytest.raises(ConfigurationError, match="has 300001 bytes; at most 300000"),
        _once(MemoryStore()).event("1") as run,
    ):
        run.complete("x" * 300_001)


def _itself(event: str) -> str:
    return event


def test_a_handler_that_returns_nothing_has_handled_its_event() -> None:
    charged: list[str] = []

    @_once(MemoryStore()).handler(_itself)
    def charge(event: str) -> None:
        charged.append(event)

    assert (charge("1"), charge("1"), charge("2")) == ("", "", "")
    assert charged == ["1", "2"]


@pytest.mark.parametrize(
    ("result", "named"),
    [({"paid": 5}, "of type dict; it must be text"), ("x" * 300_001, "has 300001 bytes")],
    ids=["no text", "too large"],
)
def test_what_was_done_is_not_done_again_because_its_result_cannot_be_kept(
    result: object, named: str
) -> None:
    charged: list[str] = []

    @_once(MemoryStore()).handler(_itself)
    def charge(event: str) -> str:
        charged.append(event)
        return cast("str", result)

    with pytest.raises(ConfigurationError, match=f"{named}.*counts as handled"):
        charge("1")
    assert charge("1") == ""
    assert charged == ["1"]


def test_a_coroutine_is_no_result_and_leaves_the_event_to_be_handled() -> None:
    once = _once(MemoryStore())

    async def charge(_event: str) -> str:
        return "never"

    with pytest.raises(ConfigurationError, match=r"coroutine function.*AsyncOnce"):
        once.handler(str)(charge)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigurationError, match="never run"), once.event("1") as run:
        run.complete(charge("1"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with once.event("1") as run:
        assert run.result is None
        run.complete("paid")


def test_a_wait_in_which_no_crash_could_be_noticed_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"wait_s=11 .*12\.0 s"):
        Once(store=MemoryStore(), prefix="order", owner="a", wait_s=11)
    for wait_s in ("nan", "inf"):
        with pytest.raises(
            ConfigurationError, match=f"wait_s={wait_s} for events order is endless"
        ):
            AsyncOnce(store=AsyncMemoryStore(), prefix="order", owner="a", wait_s=float(wait_s))


def _zombie_story(store: MemoryStore) -> str | None:
    """A run is taken over, and both complete; the result that is kept."""
    zombie = _once(store, "zombie").event("1")
    zombie.__enter__()
    # The next run takes over as if the zombie had been paused for a whole lease.
    taken: Item = {"holder": "next", "nonce": "x", "token": 2, "beat": 0, "lease_ms": 500}
    store.call(Put(key="order/1", when=Always(), item=taken))
    try:
        zombie.complete("zombie's")
    except LeaseLostError:
        zombie.__exit__(None, None, None)
    found = store.call(Get("order/1")).item or {}
    result = found.get("result", found.get("holder"))
    return result if isinstance(result, str) else None


def test_a_zombie_can_neither_complete_nor_remove_the_next_runs_record() -> None:
    assert _zombie_story(MemoryStore()) == "next"


class CompletesUnconditionally(MemoryStore):
    """Mutant (Powertools): completion does not ask whose record it is."""

    def call(self, request: Request) -> Reply:
        if isinstance(request, Update) and "result" in request.assign:
            request = replace(request, when=Always())
        return super().call(request)


class DeletesUnconditionally(MemoryStore):
    """Mutant (Powertools): a failed run deletes whatever record is there."""

    def call(self, request: Request) -> Reply:
        if isinstance(request, Update) and "holder" in request.remove:
            super().call(Delete(key=request.key, when=Always()))
            return Reply(Outcome.REFUSED)
        return super().call(request)


@pytest.mark.parametrize("mutant", [CompletesUnconditionally, DeletesUnconditionally])
def test_an_unconditional_end_is_caught(mutant: type[MemoryStore]) -> None:
    assert _zombie_story(mutant()) != "next"


def test_a_silent_store_is_not_taken_for_another_run() -> None:
    class Silent(MemoryStore):
        def call(self, request: Request) -> Reply:
            return Reply(Outcome.UNKNOWN, reason=f"no answer for {request.key}")

    with (
        pytest.raises(LockTimeoutError, match=r"its store did not answer \(no answer for order/1"),
        _once(Silent(), wait_s=2).event("1"),
    ):
        pytest.fail("an event from nowhere")
