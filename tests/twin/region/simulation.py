"""A simulated jurisdiction for the consensus core: three regions, one key, a hostile network.

One seed is one world. Messages are lost, doubled and overtaken; regions crash and come back
with nothing but their durable slot; several proposers duel. Every change appends a token of its
own to a list, which makes the history easy to judge (see ``linearizability``).
"""

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from holdfast.twin.region import consensus
from holdfast.twin.region.consensus import (
    NO_BALLOT,
    Action,
    Backoff,
    Ballot,
    Committed,
    Evaluate,
    Failure,
    GaveUp,
    Item,
    Lead,
    Proposer,
    Register,
    Round,
    SendAccept,
    SendPrepare,
    Slot,
    Vote,
)
from tests.twin.region.linearizability import Entry, Outcome

REGIONS = ("a", "b", "c")
Prepare = Callable[[Slot, Ballot], tuple[Slot, Vote]]
Accept = Callable[[Slot, Ballot, Register, Ballot], tuple[Slot, Vote]]


@dataclass
class Rules:
    """What is simulated; the tests replace parts of it by wrong ones."""

    prepare: Prepare = consensus.prepare
    accept: Accept = consensus.accept
    proposer: type[Proposer] = Proposer
    agreed: Callable[[list[Slot], int], Slot | None] = consensus.agreed
    survives: Callable[[Slot], Slot] = lambda slot: slot
    """What a crash leaves of a slot."""


@dataclass
class Region:
    name: str
    slot: Slot = field(default_factory=Slot)
    up: bool = True
    life: int = 0
    counter: int = 0
    lead: Lead | None = None
    waiting: deque[Entry] = field(default_factory=deque[Entry])
    busy: bool = False


class World:
    """One run."""

    def __init__(self, seed: int, rules: Rules | None = None, *, hostile: bool = False) -> None:
        self.random = random.Random(seed)  # noqa: S311 -- a world, not a secret
        self.rules = rules or Rules()
        self.regions = {name: Region(name) for name in REGIONS}
        self.history: list[Entry] = []
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self.loss = self.random.choice((0.0, 0.05, 0.25))
        self.doubling = self.random.choice((0.0, 0.1))
        self.crashes = self.random.choice((0, 2, 6, 15))
        if hostile:
            self.loss, self.doubling, self.crashes = 0.35, 0.0, 40

    def run(self, operations: int = 40) -> list[Entry]:
        """The history of ``operations`` operations by clients in all regions."""
        for number in range(operations):
            region = self.regions[self.random.choice(REGIONS)]
            kind = self.random.choice(("append", "append", "read"))
            entry = Entry(token=f"t{number}", appends=kind == "append")
            self.at(self.random.uniform(0, 60), partial(self._submit, region, entry))
        for _ in range(self.crashes):
            name = self.random.choice(REGIONS)
            self.at(self.random.uniform(0, 60), partial(self.crash, name))
        # Afterwards all is well, and everybody looks.
        self.at(200, self.calm)
        for number, name in enumerate(REGIONS):
            entry = Entry(token=f"final{number}", appends=False)
            self.at(210 + number, partial(self._submit, self.regions[name], entry))
        self.play_out()
        return self.history

    def play_out(self) -> None:
        """Lets everything happen that is due, and what follows from it."""
        while self._events:
            self.now, _, event = heapq.heappop(self._events)
            event()

    def at(self, time: float, event: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (time, self._count, event))

    def calm(self) -> None:
        self.loss = 0.0
        for region in self.regions.values():
            region.up = True

    def crash(self, name: str) -> None:
        region = self.regions[name]
        region.up = False
        region.life += 1
        region.busy = False
        region.waiting.clear()
        region.lead = None
        region.slot = self.rules.survives(region.slot)
        region.counter = 0
        self.at(self.now + self.random.uniform(0.5, 10), lambda: setattr(region, "up", True))

    # Clients

    def _submit(self, region: Region, entry: Entry) -> None:
        if not region.up:
            return
        entry.invoked = self.now
        self.history.append(entry)
        region.waiting.append(entry)
        self.next(region)

    def next(self, region: Region) -> None:
        """Begins what waits in a region, one after the other."""
        if not region.busy and region.waiting:
            region.busy = True
            self.begin(region, region.waiting.popleft())

    def begin(self, region: Region, entry: Entry) -> None:
        """Begins one operation."""
        if entry.appends:
            Change(self, region, entry).start()
        else:
            _Read(self, region, entry).start()

    def finish(self, region: Region, life: int, entry: Entry, outcome: Outcome) -> None:
        if region.life == life:
            entry.outcome, entry.returned = outcome, self.now
            region.busy = False
            self.next(region)

    # The network

    def send(self, event: Callable[[], None]) -> None:
        for _ in range(2 if self.random.random() < self.doubling else 1):
            if self.random.random() >= self.loss:
                self.at(self.now + self.delay(), event)

    def delay(self) -> float:
        """How long one message takes."""
        return self.random.uniform(0.01, 1.0)

    def later(self, delay: float, event: Callable[[], None]) -> None:
        self.at(self.now + delay, event)


class Change:
    """Drives one proposer, as ``holdfast.twin.region.strong`` does."""

    def __init__(self, world: World, region: Region, entry: Entry) -> None:
        self.world, self.region, self.entry = world, region, entry
        self.life = region.life
        self._shown: list[tuple[str, ...]] = []
        self.proposer = world.rules.proposer(
            region=region.name,
            acceptors=REGIONS,
            operation=entry.token,
            counter=max(region.counter, region.slot.promised.counter),
            lead=region.lead,
        )
        region.lead = None

    def start(self) -> None:
        self.act(self.proposer.start())

    def act(self, action: Action | None) -> None:
        while action is not None and self.region.life == self.life:
            self.region.counter = max(self.region.counter, self.proposer.counter)
            match action:
                case Evaluate(register):
                    action = self.evaluate(register)
                case Backoff(attempt):
                    self.world.later(self.world.random.uniform(0, attempt), self._resume)
                    return
                case SendPrepare() | SendAccept():
                    self._ask(action)
                    return
                case Committed():
                    self.region.lead = action.lead
                    self.done(Outcome.OK, action.evaluation)
                    return
                case GaveUp(reason):
                    failed = reason is Failure.CONFLICT
                    self.done(Outcome.FAILED if failed else Outcome.UNKNOWN, None)
                    return

    def evaluate(self, register: Register) -> Action:
        """Applies the change, and keeps what it shows."""
        seen = [*tokens(register), *([self.entry.token] if self.entry.appends else [])]
        self._shown.append(tuple(seen))
        if not self.entry.appends:
            return self.proposer.on_evaluated(register.item, changed=False)
        item: Item = {"L": seen}
        return self.proposer.on_evaluated(item, changed=True)

    def done(self, outcome: Outcome, evaluation: int | None) -> None:
        """Tells the client, by the evaluation that was agreed on."""
        if evaluation is not None:
            self.entry.seen = self._shown[evaluation]
        self.world.finish(self.region, self.life, self.entry, outcome)

    def _resume(self) -> None:
        if self.region.life == self.life:
            self.act(self.proposer.resume())

    def _ask(self, request: SendPrepare | SendAccept) -> None:
        asked = Round.PREPARE if isinstance(request, SendPrepare) else Round.ACCEPT
        for name in REGIONS:
            self._ask_one(name, asked, request)
        self.world.later(2.5, lambda: self._expire(asked, request.ballot))
        self.world.later(1.5, lambda: self.act(self.proposer.on_impatience()))

    def _expire(self, asked: Round, ballot: Ballot) -> None:
        for name in REGIONS:
            self.act(self.proposer.on_lost(name, asked, ballot))

    def _ask_one(self, name: str, asked: Round, request: SendPrepare | SendAccept) -> None:
        def arrive() -> None:
            acceptor = self.world.regions[name]
            if not acceptor.up:
                return
            if isinstance(request, SendPrepare):
                acceptor.slot, vote = self.world.rules.prepare(acceptor.slot, request.ballot)
            else:
                acceptor.slot, vote = self.world.rules.accept(
                    acceptor.slot, request.ballot, request.register, request.following
                )
            self.world.send(
                lambda: self.act(self.proposer.on_vote(name, asked, request.ballot, vote))
            )

        self.world.send(arrive)


class _Read:
    """A majority read, and a round of consensus where the majority disagrees."""

    def __init__(self, world: World, region: Region, entry: Entry) -> None:
        self.world, self.region, self.entry = world, region, entry
        self.life = region.life
        self.slots: dict[str, Slot] = {}
        self.done = False

    def start(self) -> None:
        for name in REGIONS:
            self._ask(name)
        self.world.later(2.5, self._fall_back)

    def _ask(self, name: str) -> None:
        def arrive() -> None:
            acceptor = self.world.regions[name]
            if acceptor.up:
                slot = Slot(NO_BALLOT, acceptor.slot.accepted, acceptor.slot.register)
                self.world.send(lambda: self._answered(name, slot))

        self.world.send(arrive)

    def _answered(self, name: str, slot: Slot) -> None:
        if self.done or self.region.life != self.life:
            return
        self.slots.setdefault(name, slot)
        found = self.world.rules.agreed(list(self.slots.values()), len(REGIONS))
        if found is not None:
            self.done = True
            self.entry.seen = tuple(tokens(found.register))
            self.world.finish(self.region, self.life, self.entry, Outcome.OK)

    def _fall_back(self) -> None:
        if not self.done and self.region.life == self.life:
            self.done = True
            Change(self.world, self.region, self.entry).start()


def tokens(register: Register) -> list[str]:
    """The list in a register."""
    return [] if register.item is None else cast("list[str]", register.item["L"])
