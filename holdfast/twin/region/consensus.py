"""Per-item consensus (CASPaxos): pure acceptors and proposers, no clock, no socket, no disk.

Every item of a strongly consistent table is one register, agreed on by the table's three
regions. A proposer asks a majority to promise a ballot, learns the newest accepted value, applies
its change, and asks a majority to accept the result (Rystsov, "CASPaxos: Replicated State
Machines without logs", 2018). A proposer that has just won skips the first round next time: its
accept also asks for a promise of the ballot after it.

Guarantees:
    Any two committed values of a register are ordered, and the later one was made from the
    earlier one. A change is applied at most once, also when the proposer had to try again
    after an accept whose fate it did not know, and is answered by the attempt that was
    committed: each attempt has a token of its own, the register remembers each region's latest,
    and every promise is searched for all of them. What is answered without a change is agreed on
    at a ballot that no earlier attempt can outbid. For this a region must change a key once at a
    time.

Does not guarantee:
    Progress while proposers duel (the driver backs off and gives up after a bound), nor
    without a majority. That the acceptors' slots are durable: the driver must store a slot
    before it sends the reply that was computed with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

Item = dict[str, object]
"""An item in DynamoDB's JSON, attribute name to typed value."""


@dataclass(frozen=True, order=True, slots=True)
class Ballot:
    """A proposer's turn. Ordered by counter, then region, so that no two regions share one."""

    counter: int
    region: str

    def next(self) -> "Ballot":
        """The turn after this one, of the same region."""
        return Ballot(self.counter + 1, self.region)


NO_BALLOT = Ballot(0, "")
"""Older than every turn that anybody takes."""


@dataclass(frozen=True, slots=True)
class Register:
    """The value that a key's acceptors agree on.

    Attributes:
        operations: Token of the latest attempt of each region that ever changed the key, as
            pairs. A region changes a key once at a time, so this is all that it can be in doubt
            about.
        item: The item, None when there is none (never written, or deleted).
    """

    operations: tuple[tuple[str, str], ...]
    item: Item | None

    def changed(self, region: str, operation: str, item: Item | None) -> "Register":
        """The register after one more operation."""
        others = tuple(pair for pair in self.operations if pair[0] != region)
        return Register((*others, (region, operation)), item)


EMPTY = Register((), None)
"""A key that was never written."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What one acceptor knows of one key. Must be durable before a reply leaves.

    Attributes:
        promised: Oldest ballot that may still be accepted.
        accepted: Ballot of ``register``.
        register: Newest accepted value.
    """

    promised: Ballot = NO_BALLOT
    accepted: Ballot = NO_BALLOT
    register: Register = EMPTY


@dataclass(frozen=True, slots=True)
class Vote:
    """An acceptor's reply to a prepare or an accept.

    Attributes:
        granted: Whether it promised, or accepted.
        promised: Its promise after the request; tells a loser what to outbid.
        accepted: Ballot of the value it holds.
        register: The value it holds; only a promise carries one.
    """

    granted: bool
    promised: Ballot
    accepted: Ballot
    register: Register | None = None


def prepare(slot: Slot, ballot: Ballot) -> tuple[Slot, Vote]:
    """An acceptor promises to accept nothing older than ``ballot``, unless it knows a newer one.

    Equality is refused: a proposer that restarted and lost its memory cannot take a ballot that
    it may have used before.
    """
    if ballot <= slot.promised:
        return slot, Vote(granted=False, promised=slot.promised, accepted=slot.accepted)
    promised = replace(slot, promised=ballot)
    vote = Vote(granted=True, promised=ballot, accepted=slot.accepted, register=slot.register)
    return promised, vote


def accept(slot: Slot, ballot: Ballot, register: Register, following: Ballot) -> tuple[Slot, Vote]:
    """An acceptor takes a value, and promises ``following`` for the proposer's next change."""
    if ballot < slot.promised:
        return slot, Vote(granted=False, promised=slot.promised, accepted=slot.accepted)
    taken = Slot(promised=following, accepted=ballot, register=register)
    return taken, Vote(granted=True, promised=following, accepted=ballot)


def agreed(votes: Sequence[Slot], acceptors: int) -> Slot | None:
    """The slot that a majority of ``acceptors`` holds at one ballot, or None.

    Such a value is committed, and no later one was committed before the first of these slots
    was read: that one's majority would have shown in them. So a read may return it.
    """
    for candidate in votes:
        same = sum(1 for vote in votes if vote.accepted == candidate.accepted)
        if same >= majority(acceptors):
            return candidate
    return None


def majority(acceptors: int) -> int:
    """How many of ``acceptors`` outvote the rest."""
    return acceptors // 2 + 1


@dataclass(frozen=True, slots=True)
class Lead:
    """A majority's promise of ``ballot`` to the proposer that committed ``register`` before it."""

    ballot: Ballot
    register: Register


class Failure(StrEnum):
    """Why a proposer gave up.

    ``CONFLICT`` means that nothing was written; the other two leave it open.
    """

    NO_QUORUM = "no-quorum"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SendPrepare:
    """Ask every acceptor for a promise."""

    ballot: Ballot


@dataclass(frozen=True, slots=True)
class SendAccept:
    """Ask every acceptor to accept."""

    ballot: Ballot
    register: Register
    following: Ballot


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Apply the change to ``register`` and tell the proposer with ``on_evaluated``."""

    register: Register


@dataclass(frozen=True, slots=True)
class Backoff:
    """Wait a little, longer with each attempt, then call ``resume``."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Committed:
    """The change, or the fact that there was nothing to change, is agreed.

    Attributes:
        ballot: Ballot at which ``register`` is committed.
        register: The value.
        lead: What lets the next change of this key skip a round, when there is one.
        granted_by: Acceptors that are known to hold the value.
        evaluation: Which of the proposer's evaluations it is the outcome of, from 0.
    """

    ballot: Ballot
    register: Register
    lead: Lead | None
    granted_by: frozenset[str]
    evaluation: int


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The change was not carried out, as far as is known."""

    reason: Failure


Action = SendPrepare | SendAccept | Evaluate | Backoff | Committed | GaveUp


class Round(StrEnum):
    """Which of the two rounds a request to an acceptor belongs to."""

    PREPARE = "prepare"
    ACCEPT = "accept"


class _Phase(StrEnum):
    IDLE = "idle"
    PREPARE = "prepare"
    EVALUATE = "evaluate"
    ACCEPT = "accept"
    WAIT = "wait"
    DONE = "done"


class Proposer:
    """One change of one register, from its request to its end.

    The driver carries out the actions that the methods return, and reports what came of them.
    Replies that belong to an earlier round are to be reported too; they are ignored.

    Args:
        region: The proposer's region.
        acceptors: Regions that vote, this one usually among them.
        operation: Name of the change, unique over all time.
        counter: Highest ballot counter that this region has used or seen.
        lead: What the last commit of this key by this process left.
        attempts: Rounds before it gives up.
    """

    def __init__(
        self,
        *,
        region: str,
        acceptors: Sequence[str],
        operation: str,
        counter: int,
        lead: Lead | None = None,
        attempts: int = 16,
    ) -> None:
        self.counter = counter
        self._region = region
        self._acceptors = tuple(acceptors)
        self._operation = operation
        self._lead = lead
        self._attempts = attempts
        self._attempt = 0
        self._phase = _Phase.IDLE
        self._ballot = NO_BALLOT
        self._votes: dict[str, Vote] = {}
        self._lost: set[str] = set()
        self._learned = EMPTY
        self._settled: Ballot | None = None
        self._proposed: Register | None = None
        self._evaluations = 0
        self._answer = 0
        # Attempts that an acceptor may hold, whatever the others say: the evaluation of each.
        self._open: dict[str, int] = {}

    def start(self) -> Action:
        """Begins; with a lead, at the second round."""
        if self._lead is None:
            return self._prepare()
        self._ballot = self._lead.ballot
        self.counter = max(self.counter, self._ballot.counter)
        self._learned = self._lead.register
        self._settled = None
        self._phase = _Phase.EVALUATE
        return Evaluate(self._learned)

    def resume(self) -> Action:
        """Tries again after a ``Backoff``."""
        return self._prepare()

    def on_vote(self, acceptor: str, asked: Round, ballot: Ballot, vote: Vote) -> Action | None:
        """An acceptor answered the request of that round and ballot."""
        self.counter = max(self.counter, vote.promised.counter)
        if not self._waits_for(asked, ballot):
            return None
        self._votes.setdefault(acceptor, vote)
        return self._tally()

    def on_lost(self, acceptor: str, asked: Round, ballot: Ballot) -> Action | None:
        """An acceptor could not be asked, or did not answer in time."""
        if not self._waits_for(asked, ballot):
            return None
        self._lost.add(acceptor)
        return self._tally()

    def on_impatience(self) -> Action | None:
        """The driver has waited long enough for the rest of a round that some refused."""
        if self._phase not in (_Phase.PREPARE, _Phase.ACCEPT) or not self._is_outbid():
            return None
        return self._retry()

    def on_evaluated(self, item: Item | None, *, changed: bool) -> Action:
        """The change, applied to the register of ``Evaluate``, gave ``item``."""
        self._answer = self._evaluations
        self._evaluations += 1
        if not changed:
            # An attempt that one acceptor holds could still be taken up by another region.
            return self._accept(self._learned) if self._open else self._confirm()
        token = f"{self._operation}.{self._answer}"
        self._open[token] = self._answer
        return self._accept(self._learned.changed(self._region, token, item))

    def _waits_for(self, asked: Round, ballot: Ballot) -> bool:
        # Both rounds of an attempt have one ballot: a late promise is no acceptance.
        return ballot == self._ballot and self._phase.value == asked.value

    def _prepare(self) -> Action:
        self._attempt += 1
        self._begin(_Phase.PREPARE, Ballot(self.counter + 1, self._region))
        self.counter += 1
        return SendPrepare(self._ballot)

    def _accept(self, register: Register) -> Action:
        self._begin(_Phase.ACCEPT, self._ballot)
        self._proposed = register
        following = self._ballot.next()
        self.counter = max(self.counter, following.counter)
        return SendAccept(self._ballot, register, following)

    def _begin(self, phase: _Phase, ballot: Ballot) -> None:
        self._phase = phase
        self._ballot = ballot
        self._votes = {}
        self._lost = set()

    def _confirm(self) -> Action:
        """Ends with the learned value as it is, once a majority is known to hold it."""
        if self._settled is None:
            return self._accept(self._learned)
        holders = frozenset(
            region for region, vote in self._votes.items() if vote.accepted == self._settled
        )
        return self._finish(Committed(self._settled, self._learned, None, holders, self._answer))

    def _tally(self) -> Action | None:
        needed = majority(len(self._acceptors))
        granted = sum(1 for vote in self._votes.values() if vote.granted)
        if granted >= needed:
            return self._promised() if self._phase is _Phase.PREPARE else self._committed()
        missing = len(self._lost - self._votes.keys())
        if len(self._acceptors) - missing < needed:
            return self._finish(GaveUp(Failure.NO_QUORUM))
        if self._phase is _Phase.PREPARE and self._is_outbid():
            # A higher ballot costs nothing yet, and need not wait for a silent acceptor.
            return self._retry()
        refused = len(self._votes) - granted
        if len(self._acceptors) - missing - refused >= needed:
            return None
        return self._retry()

    def _is_outbid(self) -> bool:
        return any(not vote.granted for vote in self._votes.values())

    def _retry(self) -> Action:
        if self._attempt >= self._attempts:
            return self._finish(GaveUp(Failure.UNKNOWN if self._open else Failure.CONFLICT))
        self._phase = _Phase.WAIT
        return Backoff(max(self._attempt, 1))

    def _promised(self) -> Action:
        promises = [vote for vote in self._votes.values() if vote.granted]
        newest = max(promises, key=lambda vote: vote.accepted)
        self._learned = newest.register or EMPTY
        same = all(vote.accepted == newest.accepted for vote in promises)
        self._settled = newest.accepted if same else None
        self._phase = _Phase.EVALUATE
        found = self._attempt_in(self._learned)
        if found is None:
            # None has been committed; one that a minority holds can be until another ballot is.
            return Evaluate(self._learned)
        self._answer = found
        return self._confirm()

    def _attempt_in(self, register: Register) -> int | None:
        """Which evaluation a value stems from, if from one of this change's."""
        for region, token in register.operations:
            if region == self._region and token in self._open:
                return self._open[token]
        return None

    def _committed(self) -> Action:
        register = self._proposed or EMPTY
        holders = frozenset(region for region, vote in self._votes.items() if vote.granted)
        lead = Lead(self._ballot.next(), register)
        return self._finish(Committed(self._ballot, register, lead, holders, self._answer))

    def _finish(self, outcome: Committed | GaveUp) -> Action:
        self._phase = _Phase.DONE
        return outcome
