"""Faults drawn from a seed: pauses, crashes, cuts, loss, repetition, lost regions, conflicts.

Clocks leap and stand still only if asked: that breaks what leases rely on, not only what they
are made for.

Every fault ends. The caller leaves time after the last one for the system to settle.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from holdfast.testing.candidate import Candidate
from holdfast.testing.monitor import Monitor
from holdfast.testing.network import Network
from holdfast.testing.store import SimulatedStore, StrongStore
from holdfast.testing.world import World

_AT_LEADER = 0.6
_MAX_PAUSE_LEASES = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Breaks a simulated election, and mends it again.

    Attributes:
        world: Where it is held.
        network: What to cut and slow down.
        store: The lease's store, whose regions can be lost.
        regions: Its regions.
        candidates: What to pause, crash and stop.
        monitor: Told of every fault.
        sound_clocks: Whether monotonic clocks keep to their rates.
    """

    world: World
    network: Network
    store: SimulatedStore
    regions: tuple[str, ...]
    candidates: list[Candidate]
    monitor: Monitor
    sound_clocks: bool = True

    def schedule(self, *, count: int, first_ms: int, last_ms: int) -> None:
        """Draws faults and schedules them.

        Args:
            count: How many.
            first_ms: Earliest beginning.
            last_ms: Latest end.
        """
        kinds: list[Callable[[int], None]] = [
            self._pause,
            self._pause,
            self._crash,
            self._crash,
            self._cut,
            self._cut,
            self._lossy,
            self._slow,
            self._doubling,
            self._late,
            self._lose_region,
            self._conflicts,
            self._stop,
            self._set_wall_clock,
        ]
        if not self.sound_clocks:
            kinds += 3 * [self._leap, self._freeze_with_its_clock]
        rng = self.world.random
        for _ in range(count):
            kind = rng.choice(kinds)
            start_ms = first_ms + int(rng.random() * (last_ms - first_ms))
            self.world.at(start_ms, partial(kind, last_ms))

    def _target(self) -> Candidate:
        """A candidate, by preference the one that leads: that is where faults hurt."""
        rng = self.world.random
        leaders = [each for each in self.candidates if each.process.running and each.believes]
        if leaders and rng.random() < _AT_LEADER:
            return leaders[0]
        return rng.choice(self.candidates)

    def _for(self, last_ms: int, low: float, high: float, lease_ms: int) -> int:
        """A duration between two multiples of a lease that ends in time."""
        share = low + self.world.random.random() * (high - low)
        return max(0, min(int(share * lease_ms), last_ms - self.world.now_ms))

    def _during(self, name: str, detail: str, for_ms: int, undo: Callable[[], None]) -> None:
        self.monitor.fault(name, f"{detail} for {for_ms} ms")

        def end() -> None:
            undo()
            self.monitor.fault_ended(name, detail)

        self.world.after(for_ms, end)

    def _pause(self, last_ms: int) -> None:
        self._freeze("pause", last_ms)

    def _freeze(self, name: str, last_ms: int, *, clock_too: bool = False) -> None:
        target = self._target()
        process = target.process
        if not process.running:
            return
        for_ms = self._for(last_ms, 0.05, _MAX_PAUSE_LEASES, target.timing.lease_ms)
        process.pause(clock_too=clock_too)
        self._during(name, process.name, for_ms, process.resume)

    def _crash(self, last_ms: int) -> None:
        target = self._target()
        process = target.process
        if not process.running:
            return

        def restart() -> None:
            if not process.alive:
                process.restart()
                target.start()

        process.crash()
        target.forget()
        self.monitor.lost(target)
        for_ms = self._for(last_ms, 0.0, 2.0, target.timing.lease_ms)
        self._during("crash", process.name, for_ms, restart)

    def _cut(self, last_ms: int) -> None:
        target = self._target()
        requests, replies = self.world.random.choice([(True, True), (True, False), (False, True)])
        self.network.cut(target.process, requests=requests, replies=replies)
        for_ms = self._for(last_ms, 0.2, 3.0, target.timing.lease_ms)
        self._during("cut", target.process.name, for_ms, lambda: self.network.heal(target.process))

    def _lossy(self, last_ms: int) -> None:
        conditions = self.network.conditions
        conditions.lost = 0.1 + 0.5 * self.world.random.random()

        def undo() -> None:
            conditions.lost = 0.0

        for_ms = self._for(last_ms, 0.2, 3.0, 10_000)
        self._during("loss", f"{conditions.lost:.0%}", for_ms, undo)

    def _slow(self, last_ms: int) -> None:
        conditions = self.network.conditions
        usual = conditions.delay_ms
        if usual[1] >= conditions.timeout_ms // 2:
            return
        conditions.delay_ms = (usual[0], conditions.timeout_ms)

        def undo() -> None:
            conditions.delay_ms = usual

        self._during("slow", "all", self._for(last_ms, 0.2, 3.0, 10_000), undo)

    def _doubling(self, last_ms: int) -> None:
        conditions = self.network.conditions
        conditions.doubled = 0.3

        def undo() -> None:
            conditions.doubled = 0.0

        self._with_stragglers("doubling", last_ms, undo)

    def _late(self, last_ms: int) -> None:
        conditions = self.network.conditions
        conditions.late = 0.3

        def undo() -> None:
            conditions.late = 0.0

        self._with_stragglers("late", last_ms, undo)

    def _with_stragglers(self, name: str, last_ms: int, undo: Callable[[], None]) -> None:
        for_ms = self._for(last_ms, 0.2, 2.0, 10_000)
        # Counted until the last straggler has arrived, and the lease that it may have taken
        # for nobody has run out.
        longest_ms = max(each.timing.lease_ms for each in self.candidates)
        self.world.after(for_ms, undo)
        conditions = self.network.conditions
        tail_ms = for_ms + conditions.timeout_ms + conditions.late_ms + longest_ms
        self._during(name, "30%", tail_ms, undo)

    def _lose_region(self, last_ms: int) -> None:
        region = self.world.random.choice(self.regions)
        self.store.lose(region)
        for_ms = self._for(last_ms, 0.5, 4.0, 10_000)
        self._during("region loss", region, for_ms, lambda: self.store.restore(region))

    def _conflicts(self, last_ms: int) -> None:
        store = self.store
        if not isinstance(store, StrongStore):
            return
        store.conflicts = 0.5

        def undo() -> None:
            store.conflicts = 0.0

        self._during("conflicts", "50%", self._for(last_ms, 0.2, 2.0, 10_000), undo)

    def _stop(self, last_ms: int) -> None:
        target = self._target()
        if not target.process.running:
            return
        target.stop()

        def restart() -> None:
            if target.process.alive:
                target.process.crash()
                target.forget()
                self.monitor.lost(target)
            target.process.restart()
            target.start()

        for_ms = self._for(last_ms, 0.5, 2.0, target.timing.lease_ms)
        self._during("stop", target.process.name, for_ms, restart)

    def _leap(self, _last_ms: int) -> None:
        target = self._target()
        by_ms = int(self.world.random.random() * 2 * target.timing.lease_ms)
        target.process.clock.leap(by_ms)
        self.world.note(target.process.name, "clock leaps", f"{by_ms} ms ahead")

    def _freeze_with_its_clock(self, last_ms: int) -> None:
        self._freeze("clock stands", last_ms, clock_too=True)

    def _set_wall_clock(self, _last_ms: int) -> None:
        process = self._target().process
        process.wall_offset_ms = int((self.world.random.random() - 0.5) * 60_000)
        self.world.note(process.name, "wall clock set", f"off by {process.wall_offset_ms} ms")
