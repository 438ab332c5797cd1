"""Children cannot outlive their owner, and processes are not mistaken for each other."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from holdfast.twin.processes import (
    ProcessIdentity,
    described,
    last_lines,
    memory_bytes,
    signal_group,
    spawn,
    tail,
)

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]

OWNER = """
import subprocess, sys, time, signal
from pathlib import Path
from holdfast.twin import processes
if sys.argv[2] == "mutant":
    processes.die_with_parent = lambda: None
child = processes.spawn([sys.executable, "-c", "import time; time.sleep(60)"],
                        env={}, cwd=None, log=Path(sys.argv[1]))
if sys.argv[2] == "stopped":
    processes.signal_group(child, signal.SIGSTOP)
print(child.pid, flush=True)
time.sleep(60)
"""


def child_outlives_a_killed_owner(tmp_path: Path, how: str) -> bool:
    """Starts an owner with one child, kills the owner, and looks after the child."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path / "log"), how], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        child = ProcessIdentity.of(int(owner.stdout.readline()))
        assert child is not None
        owner.kill()
    survived = not child.wait_ended(5.0)
    child.kill()
    return survived


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel must end the children")
@pytest.mark.parametrize("how", ["running", "stopped"])
def test_a_child_ends_with_its_owner_even_when_it_is_stopped(tmp_path: Path, how: str) -> None:
    assert not child_outlives_a_killed_owner(tmp_path, how)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel must end the children")
def test_a_child_that_does_not_ask_the_kernel_is_noticed(tmp_path: Path) -> None:
    assert child_outlives_a_killed_owner(tmp_path, "mutant")


def test_a_process_is_not_mistaken_for_a_later_one_with_its_number() -> None:
    identity = ProcessIdentity.of(os.getpid())
    assert identity is not None
    assert identity.is_alive()
    reused = ProcessIdentity(os.getpid(), "long ago")
    assert not reused.is_alive()
    reused.kill()  # Would end this very process.


def test_a_process_that_has_ended_has_no_identity() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        identity = ProcessIdentity.of(process.pid)
        deadline_s = time.monotonic() + 10
        while identity is not None and identity.is_alive() and time.monotonic() < deadline_s:
            time.sleep(0.01)
        # Not waited for yet: a zombie has ended.
        assert ProcessIdentity.of(process.pid) is None
    assert ProcessIdentity.of(process.pid) is None


def test_the_whole_group_is_signalled_and_the_log_kept(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "a.log"
    code = "import subprocess, sys; print('hello', flush=True); subprocess.run(sys.argv[1:])"
    child = spawn([sys.executable, "-c", code, *SLEEP], env={}, cwd=tmp_path, log=log)
    deadline_s = time.monotonic() + 10
    while last_lines(log) != "hello" and time.monotonic() < deadline_s:
        time.sleep(0.01)
    signal_group(child, signal.SIGKILL)
    assert child.wait(10) == -signal.SIGKILL
    signal_group(child, signal.SIGKILL)
    assert last_lines(log) == "hello"


def test_memory_is_that_of_the_process_or_zero_where_unknown() -> None:
    assert memory_bytes(2**22 + 1) == 0
    if sys.platform == "linux":
        assert memory_bytes(os.getpid()) > 1_000_000


def test_last_lines_are_short_and_empty_for_no_log(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    assert last_lines(log) == ""
    log.write_text("one\n\n  two\nthree" + "e" * 1000 + "\n")
    assert last_lines(log, count=2, longest=10) == "two | threeeeeee"


def test_a_child_whose_owner_is_already_gone_does_not_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if sys.platform != "linux":
        pytest.skip("the kernel must end the children")
    # As if the owner that asks were another process than the one that forks.
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert spawn(SLEEP, env={}, cwd=None, log=tmp_path / "log").wait(10) == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [(0, "exit status 0"), (3, "exit status 3"), (-9, "signal 9 (SIGKILL)"), (-99, "signal 99")],
)
def test_how_a_process_ended_is_said_in_words(status: int, words: str) -> None:
    assert described(status) == words


def test_the_end_of_a_log_is_read_however_long_it_is(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert tail(log, 3) == []
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    assert tail(log, 2) == ["line 99998", "line 99999"]
    assert last_lines(log, count=2) == "line 99998 | line 99999"
    log.write_bytes(b"\xff" * 1_000_000)
    assert len(tail(log, 5)[0]) <= 5 * 256
