"""A process that stands for election and says on standard output what happens to it.

Run as ``python -m tests.coordination.leases.member``, followed by STORE OWNER LEASE_MS RENEW_MS
RETRY_MS MARGIN_MS; STORE is ``dynamodb``, or the connection string of a PostgreSQL server. While it
leads, it writes to a fenced item as often as it can.
"""

import json
import signal
import sys
import threading
import time
from collections.abc import Callable

from holdfast.contract import Consistency, Table
from holdfast.coordination import (
    ConditionalStore,
    DynamoDbStore,
    Election,
    Fence,
    Lease,
    LeaseTiming,
    Outcome,
    StopReason,
    Update,
    dynamodb_client,
)
from holdfast.coordination.stores.postgresql import PostgreSqlStore
from holdfast.coordination.stores.store import Always
from holdfast.errors import LeaseLostError
from tests.coordination.servers import REGION, TABLE

KEY = "leader"
LEDGER = "ledger"


def say(what: str, **values: object) -> None:
    sys.stdout.write(json.dumps({"what": what, "at": time.monotonic(), **values}) + "\n")
    sys.stdout.flush()


def resident_kb() -> int:
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - not a file
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


Write = Callable[[Fence, str], None]


def on_dynamodb() -> tuple[ConditionalStore, Write]:
    client = dynamodb_client()
    store = DynamoDbStore(
        Table(name=TABLE, consistency=Consistency.STRONG, regions=(REGION,)), client
    )
    store.verify()

    def write(fence: Fence, owner: str) -> None:
        fence.update_item(
            client,
            {
                "TableName": TABLE,
                "Key": {"pk": {"S": LEDGER}},
                "UpdateExpression": "SET writer = :w ADD entries :one",
                "ExpressionAttributeValues": {":w": {"S": owner}, ":one": {"N": "1"}},
            },
        )

    return store, write


def on_postgresql(connection: str) -> tuple[ConditionalStore, Write]:
    store = PostgreSqlStore(connection)
    store.verify()

    def write(fence: Fence, owner: str) -> None:
        entry = Update(key=LEDGER, when=Always(), assign={"writer": owner}, add={"entries": 1})
        if store.call(fence.guard(entry)).outcome is Outcome.REFUSED:
            raise LeaseLostError("a later holder has written")

    return store, write


def main() -> None:
    where, owner, *timing_ms = sys.argv[1:]
    lease_ms, renew_ms, retry_ms, margin_ms = map(int, timing_ms)
    timing = LeaseTiming(
        lease_ms=lease_ms, renew_ms=renew_ms, retry_ms=retry_ms, margin_ms=margin_ms
    )
    store, write = on_dynamodb() if where == "dynamodb" else on_postgresql(where)
    election = Election(store=store, key=KEY, owner=owner, timing=timing)
    asked = threading.Event()

    def work(lease: Lease) -> None:
        say("leads", token=lease.token, rss_kb=resident_kb())
        while lease.held:
            try:
                write(Fence(lease.token), owner)
            except LeaseLostError:
                say("fenced", token=lease.token)
                return
            time.sleep(0.02)
        say("worked", token=lease.token)

    def told(reason: StopReason) -> None:
        say("stops", reason=reason.value)

    def leave(_signal: int, _frame: object) -> None:
        asked.set()
        election.stop()

    signal.signal(signal.SIGTERM, leave)
    say("stands")
    election.run(work, told)
    say("left")


if __name__ == "__main__":
    main()
