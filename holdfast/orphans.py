"""Children that the kernel ends with their parent, however that ends."""

import ctypes
import os
import runpy
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # from <linux/prctl.h>


def die_with_parent() -> Callable[[], None] | None:
    """What a child must run before its program so that it ends with this process.

    None on systems that cannot do it. Call it from the main thread and fork from there: the
    kernel watches the thread that forked, not the process.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have ended before the kernel was asked to watch it.
        if os.getppid() != parent:
            os._exit(1)

    return in_child


def _run(parent: int, argv: list[str]) -> None:
    """Runs a module as ``python -m`` does, once the kernel watches its parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have ended before the kernel was asked to watch it.
        if os.getppid() != parent:
            return
    sys.argv = argv
    runpy.run_module(argv[0], run_name="__main__", alter_sys=True)


def tied(*argv: str) -> list[str]:
    """The command line of a Python module that ends with this process.

    For where :func:`die_with_parent` cannot be used: forking, as that makes a process do, upsets
    gRPC's threads.

    Args:
        argv: The module, and its arguments.
    """
    return [sys.executable, "-u", "-m", __name__, str(os.getpid()), *argv]


if __name__ == "__main__":
    _run(int(sys.argv[1]), sys.argv[2:])
