"""What users import: in one place, in order, and without what they have not installed."""

import subprocess
import sys

from holdfast import coordination

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


def test_importing_the_package_needs_no_extra() -> None:
    program = (
        f"import sys\nsys.modules.update(dict.fromkeys({EXTRAS!r}))\nimport holdfast.coordination\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
