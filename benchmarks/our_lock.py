"""This library's lock, as ``bench_coordination`` sees every library's."""

from benchmarks.locks import LEASE_S
from holdfast.contract import Consistency, Table
from holdfast.coordination import DynamoDbStore, Lease, LeaseTiming, Lock, dynamodb_client
from holdfast.errors import LockTimeoutError
from tests.coordination.servers import REGION, TABLE


class HoldfastLock:
    """One :class:`~holdfast.coordination.Lock` after the other, on one store."""

    name = "holdfast"

    def __init__(self) -> None:
        table = Table(name=TABLE, consistency=Consistency.STRONG, regions=(REGION,))
        self._store = DynamoDbStore(table, dynamodb_client())
        self._lock: Lock | None = None
        self._lease: Lease | None = None

    def _try(self, key: str, wait_s: float) -> bool:
        timing = LeaseTiming(
            lease_ms=LEASE_S * 1000, renew_ms=LEASE_S * 250, retry_ms=1000, margin_ms=LEASE_S * 200
        )
        # The benchmark looks once where it asks who holds a lock, which no waiter of ours does.
        lock = Lock(
            store=self._store,
            key=key,
            owner="bench",
            wait_s=wait_s,
            timing=timing,
            keeps_trying=True,
        )
        try:
            self._lease = lock.__enter__()
        except LockTimeoutError:
            return False
        self._lock = lock
        return True

    def acquire(self, key: str) -> bool:
        """As ``Peer.acquire``."""
        return self._try(key, 0)

    def wait(self, key: str, longest_s: float) -> bool:
        """As ``Peer.wait``."""
        return self._try(key, longest_s)

    def release(self) -> None:
        """As ``Peer.release``."""
        if self._lock is not None:
            self._lock.__exit__(None, None, None)

    def knows_it_holds(self) -> bool | None:
        """As ``Peer.knows_it_holds``."""
        return self._lease is not None and self._lease.held

    def token(self) -> int | None:
        """As ``Peer.token``."""
        return None if self._lease is None else self._lease.token
