"""What the documentation shows is what happens."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("page", "least"), [("coordination.md", 7), ("testing-agents.md", 3)])
def test_every_example_of_a_page_runs_from_top_to_bottom(page: str, least: int) -> None:
    blocks = _BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))
    assert len(blocks) >= least
    namespace: dict[str, object] = {"__name__": page}
    for number, block in enumerate(blocks, start=1):
        code = compile(block, f"{page}, example {number}", "exec", dont_inherit=True)
        exec(code, namespace)  # noqa: S102 - it is our own page


def test_the_page_names_every_tool_that_the_package_offers() -> None:
    page = (DOCS / "coordination.md").read_text(encoding="utf-8")
    for tool in ("Election", "Partitions", "Lock", "VersionedState", "Once", "Outbox", "HomeStore"):
        assert f"`{tool}`" in page
        assert f"`Async{tool}`" in page
