"""Who leads which partition: a balanced, sticky assignment on top of one lease each. Pure.

Every member writes a line into one record, the roster: a beat, and the partitions that it leads
with their tokens. The answer to that write shows it everybody's lines, from which all compute the
same assignment. The roster decides only who *tries*; the lease of each partition decides who
leads, so that members whose views differ disagree about balance and never about leadership.

Guarantees:
    Of each partition what :mod:`holdfast.coordination.leases.lease_core` guarantees. A member
    leads, and tries to lead, at most ``ceil(partitions / members)`` of them by its view of the
    members. It gives up one partition at a time and only after the work on it has returned.
    Nothing moves that need not: a newcomer is given its share, a lost member's share is spread,
    all else stays.

Does not guarantee:
    Balance while members come and go: it is reached a few renewals after the last change.
    Partitions of equal weight.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import cast

from holdfast.coordination.drivers.clock import went_back
from holdfast.coordination.drivers.timing import LeaseTiming
from holdfast.coordination.leases.election_core import ElectionCore, Finished
from holdfast.coordination.leases.lease_core import (
    Action,
    LeaseCore,
    Phase,
    Send,
    Started,
    Stopped,
)
from holdfast.coordination.stores.store import Always, Equals, Item, Outcome, Reply, Update
from holdfast.errors import ConfigurationError

_MISSED_BEATS = 2
MAX_PARTITIONS = 1_000
"""Most partitions of one group: the roster names each in one record."""
MAX_ROSTER_BYTES = 300_000
"""Most that they may take up in it. DynamoDB takes no item of more than 400 kB."""
_LONGEST_TOKEN = 10**16

Claims = Mapping[str, Mapping[str, int]]
"""What each living member leads, with which token."""


@dataclass(frozen=True, slots=True)
class At:
    """An action of one partition's election."""

    partition: str
    action: Action


@dataclass(frozen=True, slots=True)
class Enrol:
    """Send this to the store, and hand the reply to :meth:`PartitionCore.on_roster`."""

    request: Update


PartitionAction = At | Enrol | Finished
"""What a driver must carry out, in order."""


def assign(partitions: Collection[str], claims: Claims) -> dict[str, tuple[str, ...]]:
    """Who should lead what. Everybody with the same view comes to the same result.

    Args:
        partitions: Names of all.
        claims: What each living member leads. A partition that two claim belongs to the greater
            token.

    Returns:
        The partitions of each member, with at most one more for one than for another.
    """
    owner: dict[str, tuple[int, str]] = {}
    for member, led in claims.items():
        for partition, token in led.items():
            if partition in partitions:
                owner[partition] = max(owner.get(partition, (0, "")), (token, member))
    leads: dict[str, list[str]] = {member: [] for member in claims}
    for partition in sorted(owner):
        leads[owner[partition][1]].append(partition)
    # Those that lead most keep the odd ones, so that as few as possible move.
    members = sorted(claims, key=lambda member: (-len(leads[member]), member))
    share, odd = divmod(len(partitions), len(members))
    quota = {member: share + (place < odd) for place, member in enumerate(members)}
    kept = {member: leads[member][: quota[member]] for member in members}
    taken = {partition for each in kept.values() for partition in each}
    free = [partition for partition in sorted(partitions) if partition not in taken]
    for member in members:
        missing = quota[member] - len(kept[member])
        kept[member] += free[:missing]
        free = free[missing:]
    return {member: tuple(sorted(each)) for member, each in kept.items()}


@dataclass(slots=True)
class _Line:
    """A member's line in the roster, and since when it has looked like this."""

    text: str
    since_ms: int
    lease_ms: int
    leads: Mapping[str, int]


@dataclass(slots=True)
class _Part:
    """This member's part in one partition's election."""

    core: ElectionCore
    lease: LeaseCore
    leaving: bool = False
    in_flight: bool = False
    finished: bool = False


class PartitionCore:
    """One member of a group.

    The driver calls :meth:`on_tick` at ``due_ms`` or later, with times of one monotonic clock.

    Args:
        prefix: Of the keys of the group's records.
        partitions: Names of all partitions, the same for all members.
        owner: Who takes part, for humans.
        timing: How long leases last. A line in the roster lasts as long.
        new_nonce: Returns a string that no other call ever returned, on any machine.

    Raises:
        ConfigurationError: If there is no partition, or too many, or one twice.
    """

    def __init__(
        self,
        *,
        prefix: str,
        partitions: Collection[str],
        owner: str,
        timing: LeaseTiming,
        new_nonce: Callable[[], str],
    ) -> None:
        check_partitions(prefix, partitions)
        self._prefix = prefix
        self._partitions = frozenset(partitions)
        self._owner = owner
        self._timing = timing
        self._new_nonce = new_nonce
        self._member = f"{owner}/{new_nonce()}"
        self._roster_key = f"{prefix}/roster"
        # Two beats missed: time to start watching what the member led. Its leases decide.
        self._suspect_ms = min(timing.lease_ms, _MISSED_BEATS * timing.renew_ms)
        self._now_ms: int | None = None
        self._parts: dict[str, _Part] = {}
        self._lines: dict[str, _Line] = {}
        self._known: frozenset[str] = frozenset()
        self._beat = 0
        self._enrolling = False
        self._enrol_ms: int | None = None
        self._stopping = False
        self._leaving = False
        self._finished = False

    @property
    def member(self) -> str:
        """How this member appears in the roster."""
        return self._member

    @property
    def leads(self) -> Mapping[str, int]:
        """The partitions that this member leads, with their tokens."""
        return {
            name: token
            for name, part in sorted(self._parts.items())
            if (token := part.lease.token) is not None
        }

    @property
    def takes_part_in(self) -> frozenset[str]:
        """The partitions that this member leads, tries to lead, or is about to leave."""
        return frozenset(self._parts)

    @property
    def members(self) -> frozenset[str]:
        """The members that this one takes to be alive, itself included."""
        return self._known | {self._member}

    @property
    def leaders(self) -> Mapping[str, str]:
        """Who leads which partition, by what this member holds and has read."""
        newest = {name: (token, self._member) for name, token in self.leads.items()}
        lines = self._lines
        for member in self._known & lines.keys():
            for name, token in lines[member].leads.items():
                newest[name] = max(newest.get(name, (0, "")), (token, member))
        return {name: member for name, (_, member) in sorted(newest.items())}

    @property
    def due_ms(self) -> int | None:
        """When :meth:`on_tick` must be called next; None while only an event can change it."""
        dues = [part.core.due_ms for part in self._parts.values()]
        if not self._enrolling:
            dues.append(self._enrol_ms)
        if not self._stopping:
            dues += [self._lines[name].since_ms + self._suspect_ms for name in self._known]
        return min((due for due in dues if due is not None), default=None)

    def key(self, partition: str) -> str:
        """Key of the item of a partition's lease.

        Args:
            partition: Which.
        """
        return f"{self._prefix}/at/{partition}"

    def start(self, now_ms: int) -> list[PartitionAction]:
        """Joins the group.

        Args:
            now_ms: The time.
        """
        self._enrol_ms = now_ms
        return self._enrol(now_ms)

    def on_tick(self, now_ms: int) -> list[PartitionAction]:
        """What to do now that time has passed.

        Args:
            now_ms: The time.

        Raises:
            ConfigurationError: If the clock went back.
        """
        if self._now_ms is not None and now_ms < self._now_ms:
            raise went_back(f"group {self._prefix}", self._now_ms, now_ms)
        self._now_ms = now_ms
        actions: list[PartitionAction] = []
        for name, part in list(self._parts.items()):
            due_ms = part.core.due_ms
            if due_ms is not None and due_ms <= now_ms:
                actions += self._follow(now_ms, name, part.core.on_tick(now_ms))
        if self._known != frozenset(self._living(now_ms)):
            actions += self._adjust(now_ms)
        return actions + self._enrol(now_ms)

    def on_reply(self, now_ms: int, partition: str, reply: Reply) -> list[PartitionAction]:
        """What to do now that a request of one partition's election has ended.

        Args:
            now_ms: The time.
            partition: Which.
            reply: How it ended.
        """
        part = self._parts[partition]
        part.in_flight = False
        if not part.finished:
            actions = self._follow(now_ms, partition, part.core.on_reply(now_ms, reply))
            return actions + self._enrol(now_ms)
        # Kept only so that this reply was not taken for one to a later part in the partition.
        del self._parts[partition]
        return self._enrol(now_ms) + self._farewell()

    def on_work_ended(self, now_ms: int, partition: str) -> list[PartitionAction]:
        """What to do now that the work on a partition has returned.

        Args:
            now_ms: The time.
            partition: Which.
        """
        part = self._parts[partition]
        actions = self._follow(now_ms, partition, part.core.on_work_ended(now_ms))
        return actions + self._enrol(now_ms)

    def on_roster(self, now_ms: int, reply: Reply) -> list[PartitionAction]:
        """What to do now that a request for the roster has ended.

        Args:
            now_ms: The time.
            reply: How it ended.
        """
        self._enrolling = False
        if self._stopping:
            return self._farewell()
        if reply.outcome is not Outcome.APPLIED:
            # Without a new view nothing is given up and nothing new is tried.
            if self._enrol_ms is not None:
                self._enrol_ms = min(self._enrol_ms, now_ms + self._timing.retry_ms)
            return []
        self._read(now_ms, reply.item)
        return self._adjust(now_ms) + self._sweep(now_ms)

    def stop(self, now_ms: int) -> list[PartitionAction]:
        """Leaves the group, once the work on every partition has returned.

        Args:
            now_ms: The time.
        """
        self._stopping, self._enrol_ms = True, None
        actions: list[PartitionAction] = []
        for name in list(self._parts):
            actions += self._give_up(now_ms, name)
        return actions + self._farewell()

    def _adjust(self, now_ms: int) -> list[PartitionAction]:
        """Tries for what this member should lead, and gives up what others should."""
        if self._stopping:
            return []
        living = self._living(now_ms)
        self._known = frozenset(living)
        claims: dict[str, Mapping[str, int]] = {name: line.leads for name, line in living.items()}
        claims[self._member] = self._claimed()
        target = assign(self._partitions, claims)[self._member]
        actions: list[PartitionAction] = []
        for name in [name for name in self._parts if name not in target]:
            part = self._parts[name]
            handing_over = any(each.leaving for each in self._parts.values())
            # One at a time, so that work does not stop everywhere at once.
            if not part.leaving and not (handing_over and part.lease.phase is Phase.HOLDING):
                actions += self._give_up(now_ms, name)
        most = -(-len(self._partitions) // len(claims))
        for name in target:
            if name not in self._parts and len(self._parts) < most:
                actions += self._try(now_ms, name)
        return actions

    def _try(self, now_ms: int, name: str) -> list[PartitionAction]:
        lease = LeaseCore(
            key=self.key(name),
            owner=self._owner,
            timing=self._timing,
            new_nonce=self._new_nonce,
        )
        part = _Part(ElectionCore(lease, retry_ms=self._timing.retry_ms), lease)
        self._parts[name] = part
        return self._follow(now_ms, name, part.core.start(now_ms))

    def _give_up(self, now_ms: int, name: str) -> list[PartitionAction]:
        part = self._parts[name]
        part.leaving = True
        return self._follow(now_ms, name, part.core.stop(now_ms))

    def _follow(
        self, now_ms: int, name: str, actions: list[Action | Finished]
    ) -> list[PartitionAction]:
        followed: list[PartitionAction] = []
        part = self._parts[name]
        for action in actions:
            if isinstance(action, Finished):
                part.finished = True
                if not part.in_flight:
                    del self._parts[name]
            else:
                part.in_flight = part.in_flight or isinstance(action, Send)
                followed.append(At(name, action))
            if isinstance(action, (Finished, Started, Stopped)) and not self._stopping:
                # The others should hear of it before the next beat would be due.
                self._enrol_ms = now_ms
        return followed + self._farewell()

    def _enrol(self, now_ms: int) -> list[PartitionAction]:
        if self._enrolling or self._enrol_ms is None or now_ms < self._enrol_ms:
            return []
        self._enrolling = True
        self._enrol_ms = now_ms + self._timing.renew_ms
        self._beat += 1
        line = json.dumps([self._timing.lease_ms, self._beat, self._claimed()])
        own = {self._member: line}
        return [Enrol(Update(key=self._roster_key, when=Always(), assign=own))]

    def _sweep(self, now_ms: int) -> list[PartitionAction]:
        """Takes the line of a member that is long gone out of the roster."""
        for member, line in self._lines.items():
            if now_ms - line.since_ms >= line.lease_ms:
                self._enrolling = True
                unchanged = Equals(member, line.text)
                gone = Update(key=self._roster_key, when=unchanged, remove=(member,))
                return [Enrol(gone)]
        return []

    def _farewell(self) -> list[PartitionAction]:
        """The line goes first, so that the others get ready while the work here ends."""
        if not self._stopping or self._enrolling:
            return []
        if not self._leaving:
            self._leaving = self._enrolling = True
            gone = Update(key=self._roster_key, when=Always(), remove=(self._member,))
            return [Enrol(gone)]
        if self._parts or self._finished:
            return []
        self._finished = True
        return [Finished()]

    def _claimed(self) -> dict[str, int]:
        return {name: token for name, token in self.leads.items() if not self._parts[name].leaving}

    def _living(self, now_ms: int) -> dict[str, _Line]:
        return {
            name: line
            for name, line in self._lines.items()
            if now_ms - line.since_ms < self._suspect_ms
        }

    def _read(self, now_ms: int, roster: Item | None) -> None:
        """Takes in the lines, and since when each has looked as it does."""
        lines: dict[str, _Line] = {}
        for member, value in (roster or {}).items():
            if member == self._member or not isinstance(value, str):
                continue
            known = self._lines.get(member)
            if known is not None and known.text == value:
                lines[member] = known
                continue
            lease_ms, leads = self._parsed(member, value)
            lines[member] = _Line(value, now_ms, lease_ms, leads)
        self._lines = lines

    def _parsed(self, member: str, line: str) -> tuple[int, dict[str, int]]:
        try:
            lease_ms, _, leads = cast("tuple[int, int, dict[str, int]]", json.loads(line))
        except (TypeError, ValueError) as error:
            raise ConfigurationError(
                f"Item {self._roster_key} is no roster: its attribute {member} holds {line!r}. "
                "Give the group a prefix that nothing else uses."
            ) from error
        return lease_ms, leads


def check_partitions(prefix: str, partitions: Collection[str]) -> None:
    """Refuses partitions that cannot be led.

    Args:
        prefix: Of the keys of the group's records.
        partitions: Their names.

    Raises:
        ConfigurationError: If there is none, or too many, or one is named twice, or their names do
            not fit into one record.
    """
    if not 1 <= len(partitions) <= MAX_PARTITIONS:
        raise ConfigurationError(
            f"Group {prefix} has {len(partitions)} partitions; it must have 1 to {MAX_PARTITIONS}. "
            "Make several groups, each with a prefix of its own."
        )
    twice = sorted(name for name in set(partitions) if list(partitions).count(name) > 1)
    if twice:
        raise ConfigurationError(
            f"Group {prefix} names {', '.join(twice)} twice. Name each partition once."
        )
    size = len(json.dumps(dict.fromkeys(partitions, _LONGEST_TOKEN)))
    if size > MAX_ROSTER_BYTES:
        raise ConfigurationError(
            f"The {len(partitions)} names of partitions of group {prefix} take up {size} bytes of "
            f"its roster; at most {MAX_ROSTER_BYTES} fit. Shorten them, or make several groups."
        )
