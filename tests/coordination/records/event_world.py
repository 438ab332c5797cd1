"""Simulated handlers of events with an outbox, under faults: one seed, one world, one verdict.

A queue delivers every event until it is acknowledged, and sometimes again. A run changes a record
under the fence of its claim; the change causes a message, a relay sends it, and its receiver
handles it as an event of its own. Handlers never look at their lease: the worst that there are.
"""

# Simulated relays are made of the outbox's own parts, of which threads see only the sum.
# pyright: reportPrivateUsage=false

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from holdfast.coordination.drivers.program import Pause, Program
from holdfast.coordination.drivers.timing import LeaseTiming
from holdfast.coordination.leases.fence import Fence
from holdfast.coordination.records.idempotency_core import EventRecord
from holdfast.coordination.records.outbox import Message, Outgoing, _noting, _without, with_outbox
from holdfast.coordination.records.versioned_core import Schema, VersionedCore
from holdfast.coordination.stores.store import (
    Always,
    Item,
    Outcome,
    Reply,
    Request,
    Update,
    number,
    text,
)
from holdfast.errors import HoldfastError, LeaseLostError
from holdfast.testing import Conditions, Entry, Network, Process, StrongStore, World, run_simulated

REGIONS = ("us-east-1", "us-west-2")
TIMING = LeaseTiming()
WAIT_MS = 15_000
RATE_PPM = 20_000
LAST_FAULT_MS = 130_000
END_MS = 240_000

RECORD_STAYS = "a record is never deleted, and its token never shrinks"
ONLY_ITS_OWN = "a run neither completes nor releases the record of another"
WHOLE_LEASE = "only a record unchanged for a whole lease is taken over"
ONE_RESULT = "the first result is the result for ever, and nothing runs again"
ONCE_PER_CLAIM = "an effect is applied at most once per claim"
NO_STALE_EFFECT = "no stale effect is accepted"
REPLACED = "a lost run is replaced within a lease and two retries"
ALL_HANDLED = "every event is handled, and every delivery told the same result"
CAUSED = "no message goes out without its change"
ALL_SENT = "every message goes out"

T = TypeVar("T")
State = tuple[int, ...]
"""The tokens under which an effect was applied, in order of their application."""

STATE: Schema[Outgoing[State]] = with_outbox(
    Schema(version=1, encode=json.dumps, decode=lambda body: tuple(json.loads(body)))
)
SendMessage = Callable[[Message], Program[bool]]
Relay = Callable[[VersionedCore[Outgoing[State]], str, SendMessage], Program[None]]


def relay(core: VersionedCore[Outgoing[State]], key: str, send: SendMessage) -> Program[None]:
    """What ``Outbox.relay`` does, as a program."""
    found = yield from core.read(key)
    sent: list[str] = []
    for message in found.messages if found else ():
        if not (yield from send(message)):
            break
        sent.append(message.id)
    if sent:
        yield from core.update(key, _without(sent), None)


@dataclass(frozen=True)
class EventParts:
    """What handlers are made of. Mutants replace one part with a broken one."""

    record: Callable[..., EventRecord] = EventRecord
    break_core: Callable[[EventRecord, Process], None] = lambda _record, _process: None
    fence: Callable[[int], Fence | None] = Fence
    state: Callable[..., VersionedCore[Outgoing[State]]] = VersionedCore[Outgoing[State]]
    relay: Relay = relay


@dataclass(frozen=True)
class Verdict:
    """What a seed showed: the broken promises, and how much happened."""

    seed: int
    broken: tuple[tuple[str, str], ...]
    history: tuple[Entry, ...]
    steals: int
    fenced: int
    replayed: int
    doubled: int


class Delivery:
    """One delivery of an event to one process: what ``Run`` does on threads."""

    def __init__(self, events: "Events", process: Process, event: str) -> None:
        self.event = event
        self.process = process
        self.record = events.parts.record(
            key=f"event/{event}",
            payload=event.encode(),
            owner=process.name,
            timing=TIMING,
            new_nonce=events.nonce,
            date_s=lambda: process.wall_ms() / 1_000,
        )
        events.parts.break_core(self.record, process)
        self.claim = self.record.claim(process.clock)
        self.began_ms = events.world.now_ms
        self.ended_ms: int | None = None
        self.token = 0
        self._leaving = False
        self._events = events
        self._incarnation = process.incarnation
        self._wake_ms: int | None = None

    @property
    def alive(self) -> bool:
        return self.ended_ms is None and self.process.incarnation == self._incarnation

    @property
    def waiting(self) -> bool:
        return self.alive and not self.token and not self._leaving

    @property
    def left(self) -> bool:
        """Whether it has ended of its own will, not by a crash."""
        return self._leaving or self.ended_ms is not None

    def lost_ms(self) -> int:
        """Since when nobody looks after what it holds."""
        crashed_ms = self._events.crashes.get((self.process.name, self._incarnation), 0)
        return crashed_ms if self.ended_ms is None else self.ended_ms

    def start(self) -> None:
        self.process.wake_after(WAIT_MS, self._give_up)
        self._carry_out(self.claim.campaign())

    def _give_up(self) -> None:
        if self.waiting:
            self._leave()

    def _leave(self) -> None:
        if not self._leaving and self.ended_ms is None:
            self._leaving = True
            self._carry_out(self.claim.leave())

    def _end(self) -> None:
        if self.ended_ms is None:
            self.ended_ms = self._events.world.now_ms

    def _carry_out(self, request: Request | None) -> None:
        if request is not None:
            self._events.send(self, request, self._on_reply)
        lease = self.claim.lease
        if lease is not None and not self.token:
            self.token = lease.token
            self._events.world.note(self.process.name, "runs", f"{self.event} as {lease.token}")
            self.process.wake_after(self._events.draw_ms(100, 3_000), self._effect)
        if self._leaving and self.claim.idle:
            self._end()
        self._schedule()

    def _on_reply(self, reply: Reply) -> None:
        waited = self.waiting
        self._carry_out(self.claim.on_reply(reply))
        if waited and self.claim.pointless:
            if self.record.result is not None:
                self._events.acknowledged(self, self.record.result, replayed=True)
            self._leave()

    def _schedule(self) -> None:
        due_ms = self.claim.due_ms
        if self.ended_ms is not None or due_ms is None:
            return
        if self._wake_ms is None or due_ms < self._wake_ms:
            self._wake_ms = due_ms
            self.process.wake_at(due_ms, lambda: self._wake(due_ms))

    def _wake(self, scheduled_ms: int) -> None:
        if scheduled_ms == self._wake_ms and self.ended_ms is None:
            self._wake_ms = None
            self._carry_out(self.claim.on_tick())

    def _effect(self) -> None:
        if self._events.world.random.random() < 0.15:
            self._leave()
            return
        change = self._events.change(self.event, self.token)
        fence = self._events.parts.fence(self.token)
        program = self._events.state.update(f"effect/{self.event}", change, fence)
        self._events.run(self.process, program, self._effected)

    def _effected(self, result: Outgoing[State] | HoldfastError) -> None:
        if isinstance(result, HoldfastError):
            self._events.fenced += isinstance(result, LeaseLostError)
            self._events.world.note(self.process.name, "no effect", str(result))
            self._leave()
            return
        self.process.wake_after(self._events.draw_ms(0, 2_000), self._complete)

    def _complete(self) -> None:
        program = self.record.complete(self.token, str(self.token))
        self._events.run(self.process, self._events.signed(self, program), self._completed)

    def _completed(self, result: HoldfastError | None) -> None:
        if isinstance(result, HoldfastError):
            self._events.world.note(self.process.name, "not kept", str(result))
            self._leave()
            return
        self._end()
        self._events.acknowledged(self, str(self.token), replayed=False)


class Events:
    """All handlers, what they share, and what they have been seen to break."""

    def __init__(self, seed: int, parts: EventParts) -> None:
        self.world = World(seed)
        self.parts = parts
        rng = self.world.random
        self.network = Network(self.world, Conditions(delay_ms=(1, rng.choice((5, 40, 150)))))
        self.store = StrongStore(
            self.world, regions=REGIONS, witness="us-east-2", watcher=self._on_write
        )
        self.state = parts.state(schema=STATE, new_nonce=self.nonce, draw=rng.random)
        self.processes = [
            Process(
                self.world,
                f"handler-{index}",
                REGIONS[index % 2],
                rate_ppm=rng.randint(-RATE_PPM, RATE_PPM),
                wall_offset_ms=rng.randint(-8_000, 8_000),
            )
            for index in range(3)
        ]
        self.events: list[str] = []
        self.deliveries: list[Delivery] = []
        self.crashes: dict[tuple[str, int], int] = {}
        self.sending: set[Process] = set()
        self.faults = 0
        self.calm_ms = 0
        self.broken: list[tuple[str, str]] = []
        self.steals = self.fenced = self.replayed = self.doubled = 0
        self._results: dict[str, set[str]] = {}
        self._changed: dict[str, int] = {}
        self._owners: dict[str, str] = {}
        self._holders: dict[str, Delivery] = {}
        self._nonces = 0

    def nonce(self) -> str:
        self._nonces += 1
        return f"{self._nonces:06}"

    def draw_ms(self, low: int, high: int) -> int:
        return self.world.random.randint(low, high)

    def run(
        self, process: Process, program: Program[T], on_end: Callable[[T | HoldfastError], None]
    ) -> None:
        run_simulated(program, process, self.network, self.store, on_end)

    def send(self, delivery: Delivery, request: Request, on_reply: Callable[[Reply], None]) -> None:
        self._sign(delivery, request)
        self.network.call(delivery.process, self.store, request, on_reply)

    def signed(self, delivery: Delivery, program: Program[None]) -> Program[None]:
        """The same program; who sends its writes is written down for the judge."""
        reply = Reply(Outcome.APPLIED)
        try:
            step = next(program)
            while True:
                if not isinstance(step, Pause):
                    self._sign(delivery, step)
                reply = yield step
                step = program.send(reply)
        except StopIteration:
            return

    def _sign(self, delivery: Delivery, request: Request) -> None:
        self._holders[delivery.record.core.holder] = delivery
        if isinstance(request, Update):
            self._owners[str(request.assign.get("nonce"))] = delivery.record.core.holder

    def change(self, event: str, token: int) -> Callable[[Outgoing[State] | None], Outgoing[State]]:
        """Notes the effect; that of an order causes a message, the same for every claim."""
        messages = () if event.startswith("in/") else (Message(body=event, id=event),)

        def applied(before: State | None) -> Outgoing[State]:
            return Outgoing((*(before or ()), token), messages)

        return _noting(event, applied, self.nonce)

    def accept(self, event: str) -> None:
        """An event enters the queue, which delivers it until it is acknowledged."""
        self.events.append(event)
        self._results[event] = set()
        self._deliver(event)

    def _deliver(self, event: str) -> None:
        process = self.world.random.choice(self.processes)
        if process.alive:
            delivery = Delivery(self, process, event)
            self.deliveries.append(delivery)
            process.deliver(process.incarnation, delivery.start)
        again = not self._results[event] or self.world.random.random() < 0.3
        if again:
            self.world.after(self.draw_ms(2_000, 7_000), partial(self._deliver, event))

    def acknowledged(self, delivery: Delivery, result: str, *, replayed: bool) -> None:
        self.replayed += replayed
        self._results[delivery.event].add(result)
        self.world.note(delivery.process.name, "acknowledges", f"{delivery.event}: {result}")

    def relay_from(self, process: Process) -> None:
        """Each process relays one record after the other for as long as it lives."""
        self.sending.discard(process)
        orders = [event for event in self.events if not event.startswith("in/")]
        again = partial(self.relay_from, process)

        def ended(_: HoldfastError | None) -> None:
            process.wake_after(self.draw_ms(2_000, 5_000), again)

        if not orders:
            ended(None)
            return
        key = f"effect/{self.world.random.choice(orders)}"

        def send(message: Message) -> Program[bool]:
            self.sending.add(process)
            sent = yield from _to_queue(message)
            self.sending.discard(process)
            return sent

        self.run(process, self.parts.relay(self.state, key, send), ended)

    def _on_write(self, key: str, old: Item | None, new: Item | None) -> None:
        kind, _, event = key.partition("/")
        if kind == "event":
            self._judge_record(key, old, new)
            self._changed[key] = self.world.now_ms
        elif kind == "effect":
            self._judge_effect(event, new)
        elif self.store.item(f"effect/{event}") is None:
            self._break(CAUSED, event)
        else:
            # The receiver's queue does not know that it has seen the message.
            self.doubled += old is not None
            self.world.after(self.draw_ms(1, 500), partial(self._receive, f"in/{event}"))

    def _receive(self, event: str) -> None:
        if event in self.events:
            self._deliver(event)
        else:
            self.accept(event)

    def _judge_record(self, key: str, old: Item | None, new: Item | None) -> None:
        if old is None:
            return
        if new is None or number(new, "token") < number(old, "token"):
            self._break(RECORD_STAYS, f"{key}: {old} became {new}")
            return
        result, owner = text(old, "result"), text(old, "holder")
        if result is not None and (text(new, "result") != result or "holder" in new):
            self._break(ONE_RESULT, f"{key}: {old} became {new}")
        by = self._owners.get(text(new, "nonce") or "")
        if by == owner:
            return
        if "holder" not in new:
            self._break(ONLY_ITS_OWN, f"{key}: {by} ended the run of {owner}")
        elif owner is not None:
            self.steals += 1
            silent_ms = self.world.now_ms - self._changed[key]
            # A late copy of a claim may take the record for a run that has left: nobody acts
            # under it, so it needs no protection.
            early = (
                not self._holders[owner].left
                and silent_ms * (1_000_000 + RATE_PPM) < TIMING.lease_ms * 1_000_000
            )
            if early:
                self._break(WHOLE_LEASE, f"{key}: {by} replaces {owner} after {silent_ms} ms")

    def _judge_effect(self, event: str, new: Item | None) -> None:
        tokens = _outgoing(new).value
        if len(set(tokens)) < len(tokens):
            self._break(ONCE_PER_CLAIM, f"{event}: {tokens}")
        if list(tokens) != sorted(tokens):
            self._break(NO_STALE_EFFECT, f"{event}: {tokens}")

    def judge_waiting(self) -> None:
        """Whoever waits for a lost run, in calm, has its place in time."""
        rtt_ms = 2 * self.network.conditions.delay_ms[1]
        bound_ms = (TIMING.lease_ms + 2 * TIMING.retry_ms) * (1_000_000 + RATE_PPM) // 1_000_000
        bound_ms += rtt_ms + self.network.conditions.timeout_ms
        for delivery in self.deliveries:
            if self.faults or not (delivery.waiting and delivery.process.running):
                continue
            item = self.store.item(delivery.record.key)
            holder = self._holders.get(text(item, "holder") or "")
            if holder is None or holder.alive:
                continue
            changed_ms = self._changed.get(delivery.record.key, 0)
            since_ms = max(delivery.began_ms, changed_ms, self.calm_ms, holder.lost_ms())
            if self.world.now_ms - since_ms > bound_ms:
                self._break(REPLACED, f"{delivery.event} waits since {since_ms} ms")
        self.world.after(1_000, self.judge_waiting)

    def judge_end(self) -> None:
        for event in self.events:
            kept = text(self.store.item(f"event/{event}"), "result")
            if kept is None or self._results[event] != {kept}:
                self._break(ALL_HANDLED, f"{event}: kept {kept}, told {self._results[event]}")
            if event.startswith("in/"):
                continue
            waiting = _outgoing(self.store.item(f"effect/{event}")).messages
            if waiting or f"in/{event}" not in self.events:
                self._break(ALL_SENT, f"{event}: {waiting}")

    def _break(self, promise: str, detail: str) -> None:
        self.broken.append((promise, f"{self.world.now_ms} ms: {detail}"))


def _to_queue(message: Message) -> Program[bool]:
    """Sends until the queue says that it has the message: at least once."""
    for _ in range(3):
        # A queue far away, so that there is a time between a message and the note that it is sent.
        yield Pause(1_000)
        reply = yield Update(key=f"queue/{message.id}", when=Always(), add={"copies": 1})
        if reply.outcome is Outcome.APPLIED:
            return True
    return False


def _outgoing(item: Item | None) -> Outgoing[State]:
    body = text(item, "body")
    return Outgoing(()) if body is None else STATE.decode(body)


class _Faults:
    """Breaks the world of events, and mends it again."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._world = events.world
        self._kinds = [
            self._pause,
            self._pause,
            self._pause,
            self._crash,
            self._crash,
            self._cut,
            self._cut,
            self._network,
            self._doubling,
            self._late,
            self._region,
            self._conflicts,
        ]

    def schedule(self) -> None:
        rng = self._world.random
        for _ in range(rng.randint(6, 16)):
            self._world.at(rng.randint(1_000, LAST_FAULT_MS - 20_000), rng.choice(self._kinds))

    def _target(self) -> Process:
        """A process, by preference one with work under way: that is where faults hurt."""
        rng = self._world.random
        sending = sorted(self._events.sending, key=lambda process: process.name)
        if sending and rng.random() < 0.8:
            return sending[0]
        busy = [
            each.process
            for each in self._events.deliveries
            if each.alive and each.token and each.process.running
        ]
        return rng.choice(busy if busy and rng.random() < 0.8 else self._events.processes)

    def _during(self, name: str, low_ms: int, high_ms: int, undo: Callable[[], None]) -> None:
        events = self._events
        for_ms = min(events.draw_ms(low_ms, high_ms), LAST_FAULT_MS - self._world.now_ms)
        events.faults += 1
        self._world.note("fault", name, f"for {for_ms} ms")

        def end() -> None:
            undo()
            events.faults -= 1
            events.calm_ms = self._world.now_ms

        self._world.after(for_ms, end)

    def _pause(self) -> None:
        process = self._target()
        process.pause()
        self._during("pause", 500, 4 * TIMING.lease_ms, process.resume)

    def _crash(self) -> None:
        process = self._target()
        if not process.running:
            return
        self._events.crashes[process.name, process.incarnation] = self._world.now_ms
        process.crash()

        def restart() -> None:
            process.restart()
            self._events.relay_from(process)

        self._during("crash", 0, 20_000, restart)

    def _cut(self) -> None:
        process = self._target()
        requests, replies = self._world.random.choice([(1, 1), (1, 0), (0, 1)])
        network = self._events.network
        network.cut(process, requests=bool(requests), replies=bool(replies))
        self._during("cut", 2_000, 30_000, lambda: network.heal(process))

    def _network(self) -> None:
        conditions = self._events.network.conditions
        usual = conditions.delay_ms
        if usual[1] > 300:
            return
        conditions.lost = 0.4
        conditions.delay_ms = (1, 600)

        def undo() -> None:
            conditions.lost = 0.0
            conditions.delay_ms = usual

        self._during("loss and delay", 2_000, 30_000, undo)

    def _doubling(self) -> None:
        conditions = self._events.network.conditions
        conditions.doubled = 0.4

        def undo() -> None:
            conditions.doubled = 0.0

        self._during("doubling", 5_000, 30_000, undo)

    def _late(self) -> None:
        conditions = self._events.network.conditions
        conditions.late = 0.3

        def undo() -> None:
            conditions.late = 0.0

        self._during("late", 5_000, 30_000, undo)

    def _region(self) -> None:
        region = self._world.random.choice(REGIONS)
        self._events.store.lose(region)
        self._during("region loss", 2_000, 30_000, lambda: self._events.store.restore(region))

    def _conflicts(self) -> None:
        store = self._events.store
        store.conflicts = 0.5

        def undo() -> None:
            store.conflicts = 0.0

        self._during("conflicts", 2_000, 20_000, undo)


def simulate_events(seed: int, parts: EventParts | None = None) -> Verdict:
    """Three orders and the messages that they cause, in two minutes of faults and as much calm."""
    events = Events(seed, parts or EventParts())
    world = events.world
    for number_ in range(3):
        name = f"order-{number_}"
        world.at(events.draw_ms(0, 80_000), partial(events.accept, name))
    for process in events.processes:
        events.relay_from(process)
    _Faults(events).schedule()
    world.after(1_000, events.judge_waiting)
    world.run(END_MS)
    events.judge_end()
    return Verdict(
        seed=seed,
        broken=tuple(events.broken),
        history=tuple(world.history),
        steals=events.steals,
        fenced=events.fenced,
        replayed=events.replayed,
        doubled=events.doubled,
    )
