import subprocess
import sys
from collections.abc import Iterator

import pytest

from holdfast.drills import machine
from holdfast.drills.machine import Room, measure
from holdfast.errors import DrillError

HOGS = 12


def test_a_machine_with_too_little_to_give_says_how_much_it_has() -> None:
    trouble = Room(cores=0.5, stall_s=0.05, load=9.5).trouble(2)
    assert trouble is not None
    assert "got 0.50 processors" in trouble
    assert "50 ms" in trouble
    assert "load average 9.5" in trouble
    assert trouble.endswith("needs 0.70")


def test_a_machine_with_just_enough_is_no_trouble() -> None:
    assert Room(cores=0.7, stall_s=5, load=50).trouble(2) is None


def test_less_is_needed_where_there_is_less_to_rehearse() -> None:
    modest = Room(cores=0.5, stall_s=0.1, load=4)
    assert [modest.trouble(count) is None for count in (1, 2, 3)] == [True, False, False]


@pytest.mark.parametrize(
    ("got", "asked", "found"),
    [
        ([1.5, 0.1, 0.1], 1, 1.5),
        ([0.1, 1.5, 0.1], 2, 1.5),
        ([0.1, 0.3, 0.2], 3, 0.3),
    ],
)
def test_a_burst_of_somebody_else_s_work_is_waited_for(
    got: list[float], asked: int, found: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = iter([Room(cores=cores, stall_s=0, load=0) for cores in got])
    monkeypatch.setattr(machine, "_measured", lambda: next(rooms))
    assert measure(2).cores == found
    assert len(list(rooms)) == len(got) - asked


def test_a_machine_that_starts_nothing_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(DrillError, match=r"cannot be measured: .*/nowhere/python"):
        measure(2)


@pytest.fixture
def hogs() -> Iterator[None]:
    """So many that loop for ever, at the tests' own priority, that two more get next to nothing."""
    made = [subprocess.Popen((sys.executable, "-c", "while True: pass")) for _ in range(HOGS)]
    yield
    for hog in made:
        hog.kill()
        hog.wait()


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.usefixtures("hogs")
def test_a_machine_that_is_really_busy_is_found_out() -> None:
    room = measure(2)
    assert room.trouble(2) is not None
    assert room.cores > 0
    assert room.stall_s > 0
