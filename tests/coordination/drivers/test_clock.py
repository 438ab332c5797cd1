"""The clock that leases are counted on, and how long to wait for a moment of it."""

from holdfast.coordination.drivers.clock import Countdown, SystemClock
from tests.coordination.fakes import ManualClock


def test_the_system_clock_only_goes_forward() -> None:
    clock = SystemClock()
    times_ms = [clock.now_ms() for _ in range(1_000)]
    assert times_ms == sorted(times_ms)


def test_a_moment_is_waited_for_until_it_has_come() -> None:
    clock = ManualClock()
    countdown = Countdown(clock)
    assert countdown.left_s(1_500) == 1.5
    clock.advance(1_000)
    assert countdown.left_s(1_500) == 0.5
    clock.advance(1_000)
    assert countdown.left_s(1_500) == 0


def test_a_clock_that_was_set_back_by_an_hour_is_not_waited_for() -> None:
    clock = ManualClock()
    clock.advance(3_600_000)
    countdown = Countdown(clock)
    clock.advance(-3_599_000)
    assert countdown.left_s(3_600_100) == 0
