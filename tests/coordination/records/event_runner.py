"""A process that handles one event and says on standard output what happens to it.

Run as ``python -m tests.coordination.records.event_runner DRIVER STORE OWNER EVENT``. Its work is
to wait for a line on standard input: ``complete`` ends it well, anything else is a failure
half-way.
"""

import asyncio
import json
import sys
import time

from holdfast.contract import Consistency, Table
from holdfast.coordination import AsyncOnce, DynamoDbStore, LeaseTiming, Once
from holdfast.coordination.stores.aio_dynamodb import AsyncDynamoDbStore, async_dynamodb_client
from holdfast.coordination.stores.postgresql import AsyncPostgreSqlStore, PostgreSqlStore
from holdfast.errors import LeaseLostError
from tests.coordination.servers import REGION, TABLE

TIMING = LeaseTiming(lease_ms=2_000, renew_ms=400, retry_ms=200, margin_ms=400)
PREFIX = "event"
WAIT_S = 60
STRONG = Table(name=TABLE, consistency=Consistency.STRONG, regions=(REGION,))
DYNAMODB = "dynamodb"


def say(what: str, **values: object) -> None:
    sys.stdout.write(json.dumps({"what": what, "at": time.monotonic(), **values}) + "\n")
    sys.stdout.flush()


def work(owner: str) -> str:
    """What the run does, and its result."""
    told = sys.stdin.readline().strip()
    if told != "complete":
        raise ValueError(told)
    return owner


def on_threads(where: str, owner: str, event: str) -> None:
    store = DynamoDbStore(STRONG) if where == DYNAMODB else PostgreSqlStore(where)
    once = Once(store=store, prefix=PREFIX, owner=owner, wait_s=WAIT_S, timing=TIMING)
    say("delivered")
    with once.event(event, b"payload") as run:
        if run.lease is None:
            say("replayed", result=run.result)
            return
        say("runs", token=run.lease.token)
        run.complete(work(owner))
    say("kept")


async def on_tasks(where: str, owner: str, event: str) -> None:
    async def handle(store: AsyncDynamoDbStore | AsyncPostgreSqlStore) -> None:
        once = AsyncOnce(store=store, prefix=PREFIX, owner=owner, wait_s=WAIT_S, timing=TIMING)
        say("delivered")
        async with once.event(event, b"payload") as run:
            if run.lease is None:
                say("replayed", result=run.result)
                return
            say("runs", token=run.lease.token)
            await run.complete(await asyncio.to_thread(work, owner))
        say("kept")

    if where == DYNAMODB:
        async with async_dynamodb_client() as client:
            await handle(AsyncDynamoDbStore(STRONG, client))
    else:
        await handle(AsyncPostgreSqlStore(where))


def main() -> None:
    driver, where, owner, event = sys.argv[1:]
    try:
        if driver == "threads":
            on_threads(where, owner, event)
        else:
            asyncio.run(on_tasks(where, owner, event))
    except LeaseLostError:
        say("not kept")
    except ValueError:
        say("failed")


if __name__ == "__main__":
    main()
