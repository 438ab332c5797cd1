"""Watches an election from outside, with true time at hand, and writes down every broken promise.

It knows nothing of how the protocol works: it looks at what participants believe, at what the
stores hold, and at when requests are sent.
"""

from dataclasses import dataclass

from holdfast.coordination.leases.lease_core import Phase, StopReason
from holdfast.coordination.stores.store import Item, Outcome, Reply, Update, number, text
from holdfast.testing.candidate import Candidate
from holdfast.testing.world import World

_MAX_SHARE_HELD = 0.8
_ORPHANED_AFTER = 2
_TICK_MS = 1
"""By how much two readings of clocks may differ for their rounding alone."""


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
        self._record_is_late = False
        self._highest_write = 0
        self._quiet_ms = 0
        self._faults = 0
        self._leaderless_ms: int | None = 0
        self._last_send: dict[str, tuple[int, Phase, bool]] = {}
        self._orphaned: dict[str, int] = {}

    def fault(self, name: str, detail: str) -> None:
        """A fault begins.

        Args:
            name: Which.
            detail: Where.
        """
        if self._leaderless_ms is not None:
            self._check_gap(f"nobody led when {name} began")
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
        if candidate.working:
            self._broken(
                "a process does one term's work at a time",
                f"{candidate.process.name} began with token {token} before its last work returned",
            )
        over_ms = candidate.process.clock.now_ms() - candidate.until_ms
        if over_ms >= 0:
            self._broken(
                "a term begins before it is over",
                f"{candidate.process.name} began with token {token}, {over_ms} ms after its end",
            )
        if self._leaderless_ms is not None:
            self._check_gap(f"{candidate.process.name} began with token {token}")
        self._leaderless_ms = None
        self._no_work_is_left(candidate)
        self.no_two_believe(candidate)

    def extended(self, candidate: Candidate) -> None:
        """A term was renewed: still with nobody else in charge.

        Args:
            candidate: Whose.
        """
        self._leaderless_ms = None
        if candidate.core.phase is not Phase.HOLDING:
            self._broken(
                "a term that is over is not extended",
                f"{candidate.process.name} was to go on while {candidate.core.phase}",
            )
        self.no_two_believe(candidate)

    def stopped(self, candidate: Candidate, token: int, reason: StopReason) -> None:
        """A term ended: not as stolen while the record still names the holder.

        Args:
            candidate: Whose.
            token: Its token.
            reason: Why.
        """
        name = candidate.process.name
        self._world.note(name, "stops", f"token {token}: {reason}")
        record = self._record
        named = text(record, "holder") == candidate.core.holder
        if reason is StopReason.STOLEN and named and number(record, "token") == token:
            self._broken(
                "a holder is told the true reason",
                f"{name} was told that token {token} was stolen; it was not",
            )
        left_ms = candidate.until_ms - candidate.process.clock.now_ms()
        if reason is StopReason.LOST_CONTACT and left_ms > 0:
            self._broken(
                "a holder is told the true reason",
                f"{name} was told that contact was lost, {left_ms} ms before it had to be",
            )
        self._nobody_leads()

    def ended(self, candidate: Candidate) -> None:
        """Work has returned: if its time was over, somebody said so when it was.

        Args:
            candidate: Whose.
        """
        process = candidate.process
        self._world.note(process.name, "work returns")
        late_ms = process.clock.now_ms() - candidate.until_ms
        # Who was frozen meanwhile could not be told.
        ran_ms = self._world.now_ms - process.running_since_ms
        if self._sound_clocks and not candidate.told and _TICK_MS < late_ms < ran_ms:
            self._broken(
                "a holder is told in time to stop",
                f"{process.name} has not been told, {late_ms} ms after it had to stop",
            )
        self._nobody_leads()

    def left(self, candidate: Candidate) -> None:
        """A candidate that was asked to has left: it holds nothing, unless it could not give it up.

        Args:
            candidate: Which.
        """
        name, now_ms = candidate.process.name, candidate.process.clock.now_ms()
        self._world.note(name, "has left")
        since_ms = now_ms if candidate.asked_ms is None else candidate.asked_ms
        if text(self._record, "holder") != candidate.core.holder:
            return
        # A term that was over has nothing to give up; what it held it tries to give up for a whole
        # lease, and what it may have won without an answer for a retry period; and what arrives
        # late may take the lease for somebody who has stopped to wait for it.
        own = candidate.lease is not None and number(self._record, "token") == candidate.lease.token
        over = own and now_ms >= candidate.until_ms
        timing = candidate.timing
        tried = now_ms - since_ms >= (timing.lease_ms if own else timing.retry_ms)
        if not (over or tried or self._record_is_late):
            self._broken("who has left holds nothing", f"{name} left {self._record}")

    def sends(self, candidate: Candidate, request: Update) -> None:
        """A request is sent: not sooner than a retry period after the last of its kind and phase.

        Args:
            candidate: By whom.
            request: Which.
        """
        name, phase, releases = candidate.process.name, candidate.core.phase, bool(request.remove)
        now_ms, last = candidate.process.clock.now_ms(), self._last_send.get(name)
        self._last_send[name] = (now_ms, phase, releases)
        least_ms = min(candidate.timing.retry_ms, candidate.timing.renew_ms)
        if last and last[1:] == (phase, releases) and now_ms - last[0] < least_ms:
            who = "a waiter sends" if phase is Phase.WAITING else "others send"
            self._broken(
                f"{who} at most one request per retry period",
                f"{name} sent {request.when} after {now_ms - last[0]} ms, {phase}",
            )
        asked_ms, working = candidate.asked_ms, candidate.working
        if asked_ms is not None and not working and phase is not Phase.LEAVING:
            self._broken("who is asked to leave leaves", f"{name} sent {request.when}, {phase}")
        # What it may have won before it was paused it may give back once it goes on.
        ran_ms = self._world.now_ms - candidate.process.running_since_ms
        leaves_ms = min(ran_ms, now_ms - max(candidate.returned_ms, asked_ms or 0))
        gone = phase is Phase.LEAVING and not working
        if gone and leaves_ms >= candidate.timing.lease_ms:
            self._broken(
                "a release is tried for no longer than a lease",
                f"{name} sent one after {leaves_ms} ms",
            )

    def replied(self, candidate: Candidate, reply: Reply) -> None:
        """A reply was taken in: whoever the record names must soon know it.

        Args:
            candidate: By whom.
            reply: Which.
        """
        name, record = candidate.process.name, self._record
        phase, refused = candidate.core.phase, reply.outcome is Outcome.REFUSED
        named = text(record, "holder") == candidate.core.holder
        if refused and phase is Phase.WAITING and named and reply.item == record:
            self._orphaned[name] = self._orphaned.get(name, 0) + 1
            if self._orphaned[name] >= _ORPHANED_AFTER:
                self._broken(
                    "an applied write whose reply was lost is recognised",
                    f"{name} does not see that the record names it ({record})",
                )
        else:
            self._orphaned[name] = 0
        robbed = refused and text(reply.item, "holder") != candidate.core.holder
        if robbed and phase is Phase.HOLDING:
            self._broken("who was robbed is told at once", f"{name} goes on in spite of {reply}")

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
        if candidate.asked_ms is not None:
            self._broken("who is asked to leave leaves", f"{candidate.process.name} goes on")
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
        taken = holder is not None and holder != before
        if number(new, "token") < number(old, "token"):
            self._broken("tokens never shrink", f"from {old} to {new}")
        if before is not None and taken:
            self.steals += 1
            silent_ms, least_ms = now_ms - self._record_ms, self._lease_of(old, holder)
            if silent_ms < least_ms and self._sound_clocks:
                self._broken(
                    "only a record unchanged for a whole lease is taken over",
                    f"{holder} replaced {before} {silent_ms} ms after its last change; its lease "
                    f"is {number(old, 'lease_ms')} ms, by the clock of its successor {least_ms} ms",
                )
        if before is not None and holder is None and text(old, "nonce") == text(new, "nonce"):
            self._broken("every write changes the nonce", f"from {old} to {new}")
        if number(new, "token") != number(old, "token"):
            taker = self._candidate(holder)
            self._record_is_late = taker is None or taker.calling != text(new, "nonce")
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

    def _no_work_is_left(self, candidate: Candidate) -> None:
        """Who was asked to stop keeps its lease until its work has returned, as long as it can."""
        for other in self.candidates:
            process = other.process
            if other is candidate or not (process.running and other.working) or other.lease is None:
                continue
            asked = other.lease.reason is StopReason.ASKED
            if asked and process.clock.now_ms() < other.until_ms and self._sound_clocks:
                self._broken(
                    "a lease is kept until its work has returned",
                    f"{candidate.process.name} began while {process.name} was at work",
                )

    def _candidate(self, holder: str | None) -> Candidate | None:
        """Who a record names."""
        name = (holder or "").partition("/")[0]
        return next((each for each in self.candidates if each.process.name == name), None)

    def _lease_of(self, record: Item | None, successor: str | None) -> int:
        """The least true time in which a successor's clock counts a whole lease of a record's."""
        lease_ms, candidate = number(record, "lease_ms"), self._candidate(successor)
        if candidate is None:
            return lease_ms
        clock = candidate.process.clock
        return clock.true_ms(lease_ms) - clock.true_ms(0) - _TICK_MS

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
