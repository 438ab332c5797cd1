"""The event log is whole, ordered, and readable while it is written."""

from pathlib import Path

from holdfast.twin.events import BEGINNING, EVENTS_FILE, EventLog, of_this_run, read


def test_events_are_readable_as_soon_as_they_are_added(tmp_path: Path) -> None:
    log = EventLog(tmp_path, wall=lambda: 1.5, monotonic=lambda: 2.5)
    event = log.add("region-kill", "us-east-1", "by a test")
    assert read(tmp_path) == (event,)
    assert (event.wall_s, event.monotonic_s) == (1.5, 2.5)
    log.close()


def test_a_later_twin_adds_to_the_log_of_an_earlier_one(tmp_path: Path) -> None:
    for kind in ("first", "second"):
        log = EventLog(tmp_path)
        log.add(kind)
        log.close()
    assert [event.kind for event in read(tmp_path)] == ["first", "second"]


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.add("whole")
    log.close()
    with (tmp_path / EVENTS_FILE).open("a") as file:
        file.write('{"kind":"torn","reg')
    assert [event.kind for event in read(tmp_path)] == ["whole"]


def test_a_directory_without_a_log_has_no_events(tmp_path: Path) -> None:
    assert read(tmp_path) == ()


def test_the_events_of_earlier_twins_are_told_from_those_of_this_one(tmp_path: Path) -> None:
    for detail in ("first", "second"):
        log = EventLog(tmp_path)
        log.add(BEGINNING, "", detail)
        log.add("twin-ready", "", detail)
        log.close()
    found = of_this_run(read(tmp_path))
    assert [event.detail for event in found] == ["second", "second"]
    assert of_this_run(found[1:]) == found[1:]
