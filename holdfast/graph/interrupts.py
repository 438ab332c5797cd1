"""Ctrl-C while a program runs in this process.

Python raises it wherever the main thread happens to be. The Pulumi SDK swallows it there in one
place (``except BaseException`` around a path) and outwaits it in another, and Python itself drops
it while an object is finalised, as thousands are when a program has ended.
"""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass(slots=True)
class CtrlC:
    """Whether Ctrl-C was pressed, for those who would not have noticed."""

    pressed: bool = False


@contextmanager
def heeding_ctrl_c() -> Generator[CtrlC]:
    """Notes a Ctrl-C, and raises it at the end if it got lost on the way.

    Where Ctrl-C is ignored, and outside the main thread, nothing is changed.

    Raises:
        KeyboardInterrupt: If it was pressed.
    """
    ctrl_c = CtrlC()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield ctrl_c
        return

    def note(number: int, frame: FrameType | None) -> None:
        ctrl_c.pressed = True
        before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield ctrl_c
    finally:
        signal.signal(signal.SIGINT, before)
    if ctrl_c.pressed:
        raise KeyboardInterrupt
