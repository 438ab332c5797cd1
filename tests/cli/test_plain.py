"""What others have written cannot steer a terminal."""

import pytest

from holdfast.cli.plain import plain


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\rb\x08c\x9bd", r"a\rb\x08c\x9bd"),
        ("\u202eevil", r"\u202eevil"),
        ("two\nlines\tand größe ✓", "two\nlines\tand größe ✓"),
    ],
)
def test_a_control_is_shown_and_not_obeyed(text: str, told: str) -> None:
    assert plain(text) == told
