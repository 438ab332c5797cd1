"""What a drill asks of a history. Each check is a pure function with a mutant that it catches.

A check passes only on evidence: one that finds nothing to judge (no request, no read, no stale
write) fails, because a rehearsal that did not put the question has not answered it.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from holdfast.drills import measures
from holdfast.drills.history import (
    Evidence,
    History,
    Leader,
    Outcome,
    Readback,
    Request,
    StaleWrite,
    Store,
    Transfer,
)

_EXAMPLES = 3


class Verdict(BaseModel):
    """What one check found.

    Attributes:
        check: Name of the check, stable: mutants and dashboards refer to it.
        question: What was asked, as a person would put it.
        objective: What had to be true, with its unit.
        measured: What was found, with its unit.
        value: The measured number, in ``unit``, or None when there was nothing to measure.
        limit: The number that ``value`` may not exceed, in ``unit``.
        unit: ``s``, ``writes``, ``effects``, ``bytes``, ...
        passed: Whether the objective was met.
        details: Examples and reasons, for whoever has to find out why.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    question: str
    objective: str
    measured: str
    value: float | None
    limit: float
    unit: str
    passed: bool
    details: tuple[str, ...] = ()


class Check(Protocol):
    """One question to a history.

    Attributes:
        name: Stable: mutants and dashboards refer to it.
        needs: What it cannot be asked without. Where a platform or its agents show none of that,
            the result says that it was not asked, and why.
    """

    name: ClassVar[str]
    needs: ClassVar[frozenset[Evidence]]

    def judge(self, history: History) -> Verdict:
        """Answers it. Never raises on a poor history: what is missing makes it fail."""
        ...


def _timed(
    name: str, question: str, limit_s: float, value_s: float | None, missing: str
) -> Verdict:
    return Verdict(
        check=name,
        question=question,
        objective=f"at most {limit_s:g} s",
        measured=missing if value_s is None else f"{value_s:.1f} s",
        value=value_s,
        limit=limit_s,
        unit="s",
        passed=value_s is not None and value_s <= limit_s,
    )


def _since_injection(history: History, moment_s: float | None) -> float | None:
    fault = history.fault("kill")
    return None if fault is None or moment_s is None else moment_s - fault.start_s


@dataclass(frozen=True)
class OpenLoop:
    """Users asked all the time, as planned: a share of requests that were never sent says nothing.

    How late the client was is told but has no limit, because it makes the platform look no better:
    users wait, and latencies count, from when a request was due.
    """

    name: ClassVar[str] = "open-loop"
    needs: ClassVar[frozenset[Evidence]] = frozenset()

    def judge(self, history: History) -> Verdict:
        """Counts planned requests whose end is not on record."""
        requests = history.requests
        planned = history.plan.requests
        ended = len({request.task for request in requests})
        late_s = max((request.sent_s - request.due_s for request in requests), default=0.0)
        return Verdict(
            check=self.name,
            question="Did users go on asking, whatever became of their requests?",
            objective="0 requests missing",
            measured=f"{ended:,} of {planned:,} requests, at most {late_s:.2f} s late",
            value=float(planned - ended),
            limit=0,
            unit="requests",
            passed=planned > 0 and ended == planned,
        )


@dataclass(frozen=True)
class Detection:
    """The health check notices, well before the recovery time is used up."""

    name: ClassVar[str] = "detection"
    needs: ClassVar[frozenset[Evidence]] = frozenset()

    def judge(self, history: History) -> Verdict:
        """Measures from the injection until the health check says unhealthy."""
        return _timed(
            self.name,
            f"How soon did routing see that {history.plan.lost_region} was gone?",
            history.plan.objectives.rto_s,
            _since_injection(history, measures.detected_s(history)),
            "never",
        )


@dataclass(frozen=True)
class LeaderTakeover:
    """A survivor leads within the bound of the lease.

    Attributes:
        at_most_s: Lease, two retries, one round trip, and what a sample can be late.
    """

    at_most_s: float
    name: ClassVar[str] = "leader-takeover"
    needs: ClassVar[frozenset[Evidence]] = frozenset({Evidence.LEADER})

    def judge(self, history: History) -> Verdict:
        """Measures from the injection until a surviving region is on record as leader."""
        fault = history.fault("kill")
        led = None if fault is None else measures.leader_at(history, fault.start_s)
        return _timed(
            self.name,
            f"How soon did a survivor lead {history.plan.affected.upper()}?",
            self.at_most_s,
            _since_injection(history, measures.takeover_s(history)),
            "never" if fault and led == fault.region else f"{led or 'nobody'} led before the loss",
        )


@dataclass(frozen=True)
class RecoveryTime:
    """Users are served again within the platform's RTO, and stay served when the region returns.

    Attributes:
        at_least: Success rate that counts as served.
        window_s: Length of the sliding window in which it is measured.
    """

    at_least: float = measures.SUCCESS_AT_LEAST
    window_s: float = measures.WINDOW_S
    name: ClassVar[str] = "recovery-time"
    needs: ClassVar[frozenset[Evidence]] = frozenset()

    def judge(self, history: History) -> Verdict:
        """Measures from the injection until the success rate is back for good."""
        fault, back = history.fault("kill"), history.fault("restore")
        returned = back is not None and back.done_s < history.plan.duration_s
        recovered = None
        if fault is not None and returned:
            recovered = measures.recovered_s(
                measures.of_jurisdiction(history, history.plan.affected),
                after_s=fault.start_s,
                until_s=history.plan.duration_s,
                window_s=self.window_s,
                at_least=self.at_least,
            )
        return _timed(
            self.name,
            f"How soon were {history.plan.affected.upper()} users served again, for good?",
            history.plan.objectives.rto_s,
            _since_injection(history, recovered),
            "not before the end" if returned else "the region did not come back before the end",
        )


@dataclass(frozen=True)
class OthersUndisturbed:
    """Jurisdictions that lose nothing notice nothing.

    Attributes:
        at_least: Success rate over the whole drill.
    """

    at_least: float = measures.SUCCESS_AT_LEAST
    name: ClassVar[str] = "others-undisturbed"
    needs: ClassVar[frozenset[Evidence]] = frozenset({Evidence.OTHERS})

    def judge(self, history: History) -> Verdict:
        """Counts the failures of every jurisdiction but the affected one."""
        others = [
            request for request in history.requests if request.jurisdiction != history.plan.affected
        ]
        counted = measures.window(others, 0, float("inf"))
        failed_share = 1 - counted.rate
        return Verdict(
            check=self.name,
            question="Did the other jurisdictions notice?",
            objective=f"at most {1 - self.at_least:.1%} of their requests fail",
            measured=f"{failed_share:.2%} of {counted.asked}",
            value=failed_share,
            limit=1 - self.at_least,
            unit="share",
            passed=counted.rate >= self.at_least,
        )


@dataclass(frozen=True)
class NoLostWrites:
    """Nothing acknowledged is missing from the strongly consistent store of a survivor."""

    name: ClassVar[str] = "coordination-rpo"
    needs: ClassVar[frozenset[Evidence]] = frozenset({Evidence.COORDINATION})

    def judge(self, history: History) -> Verdict:
        """Counts acknowledged writes that a strong read in a survivor did not see."""
        reads = [read for read in history.of(Readback) if read.store is Store.COORDINATION]
        lost = sorted({read.task for read in reads if not read.visible})
        looked_for = {read.task for read in reads}
        acknowledged = {
            request.task
            for request in measures.of_jurisdiction(history, history.plan.affected)
            if request.outcome is Outcome.OK
        }
        unread = len(acknowledged - looked_for)
        # What only survivors have written says nothing about the loss.
        nothing = not _acknowledged_before_the_loss(history) & looked_for
        return Verdict(
            check=self.name,
            question="How many acknowledged writes did the coordination store lose?",
            objective="0 writes",
            measured="nothing was read back"
            if nothing
            else f"{len(lost)} of {len(looked_for)} writes",
            value=None if nothing else float(len(lost)),
            limit=0,
            unit="writes",
            passed=not nothing and not lost and not unread,
            details=(
                *(f"task {task} is not there" for task in lost[:_EXAMPLES]),
                *((f"{unread} acknowledged writes were not looked for",) if unread else ()),
            ),
        )


@dataclass(frozen=True)
class StateLoss:
    """The eventually consistent store lost no more than the platform's RPO allows."""

    name: ClassVar[str] = "state-rpo"
    needs: ClassVar[frozenset[Evidence]] = frozenset({Evidence.STATE})

    def judge(self, history: History) -> Verdict:
        """Measures the age at the loss of the oldest acknowledged write that did not make it."""
        fault = history.fault("kill")
        before = _acknowledged_before_the_loss(history)
        reads = [
            read
            for read in history.of(Readback)
            if read.store is Store.STATE and read.task in before
        ]
        missing = {read.task for read in reads if not read.visible}
        acknowledged = [request.end_s for request in history.requests if request.task in missing]
        value: float | None = None
        if fault is not None and before and before == {read.task for read in reads}:
            value = max((fault.start_s - end_s for end_s in acknowledged), default=0.0)
        return _timed(
            self.name,
            "How many seconds of acknowledged writes did the state store lack in the survivor?",
            history.plan.objectives.rpo_s,
            value,
            "not every write was read back",
        ).model_copy(update={"details": (f"{len(missing)} of {len(reads)} writes lacking",)})


def _acknowledged_before_the_loss(history: History) -> set[str]:
    fault = history.fault("kill")
    if fault is None:
        return set()
    return {
        request.task
        for request in history.of(Request)
        if request.outcome is Outcome.OK
        and request.region == fault.region
        and request.end_s <= fault.start_s
    }


@dataclass(frozen=True)
class ExactlyOnce:
    """Each acknowledged task took effect once; none took effect twice."""

    name: ClassVar[str] = "exactly-once"
    needs: ClassVar[frozenset[Evidence]] = frozenset({Evidence.EFFECTS})

    def judge(self, history: History) -> Verdict:
        """Counts effects done twice, and acknowledged tasks without one."""
        done = Counter(effect.task for page in measures.pages(history).values() for effect in page)
        twice = sorted(task for task, times in done.items() if times > 1)
        acknowledged = [
            request.task for request in history.requests if request.outcome is Outcome.OK
        ]
        never = sorted(task for task in acknowledged if not done[task])
        wrong = len(twice) + len(never)
        return Verdict(
            check=self.name,
            question="Did every acknowledged task take effect exactly once?",
            objective="0 effects twice, 0 missing",
            measured=f"{len(twice)} twice, {len(never)} missing, of {len(acknowledged)}",
            value=float(wrong),
            limit=0,
            unit="effects",
            passed=bool(acknowledged) and not wrong,
            details=(
                *(f"task {task} took effect {done[task]} times" for task in twice[:_EXAMPLES]),
                *(f"task {task} never took effect" for task in never[:_EXAMPLES]),
            ),
        )


@dataclass(frozen=True)
class Fenced:
    """The store refused what the thawed leader tried to write, and every write came in order.

    A drill in which no stale write was tried has shown nothing about the fence, and fails.
    """

    name: ClassVar[str] = "fence"
    needs: ClassVar[frozenset[Evidence]] = frozenset(
        {Evidence.LEADER, Evidence.EFFECTS, Evidence.STALE_WRITES}
    )

    def judge(self, history: History) -> Verdict:
        """Counts stale writes that the ledger holds, and those that it refused."""
        accepted = [
            f"task {later.task}: token {later.token} after {earlier.token}"
            for page in measures.pages(history).values()
            for earlier, later in pairwise(page)
            if later.token < earlier.token
        ]
        newest = max(
            (
                sample.token
                for sample in history.of(Leader)
                if sample.jurisdiction == history.plan.affected
            ),
            default=0,
        )
        refused = sum(write.token < newest for write in history.of(StaleWrite))
        return Verdict(
            check=self.name,
            question="Did the fence stop the leader that came back from the dead?",
            objective="0 stale writes accepted, at least 1 refused",
            measured=f"{len(accepted)} accepted, {refused} refused",
            value=float(len(accepted)),
            limit=0,
            unit="writes",
            passed=not accepted and refused > 0,
            details=tuple(accepted[:_EXAMPLES]),
        )


@dataclass(frozen=True)
class OneLeader:
    """Fencing tokens only grow, and each belongs to one region."""

    name: ClassVar[str] = "one-leader"
    needs: ClassVar[frozenset[Evidence]] = frozenset({Evidence.LEADER})

    def judge(self, history: History) -> Verdict:
        """Counts tokens that fell, and tokens that two regions held."""
        wrong: list[str] = []
        holders: dict[tuple[str, int], set[str]] = {}
        highest: dict[str, int] = {}
        for sample in sorted(history.of(Leader), key=lambda sample: sample.at_s):
            name = sample.jurisdiction
            if sample.token < highest.get(name, sample.token):
                wrong.append(f"{name}: token fell from {highest[name]} to {sample.token}")
            highest[name] = max(sample.token, highest.get(name, sample.token))
            if sample.region is not None:
                holders.setdefault((name, sample.token), set()).add(sample.region)
        for page in measures.pages(history).values():
            for effect in page:
                holders.setdefault((effect.jurisdiction, effect.token), set()).add(effect.region)
        wrong += [
            f"{name}: token {token} was held in {', '.join(sorted(regions))}"
            for (name, token), regions in sorted(holders.items())
            if len(regions) > 1
        ]
        return Verdict(
            check=self.name,
            question="Was there ever more than one leader to a jurisdiction and token?",
            objective="0 tokens reused or falling",
            measured=f"{len(wrong)} of {len(holders)} tokens" if holders else "no leader was seen",
            value=float(len(wrong)),
            limit=0,
            unit="tokens",
            passed=bool(holders) and not wrong,
            details=tuple(wrong[:_EXAMPLES]),
        )


@dataclass(frozen=True)
class _Watched:
    """What was seen of one jurisdiction's bytes.

    Attributes:
        measured: The same in words.
        outside: Bytes outside.
        seen: Whether anybody asked, and, where agents keep anything, its regions were seen to send
            each other something.
        strays: Who left it, or what was sent out.
    """

    measured: str
    outside: int
    seen: bool
    strays: tuple[str, ...]


@dataclass(frozen=True)
class StaysIn:
    """Not a byte of any jurisdiction's requests or tables leaves it."""

    name: ClassVar[str] = "residency"
    needs: ClassVar[frozenset[Evidence]] = frozenset()

    def judge(self, history: History) -> Verdict:
        """Sums bytes that users sent outside, refused or not, and that were replicated out."""
        watched = [_watched(history, name) for name in sorted(history.plan.territories)]
        seen = all(one.seen for one in watched)
        strays = [stray for one in watched for stray in one.strays]
        return Verdict(
            check=self.name,
            question="Did any request or byte leave its jurisdiction?",
            objective="0 bytes outside",
            measured="; ".join(one.measured for one in watched)
            if seen
            else "nobody asked, or nothing was replicated",
            value=float(sum(one.outside for one in watched)) if seen else None,
            limit=0,
            unit="bytes",
            passed=seen and not strays,
            details=tuple(strays[:_EXAMPLES]),
        )


def _watched(history: History, jurisdiction: str) -> _Watched:
    territory = history.plan.territories[jurisdiction]
    requests = measures.of_jurisdiction(history, jurisdiction)
    # A connection to nobody knows where is outside as well; without one nothing was sent.
    strayed = [
        request
        for request in requests
        if request.region not in territory.serving
        and (request.region is not None or request.bytes_sent)
    ]
    replicated = [
        transfer for transfer in history.of(Transfer) if transfer.resource in territory.resources
    ]
    leaks = [
        transfer
        for transfer in replicated
        if not {transfer.source, transfer.target} <= territory.regions
    ]
    outside = sum(request.bytes_sent for request in strayed)
    outside += sum(leak.bytes_sent for leak in leaks)
    moved = sum(transfer.bytes_sent for transfer in replicated)
    # Agents that keep nothing in the platform's tables give it nothing to copy.
    kept = {Evidence.COORDINATION, Evidence.STATE} & set(history.plan.evidence)
    return _Watched(
        measured=f"{jurisdiction.upper()} {outside:,} bytes, of {len(requests):,} requests "
        f"and {moved:,} replicated",
        outside=outside,
        seen=bool(requests) and (moved > 0 or not kept),
        strays=(
            *(
                f"{request.user} in {request.location} reached {request.region}"
                for request in strayed
            ),
            *(
                f"{leak.source} sent {leak.target} {leak.bytes_sent:,} bytes of {leak.resource}"
                for leak in leaks
            ),
        ),
    )
