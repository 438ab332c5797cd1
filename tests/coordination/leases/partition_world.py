"""A simulated group that shares partitions under faults: one seed, one world, one verdict."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from holdfast.coordination.drivers.timing import LeaseTiming
from holdfast.coordination.leases.election_core import Finished
from holdfast.coordination.leases.fence import Fence
from holdfast.coordination.leases.lease import Lease
from holdfast.coordination.leases.lease_core import Extended, Send, Started, Stopped, StopReason
from holdfast.coordination.leases.partition_core import At, Enrol, PartitionAction, PartitionCore
from holdfast.coordination.stores.store import Always, Item, Reply, Update, number
from holdfast.testing import Conditions, Network, Process, StrongStore, World

REGIONS = ("us-east-1", "us-west-2")
TIMING = LeaseTiming()
# Two suspicions, two leases and the hand-overs, one by one.
SETTLE_MS = 90_000
CALM_MS = 60_000
MakeCore = Callable[..., PartitionCore]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a seed showed: the broken promises, and how often partitions changed hands."""

    seed: int
    broken: tuple[str, ...]
    terms: int
    handed_over: int
    writes: int


class Member:
    """A simulated process with one member of the group, and its work."""

    def __init__(self, group: "Group", process: Process) -> None:
        self.group = group
        self.process = process
        self.leases: dict[str, Lease] = {}
        self.finished = False
        self.stopping = False
        self.seen: frozenset[str] = frozenset()
        self.core = group.make_core(process)
        self._wake_ms: int | None = None

    @property
    def alive(self) -> bool:
        return self.process.alive and not self.finished

    def start(self) -> None:
        self._carry_out(self.core.start(self._now_ms()))

    def stop(self) -> None:
        self.stopping = True
        self._carry_out(self.core.stop(self._now_ms()))

    def crash(self) -> None:
        self.process.crash()

    def _now_ms(self) -> int:
        return self.process.clock.now_ms()

    def _carry_out(self, actions: list[PartitionAction]) -> None:
        for action in actions:
            match action:
                case Enrol(request):
                    self._send(request, self._enrolled)
                case At(partition, Send(request)):
                    self._send(request, partial(self._answered, partition))
                case At(partition, Started(token, until_ms)):
                    self._started(partition, token, until_ms)
                case At(partition, Extended(until_ms)) if partition in self.leases:
                    self.leases[partition].extend(until_ms)
                case At(partition, Stopped(_, reason)) if partition in self.leases:
                    self.leases[partition].end(reason)
                case Finished():
                    self.finished = True
                case _:
                    pass
        self.group.judge_share(self)
        self._schedule()

    def _send(self, request: Update, on_reply: Callable[[Reply], None]) -> None:
        self.group.network.call(self.process, self.group.store, request, on_reply)

    def _enrolled(self, reply: Reply) -> None:
        self._carry_out(self.core.on_roster(self._now_ms(), reply))

    def _answered(self, partition: str, reply: Reply) -> None:
        self._carry_out(self.core.on_reply(self._now_ms(), partition, reply))

    def _schedule(self) -> None:
        due_ms = self.core.due_ms
        if self.finished or due_ms is None:
            return
        if self._wake_ms is None or due_ms < self._wake_ms:
            self._wake_ms = due_ms
            self.process.wake_at(due_ms, lambda: self._wake(due_ms))

    def _wake(self, scheduled_ms: int) -> None:
        if scheduled_ms == self._wake_ms:
            self._wake_ms = None
            self._carry_out(self.core.on_tick(self._now_ms()))

    def _started(self, partition: str, token: int, until_ms: int) -> None:
        self.group.judge_start(self, partition)
        lease = Lease(key=partition, token=token, until_ms=until_ms, clock=self.process.clock)
        self.leases[partition] = lease
        self._work(partition, lease)

    def _work(self, partition: str, lease: Lease) -> None:
        takes_ms = 200 + int(self.process.world.random.random() * 1_800)
        self.process.wake_after(takes_ms, lambda: self._write(partition, lease))

    def _write(self, partition: str, lease: Lease) -> None:
        if not lease.held:
            self.group.handed_over += lease.reason is StopReason.ASKED
            lease.end(StopReason.ASKED)
            del self.leases[partition]
            self._carry_out(self.core.on_work_ended(self._now_ms(), partition))
            return
        write = Fence(lease.token).guard(
            Update(
                key=partition,
                when=Always(),
                assign={"term": lease.token},
                add={"writes": 1},
            )
        )
        self.group.network.call(self.process, self.group.resource, write, lambda _: None)
        self._work(partition, lease)


class Group:
    """All members, what they share, and what they have been seen to break."""

    def __init__(self, seed: int, partitions: int, core: MakeCore = PartitionCore) -> None:
        self.world = World(seed)
        self.network = Network(self.world, Conditions(delay_ms=(1, 40)))
        self.partitions = tuple(f"p{number:02}" for number in range(partitions))
        self.members: list[Member] = []
        self.broken: list[str] = []
        self.terms = 0
        self.handed_over = 0
        self.writes = 0
        self.store = StrongStore(
            self.world, regions=REGIONS, witness="us-east-2", watcher=self._on_record
        )
        self.resource = StrongStore(
            self.world, regions=REGIONS, witness="us-east-2", watcher=self._on_write
        )
        self._core = core
        self._nonces = 0

    def make_core(self, process: Process) -> PartitionCore:
        return self._core(
            prefix="group",
            partitions=self.partitions,
            owner=process.name,
            timing=TIMING,
            new_nonce=self._nonce,
        )

    def join(self) -> Member:
        process = Process(
            self.world,
            f"agent-{len(self.members)}",
            REGIONS[len(self.members) % 2],
            rate_ppm=self.world.random.randint(-20_000, 20_000),
        )
        member = Member(self, process)
        self.members.append(member)
        member.start()
        return member

    def enter(self) -> None:
        self.join()

    @property
    def living(self) -> list[Member]:
        return [member for member in self.members if member.alive]

    def loads(self) -> list[int]:
        return sorted(len(member.core.leads) for member in self.living)

    def judge_share(self, member: Member) -> None:
        """No member takes part in more than its share, unless it gives up what is too much."""
        core = member.core
        share = -(-len(self.partitions) // len(core.members))
        if core.takes_part_in - member.seen and len(core.takes_part_in) > share:
            self._break(f"{member.process.name} tries for more than {share}")
        member.seen = core.takes_part_in
        ending = [lease for lease in member.leases.values() if lease.reason is StopReason.ASKED]
        if len(ending) > 1 and not member.stopping:
            self._break(f"{member.process.name} gives up {len(ending)} at a time")

    def judge_start(self, starter: Member, partition: str) -> None:
        """Work on a partition starts when no other living member works on it."""
        self.terms += 1
        for member in self.members:
            lease = member.leases.get(partition)
            if member is starter or lease is None or not member.process.running:
                continue
            # Work that was told that its lease is lost, and has not looked yet, is fenced.
            if lease.held or lease.reason is StopReason.ASKED:
                self._break(f"{partition} has two at work")

    def judge_balance(self) -> None:
        """Every partition is led by one, and nobody leads more than one more than another."""
        led = sorted(name for member in self.living for name in member.core.leads)
        if led != sorted(self.partitions):
            self._break(f"led are {led}")
        loads = self.loads()
        if loads[-1] - loads[0] > 1:
            self._break(f"loads are {loads}")
        lines = sorted(self.store.item("group/roster") or {})
        if lines != sorted(member.core.member for member in self.living):
            self._break(f"the roster names {lines}")

    def _on_record(self, key: str, old: Item | None, new: Item | None) -> None:
        if "/at/" in key and number(new, "token") < number(old, "token"):
            self._break(f"the token of {key} shrank")

    def _on_write(self, key: str, old: Item | None, new: Item | None) -> None:
        self.writes += 1
        if number(new, "term") < number(old, "term"):
            self._break(f"{key} accepted a stale write")

    def _break(self, what: str) -> None:
        self.broken.append(f"{self.world.now_ms} ms: {what}")

    def _nonce(self) -> str:
        self._nonces += 1
        return f"{self._nonces:06}"


def simulate_partitions(seed: int, *, core: MakeCore = PartitionCore) -> Verdict:
    """Members that come, go, crash, freeze and are cut off; then peace, and the judgement."""
    draw = World(seed).random
    group = Group(seed, draw.randint(1, 12), core)
    world = group.world
    for _ in range(draw.randint(1, 4)):
        world.at(draw.randint(0, 3_000), group.enter)
    faults: list[Callable[[Member], None]] = [
        Member.crash,
        Member.stop,
        lambda member: _freeze(group, member, draw.randint(1_000, 30_000)),
        lambda member: _cut(group, member, draw.randint(1_000, 30_000)),
        lambda _: _conflicts(group, draw.randint(1_000, 20_000)),
        lambda _: _bad_network(group, draw.randint(1_000, 20_000)),
        lambda _: _stragglers(group, draw.randint(1_000, 20_000)),
        lambda _: _lose_region(group, draw.randint(1_000, 20_000)),
        lambda _: None,
    ]

    def fault(kind: Callable[[Member], None]) -> None:
        if len(group.living) > 1:
            kind(draw.choice(group.living))
        if draw.random() < 0.4:
            group.join()

    for _ in range(draw.randint(1, 8)):
        kind = draw.choice(faults)
        world.at(draw.randint(20_000, 150_000), partial(fault, kind))
    world.run(180_000 + SETTLE_MS)
    group.judge_balance()
    before = group.handed_over
    world.run(180_000 + SETTLE_MS + CALM_MS)
    group.judge_balance()
    if group.handed_over != before:
        group.broken.append("partitions moved although nobody came or went")
    return Verdict(seed, tuple(group.broken), group.terms, group.handed_over, group.writes)


def _freeze(group: Group, member: Member, for_ms: int) -> None:
    member.process.pause()
    group.world.after(for_ms, member.process.resume)


def _cut(group: Group, member: Member, for_ms: int) -> None:
    requests, replies = group.world.random.choice([(True, True), (True, False), (False, True)])
    group.network.cut(member.process, requests=requests, replies=replies)
    group.world.after(for_ms, lambda: group.network.heal(member.process))


def _conflicts(group: Group, for_ms: int) -> None:
    group.store.conflicts = 0.5

    def over() -> None:
        group.store.conflicts = 0.0

    group.world.after(for_ms, over)


def _bad_network(group: Group, for_ms: int) -> None:
    conditions = group.network.conditions
    conditions.lost, conditions.delay_ms = 0.4, (1, 600)

    def over() -> None:
        conditions.lost, conditions.delay_ms = 0.0, (1, 40)

    group.world.after(for_ms, over)


def _stragglers(group: Group, for_ms: int) -> None:
    conditions = group.network.conditions
    conditions.doubled = conditions.late = 0.3

    def over() -> None:
        conditions.doubled = conditions.late = 0.0

    group.world.after(for_ms, over)


def _lose_region(group: Group, for_ms: int) -> None:
    region = group.world.random.choice(REGIONS)
    group.store.lose(region)
    group.world.after(for_ms, lambda: group.store.restore(region))
