"""This library's lock, as ``bench_coordination`` sees every library's."""

from holdfast.contract import Consistency, Table
from holdfast.coordination import DynamoDbStore, Lease, LeaseTiming, Lock, dynamodb_client
from holdfast.errors import LockTimeoutError
from tests.coordination.servers import REGION, TABLE


class HoldfastLock:
    """One :class:`~holdfast.coordination.Lock` after the other, on one store.

    Args:
        lease_s: How long its leases last.
    """

    name = "holdfast"

    def __init__(self, lease_s: int) -> None:
        table = Table(name=TABLE, consistency=Consistency.STRONG, regions=(REGION,))
        self._store = DynamoDbStore(table, dynamodb_client())
        self._timing = LeaseTiming(
            lease_ms=lease_s * 1000, renew_ms=lease_s * 250, retry_ms=1000, margin_ms=lease_s * 200
        )
        self._lock: Lock | None = None
        self._lease: Lease | None = None

    def _try(self, key: str, wait_s: float) -> bool:
        # The benchmark looks once where it asks who holds a lock, which no waiter of ours does.
        lock = Lock(
            store=self._store,
            key=key,
            owner="bench",
            wait_s=wait_s,
            timing=self._timing,
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
