"""A cache of compiled modules of the command's own, where Python would keep none.

With ``PYTHONDONTWRITEBYTECODE=1``, which images of containers commonly set, or where packages
belong to somebody else and were installed without being compiled, every command would compile the
SDK again: 6 of a check's 10 seconds.

Guarantees:
    Nothing is changed where Python keeps its own cache, or where all was compiled when it was
    installed. Otherwise compiled modules go below ``$XDG_CACHE_HOME/holdfast`` (by default
    ``~/.cache/holdfast``) and nowhere else; processes that the command starts use the same.
    A cache is code that is run: one that anybody else could have written to is not used.

Does not guarantee:
    A cache: where there is no safe place for one, everything is compiled as before.
"""

import os
import stat
import sys
from importlib.util import cache_from_source, find_spec
from pathlib import Path

PREFIX = "PYTHONPYCACHEPREFIX"
DONT_WRITE = "PYTHONDONTWRITEBYTECODE"
HEAVY = "pulumi_aws"
"""What takes longest to compile."""


def keep() -> None:
    """Lets this process, and those that it starts, keep what they compile. Never fails."""
    if is_kept():
        return
    place = private_place()
    if place is None:
        return
    sys.pycache_prefix = str(place)
    sys.dont_write_bytecode = False
    os.environ[PREFIX] = str(place)
    os.environ.pop(DONT_WRITE, None)


def is_kept() -> bool:
    """Whether Python writes down what it compiles, or need not."""
    heavy = find_spec(HEAVY)
    sources = [Path(__file__)]
    if heavy is not None and heavy.origin is not None:
        sources.append(Path(heavy.origin))
    caches = [Path(cache_from_source(str(source))) for source in sources]
    if sys.dont_write_bytecode:
        return all(cache.exists() for cache in caches)
    return all(cache.exists() or _can_be_written(cache.parent) for cache in caches)


def _can_be_written(directory: Path) -> bool:
    while not directory.exists():
        directory = directory.parent
    return os.access(directory, os.W_OK)


def private_place() -> Path | None:
    """A directory that nobody but this user can write to, or None."""
    told = os.environ.get("XDG_CACHE_HOME", "")
    try:
        # The specification has relative paths ignored.
        base = Path(told) if told.startswith("/") else Path.home() / ".cache"
        place = (base / "holdfast").resolve() / "bytecode"
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_private(place) and all(map(_is_ours_alone, place.parents)):
            return place
    except (OSError, RuntimeError):
        # A full disk, somebody else's home, or no home at all.
        return None
    return None


def _is_private(place: Path) -> bool:
    """Whether what lies in a directory was put there by this user."""
    seen = place.lstat()
    others_write = bool(seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid() and not others_write


def _is_ours_alone(directory: Path) -> bool:
    """Whether no other user can put another directory in the place of one in a directory."""
    seen = directory.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid not in {0, os.geteuid()}:
        return False
    others_write = bool(seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
    # In a directory such as /tmp, only its owner can rename what lies there.
    return not others_write or bool(seen.st_mode & stat.S_ISVTX)
