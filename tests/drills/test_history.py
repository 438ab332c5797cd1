import hashlib
from pathlib import Path

import pytest
from pydantic import ValidationError

from holdfast.drills import history as histories
from holdfast.drills.history import Request
from tests.drills.histories import a_good_history


def test_a_history_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    history = a_good_history()
    histories.write(history, tmp_path / "h.jsonl")
    assert histories.read(tmp_path / "h.jsonl") == history


def test_whoever_refers_to_a_history_can_say_which_one(tmp_path: Path) -> None:
    file = tmp_path / "h.jsonl"
    digest = histories.write(a_good_history(), file)
    assert digest == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_file_that_does_not_begin_with_a_plan_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "h.jsonl"
    histories.write(a_good_history(), file)
    file.write_text("\n".join(file.read_text().splitlines()[1:]))
    with pytest.raises(ValueError, match="does not begin with a plan"):
        histories.read(file)


def test_a_line_with_an_unknown_field_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "h.jsonl"
    histories.write(a_good_history(), file)
    file.write_text(file.read_text() + '{"kind": "memory", "at_s": 1, "pss_bytes": 1, "x": 2}\n')
    with pytest.raises(ValidationError):
        histories.read(file)


def test_requests_come_in_the_order_in_which_they_were_due() -> None:
    history = a_good_history()
    backwards = history.with_events(reversed(history.events))
    due = [request.due_s for request in backwards.requests]
    assert due == sorted(due)
    assert len(due) == len(history.of(Request))


def test_the_affected_jurisdiction_is_the_one_that_serves_from_the_lost_region() -> None:
    assert a_good_history().plan.affected == "us"
