"""Children that the kernel ends with their parent, however that ends."""

import ctypes
import os
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
