"""The ``holdfast`` command.

Exit codes: 0 all is well; 1 a check found something, a refresh found drift, or a drill missed an
objective; 2 it could not be carried out, or the command line is wrong; 130 interrupted; 143
terminated. Errors are one sentence on standard error.
"""

import gc
import io
import os
import sys

from holdfast.cli import bytecode
from holdfast.cli.interrupts import Asked, repeated

COULD_NOT = 2
_SIGNALLED = 128


def main() -> None:
    """Runs the command line and ends the process with its exit code."""
    bytecode.keep()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Half a drawing is better than none, and than a drill that ends because of it.
            stream.reconfigure(errors="replace")
    if sys.argv[1:2] == ["check"]:
        # It only adds to what is there until it ends, and is a tenth quicker without looking.
        gc.disable()
    asked = Asked()
    code: int | None
    try:
        with repeated(asked):
            code = _told(_run())
    except KeyboardInterrupt:
        code = None
    if asked.signal is not None:
        # Whatever the command made of it.
        code = _SIGNALLED + asked.signal
    # Python would look for garbage among all that is left, although all of it goes: a second
    # or more after a program has run in this process.
    gc.freeze()
    sys.exit(code)


def _told(code: int) -> int:
    """The exit code of a command, once all that it said has been written.

    Python itself would find out when the process ends, with a traceback and a code of its own.
    """
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError as error:
        # What could not be written is not tried again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"holdfast: standard output cannot be written: {error.strerror}.\n")
        return COULD_NOT
    return code


def _run() -> int:
    try:
        # Imported here: what the commands need takes a second, in which Ctrl-C must be heard.
        from holdfast.cli.commands import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "holdfast":
            raise
        # The runtime, which agents install, comes without what the command needs.
        sys.stderr.write(
            f"holdfast: the command needs {error.name}, which is not installed here; agents do "
            "without. Install Holdfast with its [platform] extra.\n"
        )
        return COULD_NOT
    return run()
