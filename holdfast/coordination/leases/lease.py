"""What a holder holds: its fencing token, and the moment by which it must have stopped."""

import secrets
import threading

from holdfast.coordination.drivers.clock import Clock
from holdfast.coordination.leases.lease_core import StopReason
from holdfast.errors import LeaseLostError

_NONCE_BYTES = 12
_MS_PER_S = 1000


def random_nonce() -> str:
    """A string that no other call returns, on any machine."""
    return secrets.token_hex(_NONCE_BYTES)


class Lease:
    """One term of holding a lease. Made by an election or a lock, shared with the work.

    ``check`` answers from this machine's clock alone, so it costs nothing and holds during an
    outage of the store. It cannot see a pause that happens right after it: writes that matter
    carry ``token`` to a fence (:mod:`holdfast.coordination.leases.fence`).

    Args:
        key: Key of the lease's item.
        token: Fencing token of the term.
        until_ms: When the work must have stopped, unless the lease is extended.
        clock: The clock that ``until_ms`` is counted on.
    """

    def __init__(self, *, key: str, token: int, until_ms: int, clock: Clock) -> None:
        self._key = key
        self._token = token
        self._until_ms = until_ms
        self._clock = clock
        self._reason: StopReason | None = None
        self._ended = threading.Event()

    @property
    def key(self) -> str:
        """Key of the lease's item."""
        return self._key

    @property
    def token(self) -> int:
        """The fencing token: greater than that of every earlier holder."""
        return self._token

    @property
    def remaining_ms(self) -> int:
        """How long the holder may go on if no renewal succeeds from now on; 0 once it may not."""
        if self._reason is not None:
            return 0
        return max(0, self._until_ms - self._clock.now_ms())

    @property
    def held(self) -> bool:
        """Whether the work may go on."""
        return self.remaining_ms > 0

    @property
    def reason(self) -> StopReason | None:
        """Why the work must stop, or None while it may go on."""
        if self._reason is None and self.remaining_ms == 0:
            return StopReason.LOST_CONTACT
        return self._reason

    def check(self) -> None:
        """Returns if the work may go on.

        Raises:
            LeaseLostError: If it may not.
        """
        if self.held:
            return
        raise LeaseLostError(
            f"Lease {self._key} with token {self._token} has ended ({self.reason}). Stop what was "
            "done under it; writes with this token are refused once there is a newer one."
        )

    def wait(self, timeout_s: float) -> bool:
        """Waits until the lease has ended; meant for the thread that does the work.

        It may return early with False when the lease has been extended meanwhile: call it in a
        loop.

        Args:
            timeout_s: Longest wait, in seconds.

        Returns:
            Whether the work must stop.
        """
        # Not longer than the lease: its end must be noticed even while nobody says so.
        self._ended.wait(min(timeout_s, self.remaining_ms / _MS_PER_S))
        return not self.held

    def extend(self, until_ms: int) -> None:
        """For drivers: the lease was renewed.

        Args:
            until_ms: When the work must have stopped now.
        """
        self._until_ms = until_ms

    def end(self, reason: StopReason) -> None:
        """For drivers: the term is over.

        Args:
            reason: Why.
        """
        # The work may notice by the clock before the driver does.
        self._reason = self.reason or reason
        self._ended.set()
