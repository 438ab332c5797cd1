import re
from pathlib import Path

import pytest

from holdfast.twin.differences import DIFFERENCES, to_markdown

PAGE = Path(__file__).parents[2] / "docs" / "twin.md"


def _page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_page_holds_the_table_that_the_code_declares() -> None:
    found = re.search(r"<!-- differences -->\n(.*)<!-- /differences -->", _page(), re.DOTALL)
    assert found is not None
    assert found[1].strip() == to_markdown().strip()


def test_every_difference_is_a_sentence_and_stands_once() -> None:
    assert len({limit.text for limit in DIFFERENCES}) == len(DIFFERENCES)
    for limit in DIFFERENCES:
        assert limit.text.endswith("."), limit
        assert "|" not in limit.text, limit


@pytest.mark.slow
def test_the_example_of_the_page_runs(tmp_path: Path) -> None:
    found = re.search(r"```python\n(.*?)```", _page(), re.DOTALL)
    assert found is not None
    code = found[1].replace("/tmp/example-twin", str(tmp_path / "twin"))
    exec(compile(code, str(PAGE), "exec"), {})  # noqa: S102 - the page's own example
