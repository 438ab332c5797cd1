"""What is tied to a process ends with it."""

import os
import signal
import subprocess
import sys

import pytest

from holdfast.twin.fronts import tied
from tests.processes import left_naming, processes_naming

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel must end the children")
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


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_children_in_other_sessions_end_with_the_parent(number: signal.Signals) -> None:
    mark = f"mark-of-{os.getpid()}-{number}"
    program = SLEEPER.format(start=GRANDCHILD.format(mark=mark))
    command = [sys.executable, "-c", PARENT, tied.__file__, sys.executable, "-c", program, mark]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "on\n"
        assert processes_naming(mark)
        parent.send_signal(number)
    assert left_naming(mark) == []


@pytest.mark.slow
def test_the_exit_code_is_the_programs_and_what_it_left_behind_ends() -> None:
    mark = f"mark-of-{os.getpid()}-left"
    program = "import subprocess, sys; " + GRANDCHILD.format(mark=mark) + " sys.exit(7)"
    command = [sys.executable, "-I", tied.__file__, str(os.getpid()), sys.executable, "-c", program]
    assert subprocess.run(command, check=False).returncode == 7
    assert left_naming(mark) == []


def test_a_parent_that_has_died_already_starts_nothing() -> None:
    command = [sys.executable, "-I", tied.__file__, "1", sys.executable, "-c", "print('ran')"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
