"""Virtual time, and processes that pause, crash and keep their own time."""

import pytest

from holdfast.errors import ConfigurationError
from holdfast.testing import Process, World, world


def test_events_happen_in_order_of_time_and_ties_in_order_of_scheduling() -> None:
    here, seen = World(0), list[str]()
    here.at(20, lambda: seen.append("late"))
    here.at(10, lambda: seen.append("first"))
    here.at(10, lambda: seen.append("second"))
    here.at(-5, lambda: seen.append("now"))
    here.run(15)
    assert seen == ["now", "first", "second"]
    assert here.now_ms == 15
    here.run(30)
    assert seen[-1] == "late"


def test_a_world_that_runs_in_circles_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "MAX_EVENTS", 100)
    here = World(3)

    def again() -> None:
        here.after(0, again)

    again()
    with pytest.raises(ConfigurationError, match="World 3 had 100 events before 1 ms"):
        here.run(1)


def test_a_paused_process_finds_everything_when_it_wakes() -> None:
    here, seen = World(0), list[int]()
    process = Process(here, "a", "r")
    process.wake_at(10, lambda: seen.append(here.now_ms))
    process.pause()
    here.run(50)
    assert seen == []
    process.resume()
    assert seen == [50]


def test_a_crashed_process_forgets_what_was_on_its_way() -> None:
    here, seen = World(0), list[int]()
    process = Process(here, "a", "r")
    process.wake_at(10, lambda: seen.append(1))
    process.crash()
    process.restart()
    process.wake_at(20, lambda: seen.append(2))
    here.run(50)
    assert seen == [2]


@pytest.mark.parametrize("rate_ppm", [-20_000, 0, 20_000])
def test_a_clock_runs_at_its_own_rate_and_its_timers_are_never_early(rate_ppm: int) -> None:
    here, fired = World(0), list[int]()
    process = Process(here, "a", "r", rate_ppm=rate_ppm)
    process.wake_at(1_000_000, lambda: fired.append(process.clock.now_ms()))
    here.run(2_000_000)
    assert process.clock.now_ms() == 2_000_000 + 2 * rate_ppm
    assert 1_000_000 <= fired[0] <= 1_000_002


def test_a_wall_clock_can_be_wrong_without_touching_the_monotonic_one() -> None:
    here = World(0)
    process = Process(here, "a", "r", wall_offset_ms=-500)
    here.run(1_000)
    assert process.wall_ms() == 500
    assert process.clock.now_ms() == 1_000


def test_history_reads_like_a_log() -> None:
    here = World(0)
    here.run(1_500)
    here.note("agent", "leads", "token 1")
    assert str(here.history[0]).split() == ["1.500", "s", "agent", "leads", "token", "1"]


def test_a_clock_that_leaps_goes_on_from_there_at_its_own_rate() -> None:
    world = World(1)
    process = Process(world, "a", "us-east-1", rate_ppm=10_000)
    process.clock.leap(5_000)
    world.run(100_000)
    assert process.clock.now_ms() == 106_000
    assert process.clock.true_ms(106_000) == 100_000


def test_a_clock_that_stood_still_goes_on_where_it_stopped_and_never_goes_back() -> None:
    world = World(1)
    process = Process(world, "a", "us-east-1")
    world.run(1_000)
    process.pause(clock_too=True)
    world.run(61_000)
    assert process.clock.now_ms() == 1_000
    process.resume()
    assert process.clock.now_ms() == 1_000
    world.run(62_000)
    assert process.clock.now_ms() == 2_000
    process.pause(clock_too=True)
    process.crash()
    world.run(63_000)
    assert process.clock.now_ms() == 3_000
