import subprocess
import sys
from collections.abc import Iterator

import pytest

from holdfast.drills import machine
from holdfast.drills.machine import NEEDED_CORES, Room, measure
from holdfast.errors import DrillError

HOGS = 12


def test_a_machine_with_too_little_to_give_says_how_much_it_has() -> None:
    busy = Room(cores=NEEDED_CORES - 0.2, stall_s=0.05, load=9.5)
    trouble = busy.trouble()
    assert trouble is not None
    assert "got 0.50 processors" in trouble
    assert "50 ms" in trouble
    assert "load average 9.5" in trouble
    assert trouble.endswith(f"needs {NEEDED_CORES:g}")


def test_a_machine_with_just_enough_is_no_trouble() -> None:
    assert Room(cores=NEEDED_CORES, stall_s=5, load=50).trouble() is None


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
    assert measure().cores == found
    assert len(list(rooms)) == len(got) - asked


def test_a_machine_that_starts_nothing_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(DrillError, match=r"cannot be measured: .*/nowhere/python"):
        measure()


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
    room = measure()
    assert room.trouble() is not None
    assert room.cores > 0
    assert room.stall_s > 0
