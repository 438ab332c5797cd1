"""The end of a twin, and of what it left: nothing is removed that cannot be proved dead.

Guarantees:
    ``end`` returns when no process of the twin is left, whatever has become of its files, also
    while it starts or stops. ``remove`` deletes nothing while a process of a twin lives in the
    directory, and none starts there meanwhile.

    What somebody else put beside it survives ``remove``.

Does not guarantee:
    That what somebody else put into a twin's own folders survives as well.
"""

import contextlib
import shutil
import time
from pathlib import Path

from holdfast.errors import TwinError
from holdfast.twin.client import Twin
from holdfast.twin.deployed import CONTRACT_FILE
from holdfast.twin.events import EVENTS_FILE
from holdfast.twin.fronts.stack_state import exclusive
from holdfast.twin.lock import ENDING_TIMEOUT_S, Stage, holders, look, take, wait_free
from holdfast.twin.plan import LOCK_FILE, PLAN_FILE, TWIN_FILE

STACK_FOLDER = "inprocess"
"""Where the in-process front keeps its state."""

WRITTEN = frozenset(
    {
        *(LOCK_FILE, TWIN_FILE, PLAN_FILE, EVENTS_FILE, CONTRACT_FILE),
        *("front", STACK_FOLDER, "engine", "logs", "regions"),
    }
)
"""All that a twin, and what is deployed to it, write into its directory."""

_PARTIAL = tuple(f".{name}." for name in WRITTEN)
_LEFT_TIMEOUT_S = 5.0
_LOOK_EVERY_S = 0.1


def end(state_dir: Path) -> bool:
    """Ends every process of the twin in a directory. Its state is kept.

    Returns:
        Whether one was alive.

    Raises:
        TwinError: If one is left that does not end, or cannot be told from others.
    """
    seen = look(state_dir)
    if not seen.alive and not _lives_without_lock(state_dir):
        return False
    if seen.stage is Stage.REMOVING:
        return wait_free(state_dir, ENDING_TIMEOUT_S)
    try:
        Twin.attach(state_dir).stop()
    except TwinError:
        # It starts, or stops, or cannot be spoken to: the lock still tells who it is.
        supervisor = look(state_dir).supervisor
        if supervisor is not None:
            supervisor.terminate()
            if not supervisor.wait_ended(ENDING_TIMEOUT_S):
                supervisor.kill()
    # The kernel ends the children of a supervisor that was killed, a moment later.
    if not wait_free(state_dir, _LEFT_TIMEOUT_S):
        for process in holders(state_dir):
            process.kill()
        if not wait_free(state_dir, _LEFT_TIMEOUT_S):
            raise TwinError(
                f"a process holds the lock of {state_dir} and cannot be ended from here. Find it "
                f"with `fuser {state_dir / LOCK_FILE}`; nothing was removed."
            )
    return True


def _lives_without_lock(state_dir: Path) -> bool:
    """Whether a twin answers although somebody has removed its lock."""
    try:
        Twin.attach(state_dir)
    except TwinError:
        return False
    return True


def remove(state_dir: Path) -> tuple[str, ...]:
    """Deletes what a twin that has ended has written.

    Returns:
        Names of what lies there and no twin has written; with any, the directory stays.

    Raises:
        TwinError: If a twin lives there, or no twin has been there.
        OSError: If something in it cannot be deleted.
    """
    if state_dir.is_symlink():
        raise TwinError(
            f"{state_dir} is a symbolic link to {state_dir.resolve()}, and what it leads to may "
            "belong to others. Name that directory itself, or remove the link."
        )
    if not (state_dir / LOCK_FILE).exists():
        raise TwinError(
            f"no twin has run in {state_dir}, or somebody has removed its {LOCK_FILE}: nothing was "
            "deleted. Name its --stack or --state-dir."
        )
    lock = take(state_dir)
    lock.note(Stage.REMOVING)
    try:
        _wait_for_deployment(state_dir)
        for entry in sorted(state_dir.iterdir()):
            if not _is_written_by_twins(entry.name):
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name != LOCK_FILE:
                entry.unlink()
        # Last, for it keeps others out until the rest is gone.
        (state_dir / LOCK_FILE).unlink()
        # Not empty: somebody else's things are there, or another twin's by now.
        with contextlib.suppress(OSError):
            state_dir.rmdir()
    finally:
        lock.release()
    if not state_dir.exists():
        return ()
    names = sorted(entry.name for entry in state_dir.iterdir())
    return tuple(name for name in names if not _is_written_by_twins(name))


def _is_written_by_twins(name: str) -> bool:
    """Whether a name in a twin's directory is a twin's, half-written files included."""
    return name in WRITTEN or name.startswith(_PARTIAL)


def _wait_for_deployment(state_dir: Path) -> None:
    """Lets a deployment end that its twin was taken away from: it still writes what it has done."""
    folder = state_dir / STACK_FOLDER
    deadline_s = time.monotonic() + ENDING_TIMEOUT_S
    while folder.is_dir():
        try:
            with exclusive(folder):
                return
        except TwinError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(_LOOK_EVERY_S)
