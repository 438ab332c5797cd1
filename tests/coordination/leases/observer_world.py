"""Observers beside a simulated election under faults: one seed, one world, one verdict.

The judge knows every version of the record with its true times, and takes what an observer says
for a claim about the observer's own clock: which version, from when to when.
"""

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.coordination.drivers.program import Program
from holdfast.coordination.drivers.timing import LeaseTiming
from holdfast.coordination.leases.observer_core import ObserverCore, Sighting, Standing
from holdfast.coordination.stores.store import Item, Outcome, number, text
from holdfast.errors import HoldfastError
from holdfast.testing import Candidate, Conditions, Monitor, Network, Parts, Process, World
from holdfast.testing.election import KEY, REGIONS, strong_store
from holdfast.testing.faults import Faults
from holdfast.testing.programs import run_simulated

TIMING = LeaseTiming()
PERIOD_MS = 1_000
MAX_AGE_MS = 3_000
LAST_FAULT_MS = 120_000
ALL_DIE_MS = 150_000
DELAY_MS = 40
MILLION = 1_000_000
RATE_PPM = 20_000

TRUE_LATELY = "what a sighting says was true when it says"
STALE_IS_STALE = "stale is a whole lease of silence, and nothing less"
SAYS_SO = "an observer without an answer says so"
SEES = "an observer with an answer says it"
ONE_LOOK = "at most one request per period"
SEES_THE_DEAD = "a dead holder is seen to be silent in time"

MakeCore = Callable[[Process], ObserverCore]


def make_core(process: Process) -> ObserverCore:
    """The core that production uses."""
    return ObserverCore(key=KEY, period_ms=PERIOD_MS, max_age_ms=MAX_AGE_MS, clock=process.clock)


@dataclass
class Version:
    """The record between two writes, in true time."""

    item: Item | None
    from_ms: int
    until_ms: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What a seed showed: the broken promises, and how often each standing was seen."""

    broken: tuple[tuple[str, str], ...]
    seen: dict[Standing, int]


class Observed:
    """One observer, driven as ``changes`` drives it, and judged at every look and in between."""

    def __init__(self, judge: "Judge", name: str, region: str, make: MakeCore) -> None:
        world = judge.world
        self.rate_ppm = world.random.randint(-RATE_PPM, RATE_PPM)
        self.process = Process(world, name, region, rate_ppm=self.rate_ppm)
        self.core = make(self.process)
        self.sent_ms: int | None = None
        """When its last look was sent, on its own clock."""
        self.answered_ms: int | None = None
        """When its last look that was answered was sent, on its own clock."""
        self._judge = judge

    def look(self) -> None:
        judge = self._judge
        program = self._noted(self.core.look())
        run_simulated(program, self.process, judge.network, judge.store, self._looked)

    def sample(self) -> None:
        if self.process.running:
            self._judge.sighting(self, self.core.known)
        self._judge.world.after(333, self.sample)

    def local_ms(self, true_ms: int) -> int:
        return true_ms * (MILLION + self.rate_ppm) // MILLION

    def _looked(self, sighting: Sighting | HoldfastError) -> None:
        assert isinstance(sighting, Sighting), sighting
        self._judge.sighting(self, sighting)
        self.process.wake_at(max(self.core.due_ms, self.process.clock.now_ms() + 1), self.look)

    def _noted(self, program: Program[Sighting]) -> Program[Sighting]:
        """The same program; when its looks were sent is written down for the judge."""
        try:
            step = next(program)
            while True:
                now_ms = self.process.clock.now_ms()
                self._judge.sends(self, now_ms)
                self.sent_ms = now_ms
                reply = yield step
                if reply.outcome is Outcome.APPLIED:
                    self.answered_ms = now_ms
                step = program.send(reply)
        except StopIteration as end:
            sighting: Sighting = end.value
            return sighting


class Judge:
    """The world, the record as it really was, and what observers have been seen to break."""

    def __init__(self, seed: int, make: MakeCore) -> None:
        self.world = World(seed)
        self.network = Network(self.world, Conditions(delay_ms=(1, DELAY_MS)))
        self.monitor = Monitor(self.world, takeover_ms=10**9)
        self.store = strong_store(self.world, self._on_record)
        self.versions = [Version(None, 0)]
        self.broken: list[tuple[str, str]] = []
        self.seen = dict.fromkeys(Standing, 0)
        for number_, name in enumerate("abc"):
            self.monitor.candidates.append(self._candidate(name, REGIONS[number_ % 2]))
        self.observers = [Observed(self, f"observer-{region}", region, make) for region in REGIONS]

    def _candidate(self, name: str, region: str) -> Candidate:
        return Candidate(
            process=Process(self.world, name, region, rate_ppm=self._rate_ppm()),
            network=self.network,
            store=self.store,
            resource=strong_store(self.world, self.monitor.on_ledger),
            key=KEY,
            timing=TIMING,
            observer=self.monitor,
            parts=Parts(),
        )

    def _rate_ppm(self) -> int:
        return self.world.random.randint(-RATE_PPM, RATE_PPM)

    def _on_record(self, key: str, old: Item | None, new: Item | None) -> None:
        self.monitor.on_record(key, old, new)
        self.versions[-1].until_ms = self.world.now_ms
        self.versions.append(Version(new, self.world.now_ms))

    def sends(self, observer: Observed, now_ms: int) -> None:
        if observer.sent_ms is not None and now_ms - observer.sent_ms < PERIOD_MS:
            self._break(ONE_LOOK, f"after {now_ms - observer.sent_ms} ms")

    def sighting(self, observer: Observed, sighting: Sighting) -> None:
        self.seen[sighting.standing] += 1
        now_ms, answered_ms = observer.process.clock.now_ms(), observer.answered_ms
        fresh = answered_ms is not None and now_ms - answered_ms <= MAX_AGE_MS
        if sighting.standing is Standing.UNKNOWN:
            if fresh:
                self._break(SEES, f"answered at {answered_ms} ms, now {now_ms} ms")
            return
        if not fresh:
            self._break(SAYS_SO, f"answered at {answered_ms} ms, now {now_ms} ms: {sighting}")
        assert sighting.age_ms is not None
        end_ms = now_ms - sighting.age_ms
        start_ms = end_ms - sighting.silent_ms if sighting.silent_ms else now_ms
        matching = [
            version
            for version in self.versions
            if observer.local_ms(version.from_ms) <= start_ms
            and (version.until_ms is None or observer.local_ms(version.until_ms) >= end_ms)
            and text(version.item, "holder") == sighting.holder
            and number(version.item, "token") == sighting.token
        ]
        if not matching:
            self._break(TRUE_LATELY, str(sighting))
            return
        lease_ms = number(matching[-1].item, "lease_ms")
        whole = sighting.holder is not None and sighting.silent_ms >= lease_ms
        if whole is not (sighting.standing is Standing.STALE):
            self._break(STALE_IS_STALE, str(sighting))

    def all_die(self) -> None:
        for candidate in self.monitor.candidates:
            candidate.process.crash()
            candidate.forget()

    def dead_are_seen(self) -> None:
        for observer in self.observers:
            known = observer.core.known
            if known.standing not in {Standing.STALE, Standing.FREE}:
                self._break(SEES_THE_DEAD, str(known))

    def _break(self, promise: str, detail: str) -> None:
        self.broken.append((promise, f"{self.world.now_ms} ms: {detail}"))


def observe(seed: int, make: MakeCore = make_core) -> Verdict:
    """Two minutes of faults, half a minute of calm, and then nobody is left to lead."""
    judge = Judge(seed, make)
    world = judge.world
    for candidate in judge.monitor.candidates:
        world.at(world.random.randint(0, 3_000), candidate.start)
    for observer in judge.observers:
        world.at(world.random.randint(0, 3_000), observer.look)
        world.at(0, observer.sample)
        _disturb(judge, observer.process)
    Faults(
        world=world,
        network=judge.network,
        store=judge.store,
        regions=REGIONS,
        candidates=judge.monitor.candidates,
        monitor=judge.monitor,
    ).schedule(count=10, first_ms=3_000, last_ms=LAST_FAULT_MS)
    world.at(ALL_DIE_MS, judge.all_die)
    in_time_ms = TIMING.lease_ms + 2 * PERIOD_MS
    # By a slow clock, and after what was still on its way.
    in_time_ms = in_time_ms * MILLION // (MILLION - RATE_PPM) + 4 * DELAY_MS
    world.at(ALL_DIE_MS + in_time_ms, judge.dead_are_seen)
    world.run(ALL_DIE_MS + 2 * in_time_ms)
    return Verdict(tuple(judge.broken), judge.seen)


def _disturb(judge: Judge, process: Process) -> None:
    """Freezes an observer now and then, and cuts it off."""
    world, rng = judge.world, judge.world.random
    for begin, end in (
        (process.pause, process.resume),
        (lambda: judge.network.cut(process), lambda: judge.network.heal(process)),
    ):
        for _ in range(2):
            at_ms = rng.randint(5_000, LAST_FAULT_MS - 20_000)
            world.at(at_ms, begin)
            world.at(at_ms + rng.randint(500, 20_000), end)
