"""What kept a check from being made, in the format that was asked for.

A machine that reads the output of a check reads it too when the program does not run; it must
not take the absence of findings for their absence.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from holdfast.check.formats import github_line
from holdfast.check.plain import document, xml
from holdfast.check.sarif import failure_to_sarif

Failure = Callable[[str, str | None, int | None], str]
"""Writes a message with the file and the line that it is about, where they are known."""


def _text(_message: str, _file: str | None, _line: int | None) -> str:
    """Nothing: standard error says it already."""
    return ""


def _json(message: str, file: str | None, line: int | None) -> str:
    return document({"passed": False, "error": message, "file": file, "line": line})


def _junit(message: str, _file: str | None, _line: int | None) -> str:
    return xml(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<testsuite name="holdfast check" tests="1" failures="0" errors="1">\n'
        '<testcase classname="holdfast" name="check">'
        f"<error message={quoteattr(message)}>{escape(message)}</error></testcase>\n"
        "</testsuite>\n"
    )


def _github(message: str, file: str | None, line: int | None) -> str:
    return github_line("error", "holdfast check", message, file, line)


FAILURES: Final[Mapping[str, Failure]] = MappingProxyType(
    {
        "text": _text,
        "json": _json,
        "sarif": failure_to_sarif,
        "junit": _junit,
        "github": _github,
    }
)
"""Every format by the name that ``holdfast check --format`` takes."""
