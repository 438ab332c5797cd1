"""What users import: in one place, in order, and without what they have not installed."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast import coordination

ROOT = Path(__file__).parents[2]
DOCS, README = ROOT / "docs", ROOT / "README.md"
DOORS = ("store", "program", "reconcile", "aio_dynamodb", "postgresql", "listing_postgresql")
EXTRAS = ("aiobotocore", "psycopg", "opentelemetry.sdk", "pulumi")


def test_every_name_that_is_offered_is_there_once_and_in_order() -> None:
    names = coordination.__all__
    assert names == sorted(set(names))
    assert [name for name in names if not hasattr(coordination, name)] == []


def test_every_sync_tool_has_its_asyncio_twin() -> None:
    tools = {"ConditionalStore", "DynamoDbListing", "Election", "HomeStore", "LeaseObserver"}
    tools |= {"Lock", "MemoryStore", "Once", "Outbox", "Partitions", "VersionedState"}
    tools |= {"ReconciliationJob", "View"}
    functions = {"handle_kafka", "handle_sqs", "move_home", "reconcile", "sweep_events"}
    twins = {f"Async{tool}" for tool in tools} | {f"{function}_async" for function in functions}
    assert (tools | functions | twins) - set(coordination.__all__) == set()


@pytest.mark.parametrize("name", DOORS)
def test_what_a_public_module_offers_is_there_and_made_in_a_room(name: str) -> None:
    door = importlib.import_module(f"holdfast.coordination.{name}")
    names: list[str] = door.__all__
    assert names == sorted(set(names))
    assert [each for each in names if not hasattr(door, each)] == []


def test_pages_name_only_modules_that_are_public() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in (*DOCS.glob("*.md"), README))
    named = set(re.findall(r"holdfast\.coordination\.(\w+)", text))
    assert named <= set(DOORS)
    assert named >= {"store", "reconcile", "postgresql"}


def test_a_public_module_that_is_imported_later_takes_no_functions_place() -> None:
    for name in DOORS:
        importlib.import_module(f"holdfast.coordination.{name}")
    assert callable(coordination.reconcile)


def test_importing_the_package_needs_no_extra() -> None:
    program = (
        f"import sys\nsys.modules.update(dict.fromkeys({EXTRAS!r}))\nimport holdfast.coordination\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
