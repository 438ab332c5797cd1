"""How long leases last, and the timings that cannot work."""

from dataclasses import dataclass

from holdfast.errors import ConfigurationError

_MARGIN_PERCENT = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaseTiming:
    """How long a lease lasts and how often it is looked after. All in milliseconds.

    A crashed holder is replaced within ``lease_ms + 2 * retry_ms`` and one round trip, a holder
    that releases within ``retry_ms`` and one round trip.

    Attributes:
        lease_ms: A holder that has not renewed for this long may be replaced.
        renew_ms: A holder renews this often.
        retry_ms: A candidate looks this often, and a holder repeats a failed renewal this often.
        margin_ms: A holder stops this long before its lease can have run out elsewhere. It is
            what covers clocks that run at different rates.

    Raises:
        ConfigurationError: If a value is not positive, if a holder could lose its lease by one
            late renewal, or if it would stop too late.
    """

    lease_ms: int = 10_000
    renew_ms: int = 2_000
    retry_ms: int = 1_000
    margin_ms: int = 2_000

    @property
    def takeover_ms(self) -> int:
        """How long it takes a candidate that has seen nothing yet to replace a crashed holder."""
        return self.lease_ms + 2 * self.retry_ms

    def __post_init__(self) -> None:
        for name in ("lease_ms", "renew_ms", "retry_ms", "margin_ms"):
            value = getattr(self, name)
            if value <= 0:
                raise ConfigurationError(f"{name}={value} is not positive. Use 1 ms or more.")
        # Two renewals must fit before the holder has to stop, or one lost packet unseats it.
        needed_ms = 2 * self.renew_ms + self.margin_ms
        if self.lease_ms < needed_ms:
            raise ConfigurationError(
                f"lease_ms={self.lease_ms} is shorter than two renewals and the margin "
                f"(2 * {self.renew_ms} + {self.margin_ms} = {needed_ms}). "
                f"Raise lease_ms to {needed_ms} or more, or renew more often."
            )
        least_ms = -(-self.lease_ms * _MARGIN_PERCENT // 100)
        if self.margin_ms < least_ms:
            raise ConfigurationError(
                f"margin_ms={self.margin_ms} is less than {_MARGIN_PERCENT} % of "
                f"lease_ms={self.lease_ms}. Raise margin_ms to {least_ms} or more, so that a slow "
                "clock or a long call cannot carry a holder past the end of its lease."
            )
        if self.retry_ms > self.lease_ms:
            raise ConfigurationError(
                f"retry_ms={self.retry_ms} is longer than lease_ms={self.lease_ms}. Lower it: a "
                "candidate that looks so seldom cannot tell a living holder from a dead one."
            )
