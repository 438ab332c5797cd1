"""The kill switch stops what it must, and when in doubt stops too."""

import asyncio
import threading

import pytest

from holdfast.contract import Environment
from holdfast.control import AsyncKillSwitch, KillState, KillSwitch, WhenUnreadable
from holdfast.coordination import AsyncMemoryStore, MemoryStore, Outcome, Put, Reply, Request
from holdfast.coordination.stores.store import Always, Delete
from holdfast.errors import (
    ConditionFailedError,
    ConfigurationError,
    KilledError,
    StoreUnavailableError,
)
from tests.contract.platforms import platform
from tests.coordination.fakes import ManualClock


class FlakyStore(MemoryStore):
    """A store that can be counted, silenced and made to refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.silent = False
        self.refusing = False

    def call(self, request: Request) -> Reply:
        self.calls += 1
        if self.refusing:
            raise ConfigurationError("no permission")
        if self.silent:
            return Reply(Outcome.UNKNOWN, reason="no quorum")
        return super().call(request)


def _armed(
    environment: Environment = Environment.PROD,
    when_unreadable: WhenUnreadable = WhenUnreadable.STOP,
) -> tuple[KillSwitch, FlakyStore, ManualClock]:
    store, clock = FlakyStore(), ManualClock()
    switch = KillSwitch(
        store=store,
        environment=environment,
        max_age_ms=1_000,
        when_unreadable=when_unreadable,
        clock=clock,
    )
    switch.arm(by="ops", reason="start", epoch=0)
    store.calls = 0
    return switch, store, clock


def test_an_armed_switch_lets_work_go_on_and_is_read_once_per_age() -> None:
    switch, store, clock = _armed()
    for _ in range(100):
        assert switch.check() == 1
    assert store.calls == 1
    clock.advance(1_001)
    switch.check()
    assert store.calls == 2


def test_a_trip_stops_work_within_the_age_of_the_known_state() -> None:
    switch, store, clock = _armed()
    switch.check()
    KillSwitch(store=store, environment=Environment.PROD).trip(by="on-call", reason="runaway")
    clock.advance(1_000)
    switch.check()
    clock.advance(1)
    with pytest.raises(KilledError, match=r"tripped \(epoch 2, by on-call: runaway\)"):
        switch.check()


def test_the_process_that_trips_stops_at_once() -> None:
    switch, _, _ = _armed()
    switch.check()
    assert switch.trip(by="me", reason="now") == KillState(
        tripped=True, epoch=2, by="me", reason="now"
    )
    with pytest.raises(KilledError):
        switch.check()


def test_the_age_counts_from_the_sending_of_the_read() -> None:
    switch, store, clock = _armed()
    answer = store.call

    def slowly(request: Request) -> Reply:
        reply = answer(request)
        clock.advance(900)
        return reply

    store.call = slowly  # type: ignore[method-assign]
    switch.check()
    store.call = answer  # type: ignore[method-assign]
    clock.advance(101)
    calls = store.calls
    switch.check()
    assert store.calls == calls + 1


def test_an_unreadable_switch_counts_as_tripped_once_the_known_state_is_old() -> None:
    switch, store, clock = _armed()
    switch.check()
    store.silent = True
    switch.check()
    clock.advance(1_001)
    with pytest.raises(KilledError, match=r"cannot be read \(no quorum\), which counts as tripped"):
        switch.check()


def test_a_switch_that_nobody_may_read_counts_as_tripped() -> None:
    switch, store, _ = _armed()
    store.refusing = True
    with pytest.raises(KilledError, match="no permission"):
        switch.check()


@pytest.mark.parametrize("item", [None, {}, {"state": "armed"}, {"state": "on", "epoch": 1}])
def test_an_absent_or_malformed_switch_counts_as_tripped(
    item: dict[str, str | int] | None,
) -> None:
    store = MemoryStore()
    if item is not None:
        store.call(Put(key="kill", when=Always(), item=item))
    switch = KillSwitch(store=store, environment=Environment.DEV)
    with pytest.raises(KilledError, match="never been armed"):
        switch.check()


@pytest.mark.parametrize("when_unreadable", WhenUnreadable)
def test_deleting_the_flag_arms_nothing_and_trips_what_was_armed(
    when_unreadable: WhenUnreadable,
) -> None:
    switch, store, clock = _armed(Environment.DEV, when_unreadable)
    switch.check()
    store.call(Delete(key="kill", when=Always()))
    clock.advance(5_000)
    for _ in range(2):
        with pytest.raises(KilledError, match="somebody has deleted it"):
            switch.check()
    assert switch.state().tripped
    # Made again by a deployment, it says nothing, and an operator arms it as a new one.
    store.call(Put(key="kill", when=Always(), item={}))
    with pytest.raises(KilledError):
        switch.check()
    switch.arm(by="ops", reason="looked into it", epoch=switch.state().epoch)
    assert switch.check() == 1


def test_prod_refuses_to_go_on_unread() -> None:
    with pytest.raises(ConfigurationError, match="go-on is not allowed in prod"):
        _armed(when_unreadable=WhenUnreadable.GO_ON)


def test_dev_may_go_on_unread_but_not_once_it_has_seen_a_trip() -> None:
    switch, store, clock = _armed(Environment.DEV, WhenUnreadable.GO_ON)
    store.silent = True
    assert switch.check() == 0
    store.silent = False
    switch.trip(by="me", reason="stop")
    with pytest.raises(KilledError):
        switch.check()
    store.silent = True
    clock.advance(5_000)
    with pytest.raises(KilledError):
        switch.check()


def test_arming_needs_the_epoch_that_was_looked_at() -> None:
    switch, _, _ = _armed()
    seen = switch.trip(by="a", reason="first").epoch
    switch.trip(by="b", reason="second")
    with pytest.raises(ConditionFailedError, match=r"epoch 3 \(tripped: True, by b: second\)"):
        switch.arm(by="a", reason="solved", epoch=seen)
    assert switch.state().tripped
    assert not switch.arm(by="a", reason="solved", epoch=3).tripped
    assert switch.check() == 4


def test_an_unacknowledged_trip_says_so() -> None:
    switch, store, _ = _armed()
    store.silent = True
    with pytest.raises(StoreUnavailableError, match="may or may not be tripped"):
        switch.trip(by="me", reason="now")
    with pytest.raises(StoreUnavailableError, match="cannot be read"):
        switch.state()


def test_an_age_that_breaks_the_platforms_promise_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"kill_s=5\.0\. Use less than 5000 ms"):
        KillSwitch.of(platform(), "us", MemoryStore(), max_age_ms=5_000)
    with pytest.raises(ConfigurationError, match="allowed are eu, us"):
        KillSwitch.of(platform(), "mars", MemoryStore())
    with pytest.raises(ConfigurationError, match="max_age_ms=0"):
        KillSwitch.of(platform(), "us", MemoryStore(), max_age_ms=0)


def test_a_watcher_calls_once_when_the_switch_is_tripped() -> None:
    store = MemoryStore()
    switch = KillSwitch(store=store, environment=Environment.PROD, max_age_ms=5)
    switch.arm(by="ops", reason="start", epoch=0)
    killed: list[KilledError] = []
    watcher = threading.Thread(target=switch.watch, args=(killed.append, threading.Event()))
    watcher.start()
    switch.trip(by="me", reason="now")
    watcher.join(timeout=10)
    assert not watcher.is_alive()
    assert len(killed) == 1


def test_a_watcher_can_be_told_to_stop() -> None:
    store = MemoryStore()
    switch = KillSwitch(store=store, environment=Environment.PROD, max_age_ms=5)
    switch.arm(by="ops", reason="start", epoch=0)
    stop = threading.Event()
    stop.set()
    killed: list[KilledError] = []
    switch.watch(killed.append, stop)
    assert killed == []


def test_tasks_have_the_same_switch() -> None:
    async def story() -> KilledError:
        store = AsyncMemoryStore()
        switch = AsyncKillSwitch.of(platform(), "us", store, max_age_ms=5)
        await switch.arm(by="ops", reason="start", epoch=0)
        assert await switch.check() == 1
        watch = asyncio.create_task(switch.watch())
        await switch.trip(by="me", reason="now")
        assert (await switch.state()).tripped
        return await asyncio.wait_for(watch, timeout=10)

    assert "tripped" in str(asyncio.run(story()))
