"""Text of others on somebody's terminal.

A log, a stack file or a resource's name may hold what a terminal obeys: escape sequences that
write over earlier lines, set titles, or ask it to answer as if its user had typed.
"""

_KEPT = frozenset("\n\t")


def plain(text: str) -> str:
    """The text with every control and invisible mark written out as an escape."""
    if text.isprintable():
        return text
    return "".join(
        mark if mark.isprintable() or mark in _KEPT else ascii(mark)[1:-1] for mark in text
    )
