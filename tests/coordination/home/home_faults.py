"""Who moves home in the simulated world, what breaks there, and the verdict at the end."""

from collections.abc import Callable
from functools import partial

from holdfast.coordination.home import home_core
from holdfast.coordination.home.home_core import Home, Step
from holdfast.coordination.leases.fence import Fence
from holdfast.coordination.stores.store import text
from holdfast.errors import (
    ConditionFailedError,
    ConfigurationError,
    CoordinationError,
    HoldfastError,
    StoreUnavailableError,
)
from holdfast.testing import Process, run_simulated
from holdfast.testing.candidate import Fencing
from tests.coordination.home.home_world import (
    COMPLETED,
    OWN_WRITES,
    RATE_PPM,
    REGIONS,
    HomeWorld,
    Table,
    Verdict,
)

_TRIES = 4
_CALM_MS = 2_000


class Operator:
    """Somebody who moves home, and repeats what failed: what ``move_home`` does, and its caller."""

    def __init__(self, world: HomeWorld, name: str, index: int) -> None:
        self.process = world.process(name, index, RATE_PPM)
        world.operators.append(self.process)
        self.outcome: HoldfastError | None = None
        self._world = world
        self._to: str | None = None
        self._abandon = False
        self._tries = 0

    @property
    def busy(self) -> bool:
        return self._to is not None

    def move(self, to: str, *, abandon: bool = False) -> None:
        """Makes up its mind; does nothing while it is at another move."""
        if not self.busy and self.process.alive:
            self._to, self._abandon, self._tries = to, abandon, 0
            self.begin()

    def begin(self) -> None:
        """Starts the move that it has in mind, or starts it again."""
        if self._to is not None and self.process.alive:
            self._tries += 1
            self._ask(list(self._world.tables), {}, self._to)

    def _ask(
        self,
        regions: list[str],
        declared: dict[str, Home | CoordinationError | None],
        to: str,
    ) -> None:
        if not regions:
            self._plan(declared, to)
            return
        table = self._world.tables[regions[0]]

        def answered(found: Home | HoldfastError | None) -> None:
            assert not isinstance(found, HoldfastError) or isinstance(found, StoreUnavailableError)
            self._ask(regions[1:], {**declared, table.region: found}, to)

        run_simulated(home_core.read_home(), self.process, table.way, table, answered)

    def _plan(self, declared: dict[str, Home | CoordinationError | None], to: str) -> None:
        world, nonce = self._world, self._world.nonce()
        try:
            move = home_core.plan_move(
                declared,
                to=to,
                by=self.process.name,
                reason="drill",
                at=str(world.now_ms),
                wait_ms=home_core.longest_ms(lease_ms=world.lease_ms, max_age_ms=world.max_age_ms),
                abandon=self._abandon,
                nonce=nonce,
            )
        except HoldfastError as error:
            self._end(error)
        else:
            world.note(self.process.name, "moves", f"{to}, epoch {move.home.epoch}")
            self._take(list(move.steps), to, nonce)

    def _take(self, steps: list[Step], to: str, nonce: str) -> None:
        if not steps:
            self._end(None)
            return
        (where, program), *rest = steps
        table = self._world.tables[where or to]

        def ended(error: HoldfastError | None) -> None:
            if error is None:
                self._take(rest, to, nonce)
                return
            if isinstance(error, ConditionFailedError):
                self._judge_refusal(table, nonce)
            self._end(error)

        run_simulated(program, self.process, table.way, table, ended)

    def _judge_refusal(self, table: Table, nonce: str) -> None:
        if text(table.declared, "nonce") == nonce:
            self._world.judge.fail(OWN_WRITES, f"{self.process.name} at {table.region}")

    def _end(self, error: HoldfastError | None) -> None:
        world, rng = self._world, self._world.random
        world.note(self.process.name, "has moved" if error is None else "failed", str(error or ""))
        self.outcome = error
        again = self._tries < _TRIES and rng.random() < 0.8
        if error is None or isinstance(error, ConfigurationError) or not again:
            self._to = None
            return
        self._abandon = isinstance(error, StoreUnavailableError) and rng.random() < 0.4
        self.process.wake_after(world.draw_ms(500, 15_000), self.begin)


class _Faults:
    """Breaks the world of homes, and mends it again; sends operators when it hurts most."""

    def __init__(self, world: HomeWorld, operators: list[Operator]) -> None:
        self.last_ms = 80_000 + 5 * world.longest_ms // 2
        self._world = world
        self._operators = operators
        self._ambushes: list[Callable[[], None]] = []
        # In some worlds little else happens, so that what a move does shows undisturbed.
        self._quiet = world.random.random() < 0.4
        self._rolls_out = self._quiet or world.random.random() < 0.5
        world.on_read = self._on_read
        world.on_home = self._on_home

    def schedule(self) -> None:
        world, rng = self._world, self._world.random
        self._declare_first()
        if rng.random() < 0.5:
            # All along, so that much of what arrives a second time does so after a move.
            world.conditions.doubled = 0.7
            world.at(self.last_ms - world.conditions.late_ms, self._doubling)
        for _ in range(rng.randint(1, 3) if self._quiet else rng.randint(2, 6)):
            at_ms = world.draw_ms(5_000, self.last_ms)
            world.at(at_ms, self._move)
            if rng.random() < 0.3:
                world.at(at_ms + world.draw_ms(0, world.longest_ms), self._move)
        kinds = [self._lose_region, self._doubling]
        if not self._quiet:
            kinds += [
                self._pause,
                self._pause,
                self._crash,
                self._crash,
                self._stop,
                self._stop_all,
                self._cut,
                self._cut_region,
                self._network,
                self._late,
                self._lose_region,
            ]
        for _ in range(rng.randint(0, 2) if self._quiet else rng.randint(3, 12)):
            world.at(world.draw_ms(1_000, self.last_ms), rng.choice(kinds))

    def _declare_first(self) -> None:
        """One operator, or two at once, perhaps cut off from each other and in despair."""
        world, rng = self._world, self._world.random
        regions = list(world.tables)
        for operator in self._operators[: rng.choice((1, 1, 2))]:
            to = rng.choice(regions)
            world.at(world.draw_ms(0, 2_000), partial(operator.move, to))
        if rng.random() < 0.2:
            for operator, own in zip(self._operators, regions, strict=False):
                others = [table for table in world.tables.values() if table.region != own]
                others[-1].way.cut(operator.process)
                self._during("despair", 40_000, partial(others[-1].way.heal, operator.process))
                world.at(world.draw_ms(0, 500), partial(operator.move, own, abandon=True))

    def _move(self) -> None:
        world, rng = self._world, self._world.random
        operator = rng.choice(self._operators)
        to = rng.choice(list(world.tables))
        move = partial(operator.move, to, abandon=rng.random() < 0.1)
        back = text(world.latest, "home")
        if back is not None and rng.random() < 0.5 and not self._quiet:
            there_ms = world.longest_ms + world.draw_ms(0, 10_000)
            world.after(there_ms, partial(operator.move, back))
        if self._quiet or rng.random() < 0.4:
            # As soon as the leader has read what will no longer be true in a moment.
            self._ambushes.append(move)
        else:
            move()

    def _on_read(self, process: Process, region: str) -> None:
        leads = any(each.believes for each in self._world.standing(process))
        if self._quiet and any(operator.busy for operator in self._operators):
            return
        if self._ambushes and leads and text(self._world.latest, "home") == region:
            self._world.after(self._world.draw_ms(0, 100), self._ambushes.pop())

    def _on_home(self, _region: str) -> None:
        """Some are started anew, first an idle one: it has no old declaration in mind."""
        world, rng = self._world, self._world.random
        idle = [
            each
            for each in world.processes
            if each.running and not any(stander.believes for stander in world.standing(each))
        ]
        if idle and self._rolls_out:
            process = rng.choice(idle)
            world.crash(process)
            world.after(world.draw_ms(0, 300), partial(world.restart, process))
            for stop in (self._stop, self._stop, self._stop_all):
                stop_ms = world.draw_ms(1_000, world.max_age_ms + 2 * world.lease_ms)
                if world.now_ms + stop_ms < self.last_ms:
                    world.after(stop_ms, stop)

    def _target(self) -> Process:
        """A leader or an operator at work, by preference: that is where faults hurt."""
        world, rng = self._world, self._world.random
        leading = [each.process for each in world.standers if each.believes]
        moving = [each.process for each in self._operators if each.busy]
        if leading and rng.random() < 0.5:
            return rng.choice(leading)
        return rng.choice([*moving, *world.processes])

    def _during(self, name: str, for_ms: int, undo: Callable[[], None]) -> None:
        for_ms = max(0, min(for_ms, self.last_ms - self._world.now_ms))
        self._world.note("fault", name, f"for {for_ms} ms")

        def end() -> None:
            self._world.note("fault", f"{name} ends")
            undo()
            self._world.judge.no_two_believe()

        self._world.after(for_ms, end)

    def _pause(self) -> None:
        world, process = self._world, self._target()
        longest_ms = world.random.choice(
            (4 * world.lease_ms, 2 * world.max_age_ms, 3 * world.longest_ms)
        )
        process.pause()
        self._during("pause", world.draw_ms(500, longest_ms), process.resume)

    def _crash(self) -> None:
        process = self._target()
        self._world.crash(process)
        for_ms = self._world.draw_ms(0, 2 * self._world.lease_ms)
        self._during("crash", for_ms, partial(self._restart, process))

    def _restart(self, process: Process) -> None:
        self._world.restart(process)
        for operator in self._operators:
            if operator.process is process:
                operator.begin()

    def _stop(self) -> None:
        """A clean end, and another beginning."""
        self._stop_for(self._target(), self._world.draw_ms(1_000, 30_000))

    def _stop_all(self) -> None:
        """All end, so that the lease is free for a while."""
        for_ms = self._world.draw_ms(5_000, 30_000)
        for process in self._world.processes:
            self._stop_for(process, for_ms)

    def _stop_for(self, process: Process, for_ms: int) -> None:
        for stander in self._world.standing(process):
            stander.stop()
        self._during("stop", for_ms, partial(self._replace, process))

    def _replace(self, process: Process) -> None:
        self._world.crash(process)
        self._restart(process)

    def _cut(self) -> None:
        self._cut_off([self._target()], self._world.random.choice(list(self._world.tables)))

    def _cut_region(self) -> None:
        world, rng = self._world, self._world.random
        near, far = rng.sample(list(world.tables), 2)
        self._cut_off([each for each in self._everybody() if each.region == near], far)

    def _cut_off(self, processes: list[Process], region: str) -> None:
        world = self._world
        requests, replies = world.random.choice([(1, 1), (1, 0), (0, 1)])
        way = world.tables[region].way
        for_ms = world.draw_ms(2_000, 3 * world.lease_ms + world.max_age_ms)
        for process in processes:
            way.cut(process, requests=bool(requests), replies=bool(replies))
            self._during("cut", for_ms, partial(way.heal, process))

    def _network(self) -> None:
        conditions = self._world.conditions
        usual = conditions.delay_ms
        if usual[1] > 300:
            return
        conditions.lost = 0.4
        conditions.delay_ms = (1, 600)

        def undo() -> None:
            conditions.lost = 0.0
            conditions.delay_ms = usual

        self._during("loss and delay", self._world.draw_ms(2_000, 40_000), undo)

    def _doubling(self) -> None:
        conditions = self._world.conditions
        # What arrives late arrives before the calm.
        left_ms = self.last_ms - conditions.late_ms - self._world.now_ms
        conditions.doubled = 0.4

        def undo() -> None:
            conditions.doubled = 0.0

        self._during("doubling", min(left_ms, self._world.draw_ms(5_000, 150_000)), undo)

    def _late(self) -> None:
        conditions = self._world.conditions
        longest_ms = conditions.timeout_ms + conditions.late_ms
        left_ms = self.last_ms - longest_ms - self._world.now_ms
        conditions.late = 0.3

        def undo() -> None:
            conditions.late = 0.0

        self._during("late", min(left_ms, self._world.draw_ms(5_000, 60_000)), undo)

    def _lose_region(self) -> None:
        """A table does not answer, with the machines around it or without; somebody reacts."""
        world, rng = self._world, self._world.random
        region = rng.choice([*world.tables, text(world.latest, "home") or REGIONS[0]])
        frozen = [each for each in self._everybody() if each.region == region]
        frozen = frozen if rng.random() < 0.5 else []
        for store in (world.tables[region], world.ledger):
            store.lose(region)
        for process in frozen:
            process.pause()

        def restore() -> None:
            for store in (world.tables[region], world.ledger):
                store.restore(region)
            for process in frozen:
                process.resume()

        for_ms = world.draw_ms(5_000, 2 * world.longest_ms)
        self._during("region loss", for_ms, restore)
        operator = rng.choice(self._operators)
        to = rng.choice([each for each in world.tables if each != region])
        world.after(world.draw_ms(500, 10_000), partial(operator.move, to, abandon=True))
        if rng.random() < 0.7:
            world.after(for_ms + world.draw_ms(500, 20_000), partial(operator.move, to))

    def _everybody(self) -> list[Process]:
        return [*self._world.processes, *self._world.operators]


def simulate_home(seed: int, *, fence: Callable[[int], Fencing] = Fence) -> Verdict:
    """A few moves of home in faults; then calm, the last move once more, and the judgement."""
    world = HomeWorld(seed, fence)
    operators = [Operator(world, name, index) for index, name in enumerate(("ada", "bob"))]
    last = Operator(world, "carol", 2)
    faults = _Faults(world, operators)
    faults.schedule()
    world.run(faults.last_ms)
    for operator in operators:
        world.crash(operator.process)
    world.run(world.now_ms + _CALM_MS)
    last.move(text(world.latest, "home") or next(iter(world.tables)))
    judge, bound_ms = world.judge, world.now_ms + world.longest_ms + 30_000
    while last.busy and world.now_ms < bound_ms:
        world.run(world.now_ms + 1_000)
    if last.busy or not isinstance(last.outcome, ConfigurationError | None):
        judge.fail(COMPLETED, f"carol failed: {last.outcome}")
    world.run(world.now_ms + world.max_age_ms * 11 // 10 + 4 * world.lease_ms)
    judge.on_end()
    return Verdict(
        seed=seed,
        broken=tuple(judge.broken),
        history=tuple(world.history),
        homes=judge.homes,
        abandoned=judge.abandoned,
        terms=judge.terms,
        fenced=judge.fenced,
        doubles=judge.doubles,
    )
