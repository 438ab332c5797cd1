"""The thread driver: terms, work, resignation, failure and a clean end."""

# An interrupt is given to the inside of a driver: a test has no other thread to send it to.
# pyright: reportPrivateUsage=false

import sys
import threading
import time
from collections.abc import Callable

import pytest

from holdfast.coordination import (
    Election,
    Get,
    Lease,
    LeaseTiming,
    MemoryStore,
    Outcome,
    Reply,
    Request,
    StopReason,
)
from holdfast.coordination.leases.health import LeaseEvent, Trouble
from holdfast.coordination.leases.lease_core import Extended, Released, Seen, Started, Stopped
from holdfast.coordination.stores.store import Always, Put
from holdfast.errors import ConfigurationError, LeaseLostError, StoreUnavailableError

FAST = LeaseTiming(lease_ms=600, renew_ms=100, retry_ms=50, margin_ms=120)
PATIENCE_S = 15.0


class CountingStore(MemoryStore):
    """A store that remembers what it was asked, and can hang or fail."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Request] = []
        self.open = threading.Event()
        self.open.set()
        self.failure: Exception | None = None
        self.replies: list[Reply] = []

    def call(self, request: Request) -> Reply:
        self.requests.append(request)
        if not self.open.wait(PATIENCE_S):
            raise TimeoutError("the test never opened the store again")
        if self.replies:
            return self.replies.pop()
        if self.failure is not None:
            raise self.failure
        return super().call(request)


class Runner:
    """An election on a thread, and what happened in it."""

    def __init__(
        self,
        store: MemoryStore,
        owner: str,
        timing: LeaseTiming = FAST,
        work: Callable[[Lease], None] | None = None,
        on_stopped: Callable[[StopReason], None] | None = None,
    ) -> None:
        self._work = work or self._until_let_go
        self.events: list[LeaseEvent] = []
        self.election = Election(
            store=store, key="leader", owner=owner, timing=timing, listener=self.events.append
        )
        self.leads = threading.Event()
        self.let_go = threading.Event()
        self.leases: list[Lease] = []
        self.reasons: list[StopReason] = []
        self._on_stopped = on_stopped or self.reasons.append
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.election.run(self._work, self._on_stopped)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self.error = error

    def _until_let_go(self, lease: Lease) -> None:
        self.leases.append(lease)
        self.leads.set()
        while not lease.wait(0.01):
            if self.let_go.is_set():
                self.let_go.clear()
                return

    def end(self) -> None:
        self.election.stop()
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()


def test_acquire_renew_and_release_take_one_request_each() -> None:
    store = CountingStore()
    runner = Runner(store, "a", LeaseTiming(lease_ms=60_000, renew_ms=20_000, margin_ms=12_000))
    assert runner.leads.wait(PATIENCE_S)
    assert len(store.requests) == 1
    runner.end()
    assert len(store.requests) == 2
    assert runner.reasons == [StopReason.ASKED]
    item = store.call(Get("leader")).item
    assert item is not None
    assert set(item) == {"nonce", "token"}


def test_the_next_holder_has_a_greater_token_also_after_a_release() -> None:
    store = MemoryStore()
    tokens: list[int] = []
    for owner in "abc":
        runner = Runner(store, owner)
        assert runner.leads.wait(PATIENCE_S)
        tokens.append(runner.leases[0].token)
        runner.end()
    assert tokens == [1, 2, 3]


def test_a_holder_whose_store_hangs_is_told_before_its_lease_has_run_out() -> None:
    store = CountingStore()
    runner = Runner(store, "a")
    assert runner.leads.wait(PATIENCE_S)
    store.open.clear()
    lease = runner.leases[0]
    while not runner.reasons:
        time.sleep(0.005)
    assert runner.reasons == [StopReason.LOST_CONTACT]
    with pytest.raises(LeaseLostError, match=r"token 1 has ended \(lost contact\)"):
        lease.check()
    store.open.set()
    runner.end()


def test_a_holder_that_was_replaced_is_told_that_it_was_stolen() -> None:
    store = CountingStore()
    runner = Runner(store, "a")
    assert runner.leads.wait(PATIENCE_S)
    store.call(
        Put(
            key="leader",
            when=Always(),
            item={"holder": "x", "nonce": "n", "token": 9, "beat": 0, "lease_ms": 50},
        )
    )
    deadline = time.monotonic() + PATIENCE_S
    while len(runner.leases) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert runner.reasons == [StopReason.STOLEN]
    assert runner.leases[1].token == 10
    runner.end()


def test_a_leader_whose_work_returns_resigns_and_stands_again() -> None:
    store = MemoryStore()
    runner = Runner(store, "a")
    assert runner.leads.wait(PATIENCE_S)
    runner.leads.clear()
    runner.let_go.set()
    assert runner.leads.wait(PATIENCE_S)
    assert [lease.token for lease in runner.leases] == [1, 2]
    assert not runner.leases[0].held
    assert runner.leases[1].held
    assert [each for each in runner.events if isinstance(each, Stopped)] == [
        Stopped(1, StopReason.ASKED)
    ]
    runner.end()
    assert runner.events[-2:] == [Stopped(2, StopReason.ASKED), Released()]
    assert runner.election.health.losses == 0


def test_an_error_of_the_work_releases_the_lease_and_comes_out_of_run() -> None:
    store = MemoryStore()
    events: list[LeaseEvent] = []

    def fail(_lease: Lease) -> None:
        raise ValueError("the work failed")

    election = Election(store=store, key="leader", owner="a", timing=FAST, listener=events.append)
    with pytest.raises(ValueError, match="the work failed"):
        election.run(fail)
    # The end of the term is told once.
    assert events[1:] == [Stopped(1, StopReason.ASKED), Released()]
    item = store.call(Get("leader")).item
    assert item is not None
    assert "holder" not in item


@pytest.mark.parametrize(
    "failure", [ConfigurationError("no such table"), OSError("the store's own mistake")]
)
def test_a_store_that_can_never_work_is_an_error_at_once(failure: Exception) -> None:
    store = CountingStore()
    store.failure = failure
    runner = Runner(store, "a")
    runner.thread.join(PATIENCE_S)
    assert runner.error is failure


def test_a_store_that_could_not_be_reached_at_first_is_not_taken_for_one_that_works() -> None:
    store = CountingStore()
    store.replies = [Reply(Outcome.RETRY, reason="no connection")]
    store.failure = ConfigurationError("no such table")
    runner = Runner(store, "a")
    runner.thread.join(PATIENCE_S)
    assert runner.error is store.failure


@pytest.mark.parametrize(
    "failure",
    [
        ConfigurationError("no such table"),
        StoreUnavailableError("no quorum"),
        OSError("connection reset"),
    ],
)
def test_a_store_that_has_worked_and_fails_is_an_outage(failure: Exception) -> None:
    store = CountingStore()
    runner = Runner(store, "a")
    assert runner.leads.wait(PATIENCE_S)
    store.failure = failure
    while not runner.reasons:
        time.sleep(0.005)
    assert runner.reasons == [StopReason.LOST_CONTACT]
    runner.leads.clear()
    store.failure = None
    assert runner.leads.wait(PATIENCE_S)
    assert runner.leases[1].token == 2
    runner.end()


def test_candidates_know_who_leads() -> None:
    store = MemoryStore()
    first = Runner(store, "a")
    assert first.leads.wait(PATIENCE_S)
    second = Runner(store, "b")
    deadline = time.monotonic() + PATIENCE_S
    while second.election.leader is None and time.monotonic() < deadline:
        time.sleep(0.005)
    assert second.election.leader == first.election.leader == first.election.holder
    assert first.election.lease is first.leases[0]
    assert second.election.lease is None
    first.end()
    second.end()


def test_health_tells_leading_from_waiting_and_an_answer_from_silence() -> None:
    store = CountingStore()
    leader = Runner(store, "a")
    assert leader.leads.wait(PATIENCE_S)
    waiter = Runner(store, "b")
    time.sleep(3 * FAST.renew_ms / 1000)
    health = leader.election.health
    assert health.leads
    assert 0 < health.remaining_ms <= FAST.lease_ms - FAST.margin_ms
    assert health.terms == 1
    assert health.renewals >= 1
    assert health.silent_ms is not None
    waiting = waiter.election.health
    assert (waiting.leads, waiting.terms, waiting.remaining_ms) == (False, 0, 0)
    assert waiting.leader == leader.election.holder
    store.failure = StoreUnavailableError("no quorum")
    while not leader.reasons:
        time.sleep(0.005)
    health = leader.election.health
    assert (health.leads, health.losses) == (False, 1)
    assert health.troubles >= 1
    assert (health.silent_ms or 0) >= FAST.lease_ms - FAST.margin_ms - FAST.renew_ms
    kinds = {type(event) for event in leader.events}
    assert kinds >= {Started, Extended, Stopped, Trouble}
    assert Seen in {type(event) for event in waiter.events}
    store.failure = None
    leader.end()
    waiter.end()
    assert waiter.events[-1] == Released()


def test_the_lease_is_kept_until_the_work_has_returned() -> None:
    store = MemoryStore()
    working, finish = threading.Event(), threading.Event()

    def work(_lease: Lease) -> None:
        working.set()
        finish.wait(PATIENCE_S)

    election = Election(store=store, key="leader", owner="a", timing=FAST)
    thread = threading.Thread(target=election.run, args=(work,), daemon=True)
    thread.start()
    assert working.wait(PATIENCE_S)
    election.stop()
    before = store.call(Get("leader")).item
    time.sleep(3 * FAST.renew_ms / 1000)
    after = store.call(Get("leader")).item
    assert before is not None
    assert after is not None
    assert after["holder"] == before["holder"]
    assert after["nonce"] != before["nonce"]
    finish.set()
    thread.join(PATIENCE_S)
    assert "holder" not in (store.call(Get("leader")).item or {})


def test_an_object_stands_for_election_once() -> None:
    store = MemoryStore()
    election = Election(store=store, key="leader", owner="a", timing=FAST)
    election.run(lambda _: election.stop())
    with pytest.raises(
        ConfigurationError, match=r"run\(\) of this object for lease leader has been"
    ):
        election.run(lambda _: pytest.fail("it led again"))
    assert "holder" not in (store.call(Get("leader")).item or {})


def test_work_that_exits_the_process_ends_the_election_and_comes_out_of_run() -> None:
    store = MemoryStore()
    runner = Runner(store, "a", work=lambda _: sys.exit(3))
    runner.thread.join(PATIENCE_S)
    assert isinstance(runner.error, SystemExit)
    assert "holder" not in (store.call(Get("leader")).item or {})


def test_an_error_of_on_stopped_comes_out_of_run_once_the_work_has_returned() -> None:
    store = MemoryStore()
    kept: list[bool] = []

    def work(lease: Lease) -> None:
        while not lease.wait(0.01):
            pass
        time.sleep(FAST.lease_ms / 1000)
        kept.append("holder" in (store.call(Get("leader")).item or {}))

    def stopped(_reason: StopReason) -> None:
        raise ValueError("the hook failed")

    runner = Runner(store, "a", work=work, on_stopped=stopped)
    while runner.election.lease is None:
        time.sleep(0.005)
    runner.election.stop()
    runner.thread.join(PATIENCE_S)
    assert isinstance(runner.error, ValueError)
    assert kept == [True]
    assert "holder" not in (store.call(Get("leader")).item or {})


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_of_the_thread_that_runs_it_releases_the_lease(
    interrupt: type[BaseException],
) -> None:
    store = MemoryStore()
    runner = Runner(store, "a")
    assert runner.leads.wait(PATIENCE_S)

    def signal_arrives() -> None:
        raise interrupt

    runner.election._pump.signal(signal_arrives)
    runner.thread.join(PATIENCE_S)
    assert isinstance(runner.error, interrupt)
    assert runner.reasons == [StopReason.ASKED]
    assert "holder" not in (store.call(Get("leader")).item or {})


def test_an_interrupt_waits_no_longer_than_a_lease_for_work_that_does_not_return() -> None:
    finish = threading.Event()
    began = threading.Event()

    def work(_lease: Lease) -> None:
        began.set()
        finish.wait(PATIENCE_S)

    def signal_arrives() -> None:
        raise KeyboardInterrupt

    runner = Runner(MemoryStore(), "a", work=work)
    assert began.wait(PATIENCE_S)
    runner.election._pump.signal(signal_arrives)
    runner.thread.join(PATIENCE_S / 2)
    finish.set()
    assert isinstance(runner.error, KeyboardInterrupt)
