"""The supervisor's children: started, watched, and ended together.

Guarantees:
    The end of a child is noticed once, through SIGCHLD, and its owner is told. ``end_all``
    leaves no child that was started here. Whatever a child left in its process group ends when
    the child does.
"""

import asyncio
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from holdfast.twin import processes

POLL_S = 0.02
KILL_TIMEOUT_S = 5.0

Child = subprocess.Popen[bytes]
OnExit = Callable[[int], None]


class Children:
    """Every process that the supervisor owns.

    Args:
        inherited: Descriptors that every child keeps open: the lock, which is then held for as
            long as one of them lives.
    """

    def __init__(self, inherited: Sequence[int] = ()) -> None:
        self._inherited = tuple(inherited)
        self._watched: dict[Child, OnExit] = {}

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Notices ends from now on. Call it from the main thread."""
        loop.add_signal_handler(signal.SIGCHLD, self.reap)

    def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None,
        log: Path,
        on_exit: OnExit,
    ) -> Child:
        """Starts a child; ``on_exit`` is told its exit status when it ends.

        Raises:
            OSError: If the program cannot be started or the log not be written.
        """
        child = processes.spawn(argv, env=env, cwd=cwd, log=log, inherited=self._inherited)
        self._watched[child] = on_exit
        return child

    def reap(self) -> None:
        """Tells the owners of children that have ended."""
        for child, on_exit in list(self._watched.items()):
            status = processes.reap(child)
            if status is not None:
                del self._watched[child]
                on_exit(status)

    def pids(self) -> tuple[int, ...]:
        """Processes of all children that run."""
        return tuple(child.pid for child in self._watched)

    async def end(self, children: Iterable[Child], *, grace_s: float) -> None:
        """Ends children: politely first, then, after ``grace_s``, at once."""
        ending = [child for child in children if processes.exit_status(child) is None]
        if grace_s > 0:
            for child in ending:
                processes.signal_group(child, signal.SIGTERM)
            await _wait_for(ending, grace_s)
        for child in ending:
            processes.signal_group(child, signal.SIGKILL)
        await _wait_for(ending, KILL_TIMEOUT_S)
        self.reap()

    async def end_all(self, *, grace_s: float) -> None:
        """Ends every child."""
        await self.end(tuple(self._watched), grace_s=grace_s)


async def _wait_for(children: Iterable[Child], timeout_s: float) -> None:
    deadline_s = time.monotonic() + timeout_s
    # Polled, because SIGCHLD says neither whose nor how many.
    while any(processes.exit_status(child) is None for child in children):
        if time.monotonic() >= deadline_s:
            return
        await asyncio.sleep(POLL_S)
