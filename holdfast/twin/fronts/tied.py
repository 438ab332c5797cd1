"""Runs a program such that it, and all it starts, ends with the process that asked for it.

Run by path, not imported: ``python -I tied.py PARENT PROGRAM ARGUMENTS...``, in a process group
of its own. It only needs the standard library, so that it starts in a few milliseconds.

Guarantees:
    When the parent dies, however it dies, the kernel tells this process (on Linux), and this
    process interrupts the program and, after at most ``GRACE_S``, kills every process that
    descends from it; those of a program that died first, and those in other process groups, are
    among them. An interrupt is passed on to the program. The exit code is the program's.

Does not guarantee:
    On systems other than Linux: more than the end of the process group.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

# From <linux/prctl.h>.
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LOOKS = 3
GRACE_S = 5.0
"""How long an interrupted program may take to write down what it has done, in seconds."""
_ROUNDS = 100
"""A process may start another one while it is being looked for; not for ever."""


def main(parent: int, command: list[str]) -> int:
    """Runs a command to its end; its exit code, as a shell tells it.

    Args:
        parent: Process whose end ends everything.
        command: Program and arguments.
    """
    running: list[subprocess.Popen[bytes]] = []

    def end_all(_number: int, _frame: FrameType | None) -> None:
        for started in running:
            interrupt(started.pid)
        kill_descendants()
        os.killpg(0, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end_all)
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        prctl(_PR_SET_CHILD_SUBREAPER, 1)
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        return 1  # It died before the kernel was asked to watch it.
    program = subprocess.Popen(command)
    running.append(program)

    def pass_on(number: int, _frame: FrameType | None) -> None:
        program.send_signal(number)

    signal.signal(signal.SIGINT, pass_on)
    code = program.wait()
    kill_descendants()
    return code if code >= 0 else 128 - code


def interrupt(pid: int) -> None:
    """Interrupts a child, and gives it a moment to write down what it has done."""
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGINT)
        until_s = time.monotonic() + GRACE_S
        # Not Popen.wait: the main line may be inside it while this runs in a signal handler.
        while os.waitpid(pid, os.WNOHANG) == (0, 0) and time.monotonic() < until_s:
            time.sleep(0.05)


def kill_descendants() -> None:
    """Kills every process that descends from this one, until there is none."""
    empty = 0
    for _ in range(_ROUNDS):
        found = descendants(os.getpid())
        # One look may miss a process that changes its parent at that moment.
        empty = 0 if found else empty + 1
        if empty == _LOOKS:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def descendants(pid: int) -> list[int]:
    """Living processes that a process has started, or that these have, and so on."""
    children: dict[int, list[int]] = {}
    ended: set[int] = set()
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # The program's name may hold blanks and brackets; what follows it does not.
            state, parent = (place / "stat").read_text().rpartition(")")[2].split()[:2]
            children.setdefault(int(parent), []).append(int(place.name))
            if state == "Z":  # It still links its children to us.
                ended.add(int(place.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.append(child)
            waiting.append(child)
    return [child for child in found if child not in ended]


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
