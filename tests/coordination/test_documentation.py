"""What the documentation shows is what happens."""

import re
from pathlib import Path

import pytest

from holdfast import coordination

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
    tools = [name for name in coordination.__all__ if f"Async{name}" in coordination.__all__]
    assert len(tools) >= 7
    functions = [name for name in coordination.__all__ if f"{name}_async" in coordination.__all__]
    assert len(functions) >= 4
    for name in (*tools, *functions):
        pair = (name, f"Async{name}") if name in tools else (name, f"{name}_async")
        for each in pair:
            assert re.search(rf"`{each}[`(]", page), each
