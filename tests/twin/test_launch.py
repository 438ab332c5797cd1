"""An interrupted start leaves nothing, at whatever moment it is interrupted."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from holdfast.twin.client import Twin
from holdfast.twin.plan import TWIN_FILE
from tests.processes import processes_naming

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
MOMENTS_S = (0.05, 0.15, 0.25, 0.4, 0.55, 0.7, 0.85, 1.1)
"""Between the import of the client and a twin that is ready."""

STARTER = """
import sys
sys.stdout.write("importing\\n"); sys.stdout.flush()
from pathlib import Path
from holdfast.twin.client import Twin
try:
    sys.stdout.write("starting\\n"); sys.stdout.flush()
    twin = Twin.start(state_dir=Path(sys.argv[1]), regions=sys.argv[2:], detached=DETACHED)
    if LATE: twin.detach()
    sys.stdout.write("ready\\n"); sys.stdout.flush()
    sys.stdin.read()
except KeyboardInterrupt:
    sys.exit(130)
"""


def processes_in(state_dir: Path) -> list[str]:
    """Command lines of processes that name the directory: supervisor, servers, Valkeys."""
    # The starter names it as well, but neither with a slash nor after this option.
    return [
        line
        for mark in (f"{state_dir}/", f"--state-dir {state_dir} ")
        for line in processes_naming(mark)
    ]


def gone_within(state_dir: Path, timeout_s: float) -> list[str]:
    deadline_s = time.monotonic() + timeout_s
    while (left := processes_in(state_dir)) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    return left


def starter(
    state_dir: Path, *, detached: bool = False, late: bool = False
) -> "subprocess.Popen[str]":
    code = STARTER.replace("DETACHED", str(detached)).replace("LATE", str(late))
    return subprocess.Popen(
        [sys.executable, "-c", code, str(state_dir), *REGIONS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdout is not None
    for said in process.stdout:
        if said.strip() == line:
            return
    raise AssertionError(f"the starter ended without saying {line}")


@pytest.mark.parametrize("moment_s", MOMENTS_S)
def test_ctrl_c_leaves_no_process_when_it_returns(tmp_path: Path, moment_s: float) -> None:
    state_dir = tmp_path / "state"
    with starter(state_dir) as process:
        wait_for(process, "starting")
        time.sleep(moment_s)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    # A twin that was ready already is ended by the end of its starter, a moment later.
    was_ready = any("twin-ready" in line for line in _events(state_dir))
    assert gone_within(state_dir, 30.0 if was_ready else 0.0) == []
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert not (state_dir / TWIN_FILE).exists()


def _events(state_dir: Path) -> list[str]:
    path = state_dir / "events.jsonl"
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize("moment_s", MOMENTS_S[1::3])
def test_a_starter_that_is_killed_leaves_no_process(tmp_path: Path, moment_s: float) -> None:
    with starter(tmp_path, detached=True) as process:
        wait_for(process, "starting")
        time.sleep(moment_s / 2)
        process.kill()
        process.wait(10)
    assert gone_within(tmp_path, 30.0) == []


def test_a_twin_that_is_not_detached_ends_with_its_starter(tmp_path: Path) -> None:
    with starter(tmp_path) as process:
        wait_for(process, "ready")
        assert len(processes_in(tmp_path)) >= 1 + 2 * len(REGIONS)
        process.kill()
        process.wait(10)
    assert gone_within(tmp_path, 30.0) == []
    assert not (tmp_path / TWIN_FILE).exists()


@pytest.mark.parametrize("late", [False, True])
def test_a_detached_twin_outlives_its_starter_and_can_be_stopped_by_another(
    tmp_path: Path, *, late: bool
) -> None:
    with starter(tmp_path, detached=not late, late=late) as process:
        wait_for(process, "ready")
        process.kill()
        process.wait(10)
    time.sleep(0.5)
    twin = Twin.attach(tmp_path)
    assert twin.status().supervisor_pid == twin.pid
    twin.stop()
    assert processes_in(tmp_path) == []
