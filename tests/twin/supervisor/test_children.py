"""The end of a child is noticed once, and whatever it started ends with it."""

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from holdfast.twin.processes import ProcessIdentity
from holdfast.twin.supervisor.children import Child, Children

pytestmark = pytest.mark.slow

SLEEP = "import time; print('ready', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
"""


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - looks at what no event is set for
            await asyncio.sleep(0.01)


class Nursery:
    """Children in a directory, and the exit statuses that were told."""

    def __init__(self, home: Path) -> None:
        self.children = Children()
        self.ended: list[int] = []
        self._home = home

    def start(self, code: str) -> Child:
        return self.children.start(
            [sys.executable, "-c", code],
            env={},
            cwd=self._home,
            log=self._home / "log",
            on_exit=self.ended.append,
        )

    async def output(self) -> str:
        log = self._home / "log"
        await until(lambda: bool(log.read_text().strip()))
        return log.read_text()


def scenario(home: Path, body: Callable[[Nursery], Awaitable[None]]) -> None:
    async def run() -> None:
        nursery = Nursery(home)
        nursery.children.watch(asyncio.get_running_loop())
        try:
            await body(nursery)
        finally:
            await nursery.children.end_all(grace_s=0)
            asyncio.get_running_loop().remove_signal_handler(signal.SIGCHLD)

    asyncio.run(run())


def test_an_exit_is_told_once(tmp_path: Path) -> None:
    async def body(nursery: Nursery) -> None:
        nursery.start("raise SystemExit(7)")
        await until(lambda: bool(nursery.ended))
        nursery.children.reap()
        assert nursery.ended == [7]
        assert nursery.children.pids() == ()

    scenario(tmp_path, body)


def test_what_a_child_left_behind_ends_with_it(tmp_path: Path) -> None:
    async def body(nursery: Nursery) -> None:
        nursery.start(PARENT)
        left = ProcessIdentity.of(int(await nursery.output()))
        await until(lambda: nursery.ended == [0])
        assert left is None or left.wait_ended(30.0)

    scenario(tmp_path, body)


def test_a_child_that_does_not_end_politely_is_ended(tmp_path: Path) -> None:
    async def body(nursery: Nursery) -> None:
        nursery.start(STUBBORN)
        await nursery.output()
        began_s = time.monotonic()
        await nursery.children.end_all(grace_s=0.3)
        assert time.monotonic() - began_s >= 0.3
        assert nursery.ended == [-signal.SIGKILL]

    scenario(tmp_path, body)


def test_a_child_that_ends_politely_is_not_hurried(tmp_path: Path) -> None:
    async def body(nursery: Nursery) -> None:
        child = nursery.start(SLEEP)
        await nursery.output()
        await nursery.children.end([child], grace_s=30.0)
        assert nursery.ended == [-signal.SIGTERM]

    scenario(tmp_path, body)


def test_a_stopped_child_is_ended_all_the_same(tmp_path: Path) -> None:
    async def body(nursery: Nursery) -> None:
        child = nursery.start(STUBBORN)
        await nursery.output()
        child.send_signal(signal.SIGSTOP)
        await nursery.children.end_all(grace_s=0.1)
        assert nursery.ended == [-signal.SIGKILL]

    scenario(tmp_path, body)
