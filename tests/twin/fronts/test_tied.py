"""What is tied to a process ends with it."""

import os
import signal
import subprocess
import sys
import time

import pytest

from holdfast.twin.fronts import tied

SLEEPER = "import subprocess, sys, time; {start} print('on', flush=True); time.sleep(60)"
GRANDCHILD = (
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', '{mark}'],"
    " start_new_session=True, stdout=subprocess.DEVNULL);"
)
PARENT = (
    "import os, subprocess, sys; "
    "subprocess.run([sys.executable, '-I', sys.argv[1], str(os.getpid()), *sys.argv[2:]],"
    " start_new_session=True)"
)


def alive(mark: str) -> bool:
    # Unlimited width: a COLUMNS in the environment would cut the mark off.
    listed = subprocess.run(
        ["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True
    )
    return mark in listed.stdout


def gone(mark: str) -> bool:
    until = time.monotonic() + 10
    while alive(mark) and time.monotonic() < until:
        time.sleep(0.05)
    return not alive(mark)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_children_in_other_sessions_end_with_the_parent(number: signal.Signals) -> None:
    mark = f"mark-of-{os.getpid()}-{number}"
    program = SLEEPER.format(start=GRANDCHILD.format(mark=mark))
    command = [sys.executable, "-c", PARENT, tied.__file__, sys.executable, "-c", program, mark]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "on\n"
        assert alive(mark)
        parent.send_signal(number)
    assert gone(mark)


@pytest.mark.slow
def test_the_exit_code_is_the_programs_and_what_it_left_behind_ends() -> None:
    mark = f"mark-of-{os.getpid()}-left"
    program = "import subprocess, sys; " + GRANDCHILD.format(mark=mark) + " sys.exit(7)"
    command = [sys.executable, "-I", tied.__file__, str(os.getpid()), sys.executable, "-c", program]
    assert subprocess.run(command, check=False).returncode == 7
    assert gone(mark)


def test_a_parent_that_has_died_already_starts_nothing() -> None:
    command = [sys.executable, "-I", tied.__file__, "1", sys.executable, "-c", "print('ran')"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
