"""Processes that cannot outlive their owner, and the identity of processes of others.

Guarantees:
    A child made by ``spawn`` is killed by the kernel when the process that made it ends, even
    when the child is stopped (Linux; elsewhere only an orderly end of the owner ends it).
    A ``ProcessIdentity`` never mistakes a later process with the same number for the one meant.

Does not guarantee:
    Anything about processes that a child puts into groups or sessions of their own.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from holdfast.orphans import die_with_parent

POLL_S = 0.02
_LOOK_BACK_LINES = 32
_LONG_LINE_BYTES = 256


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process, told apart from later ones with the same number by when it began.

    Attributes:
        pid: Its number.
        started: When it began, as the system writes it.
    """

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity | None":
        """The identity of a process that runs, or None."""
        started = _start_of(pid)
        return None if started is None else cls(pid, started)

    def is_alive(self) -> bool:
        """Whether the process still runs. A zombie has ended."""
        return _start_of(self.pid) == self.started

    def wait_ended(self, timeout_s: float) -> bool:
        """Waits for its end; False when it still runs after ``timeout_s``."""
        deadline_s = time.monotonic() + timeout_s
        while self.is_alive():
            if time.monotonic() >= deadline_s:
                return False
            time.sleep(POLL_S)
        return True

    def terminate(self) -> None:
        """Asks it to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.is_alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


def _start_of(pid: int) -> str | None:
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            return None
        # The name in parentheses may hold anything; the fields after it are fixed (proc(5)).
        fields = stat.rpartition(")")[2].split()
        state, ticks_since_boot = fields[0], fields[19]
        return None if state in {"Z", "X"} else ticks_since_boot
    listed = subprocess.run(
        ["ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    state, _, started = listed.partition(" ")
    return None if not started or state.startswith("Z") else started.strip()


def memory_bytes(pid: int) -> int:
    """Proportional set size of a process in bytes; 0 where the system does not tell it."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    for line in rollup.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None,
    log: Path,
    inherited: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Starts a child in a process group of its own that ends with this process.

    Its standard input is empty; its output is added to ``log``; it keeps the descriptors that are
    ``inherited`` open.

    Raises:
        OSError: If the program cannot be started or the log not be written.
    """
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open_private(log) as output:
        return subprocess.Popen(
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
            pass_fds=tuple(inherited),
            # Safe here: one thread forks, and the function makes two system calls.
            preexec_fn=die_with_parent(),  # noqa: PLW1509
        )


def open_private(log: Path) -> IO[bytes]:
    """A file to add to, readable by its owner only.

    Raises:
        OSError: If it cannot be opened.
    """
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def exit_status(process: subprocess.Popen[bytes]) -> int | None:
    """Exit status of a child that has ended, negative for a signal; None while it runs.

    Where the system can, the child is left unreaped, so that its number cannot yet belong to
    another process or group.
    """
    if sys.platform == "darwin" or process.returncode is not None:
        return process.poll()
    try:
        ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return process.poll()
    if ended is None:
        return None
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signals a child and whatever it started in its group; one that has ended is let be."""
    if exit_status(process) is None:
        _signal_group(process.pid, number)


def reap(process: subprocess.Popen[bytes]) -> int | None:
    """Exit status of a child that has ended, and the end of all that it left in its group.

    None while it runs.
    """
    if exit_status(process) is not None and process.returncode is None:
        _signal_group(process.pid, signal.SIGKILL)
    return process.poll()


def _signal_group(group: int, number: signal.Signals) -> None:
    # macOS answers EPERM for a group of zombies alone.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def described(status: int) -> str:
    """How a process ended, in words; a negative status stands for a signal."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {-status} ({signal.Signals(-status).name})"
    except ValueError:
        return f"signal {-status}"


def last_lines(log: Path, *, count: int = 3, longest: int = 300) -> str:
    """The last lines of a log that are not empty, joined by " | ", for an error message."""
    lines = [line.strip() for line in tail(log, _LOOK_BACK_LINES) if line.strip()]
    return " | ".join(line[:longest] for line in lines[-count:])


def tail(log: Path, count: int) -> list[str]:
    """The last lines of a log, at most ``count`` and a bounded number of bytes; none without it."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - count * _LONG_LINE_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return text.splitlines()[-count:]
