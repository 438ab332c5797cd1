"""A lock for threads: held by one at a time, given back on the way out, never kept by the dead."""

import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from holdfast.coordination import (
    Get,
    Item,
    LeaseEvent,
    LeaseTiming,
    Lock,
    MemoryStore,
    Outcome,
    Reply,
    Request,
    StopReason,
)
from holdfast.coordination.leases.health import Trouble
from holdfast.coordination.leases.lease_core import Extended, Released, Seen, Started, Stopped
from holdfast.coordination.stores.store import Always, Put, number
from holdfast.errors import ConfigurationError, LeaseLostError, LockTimeoutError
from tests.coordination.fakes import ManualClock

FAST = LeaseTiming(lease_ms=600, renew_ms=100, retry_ms=50, margin_ms=120)
# For holders that must not lose their lease on a machine that is busy with other things.
STEADY = LeaseTiming(lease_ms=2_000, renew_ms=50, retry_ms=50, margin_ms=400)


def _lock(store: MemoryStore, owner: str, wait_s: float = 10, timing: LeaseTiming = FAST) -> Lock:
    short = wait_s * 1_000 < timing.takeover_ms
    return Lock(
        store=store, key="lock", owner=owner, wait_s=wait_s, keeps_trying=short, timing=timing
    )


def _in_time(story: Callable[[], object]) -> BaseException | None:
    """What a story raised. On a thread of its own: a defect may be that it never ends."""
    raised: list[BaseException | None] = []

    def tell() -> None:
        try:
            story()
        except BaseException as error:  # noqa: BLE001 - what is asked for
            raised.append(error)
        else:
            raised.append(None)

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    thread.join(10)
    assert raised, "it did not end"
    return raised[0]


class InterruptedStore(MemoryStore):
    """A store in whose calls a signal arrives, which raises where the process waits."""

    signal: BaseException | None = None

    def call(self, request: Request) -> Reply:
        reply = super().call(request)
        if self.signal is not None:
            signal, self.signal = self.signal, None
            raise signal
        return reply


class CountingStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.requests = 0
        self.silent = False

    def call(self, request: Request) -> Reply:
        self.requests += 1
        if self.silent:
            return Reply(Outcome.UNKNOWN, reason="silence")
        return super().call(request)


def test_a_free_lock_costs_one_request_to_take_and_one_to_give_back() -> None:
    store = CountingStore()
    slow = LeaseTiming(lease_ms=60_000, renew_ms=20_000, margin_ms=12_000)
    with Lock(store=store, key="lock", owner="a", wait_s=90, timing=slow) as lease:
        assert lease.token == 1
        lease.check()
        assert store.requests == 1
    assert store.requests == 2
    with pytest.raises(LeaseLostError, match="asked"):
        lease.check()


def test_threads_take_turns_and_tokens_grow() -> None:
    store = MemoryStore()
    inside: list[int] = []
    tokens: list[int] = []

    def work(name: str) -> None:
        for _ in range(3):
            with _lock(store, name, wait_s=30, timing=STEADY) as lease:
                inside.append(1)
                assert len(inside) == 1
                tokens.append(lease.token)
                time.sleep(0.005)
                inside.pop()

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert tokens == list(range(1, 13))


def test_a_lock_is_given_back_when_the_block_fails() -> None:
    store = MemoryStore()
    with pytest.raises(ValueError, match="inside"), _lock(store, "a"):
        raise ValueError("inside")
    assert "holder" not in (store.call(Get("lock")).item or {})


def test_waiting_has_an_end_and_says_who_holds_the_lock() -> None:
    store = MemoryStore()
    with _lock(store, "first"):
        for wait_s in (0, 0.2):
            with (
                pytest.raises(LockTimeoutError, match=rf"within {wait_s} s; first/\w+ holds it"),
                _lock(store, "second", wait_s=wait_s),
            ):
                pytest.fail("two holders")
    assert number(store.call(Get("lock")).item, "token") == 1


def test_a_dead_holder_is_replaced_after_its_own_lease() -> None:
    store = MemoryStore()
    dead: Item = {"holder": "dead", "nonce": "n", "token": 7, "beat": 0, "lease_ms": 400}
    store.call(Put(key="lock", when=Always(), item=dead))
    began = time.monotonic()
    with _lock(store, "a") as lease:
        assert lease.token == 8
        # The clock counts whole milliseconds.
        assert time.monotonic() - began >= 0.398


def test_many_short_tries_of_one_object_find_a_dead_holder_too() -> None:
    store = MemoryStore()
    dead: Item = {"holder": "dead", "nonce": "n", "token": 7, "beat": 0, "lease_ms": 300}
    store.call(Put(key="lock", when=Always(), item=dead))
    lock = _lock(store, "a", wait_s=0)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with lock as lease:
                assert lease.token == 8
                return
        except LockTimeoutError:
            time.sleep(0.02)
    pytest.fail("the dead holder kept the lock")


def test_a_silent_store_is_a_timeout_that_says_so() -> None:
    store = CountingStore()
    store.silent = True
    with (
        pytest.raises(LockTimeoutError, match=r"its store did not answer \(silence\)"),
        _lock(store, "a", 0.1),
    ):
        pytest.fail("a lock from nowhere")


def test_a_lock_that_was_lost_meanwhile_can_still_be_left() -> None:
    store = CountingStore()
    with _lock(store, "a") as lease:
        store.silent = True
        while lease.held:
            time.sleep(0.01)
        with pytest.raises(LeaseLostError, match="lost contact"):
            lease.check()
        store.silent = False


def test_an_object_is_used_once_at_a_time() -> None:
    lock = _lock(MemoryStore(), "a")
    with lock, pytest.raises(ConfigurationError, match="already holds lock"), lock:
        pytest.fail("reentered")
    with lock as lease:
        assert lease.token == 2


@pytest.mark.parametrize("wait_s", [0, 0.5, 0.699])
def test_a_wait_in_which_a_fresh_process_would_never_see_a_crash_is_refused(wait_s: float) -> None:
    with pytest.raises(ConfigurationError, match=rf"wait_s={wait_s} .*\(0\.7 s\).*cron"):
        Lock(store=MemoryStore(), key="lock", owner="a", wait_s=wait_s, timing=FAST)


def test_a_process_that_starts_anew_replaces_a_crashed_holder_within_its_first_wait() -> None:
    store = MemoryStore()
    dead: Item = {"holder": "dead", "nonce": "n", "token": 7, "beat": 0, "lease_ms": 600}
    store.call(Put(key="lock", when=Always(), item=dead))
    with Lock(store=store, key="lock", owner="cron", wait_s=0.7, timing=FAST) as lease:
        assert lease.token == 8


def test_a_decorated_function_holds_the_lock_on_each_thread_and_again() -> None:
    store = MemoryStore()
    inside: list[str] = []

    @Lock(store=store, key="lock", owner="a", wait_s=30, timing=STEADY)
    def work(name: str) -> str:
        """Works."""
        inside.append(name)
        assert len(inside) == 1
        time.sleep(0.005)
        inside.pop()
        return name

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (work("d"), work.__name__, work.__doc__) == ("d", "work", "Works.")
    assert number(store.call(Get("lock")).item, "token") == 4
    assert "holder" not in (store.call(Get("lock")).item or {})


def test_a_lock_for_threads_decorates_no_coroutine_function() -> None:
    async def work() -> None:
        """Would run after the lock has been given back."""

    def generator() -> Iterator[None]:
        yield

    def returns_one() -> Iterator[None]:
        return generator()

    with pytest.raises(ConfigurationError, match="never run"):
        _lock(MemoryStore(), "a")(returns_one)()
    for later in (work, generator):
        with pytest.raises(ConfigurationError, match=r"is a coroutine function.*AsyncLock"):
            _lock(MemoryStore(), "a")(later)
    with pytest.raises(ConfigurationError, match="keeps_trying"):
        _lock(MemoryStore(), "a", wait_s=0)(lambda: None)


@pytest.mark.parametrize("wait_s", [-1, float("nan"), float("inf")])
def test_a_wait_that_cannot_be_is_refused(wait_s: float) -> None:
    with pytest.raises(ConfigurationError, match=rf"wait_s={wait_s} for lock lock is negative or"):
        _lock(MemoryStore(), "a", wait_s)


def test_a_listener_hears_of_every_step_of_a_lock_in_order() -> None:
    store = CountingStore()
    events: list[LeaseEvent] = []
    lock = Lock(
        store=store, key="lock", owner="a", wait_s=10, timing=STEADY, listener=events.append
    )
    with _lock(store, "other"), pytest.raises(LockTimeoutError):
        Lock(
            store=store,
            key="lock",
            owner="b",
            wait_s=0,
            keeps_trying=True,
            timing=STEADY,
            listener=events.append,
        ).__enter__()
    assert [type(event) for event in events] == [Seen, Released]
    events.clear()
    with lock:
        while not any(isinstance(event, Extended) for event in events):
            time.sleep(0.01)
    assert [type(event) for event in events if not isinstance(event, Extended)] == [
        Started,
        Stopped,
        Released,
    ]
    assert isinstance(events[0], Started)
    assert events[-2] == Stopped(2, StopReason.ASKED)


def test_a_listener_hears_once_that_a_lock_was_lost_and_why() -> None:
    store = CountingStore()
    events: list[LeaseEvent] = []
    with Lock(
        store=store, key="lock", owner="a", wait_s=1, timing=FAST, listener=events.append
    ) as lease:
        store.silent = True
        while lease.held:
            time.sleep(0.01)
        store.silent = False
    ends = [event for event in events if isinstance(event, Stopped)]
    assert ends == [Stopped(1, StopReason.LOST_CONTACT)]
    assert Trouble("silence") in events


def test_a_lock_must_be_left_a_fifth_of_its_lease_before_others_may_take_it() -> None:
    clock = ManualClock()
    slow = LeaseTiming(lease_ms=60_000, renew_ms=20_000, margin_ms=12_000)
    lock = Lock(
        store=MemoryStore(),
        key="lock",
        owner="a",
        wait_s=0,
        keeps_trying=True,
        timing=slow,
        clock=clock,
    )
    with lock as lease:
        clock.advance(47_999)
        assert (lease.held, lease.remaining_ms, lease.reason) == (True, 1, None)
        clock.advance(1)
        assert (lease.held, lease.reason) == (False, StopReason.LOST_CONTACT)
    assert lock.health.losses == 1


def test_a_holder_that_was_replaced_is_told_that_its_lock_was_stolen() -> None:
    store = MemoryStore()
    with _lock(store, "a") as lease:
        thief: Item = {"holder": "x", "nonce": "n", "token": 9, "beat": 0, "lease_ms": 50}
        store.call(Put(key="lock", when=Always(), item=thief))
        while lease.held:
            time.sleep(0.005)
        assert lease.reason is StopReason.STOLEN


def test_health_tells_holding_from_waiting_and_counts_over_all_uses_of_a_lock() -> None:
    store = CountingStore()
    lock, other = _lock(store, "a", timing=STEADY), _lock(store, "b", wait_s=0)
    assert (lock.health.leads, lock.health.leader, lock.health.silent_ms) == (False, None, None)
    with lock:
        while lock.health.renewals == 0:
            time.sleep(0.01)
        with pytest.raises(LockTimeoutError):
            other.__enter__()
        health = lock.health
        assert health.leads
        assert 0 < health.remaining_ms <= STEADY.lease_ms - STEADY.margin_ms
        assert (health.leader or "").startswith("a/")
        assert other.health.leader == health.leader
        assert (other.health.leads, other.health.terms) == (False, 0)
    with lock:
        pass
    health = lock.health
    assert (health.leads, health.leader, health.terms, health.losses) == (False, None, 2, 0)


def test_a_store_that_can_never_work_is_an_error_at_once() -> None:
    class Refusing(MemoryStore):
        def call(self, request: Request) -> Reply:
            raise ConfigurationError(f"no table for {request.key}")

    with pytest.raises(ConfigurationError, match="no table for lock"), _lock(Refusing(), "a"):
        pytest.fail("a lock from nowhere")


def test_an_interrupt_while_a_lock_is_taken_comes_through_and_leaves_it_free() -> None:
    store = InterruptedStore()
    store.signal = KeyboardInterrupt()
    assert isinstance(_in_time(_lock(store, "a").__enter__), KeyboardInterrupt)
    # The interrupted request was carried out, and taken back.
    assert set(store.call(Get("lock")).item or {}) == {"nonce", "token"}


def test_an_interrupt_while_a_lock_is_given_back_does_not_spoil_its_next_use() -> None:
    store = InterruptedStore()
    lock = _lock(store, "a")

    def interrupted() -> None:
        with lock:
            store.signal = KeyboardInterrupt()

    def again() -> None:
        with lock as lease:
            assert lease.token == 2

    assert isinstance(_in_time(interrupted), KeyboardInterrupt)
    assert _in_time(again) is None


def test_what_a_store_raises_by_mistake_comes_out_before_it_has_worked() -> None:
    store = InterruptedStore()
    store.signal = OSError("the store's own mistake")
    assert isinstance(_in_time(_lock(store, "a").__enter__), OSError)


def test_what_a_store_raises_once_it_has_worked_is_an_outage() -> None:
    store = InterruptedStore()
    lock = _lock(store, "a", timing=STEADY)
    with lock as lease:
        store.signal = OSError("connection reset")
        time.sleep(0.3)
        assert lock.health.troubles == 1
        lease.check()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_that_leaves_the_block_does_not_release_the_lock() -> None:
    store = MemoryStore()
    with _lock(store, "a"):
        child = os.fork()
    if child == 0:
        os._exit(0 if "holder" in (store.call(Get("lock")).item or {}) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert "holder" not in (store.call(Get("lock")).item or {})


def test_to_give_up_on_a_silent_store_does_not_take_a_lease() -> None:
    store = CountingStore()
    store.silent = True
    slow = LeaseTiming(lease_ms=60_000, renew_ms=20_000, margin_ms=12_000, retry_ms=50)
    assert isinstance(_in_time(_lock(store, "a", 0, slow).__enter__), LockTimeoutError)
    assert store.requests <= 3
