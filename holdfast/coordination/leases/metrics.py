"""What leases and stores do, as OpenTelemetry metrics.

Guarantees:
    No I/O and no thread of its own: instruments are fed where something happens, and do nothing
    while no OpenTelemetry SDK is set up. Times are taken on the leases' own clock.

Does not guarantee:
    Anything across a crash: what was not exported is gone. That a takeover is timed to the
    millisecond: it counts from when the candidate saw the predecessor's last sign of life.

Costs:
    One set of series per key. Do not measure locks whose keys are drawn from requests.
"""

from weakref import WeakSet

from opentelemetry.metrics import CallbackOptions, Meter, Observation, get_meter

from holdfast.coordination.drivers.clock import Clock, SystemClock
from holdfast.coordination.drivers.timing import LeaseTiming
from holdfast.coordination.leases.health import LeaseEvent, Trouble
from holdfast.coordination.leases.lease_core import Extended, Seen, Started, Stopped
from holdfast.coordination.stores.store import (
    AsyncConditionalStore,
    ConditionalStore,
    Outcome,
    Reply,
    Request,
)

_MS_PER_S = 1000


class CoordinationMetrics:
    """The instruments of one process. Make one, and share it.

    Args:
        meter: What makes the instruments; that of the global provider if None.
        clock: What leases are counted on; the same as theirs.
    """

    def __init__(self, *, meter: Meter | None = None, clock: Clock | None = None) -> None:
        meter = meter or get_meter("holdfast.coordination")
        self.clock = clock or SystemClock()
        # Weak: a lock that is made for one use takes its listener with it.
        self._leases: WeakSet[LeaseMetrics] = WeakSet()
        self.terms_won = meter.create_counter(
            "holdfast.lease.terms.won", unit="{term}", description="Terms begun."
        )
        self.terms_lost = meter.create_counter(
            "holdfast.lease.terms.lost", unit="{term}", description="Terms ended, by reason."
        )
        self.troubles = meter.create_counter(
            "holdfast.lease.troubles", unit="{request}", description="Requests without an answer."
        )
        self.renewal = meter.create_histogram(
            "holdfast.lease.renewal.duration", unit="s", description="Renewal, sent to confirmed."
        )
        self.takeover = meter.create_histogram(
            "holdfast.lease.takeover.duration",
            unit="s",
            description="A predecessor's last sign of life to the begin of the new term.",
        )
        self.requests = meter.create_counter(
            "holdfast.store.requests", unit="{request}", description="Requests, by outcome."
        )
        meter.create_observable_gauge(
            "holdfast.lease.remaining",
            callbacks=[self._remaining],
            unit="s",
            description="How long this process may go on leading without another renewal.",
        )
        meter.create_observable_up_down_counter(
            "holdfast.lease.waiters",
            callbacks=[self._waiters],
            unit="{candidate}",
            description="Candidates that wait for another's term to end.",
        )

    def lease(self, key: str, timing: LeaseTiming | None = None) -> "LeaseMetrics":
        """A listener for one election or lock.

        Args:
            key: Key of its lease; an attribute of all that is measured.
            timing: Its own.
        """
        listener = LeaseMetrics(self, key, timing or LeaseTiming())
        self._leases.add(listener)
        return listener

    def store(self, store: ConditionalStore, name: str) -> ConditionalStore:
        """The same store, its requests counted by operation and outcome.

        ``retry`` counts conflicts between regions and throttling, ``refused`` lost races.

        Args:
            store: Which.
            name: An attribute of the counts.
        """
        return _MeasuredStore(self, store, name)

    def async_store(self, store: AsyncConditionalStore, name: str) -> AsyncConditionalStore:
        """As :meth:`store`, for asyncio.

        Args:
            store: Which.
            name: An attribute of the counts.
        """
        return _AsyncMeasuredStore(self, store, name)

    def count(self, name: str, request: Request, outcome: Outcome) -> None:
        """Counts one request to a store.

        Args:
            name: Name of the store.
            request: The request.
            outcome: How it ended.
        """
        operation = type(request).__name__.lower()
        attributes = {"store": name, "operation": operation, "outcome": outcome.value}
        self.requests.add(1, attributes)

    def _remaining(self, _options: CallbackOptions) -> list[Observation]:
        remaining_s: dict[str, float] = {}
        for each in list(self._leases):
            remaining_s[each.key] = max(remaining_s.get(each.key, 0), each.remaining_s)
        return [Observation(value, {"lease": key}) for key, value in remaining_s.items()]

    def _waiters(self, _options: CallbackOptions) -> list[Observation]:
        waiting: dict[str, int] = {}
        for each in list(self._leases):
            waiting[each.key] = waiting.get(each.key, 0) + each.waits
        return [Observation(count, {"lease": key}) for key, count in waiting.items()]


class LeaseMetrics:
    """Feeds the instruments with what happens to one candidate. Made by ``CoordinationMetrics``.

    Args:
        metrics: The instruments.
        key: Key of the lease.
        timing: Of the lease.
    """

    def __init__(self, metrics: CoordinationMetrics, key: str, timing: LeaseTiming) -> None:
        self.key = key
        self.attributes = {"lease": key}
        self.waits = False
        """Whether this candidate waits for another's term to end."""
        self._metrics = metrics
        self._usable_ms = timing.lease_ms - timing.margin_ms
        self._until_ms = 0
        self._silent_since_ms: int | None = None

    @property
    def remaining_s(self) -> float:
        """For how many seconds this candidate may go on leading; 0 if it does not lead."""
        return max(0, self._until_ms - self._metrics.clock.now_ms()) / _MS_PER_S

    def __call__(self, event: LeaseEvent) -> None:
        """Takes in one event.

        Args:
            event: What happened.
        """
        metrics, now_ms = self._metrics, self._metrics.clock.now_ms()
        match event:
            case Started(_, until_ms):
                metrics.terms_won.add(1, self.attributes)
                if self._silent_since_ms is not None:
                    takes_s = (now_ms - self._silent_since_ms) / _MS_PER_S
                    metrics.takeover.record(takes_s, self.attributes)
                self._until_ms, self._silent_since_ms, self.waits = until_ms, None, False
            case Extended(until_ms):
                # A renewal lasts from its sending on, which tells when that was.
                sent_ms = until_ms - self._usable_ms
                metrics.renewal.record(max(0, now_ms - sent_ms) / _MS_PER_S, self.attributes)
                self._until_ms = until_ms
            case Seen():
                self._silent_since_ms, self.waits = now_ms - event.silent_ms, True
            case Trouble():
                metrics.troubles.add(1, self.attributes)
            case Stopped(_, reason):
                metrics.terms_lost.add(1, {**self.attributes, "reason": reason.value})
                self._until_ms = 0
            case _:
                self._silent_since_ms, self.waits = None, False


class _MeasuredStore:
    def __init__(self, metrics: CoordinationMetrics, store: ConditionalStore, name: str) -> None:
        self._metrics = metrics
        self._store = store
        self._name = name

    def call(self, request: Request) -> Reply:
        reply = self._store.call(request)
        self._metrics.count(self._name, request, reply.outcome)
        return reply


class _AsyncMeasuredStore:
    def __init__(
        self, metrics: CoordinationMetrics, store: AsyncConditionalStore, name: str
    ) -> None:
        self._metrics = metrics
        self._store = store
        self._name = name

    async def call(self, request: Request) -> Reply:
        reply = await self._store.call(request)
        self._metrics.count(self._name, request, reply.outcome)
        return reply
