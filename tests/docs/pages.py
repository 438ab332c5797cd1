"""Files that a page of the documentation holds whole, for tests that use them."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "drills.md"
_FILE = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)


def page_files(folder: Path, page: Path = PAGE) -> list[str]:
    """Writes every file of a page into a folder and returns their names."""
    found = _FILE.findall(page.read_text(encoding="utf-8"))
    for name, text in found:
        (folder / name).write_text(text, encoding="utf-8")
    return [name for name, _ in found]
