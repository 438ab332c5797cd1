"""What a twin needs of its machine, asked for before anything is started.

Does not guarantee:
    That it stays so: a disk that fills up later ends in the error of whoever writes to it.
"""

import contextlib
import os
import resource
import shutil
from pathlib import Path

from holdfast.errors import TwinError

REGION_BYTES = 32 * 1024 * 1024
"""Disk for a region's state and logs: several times what an empty one takes."""

OPEN_FILES = 256
"""Open files of the process that has most: a region server under load, or the supervisor."""

OPEN_FILES_A_REGION = 16
"""What one more region adds to the supervisor's."""

_WANTED_OPEN_FILES = 4096


def expect_room(state_dir: Path, *, region_count: int) -> None:
    """Looks for what a twin needs. Makes nothing.

    Raises:
        TwinError: What is missing, with its path or limit.
    """
    _expect_open_files(OPEN_FILES + OPEN_FILES_A_REGION * region_count)
    place = _existing(state_dir)
    problem = "is no directory" if not place.is_dir() else "cannot be written"
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise TwinError(
            f"the twin cannot start in {state_dir}: {place} {problem}. "
            "Name a --state-dir that can be written."
        )
    free_bytes = shutil.disk_usage(place).free
    needed_bytes = REGION_BYTES * region_count
    if free_bytes < needed_bytes:
        regions = "one region" if region_count == 1 else f"{region_count} regions"
        raise TwinError(
            f"the disk of {state_dir} has {free_bytes / 1e6:.0f} MB left, and a twin of "
            f"{regions} needs {needed_bytes / 1e6:.0f} MB. Make room, or name a "
            "--state-dir on another disk."
        )


def _existing(path: Path) -> Path:
    """The nearest of a path and its parents that is there."""
    try:
        return next(one for one in (path, *path.parents) if one.exists() or one.is_symlink())
    except OSError as error:
        raise TwinError(
            f"the twin cannot start in {path}: {error.strerror}. Name another --state-dir."
        ) from error


def _expect_open_files(needed: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise TwinError(
            f"a process may have {hard} open files here (`ulimit -Hn`), and this twin needs "
            f"{needed}. Raise the limit, or start a twin of fewer regions."
        )


def raise_open_files() -> None:
    """Lets this process, and those that it starts, open as many files as they may need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_OPEN_FILES if hard == resource.RLIM_INFINITY else min(_WANTED_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # Some systems cap it lower than they say; what there is was found to be enough.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
