import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.errors import TwinError
from holdfast.twin.fronts.stack_state import (
    JOURNAL_FILE,
    STATE_FILE,
    Record,
    StackState,
    exclusive,
)


def record(urn: str = "urn:a", **changes: object) -> Record:
    made = Record(
        urn=urn,
        type="aws:kms/key:Key",
        name="a",
        id="id-1",
        inputs={"region": "us-east-1"},
        state={"arn": "x", "nested": [{"n": 1}]},
        dependencies=("urn:b",),
        property_dependencies={"vpcId": ("urn:b",)},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_what_was_recorded_is_there_after_a_crash(tmp_path: Path) -> None:
    state = StackState(tmp_path)
    state.begin("urn:a", "create")
    state.put(record())
    state.put(record("urn:c", protect=True))
    state.remove(record("urn:c"))
    state.close()  # As when the process is gone: nothing is saved.
    again = StackState(tmp_path)
    assert again.records == (record(),)
    assert again.unfinished == {}


def test_an_operation_that_was_under_way_is_remembered(tmp_path: Path) -> None:
    state = StackState(tmp_path)
    state.begin("urn:a", "create")
    state.close()
    state = StackState(tmp_path)
    assert state.unfinished == {"urn:a": "create"}
    state.end("urn:a")
    state.close()
    assert StackState(tmp_path).unfinished == {}


def test_a_line_that_a_crash_cut_off_is_ignored(tmp_path: Path) -> None:
    state = StackState(tmp_path)
    state.put(record())
    state.put(record("urn:c"))
    state.close()
    journal = tmp_path / JOURNAL_FILE
    journal.write_text(journal.read_text()[:-30])
    assert [item.urn for item in StackState(tmp_path).records] == ["urn:a"]


def test_what_is_recorded_after_a_line_that_a_crash_cut_off_is_not_lost_with_it(
    tmp_path: Path,
) -> None:
    (tmp_path / JOURNAL_FILE).write_text('{"put": {"urn": "urn:a", "ty')
    state = StackState(tmp_path)
    state.put(record("urn:c"))
    state.close()
    assert [item.urn for item in StackState(tmp_path).records] == ["urn:c"]


def test_a_replacement_and_what_it_replaces_are_recorded_together_or_not_at_all(
    tmp_path: Path,
) -> None:
    state = StackState(tmp_path)
    state.put(record())
    state.begin("urn:a", "replace")
    state.supersede(record(), record(id="id-2"))
    state.close()
    both = [("id-2", False), ("id-1", True)]
    again = StackState(tmp_path)
    assert [(item.id, item.doomed) for item in again.records] == both
    assert again.unfinished == {}
    journal = tmp_path / JOURNAL_FILE
    journal.write_text(journal.read_text()[:-30])
    before = StackState(tmp_path)
    assert [(item.id, item.doomed) for item in before.records] == [("id-1", False)]
    assert before.unfinished == {"urn:a": "replace"}


def test_saving_empties_the_journal_and_keeps_everything(tmp_path: Path) -> None:
    state = StackState(tmp_path)
    state.put(record())
    state.supersede(record(), record(id="id-2"))
    state.begin("urn:z", "update")
    state.finish({"out": ["put"]})
    assert not (tmp_path / JOURNAL_FILE).exists()
    again = StackState(tmp_path)
    assert [(item.id, item.doomed) for item in again.records] == [("id-2", False), ("id-1", True)]
    assert again.outputs == {"out": ["put"]}
    assert again.unfinished == {"urn:z": "update"}


def test_the_files_hold_secrets_and_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    state = StackState(tmp_path / "deep")
    state.put(record())
    state.close()
    assert stat.S_IMODE((tmp_path / "deep" / JOURNAL_FILE).stat().st_mode) == 0o600
    state.save()
    assert stat.S_IMODE((tmp_path / "deep" / STATE_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "deep").stat().st_mode) == 0o700


def test_a_state_of_another_version_or_of_no_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / STATE_FILE).write_text(json.dumps({"version": 99, "resources": []}))
    with pytest.raises(TwinError, match="version 99"):
        StackState(tmp_path)
    (tmp_path / STATE_FILE).write_text("{")
    with pytest.raises(TwinError, match="cannot be read"):
        StackState(tmp_path)


def test_one_deployment_at_a_time(tmp_path: Path) -> None:
    refused = pytest.raises(TwinError, match="another process")
    with exclusive(tmp_path), refused, exclusive(tmp_path):
        pass
    with exclusive(tmp_path):
        pass
