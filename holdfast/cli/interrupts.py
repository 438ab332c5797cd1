"""Ctrl-C that is heard: an interrupt is repeated until the main thread has taken it up.

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
from types import FrameType

REPEAT_S = 0.3


@contextmanager
def repeated() -> Generator[None]:
    """Repeats what SIGINT raises in the block. For the main thread."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As a shell starts what it puts into the background.
        yield
        return
    # Not an Event: this is put into by a signal handler, which may interrupt itself.
    asked: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    main = threading.get_ident()

    def raise_it(number: int, _frame: FrameType | None) -> None:
        asked.put(number)
        raise KeyboardInterrupt

    def repeat() -> None:
        while (number := asked.get()) is not None:
            time.sleep(REPEAT_S)
            if not _is_handled(main):
                signal.pthread_kill(main, number)

    repeater = threading.Thread(target=repeat, name="interrupts", daemon=True)
    repeater.start()
    hook = sys.unraisablehook
    sys.unraisablehook = _without_interrupts
    before = signal.signal(signal.SIGINT, raise_it)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        asked.put(None)
        repeater.join()
        sys.unraisablehook = hook
        signal.signal(signal.SIGINT, before)


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
