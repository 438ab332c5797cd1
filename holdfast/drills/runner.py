"""Runs a drill from its name to its report."""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from holdfast.contract import Platform
from holdfast.drills import history as histories
from holdfast.drills import report
from holdfast.drills.audit import Audit
from holdfast.drills.drill import Drill
from holdfast.drills.history import Plan, Territory
from holdfast.drills.judgement import Circumstances, judge
from holdfast.drills.mutants import Mutant
from holdfast.drills.progress import Progress, Silence
from holdfast.drills.region_loss import RegionLoss
from holdfast.drills.rehearsal import Rehearsal
from holdfast.drills.result import DrillResult, Phase
from holdfast.drills.target import Target
from holdfast.drills.twin_target import TwinTarget
from holdfast.drills.workload import User
from holdfast.errors import DrillError
from holdfast.twin.client import Twin
from holdfast.twin.stack import regions_of

DRILLS: Mapping[str, type[Drill]] = {RegionLoss.name: RegionLoss}
"""Every drill, by the name that the command line takes."""

READY_WITHIN_S = 40.0
_LOOK_EVERY_S = 0.2


def run(
    name: str,
    *,
    project: Path,
    stack: str,
    mutant: str | None,
    state_dir: Path,
    report_dir: Path,
    progress: Progress | None = None,
) -> DrillResult:
    """Runs a drill on a twin of its own and writes its result, history and report.

    The twin lives in a fresh directory below ``state_dir``, which is removed when every objective
    was met and kept, with all logs, when not, or when the drill could not be carried out.

    Args:
        name: Name of the drill; one of :data:`DRILLS`.
        project: Directory of the project's ``Pulumi.yaml``.
        stack: Stack to rehearse.
        mutant: Name of a mistake to build in, or None.
        state_dir: Where the twin keeps its state while it runs.
        report_dir: Where ``<drill>.json``, ``.jsonl`` and ``.html`` go; with a mutant,
            ``<drill>-<mutant>.*``.
        progress: Told how it goes; None to tell nobody.

    Returns:
        The result. That objectives were missed is a result, not an error.

    Raises:
        DrillError: If the drill or mutant is unknown, does not suit the stack, or could not be
            carried out, or if there can be no ``report_dir``.
        HoldfastError: If the twin or the deployment fails.
    """
    drill = _drill(name)
    mistake = _mutant(drill, mutant)
    told = progress or Silence()
    # Found out now, not when there is something to write.
    with writing_to(report_dir):
        report_dir.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=report_dir).close()
    return _Run(drill, mistake, project, stack, told).carry_out(state_dir, report_dir)


@contextmanager
def writing_to(report_dir: Path) -> Generator[None]:
    """Turns what the system refuses, a full disk among others, into a sentence with the place.

    Args:
        report_dir: The place.

    Raises:
        DrillError: If something in the block could not be written.
    """
    try:
        yield
    except OSError as error:
        raise DrillError(
            f"Reports cannot be written to {report_dir}: {error.strerror}. Name another directory."
        ) from error


class _Run:
    """One run, with a stopwatch."""

    def __init__(
        self,
        drill: type[Drill],
        mutant: Mutant | None,
        project: Path,
        stack: str,
        progress: Progress,
    ) -> None:
        self._drill = drill
        self._mutant = mutant
        self._project = project
        self._stack = stack
        self._progress = progress
        self._phases: list[Phase] = []
        self._started = datetime.now(UTC)
        self._began_s = time.monotonic()

    def carry_out(self, state_dir: Path, report_dir: Path) -> DrillResult:
        """Brings the twin up, rehearses, judges, writes."""
        home = state_dir / f"{self._drill.name}-{self._started:%Y%m%d-%H%M%S-%f}"
        with self._phase("plan", f"reading stack {self._stack}"):
            regions = regions_of(self._project, self._stack)
        with self._phase("start", f"starting {len(regions)} regions"):
            twin = Twin.start(state_dir=home, regions=regions, detached=False)
        passed = False
        try:
            with self._phase("deploy", f"deploying stack {self._stack} to them"):
                target = TwinTarget.deploy(
                    twin,
                    project=self._project,
                    stack=self._stack,
                    mutant=self._mutant,
                    on_line=_ignore,
                )
            result = self._rehearse(target, report_dir)
            passed = result.passed
        finally:
            with self._phase("stop", "stopping everything"):
                twin.stop()
            if passed:
                shutil.rmtree(home, ignore_errors=True)
            else:
                self._progress.phase("kept", f"state and logs are in {home}")
        return result

    def _rehearse(self, target: Target, report_dir: Path) -> DrillResult:
        plan = self._plan(target.platform)
        unsuited = self._drill.suits(plan)
        if unsuited is not None:
            raise DrillError(
                f"Drill {self._drill.name} does not suit stack {self._stack}: {unsuited}. "
                "Rehearse a stack that has it, such as prod."
            )
        people = self._people(target.platform)
        with self._phase("agents", "starting an orchestrator in every region"):
            self._start_agents(target, plan)
        with self._phase(
            "drill", f"{plan.rate_per_s:g} requests a second from {len(people)} users"
        ):
            history = Rehearsal(
                drill=self._drill,
                plan=plan,
                target=target,
                people=people,
                progress=self._progress,
            ).run()
        stem = self._drill.name + (f"-{self._mutant.name}" if self._mutant else "")
        history_file = f"{stem}.jsonl"
        with writing_to(report_dir):
            evidence = {history_file: histories.write(history, report_dir / history_file)}
        result = judge(
            self._drill,
            history,
            self._mutant,
            Circumstances(
                target=target.name,
                started_at=self._started.isoformat(timespec="seconds"),
                took_s=time.monotonic() - self._began_s,
                phases=self._phases,
                limits=target.limits,
                digests={**target.digests, **self._stack_digest(), **evidence},
                history_file=history_file,
                report_file=f"{stem}.html",
            ),
        )
        with writing_to(report_dir):
            report.write(result, history, report_dir / result.report_file)
            result.write(report_dir / f"{stem}.json")
        return result

    def _plan(self, platform: Platform) -> Plan:
        workload = self._drill.workload
        return Plan(
            drill=self._drill.name,
            stack=self._stack,
            mutant=None if self._mutant is None else self._mutant.name,
            seed=workload.seed,
            rate_per_s=workload.rate_per_s,
            requests=workload.requests,
            timeout_s=workload.timeout_s,
            lost_region=self._drill.fault.region,
            duration_s=workload.duration_s,
            dns_ttl_s=max(one.dns_ttl_s for one in platform.jurisdictions.values()),
            objectives=platform.objectives,
            territories={
                name: Territory(
                    hostname=one.hostname,
                    serving=tuple(sorted(one.regions)),
                    witness=one.witness,
                    resources=(
                        one.coordination.name,
                        one.state.name,
                        *(region.bucket.name for region in one.regions.values()),
                    ),
                )
                for name, one in sorted(platform.jurisdictions.items())
            },
        )

    def _people(self, platform: Platform) -> list[User]:
        homes: dict[str, list[str]] = {}
        for tenant, home in platform.tenants.items():
            homes.setdefault(home, []).append(tenant)
        hostnames = {name: one.hostname for name, one in platform.jurisdictions.items()}
        return self._drill.workload.population(homes, hostnames)

    def _start_agents(self, target: Target, plan: Plan) -> None:
        """Starts the region that is going to be lost first, so that it leads when it is."""
        first = self._drill.first_leader
        audit = Audit(target, plan, time.monotonic)
        target.start_agent(first)
        _wait(
            lambda: _leads(audit, plan.affected, first),
            f"the orchestrator in {first} does not lead {plan.affected}",
        )
        regions = sorted(target.platform.regions)
        for region in regions:
            if region != first:
                target.start_agent(region)
        _wait(
            lambda: all(target.serves(region) for region in regions),
            "not every orchestrator answers its health check",
        )
        _wait(
            lambda: target.observe().healthy == dict.fromkeys(regions, True),
            "routing does not see every region as healthy",
        )

    @contextmanager
    def _phase(self, name: str, text: str) -> Generator[None]:
        self._progress.phase(name, text)
        began_s = time.monotonic()
        yield
        self._phases.append(Phase(name=name, took_s=round(time.monotonic() - began_s, 2)))

    def _stack_digest(self) -> dict[str, str]:
        name = f"Pulumi.{self._stack}.yaml"
        return {name: hashlib.sha256((self._project / name).read_bytes()).hexdigest()}


def _drill(name: str) -> type[Drill]:
    if name not in DRILLS:
        raise DrillError(f"There is no drill {name!r}. Allowed are {', '.join(sorted(DRILLS))}.")
    return DRILLS[name]


def _mutant(drill: type[Drill], name: str | None) -> Mutant | None:
    if name is None:
        return None
    known = {mutant.name: mutant for mutant in drill.mutants}
    if name not in known:
        raise DrillError(
            f"Drill {drill.name} has no mutant {name!r}. Allowed are {', '.join(sorted(known))}."
        )
    return known[name]()


def _leads(audit: Audit, jurisdiction: str, region: str) -> bool:
    seen = audit.leader(jurisdiction)
    return seen is not None and seen.region == region


def _wait(ready: Callable[[], bool], otherwise: str) -> None:
    """Returns once something is so, and gives up after a while."""
    until_s = time.monotonic() + READY_WITHIN_S
    while not ready():
        if time.monotonic() > until_s:
            raise DrillError(
                f"After {READY_WITHIN_S:g} s, {otherwise}. Nothing was broken; look into the "
                "agents' logs in the twin's directory."
            )
        time.sleep(_LOOK_EVERY_S)


def _ignore(_line: str) -> None:
    """The deployment's lines say nothing about the drill."""
