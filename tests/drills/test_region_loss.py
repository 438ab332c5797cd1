"""The drill itself, on the deployed prod stack: minutes of real timers, real processes.

The three mutants are what shows that the drill can fail. They take two minutes each, so
`make rehearse` runs them, and CI after everything else; so are shapes that prod has not, with the
shortest timers that the settings take, and agents and a drill of somebody else's.
"""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from holdfast.drills import DrillResult, ExitCode, run
from holdfast.drills import history as histories
from holdfast.drills.checks import Verdict
from holdfast.drills.drill import Drill
from holdfast.drills.loading import drill_at
from holdfast.drills.region_loss import RegionLoss
from tests.docs.pages import page_files
from tests.drills.projects import a_project
from tests.processes import left_naming, processes_naming

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]
GIB = 1024**3
LONGEST_S = 150
INTERRUPTED = 128 + signal.SIGINT
READY_WITHIN_S = 15


def rehearse(
    mutant: str | None,
    tmp_path: Path,
    *,
    project: Path = PROJECT,
    drill: str | type[Drill] = "region-loss",
    agents: str | None = None,
) -> DrillResult:
    return run(
        drill,
        project=project,
        stack="prod",
        mutant=mutant,
        state_dir=tmp_path / "state",
        report_dir=tmp_path / "report",
        agents_file=None if agents is None else project / agents,
        # Whoever runs the tests wants to see what comes of it.
        anyway=True,
    )


def why(result: DrillResult) -> list[Verdict]:
    return [verdict for verdict in result.verdicts if not verdict.passed]


@pytest.mark.alone
def test_losing_a_region_costs_no_acknowledged_write_and_nobody_waits_for_long(
    tmp_path: Path,
) -> None:
    result = rehearse(None, tmp_path)
    assert result.passed, why(result)
    assert result.exit_code is ExitCode.PASSED
    assert result.took_s <= LONGEST_S
    assert {phase.name: phase.took_s for phase in result.phases}["start"] <= READY_WITHIN_S
    assert 0 < result.memory_peak_bytes < GIB
    assert {"killed", "led", "detected", "recovered", "restored", "returned"} == {
        moment.name for moment in result.moments
    }
    # What was judged can be judged again from the files alone.
    report = tmp_path / "report"
    assert DrillResult.read(report / "region-loss.json") == result
    evidence = report / result.history_file
    assert result.digests[evidence.name] == hashlib.sha256(evidence.read_bytes()).hexdigest()
    history = histories.read(evidence)
    assert [check.judge(history) for check in RegionLoss.checks] == list(result.verdicts)
    assert (report / result.report_file).stat().st_size > 20_000
    assert list((tmp_path / "state").iterdir()) == []
    assert processes_naming(str(tmp_path), in_environment=True) == []


@pytest.mark.rehearsal
@pytest.mark.parametrize("mutant", [mutant.name for mutant in RegionLoss.mutants])
def test_a_mutant_fails_for_its_own_reason_and_no_other(mutant: str, tmp_path: Path) -> None:
    result = rehearse(mutant, tmp_path)
    assert result.mutant is not None
    assert set(result.failed_checks) == set(result.mutant.breaks), why(result)
    assert result.mutant.caught
    assert result.exit_code is ExitCode.MISSED
    assert processes_naming(str(tmp_path), in_environment=True) == []


# Of examples/fast-failover; what the shapes' own timers give stands in examples/README.md.
FAST = {
    "objectives": {"rto_s": 30, "rpo_s": 5, "kill_s": 10, "rollback_s": 30},
    "routing": {"interval_s": 10, "failure_threshold": 1, "ttl_s": 5},
}


@pytest.mark.rehearsal
@pytest.mark.parametrize(
    ("shape", "asked"),
    [
        # A standby takes over, and the primary takes its users back.
        ("us-with-standby", 10),
        # Two survivors, each with users of its own.
        ("three-serving-regions", 10),
        # Two jurisdictions that must not notice.
        ("three-jurisdictions", 11),
    ],
)
def test_every_kind_of_shape_keeps_its_promises(shape: str, asked: int, tmp_path: Path) -> None:
    project = a_project(tmp_path / "project", shape, FAST)
    result = rehearse(None, tmp_path, project=project)
    assert result.passed, why(result)
    assert len(result.verdicts) == asked
    assert processes_naming(str(tmp_path), in_environment=True) == []


@pytest.mark.rehearsal
def test_the_page_s_own_agents_and_own_drill_are_rehearsed(tmp_path: Path) -> None:
    project = a_project(tmp_path / "project", "fast-failover", FAST)
    page_files(project)
    drill = drill_at("my_drills:UsLoss", project)
    result = rehearse(None, tmp_path, project=project, drill=drill, agents="agents.yaml")
    assert result.passed, why(result)
    assert result.drill == "us-loss"
    assert [verdict.check for verdict in result.verdicts] == [
        "open-loop",
        "recovery-time",
        "state-rpo",
        "prompt",
    ]
    assert processes_naming(str(tmp_path), in_environment=True) == []


@pytest.mark.parametrize(
    ("phase", "after_s"),
    # The last one falls into the loss: one region is gone and its agents are frozen.
    [
        ("plan", 0.3),
        ("machine", 0.5),
        ("start", 0.4),
        ("deploy", 1.5),
        ("agents", 0.5),
        ("drill", 11),
    ],
)
def test_ctrl_c_at_any_moment_leaves_no_process_behind(
    phase: str, after_s: float, tmp_path: Path
) -> None:
    command = ["drill", "run", "region-loss", "-C", str(PROJECT)]
    # It does not have the machine to itself here.
    command += ["--anyway", "--state-dir", str(tmp_path), "--report-dir", str(tmp_path)]
    with subprocess.Popen(
        (sys.executable, "-c", "from holdfast.cli import main; main()", *command),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert any(line.split()[:1] == [phase] for line in process.stdout)
        time.sleep(after_s)
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == INTERRUPTED
    assert left_naming(str(tmp_path), in_environment=True) == []
