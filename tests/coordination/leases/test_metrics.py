"""What happens to elections and stores is there to be exported, with the right numbers."""

import asyncio
import gc
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    HistogramDataPoint,
    InMemoryMetricReader,
    NumberDataPoint,
)

from holdfast.coordination import AsyncMemoryStore, LeaseTiming, Lock, MemoryStore, StopReason
from holdfast.coordination.leases.health import LeaseEvent, Trouble
from holdfast.coordination.leases.lease_core import (
    Extended,
    LeaseCore,
    Seen,
    Send,
    Started,
    Stopped,
)
from holdfast.coordination.leases.metrics import CoordinationMetrics
from holdfast.coordination.stores.store import Absent, Get, Outcome, Put, Reply
from holdfast.errors import LockTimeoutError
from tests.coordination.fakes import ManualClock

TIMING = LeaseTiming()
Numbers = dict[tuple[str, str], float]


class Meters:
    """The instruments on a clock that the test moves, and what they would export."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self._reader = InMemoryMetricReader()
        provider = MeterProvider(metric_readers=[self._reader])
        self.metrics = CoordinationMetrics(meter=provider.get_meter("test"), clock=self.clock)

    def read(self) -> Numbers:
        """Values by name and attributes; of a histogram, the sum."""
        data = self._reader.get_metrics_data()
        assert data is not None
        found: Numbers = {}
        for metric in data.resource_metrics[0].scope_metrics[0].metrics:
            for point in metric.data.data_points:
                labels = ",".join(str(value) for value in (point.attributes or {}).values())
                if isinstance(point, HistogramDataPoint):
                    value = point.sum
                else:
                    assert isinstance(point, NumberDataPoint)
                    value = point.value
                found[metric.name.removeprefix("holdfast."), labels] = value
        return found


def test_a_term_is_measured_from_the_predecessors_last_sign_of_life_to_its_end() -> None:
    meters = Meters()
    listener = meters.metrics.lease("job")
    meters.clock.advance(20_000)
    listener(Seen("other/1", 4, silent_ms=9_500))
    assert meters.read()["lease.waiters", "job"] == 1
    meters.clock.advance(700)
    listener(Started(5, 28_700))
    numbers = meters.read()
    assert numbers["lease.terms.won", "job"] == 1
    assert numbers["lease.takeover.duration", "job"] == pytest.approx(10.2)
    assert numbers["lease.waiters", "job"] == 0
    assert numbers["lease.remaining", "job"] == pytest.approx(8.0)
    meters.clock.advance(2_040)
    listener(Extended(22_700 + TIMING.lease_ms - TIMING.margin_ms))
    numbers = meters.read()
    assert numbers["lease.renewal.duration", "job"] == pytest.approx(0.04)
    assert numbers["lease.remaining", "job"] == pytest.approx(7.96)
    listener(Stopped(5, StopReason.STOLEN))
    listener(Trouble("no answer"))
    numbers = meters.read()
    assert numbers["lease.terms.lost", "job,stolen"] == 1
    assert numbers["lease.troubles", "job"] == 1
    assert numbers["lease.remaining", "job"] == 0


def test_a_first_term_is_no_takeover_and_a_lease_that_ran_out_has_nothing_left() -> None:
    meters = Meters()
    listener = meters.metrics.lease("job")
    listener(Started(1, 8_000))
    meters.clock.advance(9_000)
    numbers = meters.read()
    assert ("lease.takeover.duration", "job") not in numbers
    assert numbers["lease.remaining", "job"] == 0


def test_candidates_of_one_key_that_wait_are_added_up() -> None:
    meters = Meters()
    listeners = [meters.metrics.lease("job") for _ in range(4)]
    for listener in listeners[:3]:
        listener(Seen("other/1", 1))
    assert meters.read()["lease.waiters", "job"] == 3


def test_of_the_users_of_one_key_the_one_that_holds_it_counts() -> None:
    meters = Meters()
    listeners = [meters.metrics.lease("job") for _ in range(3)]
    listeners[1](Started(1, 8_000))
    assert meters.read()["lease.remaining", "job"] == pytest.approx(8.0)


def test_a_listener_that_nobody_has_any_more_is_not_measured() -> None:
    meters = Meters()
    kept = meters.metrics.lease("kept")
    meters.metrics.lease("gone")(Seen("other/1", 1))
    gc.collect()
    assert {labels for _, labels in meters.read()} == {kept.key}


def test_a_lock_is_measured_as_an_election_is() -> None:
    meters = Meters()
    store, listener = MemoryStore(), meters.metrics.lease("job")
    lock = Lock(
        store=store,
        key="job",
        owner="a",
        wait_s=0,
        keeps_trying=True,
        clock=meters.clock,
        listener=listener,
    )
    with lock:
        numbers = meters.read()
        assert numbers["lease.terms.won", "job"] == 1
        assert numbers["lease.remaining", "job"] == pytest.approx(8.0)
        other = Lock(
            store=store,
            key="job",
            owner="b",
            wait_s=0,
            keeps_trying=True,
            clock=meters.clock,
            listener=meters.metrics.lease("job"),
        )
        with pytest.raises(LockTimeoutError):
            other.__enter__()
        # It has given up, so it waits no more.
        assert meters.read()["lease.waiters", "job"] == 0
    numbers = meters.read()
    assert numbers["lease.terms.lost", "job,asked"] == 1
    assert numbers["lease.remaining", "job"] == 0


def test_a_candidate_tells_for_how_long_the_record_has_been_silent() -> None:
    core = LeaseCore(key="job", owner="b", timing=TIMING, new_nonce=lambda: "n")
    held = Reply(Outcome.REFUSED, {"holder": "a/1", "nonce": "x", "token": 1, "lease_ms": 10_000})
    assert isinstance(core.campaign(0)[0], Send)
    seen: list[LeaseEvent] = []
    for now_ms, nonce in ((100, "x"), (1_200, "x"), (2_300, "y"), (3_400, "y")):
        core.on_tick(now_ms)
        reply = replace(held, item={**(held.item or {}), "nonce": nonce})
        seen += [each for each in core.on_reply(now_ms, reply) if isinstance(each, Seen)]
    silent_ms = [each.silent_ms for each in seen if isinstance(each, Seen)]
    assert silent_ms == [0, 1_100, 0, 1_100]


class Conflicting(MemoryStore):
    def call(self, request: object) -> Reply:
        del request
        return Reply(Outcome.RETRY, reason="ReplicatedWriteConflictException")


def test_requests_are_counted_by_operation_and_outcome_conflicts_among_them() -> None:
    meters = Meters()
    store = meters.metrics.store(MemoryStore(), "us")
    put = Put(key="a", when=Absent("n"), item={"n": 1})
    assert store.call(put).outcome is Outcome.APPLIED
    assert store.call(put).outcome is Outcome.REFUSED
    assert store.call(Get("a")).item == {"n": 1}
    meters.metrics.store(Conflicting(), "eu").call(put)
    asyncio.run(meters.metrics.async_store(AsyncMemoryStore(), "aio").call(put))
    assert meters.read() == {
        ("store.requests", "us,put,applied"): 1,
        ("store.requests", "us,put,refused"): 1,
        ("store.requests", "us,get,applied"): 1,
        ("store.requests", "eu,put,retry"): 1,
        ("store.requests", "aio,put,applied"): 1,
    }


def test_every_metric_is_documented_under_its_name() -> None:
    meters = Meters()
    listener = meters.metrics.lease("job")
    events = (Seen("o/1", 1), Started(2, 8_000), Extended(9_000), Trouble(""))
    for event in (*events, Stopped(2, StopReason.ASKED)):
        listener(event)
    meters.metrics.store(MemoryStore(), "us").call(Get("a"))
    page = (Path(__file__).parents[3] / "docs/coordination.md").read_text(encoding="utf-8")
    names = {f"holdfast.{name}" for name, _ in meters.read()}
    assert len(names) == 8
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []
