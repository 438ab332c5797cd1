"""A process that takes part in a group on PostgreSQL and says what happens to it.

Run as ``python -m tests.coordination.leases.partition_member CONNECTION OWNER``.
"""

import json
import signal
import sys
import time

from holdfast.coordination import Fence, Lease, LeaseTiming, Outcome, Partitions, StopReason, Update
from holdfast.coordination.stores.postgresql import PostgreSqlStore
from holdfast.coordination.stores.store import Always

TIMING = LeaseTiming(lease_ms=2_000, renew_ms=400, retry_ms=200, margin_ms=500)
PARTITIONS = ("a", "b", "c", "d")


def say(what: str, **values: object) -> None:
    sys.stdout.write(json.dumps({"what": what, "at": time.monotonic(), **values}) + "\n")
    sys.stdout.flush()


def main() -> None:
    connection, owner = sys.argv[1:]
    store = PostgreSqlStore(connection)
    store.create()
    store.verify()
    group = Partitions(
        store=store, prefix="cells", partitions=PARTITIONS, owner=owner, timing=TIMING
    )

    def work(partition: str, lease: Lease) -> None:
        say("leads", partition=partition, token=lease.token)
        fence = Fence(lease.token)
        write = fence.guard(
            Update(key=f"ledger/{partition}", when=Always(), add={"n": 1}, assign={"by": owner})
        )
        while lease.held:
            if store.call(write).outcome is Outcome.REFUSED:
                say("fenced", partition=partition)
                return
            time.sleep(0.05)
        say("worked", partition=partition)

    def told(partition: str, reason: StopReason) -> None:
        say("stops", partition=partition, reason=reason.value)

    signal.signal(signal.SIGTERM, lambda _signal, _frame: group.stop())
    say("joins")
    group.run(work, told)
    say("left")


if __name__ == "__main__":
    main()
