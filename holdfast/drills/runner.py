"""Runs a drill from its name to its report."""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from holdfast.contract import Platform
from holdfast.drills import fitting, machine, report
from holdfast.drills import history as histories
from holdfast.drills.application import ORCHESTRATOR, Agents, read_agents
from holdfast.drills.audit import Audit
from holdfast.drills.casting import Misfit
from holdfast.drills.drill import Drill
from holdfast.drills.history import Evidence, Plan
from holdfast.drills.judgement import Circumstances, judge
from holdfast.drills.loading import drill_named
from holdfast.drills.mutants import Mutant
from holdfast.drills.planning import plan_of
from holdfast.drills.progress import Progress, Silence
from holdfast.drills.rehearsal import Rehearsal
from holdfast.drills.result import DrillResult, Phase
from holdfast.drills.target import Target
from holdfast.drills.twin_target import TwinTarget
from holdfast.errors import DrillError
from holdfast.twin.client import Twin
from holdfast.twin.stack import outlook_of

READY_WITHIN_S = 40.0
_LOOK_EVERY_S = 0.2


def run(
    drill: str | type[Drill],
    *,
    project: Path,
    stack: str,
    mutant: str | None,
    state_dir: Path,
    report_dir: Path,
    agents_file: Path | None = None,
    anyway: bool = False,
    progress: Progress | None = None,
) -> DrillResult:
    """Runs a drill on a twin of its own and writes its result, history and report.

    The twin lives in a fresh directory below ``state_dir``, which is removed when every objective
    was met and kept, with all logs, when not, or when the drill could not be carried out.

    Args:
        drill: Name of one of Holdfast's drills, or a drill of one's own.
        project: Directory of the project's ``Pulumi.yaml``.
        stack: Stack to rehearse.
        mutant: Name of a mistake to build in, or None.
        state_dir: Where the twin keeps its state while it runs.
        report_dir: Where ``<drill>.json``, ``.jsonl`` and ``.html`` go; with a mutant,
            ``<drill>-<mutant>.*``.
        agents_file: Document of the agents that run on it (:mod:`holdfast.drills.application`),
            beside whose modules it lies; None for ``agents/orchestrator``.
        anyway: Whether to start on a machine that is too busy, too.
        progress: Told how it goes; None to tell nobody.

    Returns:
        The result. That objectives were missed is a result, not an error.

    Raises:
        DrillError: If the drill or mutant is unknown, does not suit the stack, or could not be
            carried out, if the machine is too busy, or if there can be no ``report_dir``.
        HoldfastError: If the twin or the deployment fails.
    """
    chosen = drill_named(drill) if isinstance(drill, str) else drill
    mistake = _mutant(chosen, mutant)
    agents = ORCHESTRATOR if agents_file is None else read_agents(agents_file)
    folders = [project] if agents_file is None else [agents_file.parent, project]
    told = progress or Silence()
    # Found out now, not when there is something to write.
    with writing_to(report_dir):
        report_dir.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=report_dir).close()
    one = _Run(
        chosen,
        mutant=mistake,
        project=project,
        stack=stack,
        agents=agents,
        folders=folders,
        progress=told,
    )
    one.expect_to_fit()
    one.expect_room(anyway=anyway)
    return one.carry_out(state_dir, report_dir)


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
        *,
        mutant: Mutant | None,
        project: Path,
        stack: str,
        agents: Agents,
        folders: Sequence[Path],
        progress: Progress,
    ) -> None:
        self._drill = drill
        self._mutant = mutant
        self._project = project
        self._stack = stack
        self._agents = agents
        self._folders = folders
        self._progress = progress
        self._phases: list[Phase] = []
        self._started = datetime.now(UTC)
        self._began_s = time.monotonic()
        self._regions: tuple[str, ...] = ()
        self._processors: float | None = None
        self._jurisdictions = 1

    def expect_to_fit(self) -> None:
        """Refuses a stack that the drill does not suit, as far as its preview tells.

        Raises:
            DrillError: Why not, and which of the project's stacks it suits.
            GraphError: If the stack's program cannot be run.
        """
        with self._phase("plan", f"reading stack {self._stack}"):
            outlook = outlook_of(self._project, self._stack)
            self._regions = outlook.regions
            if outlook.platform is not None:
                self._jurisdictions = len(self._plan(outlook.platform).territories)

    def expect_room(self, *, anyway: bool) -> None:
        """Refuses a machine that is too busy.

        Raises:
            DrillError: If it is, and is not to be used anyway.
        """
        with self._phase("machine", "measuring what processor time there is"):
            room = machine.measure(self._jurisdictions)
        self._processors = round(room.cores, 2)
        trouble = room.trouble(self._jurisdictions)
        if trouble is None:
            return
        if not anyway:
            raise DrillError(
                f"This machine is too busy for a drill to show anything: {trouble}. Nothing was "
                "started. Give the machine some rest, or say --anyway and trust no objective that "
                "is missed."
            )
        self._progress.phase("busy", f"{trouble}; an objective that is missed shows nothing")

    def carry_out(self, state_dir: Path, report_dir: Path) -> DrillResult:
        """Brings the twin up, rehearses, judges, writes."""
        home = state_dir / f"{self._drill.name}-{self._started:%Y%m%d-%H%M%S-%f}"
        with self._phase("start", f"starting {len(self._regions)} regions"):
            twin = Twin.start(state_dir=home, regions=self._regions, detached=False)
        passed = False
        try:
            with self._phase("deploy", f"deploying stack {self._stack} to them"):
                target = TwinTarget.deploy(
                    twin,
                    project=self._project,
                    stack=self._stack,
                    program=self._agents.program(*self._folders),
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
        people = self._drill.workload.population(target.platform, plan.affected)
        with self._phase("agents", f"starting {self._agents.name} in every region"):
            self._start_agents(target, plan)
        with self._phase(
            "drill",
            f"{plan.rate_per_s:g} requests a second from {len(people)} users, for "
            f"{plan.duration_s:g} s; {plan.affected.upper()} loses {plan.lost_region}",
        ):
            history = Rehearsal(
                drill=self._drill,
                plan=plan,
                target=target,
                agents=self._agents,
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
                processors=self._processors,
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
        found = plan_of(self._drill, platform, agents=self._agents, mutant=self._mutant)
        if isinstance(found, Misfit):
            others = fitting.suited(
                self._drill, self._project, agents=self._agents, mutant=self._mutant
            )
            raise DrillError(fitting.refusal(self._drill, self._stack, found, others))
        return found

    def _start_agents(self, target: Target, plan: Plan) -> None:
        """Starts the region that is going to be lost first, so that it leads when it is."""
        first, ready = plan.lost_region, self._agents.ready
        target.start_agent(first)
        if Evidence.LEADER in plan.evidence:
            audit = Audit(target, plan, self._agents, time.monotonic)
            _wait(
                lambda: _leads(audit, plan.affected, first),
                f"{self._agents.name} in {first} does not lead {plan.affected}",
            )
        regions = sorted(target.platform.regions)
        for region in regions:
            if region != first:
                target.start_agent(region)
        _wait(
            lambda: all(target.serves(region, ready) for region in regions),
            f"not every {self._agents.name} answers its health check",
        )
        _wait(
            lambda: target.observe().healthy == dict.fromkeys(regions, True),
            "routing does not see every region as healthy",
            # It may have given a region up before its agents were there, and takes as long to
            # change its mind again as it takes to see a loss, which the RTO bounds.
            within_s=READY_WITHIN_S + plan.objectives.rto_s,
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


def _wait(ready: Callable[[], bool], otherwise: str, *, within_s: float = READY_WITHIN_S) -> None:
    """Returns once something is so, and gives up after a while."""
    until_s = time.monotonic() + within_s
    while not ready():
        if time.monotonic() > until_s:
            raise DrillError(
                f"After {within_s:g} s, {otherwise}. Nothing was broken; look into the "
                "agents' logs in the twin's directory."
            )
        time.sleep(_LOOK_EVERY_S)


def _ignore(_line: str) -> None:
    """The deployment's lines say nothing about the drill."""
