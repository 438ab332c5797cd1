"""Time as the protocols see it: elapsed milliseconds on this machine, and nothing else.

Guarantees:
    ``SystemClock`` never goes back, is not moved by setting the date, and on Linux goes on
    counting while the machine is suspended, so that a laptop lid or a paused virtual machine
    does not lengthen a lease.

Does not guarantee:
    Any relation to another machine's clock. No protocol here compares the two.
"""

import sys
import time
from typing import Protocol

_NS_PER_MS = 1_000_000


class Clock(Protocol):
    """A clock that only goes forward."""

    def now_ms(self) -> int:
        """Milliseconds since an arbitrary but fixed moment."""
        ...


class SystemClock:
    """The machine's own monotonic clock."""

    def now_ms(self) -> int:
        """Milliseconds since the machine started, suspended time included where it is known."""
        if sys.platform == "linux":
            return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // _NS_PER_MS
        return time.monotonic_ns() // _NS_PER_MS
