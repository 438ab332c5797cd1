"""What a command says while it works, and to whom."""

import json
import sys
import time

import typer

from holdfast.cli.plain import plain

_EVERY_S = 2.0
_CLEAR_LINE = "\r\x1b[K"


class Voice:
    """Says how it goes to people, or in the end everything at once to a machine.

    On a terminal a count is one line that changes; elsewhere it is a line every two seconds.

    Args:
        quiet: Whether nothing is said but what is asked for.
        as_json: Whether a machine reads standard output, which then has the result alone.
    """

    def __init__(self, *, quiet: bool = False, as_json: bool = False) -> None:
        self._silent = quiet or as_json
        self._as_json = as_json
        # None where the shell has closed it.
        self._on_terminal = bool(sys.stdout and sys.stdout.isatty())
        self._counted_s = 0.0
        self._counting = False

    def say(self, line: str) -> None:
        """Tells people one thing."""
        if not self._silent:
            self._end_count()
            typer.echo(plain(line))

    def count(self, what: str, done: int, total: int) -> None:
        """Tells people how far something has come."""
        if self._silent:
            return
        now_s = time.monotonic()
        line = f"{what}: {done} of {max(done, total)}"
        if self._on_terminal:
            typer.echo(f"{_CLEAR_LINE}{line}", nl=False)
            self._counting = True
        elif done >= total or now_s - self._counted_s > _EVERY_S:
            self._counted_s = now_s
            typer.echo(line)

    def result(self, value: object) -> None:
        """Tells a machine everything, which must be JSON's."""
        self._end_count()
        if self._as_json:
            typer.echo(json.dumps(value, indent=2))

    def _end_count(self) -> None:
        if self._counting:
            typer.echo()
            self._counting = False
