"""Whether a twin lives in a directory: the lock on it says so, never a file's content.

The supervisor takes the lock before anything else, and every process that it starts inherits it.
So the lock is held for as long as a single process of the twin lives, however its supervisor
ended, and the kernel frees it with the last one.

Guarantees:
    Whoever has taken the lock knows that no process of a twin lives in the directory, and none
    starts there meanwhile. A directory that was copied, or whose files were garbled, is told
    from the one that the twin lives in. A process is named as a holder only if the kernel says
    that it holds this very lock (Linux), or wrote its identity there and still runs (elsewhere).

Does not guarantee:
    Anything on a network file system that keeps locks for one machine only. That processes are
    found which an agent detached from itself without its open files.
"""

import fcntl
import os
import sys
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from holdfast.errors import TwinError
from holdfast.twin.plan import LOCK_FILE
from holdfast.twin.processes import ProcessIdentity

ENDING_TIMEOUT_S = 20.0
UNCLEAR_TIMEOUT_S = 2.0
_POLL_S = 0.05
_LONGEST_NOTE_BYTES = 4096


class Stage(StrEnum):
    """How far a supervisor has come."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    REMOVING = "being removed"


class Note(BaseModel):
    """What a supervisor writes into its lock: who it is, and how far it has come."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    started: str
    stage: Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class Presence:
    """What a directory's lock says.

    Attributes:
        known: Whether a twin has ever been there.
        alive: Whether a process of a twin lives there.
        supervisor: The process that owns the twin; None where it has ended or is not known.
        stage: How far that has come; None without it.
    """

    known: bool
    alive: bool
    supervisor: ProcessIdentity | None = None
    stage: Stage | None = None


class Lock:
    """The lock of a directory, taken. See :func:`take`."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def note(self, stage: Stage) -> None:
        """Tells others who has the lock, and how far it has come."""
        me = ProcessIdentity.of(os.getpid())
        note = Note(pid=os.getpid(), started=me.started if me else "", stage=stage)
        text = note.model_dump_json().encode() + b"\n"
        # The new text first, so that a reader in between finds a note with a tail, not half a one.
        os.pwrite(self.descriptor, text, 0)
        os.ftruncate(self.descriptor, len(text))

    def release(self) -> None:
        """Frees the directory, unless a child that inherited the lock still lives."""
        os.close(self.descriptor)


def take(state_dir: Path) -> Lock:
    """Takes a directory for this process, and makes it where it is missing.

    A twin that is stopping is waited for; one that runs or starts is not.

    Raises:
        TwinError: If a twin lives there.
        OSError: If the directory cannot be used.
    """
    began_s = time.monotonic()
    while True:
        descriptor = _opened(state_dir)
        if descriptor is not None and _taken(descriptor, fcntl.LOCK_EX):
            if _is_still_there(descriptor, state_dir):
                return Lock(descriptor)
            os.close(descriptor)
        elif descriptor is not None:
            os.close(descriptor)
        seen = look(state_dir)
        ending = seen.stage in {Stage.STOPPING, Stage.REMOVING}
        patience_s = ENDING_TIMEOUT_S if ending else UNCLEAR_TIMEOUT_S
        # Without a supervisor, the lock is held for moments only: by somebody who looks, or by
        # children that the kernel is about to end.
        if seen.stage in {Stage.STARTING, Stage.RUNNING} or time.monotonic() - began_s > patience_s:
            raise TwinError(_occupied(state_dir, seen))
        time.sleep(_POLL_S)


def _opened(state_dir: Path) -> int | None:
    """The lock's file, made where it is missing; None where the directory goes meanwhile."""
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return os.open(state_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except FileNotFoundError:
        return None


def _occupied(state_dir: Path, seen: Presence) -> str:
    stage = f"it is {seen.stage}" if seen.stage else "what is left of it still runs"
    who = f"process {seen.supervisor.pid}" if seen.supervisor else "its supervisor has ended"
    return (
        f"a twin already runs in {state_dir} ({who}; {stage}). Use it (`holdfast twin status`), "
        "end it first (`holdfast twin down`), or name another --state-dir."
    )


def look(state_dir: Path) -> Presence:
    """What a directory's lock says now.

    Raises:
        TwinError: If it cannot be read.
    """
    try:
        descriptor = os.open(state_dir / LOCK_FILE, os.O_RDONLY | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return Presence(known=False, alive=False)
    except OSError as error:
        raise TwinError(
            f"the lock of the twin in {state_dir} cannot be read: {error.strerror}. "
            "Look as the user who started it."
        ) from error
    try:
        if _taken(descriptor, fcntl.LOCK_SH):
            return Presence(known=True, alive=False)
        note = _note_in(descriptor)
        if note is None:
            return Presence(known=True, alive=True)
        supervisor = ProcessIdentity(note.pid, note.started)
        if not supervisor.is_alive() or not _holds(note.pid, os.fstat(descriptor)):
            return Presence(known=True, alive=True)
        return Presence(known=True, alive=True, supervisor=supervisor, stage=note.stage)
    finally:
        os.close(descriptor)


def wait_free(state_dir: Path, timeout_s: float) -> bool:
    """Waits until no process of a twin lives in a directory; False if one still does."""
    deadline_s = time.monotonic() + timeout_s
    while look(state_dir).alive:
        if time.monotonic() > deadline_s:
            return False
        time.sleep(_POLL_S)
    return True


def holders(state_dir: Path) -> tuple[ProcessIdentity, ...]:
    """Every process of a directory's twin, as the kernel tells. Empty where it does not tell."""
    try:
        lock = (state_dir / LOCK_FILE).lstat()
        pids = [int(place.name) for place in Path("/proc").iterdir() if place.name.isdigit()]
    except OSError:
        return ()
    found = (ProcessIdentity.of(pid) for pid in pids if _holds(pid, lock))
    return tuple(process for process in found if process is not None)


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still_there(descriptor: int, state_dir: Path) -> bool:
    """Whether a lock that was taken is still the directory's: `down` may have removed that."""
    try:
        return os.path.samestat(os.fstat(descriptor), (state_dir / LOCK_FILE).lstat())
    except FileNotFoundError:
        return False


def _note_in(descriptor: int) -> Note | None:
    line = os.pread(descriptor, _LONGEST_NOTE_BYTES, 0).partition(b"\n")[0]
    try:
        return Note.model_validate_json(line)
    except ValidationError:
        return None


def _holds(pid: int, lock: os.stat_result) -> bool:
    """Whether a process has a lock, not merely the file open; where nothing tells, True."""
    if sys.platform != "linux":
        return True
    process = Path("/proc") / str(pid)
    try:
        for opened in (process / "fd").iterdir():
            # A descriptor that closes meanwhile was not the lock.
            if _is_lock(process, opened, lock):
                return True
    except OSError:
        return False
    return False


def _is_lock(process: Path, opened: Path, lock: os.stat_result) -> bool:
    try:
        if not os.path.samestat(opened.stat(), lock):
            return False
        told = (process / "fdinfo" / opened.name).read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return any(line.startswith("lock:") and "FLOCK" in line for line in told.splitlines())
