"""What comes from a program, written so that it stays text wherever it is read.

Names and tags of a stranger's pull request end up in a log that a forge reads for commands, in
XML and in JSON. None of them may start a line, end an element or move a cursor.
"""

import json
import re
from typing import Final

# XML has no way to write these, not even escaped.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Control characters, and what turns or ends a line although it is none.
_NOT_LINE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)
_MARK: Final = "##["
"""What makes GitHub's and Azure's runners look for a command anywhere in a line."""


def line(text: str) -> str:
    """A text as part of one line: what would end or rewrite the line becomes a blank.

    Args:
        text: What a program, a pack or a file says.
    """
    flat = _NOT_LINE.sub(" ", text).replace(_MARK, "## [").strip()
    # A runner reads a command where a line begins with it, whatever blanks stand before.
    return f": :{flat[2:]}" if flat.startswith("::") else flat


def xml(text: str) -> str:
    """A document without the characters that XML cannot hold.

    Args:
        text: A document whose values are escaped already.
    """
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def document(value: object) -> str:
    """An object as JSON that no log reader takes for a command.

    Args:
        value: What :mod:`json` can write.
    """
    written = json.dumps(value, indent=2, ensure_ascii=False)
    # Lone surrogates have no UTF-8; a mark can only stand inside a string.
    return (
        re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", written).replace(_MARK, "#\\u0023[")
        + "\n"
    )
