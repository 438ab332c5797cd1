"""The drill itself, on the deployed prod stack: minutes of real timers, real processes.

The three mutants are what shows that the drill can fail. They take two minutes each, so
`make rehearse` runs them, and CI after everything else.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.cli import INTERRUPTED
from holdfast.drills import DrillResult, ExitCode, run
from holdfast.drills import history as histories
from holdfast.drills.checks import Verdict
from holdfast.drills.region_loss import RegionLoss

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]
GIB = 1024**3
LONGEST_S = 150


def rehearse(mutant: str | None, tmp_path: Path) -> DrillResult:
    return run(
        "region-loss",
        project=PROJECT,
        stack="prod",
        mutant=mutant,
        state_dir=tmp_path / "state",
        report_dir=tmp_path / "report",
    )


def why(result: DrillResult) -> list[Verdict]:
    return [verdict for verdict in result.verdicts if not verdict.passed]


def processes_of(home: Path) -> Iterator[int]:
    """Processes whose arguments or environment name a directory."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            if str(home).encode() in told and int(process.name) != os.getpid():
                yield int(process.name)


@pytest.mark.alone
def test_losing_a_region_costs_no_acknowledged_write_and_nobody_waits_for_long(
    tmp_path: Path,
) -> None:
    result = rehearse(None, tmp_path)
    assert result.passed, why(result)
    assert result.exit_code is ExitCode.PASSED
    assert result.took_s <= LONGEST_S
    assert 0 < result.memory_peak_bytes < GIB
    assert {"killed", "led", "detected", "recovered", "restored", "returned"} == {
        moment.name for moment in result.moments
    }
    # What was judged can be judged again from the files alone.
    report = tmp_path / "report"
    assert DrillResult.read(report / "region-loss.json") == result
    history = histories.read(report / result.history_file)
    assert [check.judge(history) for check in RegionLoss.checks] == list(result.verdicts)
    assert (report / result.report_file).stat().st_size > 20_000
    assert list((tmp_path / "state").iterdir()) == []
    assert list(processes_of(tmp_path)) == []


@pytest.mark.rehearsal
@pytest.mark.parametrize("mutant", [mutant.name for mutant in RegionLoss.mutants])
def test_a_mutant_fails_for_its_own_reason_and_no_other(mutant: str, tmp_path: Path) -> None:
    result = rehearse(mutant, tmp_path)
    assert result.mutant is not None
    assert set(result.failed_checks) == set(result.mutant.breaks), why(result)
    assert result.mutant.caught
    assert result.exit_code is ExitCode.MISSED
    assert list(processes_of(tmp_path)) == []


@pytest.mark.parametrize("after_s", [0.5, 4, 8, 25])
def test_ctrl_c_at_any_moment_leaves_no_process_behind(after_s: float, tmp_path: Path) -> None:
    command = ["drill", "run", "region-loss", "-C", str(PROJECT)]
    command += ["--state-dir", str(tmp_path), "--report-dir", str(tmp_path)]
    with subprocess.Popen(
        (sys.executable, "-c", "from holdfast.cli import main; main()", *command),
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        time.sleep(after_s)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=30) == INTERRUPTED
    until_s = time.monotonic() + 5
    while left := list(processes_of(tmp_path)):
        assert time.monotonic() < until_s, left
        time.sleep(0.1)
