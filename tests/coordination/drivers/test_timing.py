"""Timings that cannot work are refused where they are made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.coordination import LeaseTiming
from holdfast.errors import ConfigurationError


def test_the_defaults_give_a_crash_takeover_within_twelve_and_a_half_seconds() -> None:
    timing = LeaseTiming()
    assert timing.lease_ms + 2 * timing.retry_ms <= 12_500


def test_a_lease_that_one_late_renewal_would_lose_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"lease_ms=5000 .*= 6000.*Raise lease_ms to 6000"):
        LeaseTiming(lease_ms=5_000)


def test_a_margin_below_a_fifth_of_the_lease_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"margin_ms=1000 .*Raise margin_ms to 2001"):
        LeaseTiming(lease_ms=10_001, margin_ms=1_000)


@pytest.mark.parametrize("name", ["lease_ms", "renew_ms", "retry_ms", "margin_ms"])
def test_a_time_that_is_not_positive_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}=0 is not positive"):
        LeaseTiming(**{name: 0})


def test_a_candidate_that_looks_less_often_than_once_a_lease_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="retry_ms=10001 is longer than lease_ms=10000"):
        LeaseTiming(retry_ms=10_001)


TIMES = st.integers(min_value=-5, max_value=60_000)


@given(lease_ms=TIMES, renew_ms=TIMES, retry_ms=TIMES, margin_ms=TIMES)
def test_every_timing_that_is_accepted_can_work(
    lease_ms: int, renew_ms: int, retry_ms: int, margin_ms: int
) -> None:
    try:
        timing = LeaseTiming(
            lease_ms=lease_ms, renew_ms=renew_ms, retry_ms=retry_ms, margin_ms=margin_ms
        )
    except ConfigurationError:
        return
    assert timing.lease_ms - timing.margin_ms >= 2 * timing.renew_ms > 0
    assert timing.margin_ms * 5 >= timing.lease_ms
    assert 0 < timing.retry_ms <= timing.lease_ms
