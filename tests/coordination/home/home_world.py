"""Simulated moves of home under faults: one seed, one world, one verdict.

Two or three regions have a table each, and processes of all regions stand for election in all of
them, through production's ``HomeCore``. Operators move home by production's plan, at once, half
way, there and back, and give up regions that are lost. What leaders write to is a ledger in a
strong store, under their fence. Operators and faults are in
:mod:`tests.coordination.home.home_faults`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from holdfast.coordination.drivers.timing import LeaseTiming
from holdfast.coordination.home import home_core
from holdfast.coordination.home.home_core import DECLARATION_KEY, TOKENS_PER_EPOCH, HomeCore
from holdfast.coordination.leases.lease_core import StopReason
from holdfast.coordination.stores.store import (
    Get,
    Item,
    Put,
    Reply,
    Request,
    Update,
    number,
    text,
)
from holdfast.errors import HoldfastError
from holdfast.testing import (
    Candidate,
    Conditions,
    Entry,
    Network,
    Parts,
    Process,
    SingleRegionStore,
    StrongStore,
    World,
    run_simulated,
)
from holdfast.testing.candidate import Fencing
from holdfast.testing.store import SimulatedStore

REGIONS = ("eu-central-1", "eu-south-1", "eu-west-1")
KEY = "leader"
RATE_PPM = 20_000
_TIMINGS = (
    LeaseTiming(lease_ms=10_000, renew_ms=3_000, retry_ms=3_000, margin_ms=2_000),
    LeaseTiming(lease_ms=5_000, renew_ms=1_500, retry_ms=2_000, margin_ms=1_000),
    LeaseTiming(lease_ms=20_000, renew_ms=6_000, retry_ms=5_000, margin_ms=4_000),
)
_MAX_AGES_MS = (1_000, 2_000, 5_000, 10_000, 20_000, 40_000, 40_000, 240_000)
_WORK_MS = (500, 5_000)
_RESTART_MS = 3_000
_HOW = ("home", "epoch", "origin", "by", "reason", "at", "confirmed")

ONE_LEADS = "no two running processes believe that they lead, unless a region was abandoned"
NO_STALE_WRITE = "no stale write passes the fence"
LATEST_ACCEPTED = "the latest leader's writes are accepted"
TOKENS_GROW = "tokens strictly increase over all homes"
TOKENS_DIFFER = "no token is given twice, and in one table they strictly increase"
ONLY_AT_HOME = "who asks for a lease knows by a fresh declaration that the table is home"
LATER_REFUSES = "a record of a later epoch refuses every writer of an earlier one"
LEARNS = "who met a later epoch never writes for an earlier one"
OWN_EPOCHS = "no two regions have the same epoch, and in one table they strictly increase"
ALL_TOLD = "a home that is confirmed is declared after every other region was told"
AUDITED = "every declaration that is replaced leaves an audit record that says the same"
KEPT = "nothing changes an audit record"
OWN_WRITES = "a mover is refused only by another mover"
COMPLETED = "a move that failed half-way is completed by repeating it"
LED_AT_HOME = "in the end one process leads, at home"


class Table(SingleRegionStore):
    """One region's table, and the ways to it."""

    def __init__(self, judge: "Judge", region: str, way: Network) -> None:
        super().__init__(region, watcher=partial(judge.on_table, region))
        self.region = region
        self.way = way

    @property
    def declared(self) -> Item:
        """What it declares now; empty if nothing was ever declared."""
        return self.item(DECLARATION_KEY) or {}


class Stander(Candidate):
    """A process's candidate in one region's table."""

    table: Table


@dataclass(frozen=True)
class Verdict:
    """What a seed showed: the broken promises, and how much happened."""

    seed: int
    broken: tuple[tuple[str, str], ...]
    history: tuple[Entry, ...]
    homes: int
    abandoned: int
    terms: int
    fenced: int
    doubles: int


class Judge:
    """Watches tables, ledger and beliefs with true time at hand."""

    def __init__(self, world: "HomeWorld") -> None:
        self.broken: list[tuple[str, str]] = []
        self.homes = self.abandoned = self.terms = self.fenced = self.doubles = 0
        self._world = world
        # Epochs of the latest homes that were declared with, and without, a region unasked.
        self._forced = self._confirmed = 0
        self._tokens_unsure_until_ms = 0
        self._highest = 0
        self._tokens: set[int] = set()
        self._highest_at: dict[str, int] = {}
        self._written = 0
        self._regions_of: dict[int, str] = {}
        self._declared: dict[tuple[str, int], Item] = {}
        self._asked_ms: dict[tuple[str, str], int] = {}
        self._read_ms: dict[tuple[str, str, int], int | None] = {}
        self._met: dict[tuple[str, str, int], int] = {}

    @property
    def unsure(self) -> bool:
        """Whether a region that was abandoned may not have been told since."""
        return self._forced > self._confirmed

    # What candidates tell.

    def started(self, candidate: Candidate, token: int) -> None:
        world, region = self._world, _table(candidate).region
        self.terms += 1
        world.note(candidate.process.name, "leads", f"at {region}, token {_words(token)}")
        highest = self._highest_at.get(region, 0)
        if token <= highest or token in self._tokens:
            self.fail(TOKENS_DIFFER, f"{_words(token)} at {region} after {_words(highest)}")
        self._tokens.add(token)
        self._highest_at[region] = max(token, highest)
        unsure = self.unsure or world.now_ms < self._tokens_unsure_until_ms
        if token <= self._highest and not unsure:
            self.fail(TOKENS_GROW, f"{_words(token)} at {region} after {_words(self._highest)}")
        self._highest = max(self._highest, token)
        self.no_two_believe()

    def extended(self, candidate: Candidate) -> None:
        del candidate
        self.no_two_believe()

    def stopped(self, candidate: Candidate, token: int, reason: StopReason) -> None:
        self._world.note(candidate.process.name, "stops", f"token {_words(token)}: {reason}")

    def ended(self, candidate: Candidate) -> None:
        """Work may return at any time."""

    def left(self, candidate: Candidate) -> None:
        """Candidates may leave at any time."""

    def sends(self, candidate: Candidate, request: Update) -> None:
        del request
        process, table = candidate.process, _table(candidate)
        self._asked_ms[process.name, table.region] = process.clock.now_ms()

    def replied(self, candidate: Candidate, reply: Reply) -> None:
        """Nothing is promised of replies but what their requests do."""

    def works(self, candidate: Candidate) -> None:
        del candidate
        self.no_two_believe()

    def refused(self, candidate: Candidate, token: int, seen: int) -> None:
        self.fenced += 1
        self._world.note(candidate.process.name, "fenced", f"{_words(token)} after {_words(seen)}")
        if token >= seen:
            self.fail(LATEST_ACCEPTED, f"{_words(token)} was refused after {_words(seen)}")

    def no_two_believe(self) -> None:
        """May be asked at any time: only an old home that was given up may go on."""
        believers = [
            f"{each.process.name} at {each.table.region}"
            for each in self._world.standers
            if each.process.running and each.believes
        ]
        if len(believers) > 1:
            self.doubles += 1
            if not self.unsure:
                self.fail(ONE_LEADS, " and ".join(believers))

    # What happens on the way to a table.

    def on_request(self, process: Process, region: str, request: Request) -> None:
        """A candidate's own request goes to a table: only if it has reason to think it home."""
        if not isinstance(request, Update):
            return
        life = (process.name, region, process.incarnation)
        read_ms, asked_ms = self._read_ms.get(life), self._asked_ms[process.name, region]
        if read_ms is None or asked_ms - read_ms >= self._world.max_age_ms:
            self.fail(ONLY_AT_HOME, f"{process.name} at {region}: read {read_ms}, sent {asked_ms}")
        epoch = number(request.assign, "home_epoch")
        if epoch < self._met.get(life, 0):
            self.fail(LEARNS, f"{process.name} at {region}: {epoch} after {self._met[life]}")

    def on_answer(self, process: Process, region: str, sent_ms: int, reply: Reply) -> None:
        """The answer to a read of the declaration, or to a candidate's request, is taken in."""
        life = (process.name, region, process.incarnation)
        if text(reply.item, "home") is not None:
            self._read_ms[life] = sent_ms if text(reply.item, "home") == region else None
        else:
            self._met[life] = max(self._met.get(life, 0), number(reply.item, "home_epoch"))

    # What happens in a table.

    def on_table(self, region: str, key: str, old: Item | None, new: Item | None) -> None:
        before, now = old or {}, new or {}
        if key == KEY:
            for name in ("home_epoch", "token"):
                if number(now, name) < number(before, name):
                    self.fail(LATER_REFUSES, f"{region}: {old} became {new}")
        elif key == DECLARATION_KEY:
            self._on_declaration(region, before, now)
        else:
            epoch = int(key.removeprefix(f"{DECLARATION_KEY}/"))
            if old is not None:
                self.fail(KEPT, f"{region}: {old} became {new}")
            if _how(now) != self._declared.get((region, epoch)):
                self.fail(AUDITED, f"{region}: {new} is not what was declared")

    def _on_declaration(self, region: str, before: Item, now: Item) -> None:
        world, epoch, home = self._world, number(now, "epoch"), text(now, "home") or ""
        world.note(region, "declares", f"{home}, epoch {epoch}, {now.get('confirmed')!r}")
        known = self._regions_of.setdefault(epoch, home)
        if known != home or epoch <= number(before, "epoch"):
            self.fail(OWN_EPOCHS, f"{region}: {before} became {now}; {epoch} is {known}'s")
        if before and not self._audited(region, number(before, "epoch")):
            self.fail(AUDITED, f"{region}: {before} became {now} and left nothing")
        self._declared[region, epoch] = _how(now)
        if home != region:
            return
        self.homes += 1
        if now.get("confirmed") is True:
            self._on_confirmed(region, epoch)
        else:
            self.abandoned += 1
            self._forced = max(self._forced, epoch)
        world.on_home(region)

    def _on_confirmed(self, region: str, epoch: int) -> None:
        world = self._world
        if self.unsure:
            # A process of the new home may not know yet that this is another time.
            self._tokens_unsure_until_ms = world.now_ms + world.longest_ms
        self._confirmed = max(self._confirmed, epoch)
        others = [number(table.declared, "epoch") for table in world.tables.values()]
        if min(others) < epoch:
            self.fail(ALL_TOLD, f"{region} is home in {epoch}, the others know {others}")

    def _audited(self, region: str, epoch: int) -> bool:
        record = self._world.tables[region].item(f"{DECLARATION_KEY}/{epoch}")
        return _how(record or {}) == self._declared[region, epoch]

    def on_ledger(self, _key: str, _old: Item | None, new: Item | None) -> None:
        token = number(new, "term")
        if token < self._written:
            self.fail(NO_STALE_WRITE, f"{_words(token)} after {_words(self._written)}")
        self._written = max(self._written, token)

    def on_end(self) -> None:
        tables = self._world.tables
        latest = self._world.latest
        for region, table in tables.items():
            current = number(table.declared, "epoch")
            if _how(table.declared) != _how(latest):
                self.fail(COMPLETED, f"{region}: {table.declared}, elsewhere {latest}")
            for where, epoch in self._declared:
                if where == region and epoch < current and not self._audited(region, epoch):
                    self.fail(AUDITED, f"{region}: nothing of {epoch}")
        leaders = [each.table.region for each in self._world.standers if each.believes]
        if leaders != [text(latest, "home")]:
            self.fail(LED_AT_HOME, f"there lead {leaders}; home is {latest}")

    def fail(self, promise: str, detail: str) -> None:
        """Writes down that a promise was broken."""
        self.broken.append((promise, f"{self._world.now_ms} ms: {detail}"))


class Way(Network):
    """The network between all processes and one region's table, under the judge's eyes."""

    def __init__(self, world: "HomeWorld", region: str) -> None:
        super().__init__(world, world.conditions)
        self._home_world = world
        self._region = region

    def call(
        self,
        process: Process,
        store: SimulatedStore,
        request: Request,
        on_reply: Callable[[Reply], None],
    ) -> None:
        world, region, sent_ms = self._home_world, self._region, process.clock.now_ms()
        if process in world.operators or isinstance(request, Put):
            super().call(process, store, request, on_reply)
            return
        world.judge.on_request(process, region, request)

        def answered(reply: Reply) -> None:
            world.judge.on_answer(process, region, sent_ms, reply)
            on_reply(reply)
            if isinstance(request, Get):
                world.on_read(process, region)

        super().call(process, store, request, answered)


class HomeNetwork(Network):
    """Carries a candidate's requests to a table by way of its process's ``HomeCore``."""

    def __init__(self, world: "HomeWorld") -> None:
        super().__init__(world, world.conditions)
        self._home_world = world
        self._cores: dict[tuple[str, str, int], HomeCore] = {}

    def call(
        self,
        process: Process,
        store: SimulatedStore,
        request: Request,
        on_reply: Callable[[Reply], None],
    ) -> None:
        if not isinstance(store, Table):
            super().call(process, store, request, on_reply)
            return
        world, incarnation = self._home_world, process.incarnation
        life = (process.name, store.region, incarnation)
        if life not in self._cores:
            self._cores[life] = home_core.HomeCore(
                region=store.region, max_age_ms=world.max_age_ms, clock=process.clock
            )

        def ended(result: Reply | HoldfastError) -> None:
            if isinstance(result, HoldfastError):
                # No home was declared yet: the process ends with an error, and is started again.
                world.crash(process)
                world.after(_RESTART_MS, lambda: world.restart(process))
            else:
                # Not within the call, even where nothing was sent.
                world.after(0, lambda: process.deliver(incarnation, lambda: on_reply(result)))

        run_simulated(self._cores[life].call(request), process, store.way, store, ended)


class HomeWorld(World):
    """Regions with a table each, and processes that would lead in any of them."""

    def __init__(self, seed: int, fence: Callable[[int], Fencing]) -> None:
        super().__init__(seed)
        rng = self.random
        self.conditions = Conditions(
            delay_ms=(1, rng.choice((5, 40, 150))),
            late_ms=rng.choice((10_000, 70_000, 70_000)),
        )
        self.max_age_ms = rng.choice(_MAX_AGES_MS)
        self._worst_clocks = rng.random() < 0.5
        self.judge = Judge(self)
        self.operators: list[Process] = []
        self.standers: list[Stander] = []
        self.processes: list[Process] = []
        self.on_home: Callable[[str], None] = lambda _region: None
        self.on_read: Callable[[Process, str], None] = lambda _process, _region: None
        regions = REGIONS[: rng.choice((2, 3))]
        self.tables = {region: Table(self.judge, region, Way(self, region)) for region in regions}
        self.ledger = StrongStore(
            self,
            regions=regions,
            witness=None if len(regions) > 2 else REGIONS[2],
            watcher=self.judge.on_ledger,
        )
        timings = [rng.choice(_TIMINGS)] * 3
        if rng.random() < 0.3:
            # A new setting is being rolled out.
            timings = [rng.choice(_TIMINGS) for _ in range(3)]
        self.lease_ms = max(timing.lease_ms for timing in timings)
        # Longer than any clock takes to count what a mover must wait.
        self.longest_ms = (self.lease_ms + self.max_age_ms) * 110 // 100
        self._nonces = 0
        self.network = HomeNetwork(self)
        for index, timing in enumerate(timings):
            self._stand(self.process(f"agent-{index}", index, -RATE_PPM), timing, fence)

    @property
    def latest(self) -> Item:
        """The latest declaration in any table."""
        return max((t.declared for t in self.tables.values()), key=lambda d: number(d, "epoch"))

    def process(self, name: str, index: int, worst_ppm: int) -> Process:
        """A process in one of the regions, often with the clock that does the most harm."""
        rng = self.random
        rate_ppm = worst_ppm if self._worst_clocks else rng.randint(-RATE_PPM, RATE_PPM)
        regions = list(self.tables)
        return Process(self, name, regions[index % len(regions)], rate_ppm=rate_ppm)

    def draw_ms(self, low: int, high: int) -> int:
        return self.random.randint(low, max(low, high))

    def standing(self, process: Process) -> list[Stander]:
        """The candidates of one process."""
        return [each for each in self.standers if each.process is process]

    def crash(self, process: Process) -> None:
        """A process ends, with all that it had in memory."""
        process.crash()
        for stander in self.standing(process):
            stander.forget()

    def restart(self, process: Process) -> None:
        """A process that ended begins anew."""
        if not process.alive:
            process.restart()
            for stander in self.standing(process):
                stander.start()

    def nonce(self) -> str:
        self._nonces += 1
        return f"move-{self._nonces:04}"

    def _stand(
        self, process: Process, timing: LeaseTiming, fence: Callable[[int], Fencing]
    ) -> None:
        self.processes.append(process)
        for table in self.tables.values():
            stander = Stander(
                process=process,
                network=self.network,
                store=table,
                resource=self.ledger,
                key=KEY,
                timing=timing,
                observer=self.judge,
                parts=Parts(fence=fence),
                work_ms=_WORK_MS,
            )
            stander.table = table
            self.standers.append(stander)
        process.crash()
        self.at(self.draw_ms(0, 4_000), partial(self.restart, process))


def _table(candidate: Candidate) -> Table:
    assert isinstance(candidate, Stander)
    return candidate.table


def _how(item: Item) -> Item:
    """A declaration without the nonce of whoever wrote it down."""
    return {name: item[name] for name in _HOW if name in item}


def _words(token: int) -> str:
    epoch, term = divmod(token, TOKENS_PER_EPOCH)
    return f"{epoch}:{term}"
