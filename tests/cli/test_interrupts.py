"""An interrupt is heard wherever it falls, and what cleans up after it is left in peace."""

import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

WAIT_S = 20
PROGRAM = """
import sys, time
from holdfast.cli.interrupts import repeated

def swallow():
    try:
        print("ready", flush=True)
        time.sleep({wait_s})
    except BaseException:
        print("swallowed", flush=True)

class Swallows:
    def __del__(self):
        try:
            print("ready", flush=True)
            time.sleep({wait_s})
        finally:
            print("swallowed", flush=True)

try:
    with repeated():
        {body}
        time.sleep({wait_s})
        print("went on", flush=True)
except KeyboardInterrupt:
    print("heard", flush=True)
"""
CLEANS_UP = """
        try:
            swallow()
            time.sleep({wait_s})
        finally:
            try:
                int("no number")
            except ValueError:
                time.sleep(1)
            time.sleep(1)
            print("cleaned up", flush=True)
"""


def lines_of(body: str) -> list[str]:
    """What a program prints that is interrupted once, when it is ready."""
    program = PROGRAM.replace("{body}", body).replace("{wait_s}", str(WAIT_S))
    with subprocess.Popen(
        (sys.executable, "-c", program), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        return process.stdout.read().splitlines()


@pytest.mark.parametrize("body", ["swallow()", "Swallows()"], ids=["except", "finaliser"])
def test_an_interrupt_that_is_swallowed_comes_again(body: str) -> None:
    assert lines_of(body) == ["swallowed", "heard"]


def test_what_cleans_up_is_not_interrupted() -> None:
    assert lines_of(CLEANS_UP) == ["swallowed", "cleaned up", "heard"]


def test_without_repetition_an_interrupt_that_is_swallowed_is_lost() -> None:
    # The mutant: Python's own way.
    once = "signal.signal(signal.SIGINT, signal.default_int_handler)"
    body = f"import signal; {once}; swallow(); print('lost', flush=True); sys.exit()"
    assert lines_of(body) == ["swallowed", "lost"]


def test_where_interrupts_are_ignored_they_stay_ignored() -> None:
    inner = "from holdfast.cli.interrupts import repeated; import signal\n"
    inner += "with repeated(): print(signal.getsignal(signal.SIGINT).name)"
    outer = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    outer += f"os.execv(sys.executable, [sys.executable, '-c', {inner!r}])"
    told = subprocess.run((sys.executable, "-c", outer), capture_output=True, text=True, check=True)
    assert told.stdout == "SIG_IGN\n"


TERMINATED = """
import signal, sys, time
from holdfast.cli.interrupts import Asked, repeated

asked = Asked()
{before}
try:
    with repeated(asked):
        print("ready", flush=True)
        time.sleep(20)
except KeyboardInterrupt:
    print(signal.Signals(asked.signal).name, flush=True)
"""


@pytest.mark.parametrize("before", ["", "signal.signal(signal.SIGINT, signal.SIG_IGN)"])
def test_a_termination_is_heard_like_ctrl_c_also_where_that_is_ignored(before: str) -> None:
    program = TERMINATED.replace("{before}", before)
    with subprocess.Popen(
        (sys.executable, "-c", program), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "SIGTERM\n"
