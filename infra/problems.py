"""What is wrong with a stack file, said so that it can be put right without a debugger.

Guarantees:
    A report names, for every problem, the key path, the value given, what is allowed and the
    fix, in the order in which the keys would be read.

Does not guarantee:
    That the suggested key or value is what its author meant: it is the nearest spelling.
"""

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

from holdfast.errors import ConfigurationError

MISSING = object()
"""Stands for the value of a key that the file does not have."""

REFUSED = "refused"
"""Type of the validation errors that carry problems."""

_SHOWN_CHARACTERS = 120
_MOST_TOLD = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One reason to refuse a stack file.

    Attributes:
        path: Keys from the root of the platform object to the value, such as
            ``("jurisdictions", "eu", "witness")``.
        given: The value found there, or ``MISSING``.
        wrong: What is wrong with it, a clause without a full stop.
        allowed: What would be accepted in its place.
        fix: What to do, as an imperative sentence without a full stop.
    """

    path: tuple[str, ...]
    given: object
    wrong: str
    allowed: str
    fix: str

    def under(self, prefix: Sequence[str]) -> "Problem":
        """The same problem, seen from further up the file.

        Args:
            prefix: Keys that lead to what this problem's path starts from.
        """
        return Problem(
            path=(*prefix, *self.path),
            given=self.given,
            wrong=self.wrong,
            allowed=self.allowed,
            fix=self.fix,
        )

    def text(self, root: str) -> str:
        """The problem as a paragraph of four lines.

        Args:
            root: Name of the platform object, which leads every key path.
        """
        value = "not set" if self.given is MISSING else _shown(self.given)
        return (
            f"{_cut('.'.join((root, *self.path)))}: {value}\n"
            f"    wrong:   {self.wrong}\n"
            f"    allowed: {self.allowed}\n"
            f"    fix:     {self.fix}"
        )


def _shown(value: object) -> str:
    # Controls stay in their escaped form: a terminal would obey them.
    return _cut(json.dumps(value, default=str, ensure_ascii=False))


def _cut(text: str) -> str:
    text = "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in text)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def refuse(*problems: Problem) -> None:
    """Fails the running validation when there is a problem, and does nothing without.

    Args:
        problems: What is wrong, with paths that start from the value under validation.

    Raises:
        PydanticCustomError: Carries the problems to whoever reports the whole file.
    """
    if problems:
        message = "; ".join(problem.wrong for problem in problems)
        raise PydanticCustomError(REFUSED, "{message}", {"message": message, "all": problems})


def refusal(source: str, root: str, problems: Iterable[Problem]) -> ConfigurationError:
    """The error that reports every problem of a file at once.

    Args:
        source: Name of the file.
        root: Name of the platform object in it.
        problems: What is wrong; at least one.
    """
    found = tuple(problems)
    paragraphs = [
        f"{number}. {problem.text(root)}"
        for number, problem in enumerate(found[:_MOST_TOLD], start=1)
    ]
    if len(found) > _MOST_TOLD:
        paragraphs.append(f"The other {len(found) - _MOST_TOLD} are told once these are mended.")
    count = f"{len(found)} problem{'' if len(found) == 1 else 's'}"
    return ConfigurationError("\n".join([f"{source} is refused, {count}:", *paragraphs]))


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """The allowed word that the author probably meant.

    Args:
        word: What was written.
        allowed: What could have been written.

    Returns:
        The closest spelling, or None when nothing is close.
    """
    matches = difflib.get_close_matches(word.lower(), sorted(allowed), n=1, cutoff=0.6)
    return matches[0] if matches else None


def listed(words: Iterable[str]) -> str:
    """Words in alphabetical order as an enumeration, or ``nothing``."""
    return ", ".join(sorted(words)) or "nothing"
