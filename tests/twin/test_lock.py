"""The lock on a directory says whether a twin lives there, whatever its files say."""

import fcntl
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdfast.errors import TwinError
from holdfast.twin import lock as locks
from holdfast.twin.lock import Note, Presence, Stage, holders, look, take, wait_free
from holdfast.twin.plan import LOCK_FILE
from holdfast.twin.processes import ProcessIdentity

kernel_tells = pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells on Linux only")


def me() -> ProcessIdentity:
    found = ProcessIdentity.of(os.getpid())
    assert found is not None
    return found


@contextmanager
def child_holding(descriptor: int) -> Generator["subprocess.Popen[bytes]"]:
    """A process that inherited a lock."""
    with subprocess.Popen(["sleep", "60"], pass_fds=(descriptor,)) as child:
        try:
            yield child
        finally:
            child.kill()


def test_a_directory_that_is_not_there_has_seen_no_twin(tmp_path: Path) -> None:
    assert look(tmp_path / "nowhere") == Presence(known=False, alive=False)
    assert look(tmp_path) == Presence(known=False, alive=False)


def test_whoever_holds_the_lock_is_named_with_how_far_it_has_come(tmp_path: Path) -> None:
    held = take(tmp_path / "new" / "place")
    for stage in Stage:
        held.note(stage)
        seen = look(tmp_path / "new" / "place")
        assert seen == Presence(known=True, alive=True, supervisor=me(), stage=stage)
    held.release()
    assert look(tmp_path / "new" / "place") == Presence(known=True, alive=False)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"\0" * 100, b'{"pid":1}', b'{"pid":"x","started":"","stage":"?"}']
)
def test_a_lock_whose_note_is_garbled_is_held_all_the_same(tmp_path: Path, text: bytes) -> None:
    held = take(tmp_path)
    (tmp_path / LOCK_FILE).write_bytes(text)
    assert look(tmp_path) == Presence(known=True, alive=True)
    held.release()


@kernel_tells
def test_a_process_that_does_not_hold_the_lock_is_never_taken_for_the_supervisor(
    tmp_path: Path,
) -> None:
    # A note that names somebody else, as one has that was copied or whose number came again.
    held = take(tmp_path)
    with subprocess.Popen(["sleep", "60"]) as other:
        found = ProcessIdentity.of(other.pid)
        assert found is not None
        note = Note(pid=found.pid, started=found.started, stage=Stage.RUNNING)
        (tmp_path / LOCK_FILE).write_text(note.model_dump_json())
        assert look(tmp_path) == Presence(known=True, alive=True)
        other.kill()
    held.release()


def test_a_copy_of_a_living_directory_is_not_alive(tmp_path: Path) -> None:
    held = take(tmp_path / "original")
    held.note(Stage.RUNNING)
    shutil.copytree(tmp_path / "original", tmp_path / "copy")
    assert look(tmp_path / "copy") == Presence(known=True, alive=False)
    held.release()


@kernel_tells
def test_what_a_supervisor_leaves_behind_keeps_the_directory_and_is_found(tmp_path: Path) -> None:
    held = take(tmp_path)
    with child_holding(held.descriptor) as child:
        held.release()
        # Somebody who only reads the file is not of the twin.
        with (tmp_path / LOCK_FILE).open("rb"):
            assert [process.pid for process in holders(tmp_path)] == [child.pid]
        assert look(tmp_path) == Presence(known=True, alive=True)
        assert not wait_free(tmp_path, 0.1)
    assert wait_free(tmp_path, 5)
    assert holders(tmp_path) == ()


@pytest.mark.parametrize("stage", [Stage.STARTING, Stage.RUNNING])
def test_a_directory_has_one_twin_at_a_time(tmp_path: Path, stage: Stage) -> None:
    held = take(tmp_path)
    held.note(stage)
    with pytest.raises(
        TwinError, match=rf"already runs in .*\(process {os.getpid()}; it is {stage}\).*twin down"
    ):
        take(tmp_path)
    held.release()
    take(tmp_path).release()


@pytest.mark.parametrize("stage", [Stage.STOPPING, Stage.REMOVING])
def test_one_that_is_going_is_waited_for(tmp_path: Path, stage: Stage) -> None:
    held = take(tmp_path)
    held.note(stage)
    threading.Timer(0.2, held.release).start()
    take(tmp_path).release()


def test_one_that_is_going_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "ENDING_TIMEOUT_S", 0.1)
    held = take(tmp_path)
    held.note(Stage.STOPPING)
    with pytest.raises(TwinError, match="it is stopping"):
        take(tmp_path)
    held.release()


def test_a_lock_that_was_removed_before_it_was_taken_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As `down` does it: whoever opened the file before must not believe to have the directory
    # because of a file that nobody finds any more.
    place = tmp_path / "twin"
    really = fcntl.flock
    taken: list[int] = []

    def flock(descriptor: int, kind: int) -> None:
        really(descriptor, kind)
        taken.append(kind)
        if len(taken) == 1:
            shutil.rmtree(place)

    monkeypatch.setattr(fcntl, "flock", flock)
    again = take(place)
    again.note(Stage.STARTING)
    assert len(taken) > 1
    assert look(place).supervisor == me()
    again.release()


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    (tmp_path / LOCK_FILE).symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic links"):
        take(tmp_path)
    with pytest.raises(TwinError, match="cannot be read"):
        look(tmp_path)
    assert (tmp_path / "precious").read_text() == "kept"
