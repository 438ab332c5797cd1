"""Whether a YAML file is small enough to be read at all. It may come from a stranger.

A file of a few lines can stand for gigabytes (an alias of aliases), and one of a few kilobytes
exhausts the stack of whoever follows its nesting. So the file is first gone through as a stream of
events, in constant depth, and everything that an alias repeats is counted as often as it is
repeated.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from holdfast.errors import GraphError

MOST_BYTES: Final = 256 * 1024
MOST_VALUES: Final = 5_000
"""About half a second of PyYAML; twenty times what a large stack has."""

MOST_CHARACTERS: Final = 1024 * 1024
DEEPEST: Final = 50

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's is twenty times faster, and knows no recursion."""


def read_bounded(file: Path) -> str:
    """The text of a YAML file that is safe to load.

    Raises:
        GraphError: If it cannot be read, is longer, nested deeper, or stands for more than allowed.
        UnicodeDecodeError: If it is no UTF-8.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        # An error of reading what is open does not name the file, as one of opening does.
        raise GraphError(f"{file} cannot be read: {error.strerror}. Mend or replace it.") from error
    if len(content) > MOST_BYTES:
        raise GraphError(
            f"{file} has more than {MOST_BYTES} bytes, which is the most that is read. Move what "
            "is not configuration out of it."
        )
    text = content.decode("utf-8")
    try:
        excess = _Counter().excess_in(text)
    except yaml.YAMLError:
        # Whoever loads it says what is wrong, and comes no further than to there.
        return text
    if excess is not None:
        raise GraphError(f"{file} {excess}. Write less.")
    return text


@dataclass(slots=True)
class _Node:
    """A value under construction.

    Attributes:
        anchor: Its name for aliases.
        values: It and everything below it, aliases written out.
        characters: The text in all of these.
    """

    anchor: str | None = None
    values: int = 1
    characters: int = 0


@dataclass(slots=True)
class _Counter:
    """Goes through the events of one document."""

    open: list[_Node] = field(default_factory=lambda: [_Node()])
    anchored: dict[str, _Node] = field(default_factory=dict[str, _Node])

    def excess_in(self, text: str) -> str | None:
        """In what a text exceeds its bounds; None where it does not."""
        for event in yaml.parse(text, Loader=_Loader):
            excess = self._take(event)
            if excess is not None:
                return excess
        return None

    def _take(self, event: yaml.Event) -> str | None:
        if isinstance(event, yaml.CollectionStartEvent):
            self.open.append(_Node(event.anchor))
            if len(self.open) > DEEPEST:
                return f"is nested more than {DEEPEST - 1} levels deep"
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close(self.open.pop())
        elif isinstance(event, yaml.ScalarEvent):
            self._close(_Node(event.anchor, characters=len(event.value)))
        elif isinstance(event, yaml.AliasEvent):
            if any(node.anchor == event.anchor for node in self.open):
                return f"holds a value that holds itself, by the alias *{event.anchor}"
            # One that is not there is the loader's to tell.
            meant = self.anchored.get(event.anchor or "", _Node())
            self._close(_Node(None, meant.values, meant.characters))
        if sum(node.values for node in self.open) > MOST_VALUES:
            return f"stands for more than {MOST_VALUES} values, aliases written out"
        if sum(node.characters for node in self.open) > MOST_CHARACTERS:
            return f"stands for more than {MOST_CHARACTERS} characters, aliases written out"
        return None

    def _close(self, node: _Node) -> None:
        self.open[-1].values += node.values
        self.open[-1].characters += node.characters
        if node.anchor is not None:
            self.anchored[node.anchor] = node
