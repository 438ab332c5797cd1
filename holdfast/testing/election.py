"""A simulated election under faults: one seed, one world, one verdict.

``simulate_election(seed)`` draws candidates, timing, clocks and faults from the seed, runs the
protocol that production runs, and returns every promise that was broken. Run it over many seeds;
a seed that fails prints a readable history with ``explain()`` and replays exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.coordination.drivers.timing import LeaseTiming
from holdfast.testing.candidate import Candidate, Parts
from holdfast.testing.faults import Faults
from holdfast.testing.linearizability import Operation
from holdfast.testing.monitor import Monitor, Violation
from holdfast.testing.network import Conditions, Network
from holdfast.testing.store import SimulatedStore, StrongStore, Watcher
from holdfast.testing.world import Entry, Process, World

KEY = "leader"
REGIONS = ("us-east-1", "us-west-2")
WITNESS = "us-east-2"
_TIMINGS = (
    LeaseTiming(),
    LeaseTiming(lease_ms=15_000, renew_ms=4_000, retry_ms=2_000, margin_ms=3_000),
    LeaseTiming(lease_ms=20_000, renew_ms=6_000, retry_ms=3_000, margin_ms=4_000),
    LeaseTiming(lease_ms=30_000, renew_ms=9_000, retry_ms=5_000, margin_ms=6_000),
)
_MAX_RATE_PPM = 20_000
_MAX_WALL_MS = 8_000
_LONGEST_WORK_MS = 3_000
_RESIGNS = 0.01
_SETTLE_MS = 100_000
_SHOWN_LINES = 60

MakeStore = Callable[[World, Watcher], SimulatedStore]
"""Makes a store in a world that tells a watcher of every applied write."""


def strong_store(world: World, watcher: Watcher) -> StrongStore:
    """The store that leases belong in: two regions and a witness.

    Args:
        world: Where it lies.
        watcher: Sees every applied write.
    """
    return StrongStore(world, regions=REGIONS, witness=WITNESS, watcher=watcher)


@dataclass(frozen=True, slots=True)
class Run:
    """What a seed showed.

    Attributes:
        seed: The seed.
        violations: Every broken promise, in order.
        history: Everything of note that happened.
        terms: How many terms began.
        steals: How many of them replaced a holder that had not released.
        writes: How many fenced writes were applied.
        overlaps: How often two were seen to believe that they lead.
        operations: Every call to the lease's store and to the protected item's.
    """

    seed: int
    violations: tuple[Violation, ...]
    history: tuple[Entry, ...]
    terms: int
    steals: int
    writes: int
    overlaps: int
    operations: tuple[Operation, ...]

    def explain(self) -> str:
        """The broken promises and what led to the first of them, for a human."""
        if not self.violations:
            return f"seed {self.seed}: no promise was broken"
        first = self.violations[0]
        before = [entry for entry in self.history if entry.at_ms <= first.at_ms]
        lines = [f"seed {self.seed}: {len(self.violations)} broken promises; replay with this seed"]
        lines += [str(entry) for entry in before[-_SHOWN_LINES:]]
        lines += [f"BROKEN {violation}" for violation in self.violations[:_SHOWN_LINES]]
        return "\n".join(lines)


def simulate_election(
    seed: int,
    *,
    duration_ms: int = 600_000,
    parts: Parts | None = None,
    make_store: MakeStore = strong_store,
    sound_clocks: bool = True,
) -> Run:
    """Simulates one election.

    Args:
        seed: Decides everything.
        duration_ms: How long, in virtual time; the last 100 s are free of faults.
        parts: What candidates are made of.
        make_store: What keeps the lease.
        sound_clocks: Whether monotonic clocks keep to within 2 % of true time. Without that no
            lease can promise that two holders never overlap; what is judged then is what the
            tokens and the fence promise all the same.
    """
    world = World(seed)
    rng = world.random
    timings = _draw_timings(world)
    network = Network(world, Conditions(delay_ms=(1, rng.choice((5, 40, 150)))))
    monitor = Monitor(world, takeover_ms=_takeover_ms(timings, network), sound_clocks=sound_clocks)
    store = make_store(world, monitor.on_record)
    resource = strong_store(world, monitor.on_ledger)
    for number, timing in enumerate(timings):
        process = Process(
            world,
            f"agent-{number}",
            REGIONS[number % len(REGIONS)],
            rate_ppm=rng.randint(-_MAX_RATE_PPM, _MAX_RATE_PPM),
            wall_offset_ms=rng.randint(-_MAX_WALL_MS, _MAX_WALL_MS),
        )
        candidate = Candidate(
            process=process,
            network=network,
            store=store,
            resource=resource,
            key=KEY,
            timing=timing,
            observer=monitor,
            parts=parts or Parts(),
            work_ms=(200, _LONGEST_WORK_MS),
            resigns=_RESIGNS,
        )
        monitor.candidates.append(candidate)
        world.at(rng.randint(0, 3_000), candidate.start)
    faults = Faults(
        world=world,
        network=network,
        store=store,
        regions=REGIONS,
        candidates=monitor.candidates,
        monitor=monitor,
        sound_clocks=sound_clocks,
    )
    faults.schedule(count=rng.randint(6, 24), first_ms=3_000, last_ms=duration_ms - _SETTLE_MS)
    world.run(duration_ms)
    monitor.finish()
    return Run(
        seed=seed,
        violations=tuple(monitor.violations),
        history=tuple(world.history),
        terms=monitor.terms,
        steals=monitor.steals,
        writes=monitor.writes,
        overlaps=monitor.overlaps,
        operations=tuple(network.operations),
    )


def _draw_timings(world: World) -> list[LeaseTiming]:
    """One timing for all, or, as while a new setting is rolled out, one each."""
    rng = world.random
    count = rng.choice((2, 3, 3, 4))
    if rng.random() < 0.3:  # noqa: PLR2004 - the share of roll-outs
        return [rng.choice(_TIMINGS) for _ in range(count)]
    return [rng.choice(_TIMINGS)] * count


def _takeover_ms(timings: list[LeaseTiming], network: Network) -> int:
    """L + 2R + RTT, by the slowest clock, after the calls and the work under way have ended."""
    lease_ms = max(timing.lease_ms for timing in timings)
    retry_ms = max(timing.retry_ms for timing in timings)
    rtt_ms = 2 * network.conditions.delay_ms[1]
    under_way_ms = network.conditions.timeout_ms + _LONGEST_WORK_MS
    slowest = 1 + _MAX_RATE_PPM / 1_000_000
    return int((lease_ms + 2 * retry_ms + under_way_ms) * slowest) + rtt_ms
