"""Watches an election from outside, with true time at hand, and writes down every broken promise.

It knows nothing of how the protocol works: it looks at what participants believe, at what the
stores hold, and at when requests are sent.
"""

from dataclasses import dataclass

from holdfast.coordination.lease_core import Phase, StopReason
from holdfast.coordination.store import Item, Outcome, Reply, Update, number, text
from holdfast.testing.candidate import Candidate
from holdfast.testing.world import World

# A rate error of 2 % on either side, and a rounding.
_CLOCKS = 0.97
_MAX_SHARE_HELD = 0.8
_ORPHANED_AFTER = 2


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken promise.

    Attributes:
        at_ms: When, in virtual time.
        promise: Which, in a few words.
        detail: By whom, with which values.
    """

    at_ms: int
    promise: str
    detail: str

    def __str__(self) -> str:
        return f"{self.at_ms / 1000:10.3f} s  {self.promise}: {self.detail}"


class Monitor:
    """Checks the promises of an election.

    Args:
        world: Where it is held.
        takeover_ms: Longest time without a leader that is allowed while nothing is broken.
        sound_clocks: Whether to hold the candidates to what only sound clocks let them promise.
    """

    def __init__(self, world: World, *, takeover_ms: int, sound_clocks: bool = True) -> None:
        self.violations: list[Violation] = []
        self.candidates: list[Candidate] = []
        self.terms = 0
        self.writes = 0
        self.steals = 0
        self.overlaps = 0
        """How often two were seen to believe that they lead."""
        self._world = world
        self._sound_clocks = sound_clocks
        self._takeover_ms = takeover_ms
        self._last_token = 0
        self._record: Item | None = None
        self._record_ms = 0
        self._highest_write = 0
        self._quiet_ms = 0
        self._faults = 0
        self._leaderless_ms: int | None = 0
        self._last_send: dict[str, tuple[int, Phase]] = {}
        self._orphaned: dict[str, int] = {}

    def fault(self, name: str, detail: str) -> None:
        """A fault begins.

        Args:
            name: Which.
            detail: Where.
        """
        self._faults += 1
        self._world.note("fault", name, detail)

    def fault_ended(self, name: str, detail: str) -> None:
        """A fault ends.

        Args:
            name: Which.
            detail: Where.
        """
        self._faults -= 1
        self._quiet_ms = self._world.now_ms
        self._world.note("fault", f"{name} ends", detail)
        self.no_two_believe(None)

    def lost(self, candidate: Candidate) -> None:
        """A candidate crashed; if it led, nobody does now.

        Args:
            candidate: Which.
        """
        self._last_send.pop(candidate.process.name, None)
        self._nobody_leads()

    def started(self, candidate: Candidate, token: int) -> None:
        """A term began: with a token greater than all before, and with nobody else in charge.

        Args:
            candidate: Whose.
            token: Its token.
        """
        self.terms += 1
        self._world.note(candidate.process.name, "leads", f"token {token}")
        # Whose clock stood still since it won may begin when another has come and gone.
        if token <= self._last_token and self._sound_clocks:
            self._broken(
                "tokens strictly increase",
                f"{candidate.process.name} began with token {token} after {self._last_token}",
            )
        self._last_token = max(self._last_token, token)
        if self._leaderless_ms is not None:
            self._check_gap(f"{candidate.process.name} began with token {token}")
        self._leaderless_ms = None
        self.no_two_believe(candidate)

    def extended(self, candidate: Candidate) -> None:
        """A term was renewed: still with nobody else in charge.

        Args:
            candidate: Whose.
        """
        self._leaderless_ms = None
        self.no_two_believe(candidate)

    def stopped(self, candidate: Candidate, token: int, reason: StopReason) -> None:
        """A term ended: not as stolen while the record still names the holder.

        Args:
            candidate: Whose.
            token: Its token.
            reason: Why.
        """
        self._world.note(candidate.process.name, "stops", f"token {token}: {reason}")
        record = self._record
        named = text(record, "holder") == candidate.core.holder
        if reason is StopReason.STOLEN and named and number(record, "token") == token:
            self._broken(
                "a holder is told the true reason",
                f"{candidate.process.name} was told that token {token} was stolen; it was not",
            )
        self._nobody_leads()

    def sends(self, candidate: Candidate, request: Update) -> None:
        """A request is sent: not sooner than a retry period after the last of the same phase.

        Args:
            candidate: By whom.
            request: Which.
        """
        now_ms, phase = candidate.process.clock.now_ms(), candidate.core.phase
        last = self._last_send.get(candidate.process.name)
        self._last_send[candidate.process.name] = (now_ms, phase)
        least_ms = min(candidate.timing.retry_ms, candidate.timing.renew_ms)
        if last and last[1] is phase is Phase.WAITING and now_ms - last[0] < least_ms:
            self._broken(
                "a waiter sends at most one request per retry period",
                f"{candidate.process.name} sent {request.when} after {now_ms - last[0]} ms",
            )

    def replied(self, candidate: Candidate, reply: Reply) -> None:
        """A reply was taken in: whoever the record names must soon know it.

        Args:
            candidate: By whom.
            reply: Which.
        """
        name, record = candidate.process.name, self._record
        waits = candidate.core.phase is Phase.WAITING
        named = text(record, "holder") == candidate.core.holder
        if reply.outcome is Outcome.REFUSED and waits and named and reply.item == record:
            self._orphaned[name] = self._orphaned.get(name, 0) + 1
            if self._orphaned[name] >= _ORPHANED_AFTER:
                self._broken(
                    "an applied write whose reply was lost is recognised",
                    f"{name} does not see that the record names it ({record})",
                )
        else:
            self._orphaned[name] = 0

    def works(self, candidate: Candidate) -> None:
        """Work was begun: early enough before the lease can have run out elsewhere.

        Args:
            candidate: By whom.
        """
        sent_ms, now_ms = candidate.confirmed_ms, candidate.process.clock.now_ms()
        share = _MAX_SHARE_HELD * candidate.timing.lease_ms
        if self._sound_clocks and (sent_ms is None or now_ms - sent_ms > share):
            since = "never" if sent_ms is None else f"{now_ms - sent_ms} ms ago"
            self._broken(
                "a holder stops at least 20 % of its lease early",
                f"{candidate.process.name} worked; its last confirmed request was sent {since} "
                f"and its lease is {candidate.timing.lease_ms} ms",
            )
        self.no_two_believe(candidate)

    def refused(self, candidate: Candidate, token: int, seen: int) -> None:
        """The resource refused a write: only because it has seen a later token.

        Args:
            candidate: Whose.
            token: The write's.
            seen: The resource's.
        """
        self._world.note(candidate.process.name, "fenced", f"token {token} after {seen}")
        if token >= seen:
            self._broken(
                "the latest holder's writes are accepted",
                f"{candidate.process.name} was refused with token {token}; the item has {seen}",
            )

    def on_record(self, _key: str, old: Item | None, new: Item | None) -> None:
        """The lease's record changed: by its holder, or after a release, or after a whole lease.

        Args:
            old: The record before.
            new: The record now.
        """
        now_ms = self._world.now_ms
        before, holder = text(old, "holder"), text(new, "holder")
        taken = holder != before or number(new, "token") != number(old, "token")
        if number(new, "token") < number(old, "token"):
            self._broken("tokens never shrink", f"from {old} to {new}")
        if before is not None and taken and holder != before and holder is not None:
            self.steals += 1
            early = now_ms - self._record_ms < _CLOCKS * number(old, "lease_ms")
            if early and self._sound_clocks:
                self._broken(
                    "only a record unchanged for a whole lease is taken over",
                    f"{holder} replaced {before} {now_ms - self._record_ms} ms after its last "
                    f"change; its lease is {number(old, 'lease_ms')} ms",
                )
        if before is not None and holder is None and text(old, "nonce") == text(new, "nonce"):
            self._broken("every write changes the nonce", f"from {old} to {new}")
        self._record, self._record_ms = new, now_ms

    def on_ledger(self, _key: str, old: Item | None, new: Item | None) -> None:
        """The protected item changed: never by an earlier holder than the last.

        Args:
            old: The item before.
            new: The item now.
        """
        self.writes += 1
        token = number(new, "term")
        if token < self._highest_write:
            self._broken(
                "no stale write is accepted",
                f"token {token} changed {old} after token {self._highest_write}",
            )
        self._highest_write = max(self._highest_write, token)

    def no_two_believe(self, candidate: Candidate | None) -> None:
        """No two running processes may both think that they lead.

        Args:
            candidate: Whose belief has just changed, if known.
        """
        believers = [
            other.process.name
            for other in self.candidates
            if other.process.running and other.believes
        ]
        self.overlaps += len(believers) > 1
        if len(believers) > 1 and self._sound_clocks:
            name = candidate.process.name if candidate else "a fault's end"
            self._broken("one holder at a time", f"{' and '.join(believers)}, seen at {name}")

    def finish(self) -> None:
        """The end, after a time without faults: somebody must lead."""
        if self._leaderless_ms is not None:
            self._check_gap("the end came without a leader")

    def _nobody_leads(self) -> None:
        if self._leaderless_ms is None and not any(
            each.process.running and each.believes for each in self.candidates
        ):
            self._leaderless_ms = self._world.now_ms

    def _check_gap(self, detail: str) -> None:
        if self._faults:
            return
        since_ms = max(self._leaderless_ms or 0, self._quiet_ms)
        gap_ms = self._world.now_ms - since_ms
        if gap_ms > self._takeover_ms:
            self._broken(
                "a lost leader is replaced in time",
                f"{detail} after {gap_ms} ms without faults; allowed are {self._takeover_ms} ms",
            )

    def _broken(self, promise: str, detail: str) -> None:
        self.violations.append(Violation(self._world.now_ms, promise, detail))
