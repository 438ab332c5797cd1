"""What cannot be proved dead is not deleted; what can be is."""

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from holdfast.errors import TwinError
from holdfast.twin import ending, lock
from holdfast.twin.ending import end, remove
from holdfast.twin.events import EVENTS_FILE
from holdfast.twin.fronts.stack_state import exclusive
from holdfast.twin.lock import Stage, look, take
from holdfast.twin.plan import LOCK_FILE, TWIN_FILE, TwinRecord
from holdfast.twin.processes import ProcessIdentity
from tests.twin.test_plan import KEY, PLAN

linux = pytest.mark.skipif(sys.platform != "linux", reason="processes are told by /proc")

HOLDER = """
import sys, time
from pathlib import Path
from holdfast.twin.lock import Stage, take
lock = take(Path(sys.argv[1]))
if sys.argv[2] != "silent":
    lock.note(Stage(sys.argv[2]))
sys.stdout.write("held\\n"); sys.stdout.flush()
time.sleep(60)
"""


def holder(place: Path, stage: str) -> "subprocess.Popen[str]":
    """A process that has a directory as a supervisor has it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(place), stage], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


GARBLED = ["", "{", "null", "[]", '{"pid": 1}', '{"pid": "x"}', "\0\0"]


def test_where_no_twin_lives_nothing_is_ended(tmp_path: Path) -> None:
    assert not end(tmp_path)
    take(tmp_path).release()
    assert not end(tmp_path)


@linux
@pytest.mark.parametrize("stage", ["starting", "running", "stopping"])
@pytest.mark.parametrize("record", [None, *GARBLED[:3]])
def test_a_living_twin_is_ended_before_anything_is_removed(
    tmp_path: Path, stage: str, record: str | None
) -> None:
    place = tmp_path / "twin"
    with holder(place, stage) as process:
        if record is not None:
            (place / TWIN_FILE).write_text(record)
        with pytest.raises(TwinError, match=rf"process {process.pid}; it is {stage}"):
            _remove_at_once(place)
        assert (place / LOCK_FILE).exists()
        assert end(place)
        assert process.wait(10) == -15
    remove(place)
    assert not place.exists()


def _remove_at_once(place: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lock, "ENDING_TIMEOUT_S", 0.1)
        remove(place)


@linux
@pytest.mark.slow
def test_a_twin_whose_lock_says_nothing_is_found_by_what_holds_it(tmp_path: Path) -> None:
    place = tmp_path / "twin"
    with holder(place, "silent") as process:
        assert look(place).supervisor is None
        assert end(place)
        assert process.wait(10) == -9


@linux
def test_the_process_that_a_foreign_record_names_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "twin"
    with subprocess.Popen(["sleep", "60"]) as bystander, holder(place, "running") as process:
        found = ProcessIdentity.of(bystander.pid)
        assert found is not None
        TwinRecord(
            pid=found.pid, started=found.started, token="t", credentials=KEY, plan=PLAN
        ).save(place)
        assert end(place)
        assert process.wait(10) == -15
        assert found.is_alive()
        remove(place)
        bystander.kill()


def test_another_removal_is_waited_for(tmp_path: Path) -> None:
    held = take(tmp_path)
    held.note(Stage.REMOVING)
    threading.Timer(0.2, held.release).start()
    assert end(tmp_path)


def test_a_deployment_that_goes_on_keeps_its_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "ENDING_TIMEOUT_S", 0.1)
    take(tmp_path).release()
    folder = tmp_path / ending.STACK_FOLDER
    with (
        exclusive(folder),
        pytest.raises(TwinError, match="another process is deploying"),
    ):
        remove(tmp_path)
    assert folder.exists()
    remove(tmp_path)
    assert not tmp_path.exists()


def test_a_link_is_not_followed_to_what_it_leads_to(tmp_path: Path) -> None:
    place = tmp_path / "other"
    take(place).release()
    (tmp_path / "link").symlink_to(place)
    with pytest.raises(TwinError, match=rf"symbolic link to {place}.*Name that directory"):
        remove(tmp_path / "link")
    assert (place / LOCK_FILE).exists()


def test_links_in_the_directory_go_and_what_they_lead_to_stays(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.tex").write_text("four years")
    place = tmp_path / "twin"
    take(place).release()
    (place / "logs").symlink_to(tmp_path / "precious")
    (place / EVENTS_FILE).symlink_to(tmp_path / "precious" / "thesis.tex")
    remove(place)
    assert not place.exists()
    assert (tmp_path / "precious" / "thesis.tex").read_text() == "four years"


def test_what_no_twin_has_written_stays(tmp_path: Path) -> None:
    place = tmp_path / "twin"
    take(place).release()
    (place / "logs").mkdir()
    (place / f".{TWIN_FILE}.4711").touch()
    (place / "thesis.tex").write_text("four years")
    (place / "data").mkdir()
    assert remove(place) == ("data", "thesis.tex")
    assert (place / "thesis.tex").read_text() == "four years"
    assert sorted(entry.name for entry in place.iterdir()) == ["data", "thesis.tex"]


def test_a_directory_with_a_log_of_events_of_somebody_else_s_is_no_twin_s(tmp_path: Path) -> None:
    (tmp_path / EVENTS_FILE).write_text('{"clicked": true}\n')
    with pytest.raises(TwinError, match=r"no twin has run in .*, or .* removed .*: nothing was"):
        remove(tmp_path)
    assert (tmp_path / EVENTS_FILE).exists()


def test_the_lock_goes_last_and_the_directory_stays_where_another_twin_has_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "twin"
    take(place).release()
    (place / "regions").mkdir()
    seen: list[bool] = []

    def rmtree(directory: Path) -> None:
        seen.append(look(place).stage is Stage.REMOVING)
        directory.rmdir()
        # Another start has made its log before it waits for the lock.
        (place / "logs").mkdir()

    monkeypatch.setattr(shutil, "rmtree", rmtree)
    remove(place)
    assert seen == [True]
    assert [entry.name for entry in place.iterdir()] == ["logs"]
