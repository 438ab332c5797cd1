"""What the documentation shows is what happens."""

import re
from pathlib import Path

import pytest

from holdfast import coordination
from holdfast.contract import Consistency, Table
from holdfast.coordination import DynamoDbListing, DynamoDbStore
from holdfast.coordination.leases.lease import random_nonce
from tests.coordination.servers import REGION, create_table, environment

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("page", "least"), [("coordination.md", 7), ("testing-agents.md", 3)])
def test_every_example_of_a_page_runs_from_top_to_bottom(page: str, least: int) -> None:
    _run(page, least)


class _InDynamoDb(DynamoDbStore):
    """What a user has in production in the place of the pages' ``MemoryStore``."""

    def __init__(self, port: int) -> None:
        table = Table(name=random_nonce(), consistency=Consistency.STRONG, regions=(REGION,))
        create_table(port, table.name)
        super().__init__(table)
        self.page = DynamoDbListing(table).page


@pytest.mark.slow
def test_every_example_runs_on_dynamodb_too(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)
    made: list[_InDynamoDb] = []

    def make() -> _InDynamoDb:
        made.append(_InDynamoDb(server))
        return made[-1]

    monkeypatch.setattr(coordination, "MemoryStore", make)
    _run("coordination.md", 7)
    assert len(made) >= 3


def _run(page: str, least: int) -> None:
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
