"""A process that stands for election and says on standard output what happens to it.

Run as ``python -m tests.coordination.member OWNER LEASE_MS RENEW_MS RETRY_MS MARGIN_MS``. While
it leads, it writes to a fenced item as often as it can, without looking at its lease again
between two looks that are a second apart: what a slow model call would do.
"""

import json
import signal
import sys
import threading
import time

from holdfast.contract import Consistency, Table
from holdfast.coordination import (
    DynamoDbStore,
    Election,
    Fence,
    Lease,
    LeaseTiming,
    StopReason,
    dynamodb_client,
)
from holdfast.errors import LeaseLostError
from tests.coordination.servers import REGION, TABLE

KEY = "leader"


def say(what: str, **values: object) -> None:
    sys.stdout.write(json.dumps({"what": what, "at": time.monotonic(), **values}) + "\n")
    sys.stdout.flush()


def resident_kb() -> int:
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - not a file
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def main() -> None:
    owner, *timing_ms = sys.argv[1:]
    lease_ms, renew_ms, retry_ms, margin_ms = map(int, timing_ms)
    timing = LeaseTiming(
        lease_ms=lease_ms, renew_ms=renew_ms, retry_ms=retry_ms, margin_ms=margin_ms
    )
    client = dynamodb_client()
    table = Table(name=TABLE, consistency=Consistency.STRONG, regions=(REGION,))
    store = DynamoDbStore(table, client)
    store.verify()
    election = Election(store=store, key=KEY, owner=owner, timing=timing)
    asked = threading.Event()

    def work(lease: Lease) -> None:
        say("leads", token=lease.token, rss_kb=resident_kb())
        while lease.held:
            try:
                Fence(lease.token).update_item(
                    client,
                    {
                        "TableName": TABLE,
                        "Key": {"pk": {"S": "ledger"}},
                        "UpdateExpression": "SET writer = :w ADD entries :one",
                        "ExpressionAttributeValues": {":w": {"S": owner}, ":one": {"N": "1"}},
                    },
                )
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
