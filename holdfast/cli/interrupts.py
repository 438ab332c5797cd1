"""Ctrl-C and SIGTERM that are heard: each is repeated until the main thread has taken it up.

Python raises ``KeyboardInterrupt`` wherever the main thread happens to be. In the callback of a
weak reference it is dropped with a note, under a library's bare ``except`` it is swallowed, and
the command goes on as if nobody had asked. While classes are imported and a program runs in
process, that took one interrupt in seven (20 interrupts of a drill's first 9 seconds).

Guarantees:
    An interrupt inside :func:`repeated` is raised again every ``REPEAT_S`` until it is being
    handled, or the block has ended. One that is being handled is not repeated, so what cleans up
    after it is left in peace.

Does not guarantee:
    Anything about code that handles it, ends the handling, and goes on: it is asked again.
"""

import queue
import signal
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

REPEAT_S = 0.3


@dataclass(slots=True)
class Asked:
    """Which signal asked the command to end first; None while none has."""

    signal: int | None = None


@contextmanager
def repeated(asked: Asked | None = None) -> Generator[None]:
    """Repeats what SIGINT and SIGTERM raise in the block. For the main thread.

    Args:
        asked: Told which of both came first.
    """
    told = asked if asked is not None else Asked()
    heard = [
        number
        for number in (signal.SIGINT, signal.SIGTERM)
        # A shell starts what it puts into the background with Ctrl-C ignored.
        if signal.getsignal(number) is not signal.SIG_IGN
    ]
    # Not an Event: this is put into by a signal handler, which may interrupt itself.
    requests: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    main = threading.get_ident()

    def raise_it(number: int, _frame: FrameType | None) -> None:
        requests.put(number)
        if told.signal is None:
            told.signal = number
        if number == signal.SIGTERM and signal.SIGINT in heard:
            # What cleans up after Ctrl-C, in libraries too, cleans up after this.
            signal.raise_signal(signal.SIGINT)
        raise KeyboardInterrupt

    def repeat() -> None:
        while (number := requests.get()) is not None:
            time.sleep(REPEAT_S)
            if not _is_handled(main):
                signal.pthread_kill(main, number)

    repeater = threading.Thread(target=repeat, name="interrupts", daemon=True)
    repeater.start()
    hook = sys.unraisablehook
    sys.unraisablehook = _without_interrupts
    before = {number: signal.signal(number, raise_it) for number in heard}
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, signal.SIG_IGN)
        requests.put(None)
        repeater.join()
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _without_interrupts(lost: "sys.UnraisableHookArgs") -> None:
    """Says nothing of an interrupt that fell into a finaliser: it comes again."""
    if not isinstance(lost.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(lost)


def _is_handled(thread: int) -> bool:
    """Whether an interrupt is on its way through a thread, itself or under another error."""
    # Documented, and nothing public looks into another thread.
    everywhere = sys._current_exceptions()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    found: object = everywhere.get(thread)
    # Python 3.11 answers as sys.exc_info does, later ones with the exception itself.
    link = found[1] if isinstance(found, tuple) else found
    while isinstance(link, BaseException) and not isinstance(link, KeyboardInterrupt):
        link = link.__context__
    return link is not None
