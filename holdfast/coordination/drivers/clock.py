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

from holdfast.errors import ConfigurationError

_NS_PER_MS = 1_000_000
_MS_PER_S = 1000


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


class Countdown:
    """How long to wait for a moment of a clock; no time at all once that clock has gone back.

    Whoever waits looks at the clock next, and the core that it serves says what is wrong. Without
    this it would first wait for as long as the clock was set back.

    Args:
        clock: Whose moments they are.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._latest_ms = clock.now_ms()

    def left_s(self, due_ms: int) -> float:
        """How many seconds to wait.

        Args:
            due_ms: For which moment.
        """
        now_ms = self._clock.now_ms()
        if now_ms < self._latest_ms:
            return 0.0
        self._latest_ms = now_ms
        return max(0, due_ms - now_ms) / _MS_PER_S


def went_back(what: str, before_ms: int, now_ms: int) -> ConfigurationError:
    """The error of a clock that only goes forward by name.

    Args:
        what: Whose clock it is.
        before_ms: What it said before.
        now_ms: What it says now.
    """
    return ConfigurationError(
        f"The clock of {what} went back from {before_ms} to {now_ms} ms. "
        "Inject a monotonic clock, such as holdfast.coordination.SystemClock."
    )
