"""Runs a program as if in a fresh interpreter, and puts this one back as it was.

Guarantees:
    The program imports its own modules afresh and as they are written now, whatever this process
    imported under the same names; afterwards ``sys.modules``, ``sys.path``, ``sys.argv``, the
    working directory and ``os.environ`` are as before, so another run of the same or another
    project is clean.

Does not guarantee:
    Anything about other threads meanwhile: these are properties of the whole process. Modules
    from installed packages stay imported, because SDKs register themselves only once.
"""

import importlib
import marshal
import os
import runpy
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

# Our own modules may be imported lazily while a program runs, and are never part of it, even
# when this repository is itself the project.
_OURSELVES = __name__.partition(".")[0]

_CHECKED_HASH: Final = (0b11).to_bytes(4, "little")
"""Flags of a cache that is looked at with the hash of its source beside it."""


def run_program(program: Path) -> None:
    """Runs a program as Pulumi's executor does: as ``__main__``, from its own directory.

    Args:
        program: A directory with a ``__main__.py``, or a file.
    """
    runpy.run_path(str(program), run_name="__main__")


@contextmanager
def isolated(program: Path, root: Path) -> Generator[None]:
    """Makes this process look like the one that Pulumi would start for a program.

    Args:
        program: A directory with a ``__main__.py``, or a file.
        root: Directory of ``Pulumi.yaml``.
    """
    directory = program if program.is_dir() else program.parent
    own = _names_in(directory) | _names_in(root)
    before = dict(sys.modules)
    finder = _finding_by_content(root)
    path, argv, cwd, environ = list(sys.path), list(sys.argv), Path.cwd(), dict(os.environ)
    stashed = {name: module for name, module in before.items() if _top(name) in own}
    for name in stashed:
        del sys.modules[name]
    try:
        sys.path_hooks.insert(0, finder)
        sys.path_importer_cache.clear()
        sys.argv = [str(program)]
        os.chdir(directory)
        importlib.invalidate_caches()
        yield
    finally:
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(environ)
        sys.argv[:] = argv
        sys.path[:] = path
        sys.path_hooks.remove(finder)
        sys.path_importer_cache.clear()
        for name, module in list(sys.modules.items()):
            if name not in before and (_top(name) in own or _lies_in(module, root)):
                del sys.modules[name]
        sys.modules.update(stashed)


class _ByContent(SourceFileLoader):
    """Loads a module from the cache only where the cache was made of this very source.

    Python itself goes by size and time: a program that is edited and run again within a second,
    at the same length, would be run as it was. Only a program's own modules are loaded so; what is
    installed is large, and stays as it is.
    """

    def get_code(self, fullname: str) -> CodeType:
        """The module's code, compiled where no cache of this source is found (PEP 552)."""
        path = self.get_filename(fullname)
        source = self.get_data(path)
        head = MAGIC_NUMBER + _CHECKED_HASH + source_hash(source)
        cache = cache_from_source(path)
        code = _cached(self, cache, head)
        # In a project that was copied with its caches, the code still names the old place.
        if code is None or code.co_filename != path:
            code = self.source_to_code(source, path)
            if not sys.dont_write_bytecode:
                self.set_data(cache, head + marshal.dumps(code))
        return code


def _cached(loader: SourceFileLoader, cache: str, head: bytes) -> CodeType | None:
    try:
        data = loader.get_data(cache)
        code: object = marshal.loads(data[len(head) :]) if data.startswith(head) else None  # noqa: S302 -- as Python's own loader does
    except (EOFError, OSError, TypeError, ValueError):
        return None
    return code if isinstance(code, CodeType) else None


def _finding_by_content(root: Path) -> Callable[[str], FileFinder]:
    """A path hook for the directories of a project."""

    def finder(place: str) -> FileFinder:
        path = Path(place or ".").resolve()
        if not path.is_relative_to(root) or "site-packages" in path.parts:
            raise ImportError(f"{place} is not the program's", path=place)
        return FileFinder(
            str(path),
            (ExtensionFileLoader, EXTENSION_SUFFIXES),
            (_ByContent, SOURCE_SUFFIXES),
        )

    return finder


def _top(name: str) -> str:
    return name.partition(".")[0]


def _names_in(directory: Path) -> set[str]:
    names = {
        entry.stem
        for entry in directory.iterdir()
        if entry.suffix == ".py" or (entry.is_dir() and entry.name.isidentifier())
    }
    return names - {_OURSELVES, "__main__"}


def _lies_in(module: ModuleType, root: Path) -> bool:
    if _top(module.__name__) == _OURSELVES:
        return False
    file = getattr(module, "__file__", None)
    if not isinstance(file, str):
        return False
    location = Path(file)
    return location.is_relative_to(root) and "site-packages" not in location.parts
