"""What is compiled is kept, in a place that nobody else can write to, and only where needed."""

import os
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from holdfast.cli import bytecode

ROOT = Path(__file__).parents[2]
KEEP = bytecode.keep
"""As it was before the fixture of these tests left it out."""

REPORT = """
import os, sys
from holdfast.cli import bytecode
bytecode.HEAVY = "heavy"
bytecode.keep()
import heavy
print(sys.pycache_prefix, sys.dont_write_bytecode, heavy.__cached__, flush=True)
import subprocess
subprocess.run([sys.executable, "-c", "import light; print(light.__cached__)"], check=True)
"""


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Where a heavy module is installed that was not compiled."""
    place = tmp_path / "packages"
    place.mkdir()
    (place / "heavy.py").write_text("WEIGHT = 1\n")
    (place / "light.py").write_text("")
    return place


def told(packages: Path, **environment: str) -> list[str]:
    """What a process that keeps its modules, and one that it starts, say about it."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ran = subprocess.run(
        (sys.executable, "-c", REPORT),
        env={**inherited, "PYTHONPATH": f"{packages}:{ROOT}", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.split()


def test_where_python_writes_nothing_a_private_place_keeps_what_is_compiled(
    packages: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    before = sorted(packages.rglob("*"))
    environment = {"PYTHONDONTWRITEBYTECODE": "1", "XDG_CACHE_HOME": str(cache)}
    prefix, dont_write, kept, childs = told(packages, **environment)
    assert (prefix, dont_write) == (str(cache / "holdfast" / "bytecode"), "False")
    for compiled in map(Path, (kept, childs)):
        assert compiled.is_relative_to(prefix)
        assert compiled.exists()
    assert Path(prefix).stat().st_mode & 0o777 == 0o700
    assert sorted(packages.rglob("*")) == before


def test_where_python_keeps_its_own_cache_nothing_is_changed(
    packages: Path, tmp_path: Path
) -> None:
    prefix, dont_write, kept, childs = told(packages, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert (prefix, dont_write) == ("None", "False")
    assert Path(kept).is_relative_to(packages)
    assert Path(childs).is_relative_to(packages)
    assert not (tmp_path / "cache").exists()


def test_what_was_compiled_when_it_was_installed_is_used_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    source = tmp_path / "heavy.py"
    source.touch()
    monkeypatch.setattr(bytecode, "__file__", str(source))
    monkeypatch.setattr(bytecode, "HEAVY", "no_such_package")
    assert not bytecode.is_kept()
    cache = Path(cache_from_source(str(source)))
    cache.parent.mkdir()
    cache.touch()
    assert bytecode.is_kept()


@pytest.mark.parametrize("home", ["cache", "relative"])
def test_without_a_cache_home_or_with_a_relative_one_it_lies_in_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "" if home == "cache" else "here")
    assert bytecode.private_place() == tmp_path / ".cache" / "holdfast" / "bytecode"


@pytest.mark.parametrize("weak", ["bytecode", "holdfast", ""])
@pytest.mark.parametrize("mode", [0o777, 0o720, 0o702])
def test_a_place_that_others_can_write_to_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weak: str, mode: int
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    place = bytecode.private_place()
    assert place == cache / "holdfast" / "bytecode"
    assert place is not None
    open_to_others = {"bytecode": place, "holdfast": place.parent, "": cache}[weak]
    open_to_others.chmod(mode)
    assert bytecode.private_place() is None


def test_a_place_that_somebody_else_made_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert bytecode.private_place() is not None
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    assert bytecode.private_place() is None


def test_a_link_in_its_place_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "holdfast").mkdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "holdfast" / "bytecode").symlink_to(tmp_path / "elsewhere")
    assert bytecode.private_place() is None


def test_where_there_is_no_place_nothing_is_changed_and_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(bytecode, "is_kept", lambda: False)
    before = sys.pycache_prefix, sys.dont_write_bytecode
    KEEP()
    assert (sys.pycache_prefix, sys.dont_write_bytecode) == before
