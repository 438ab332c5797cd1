"""Another project's package of the same name is never mixed up with this one."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from holdfast.namesake import DISTRIBUTION, FORMER_SUMMARY

ROOT = Path(__file__).parents[1]
STRANGER = "Metadata-Version: 2.4\nName: holdfast\nVersion: 0.5.1\nSummary: Somebody else's.\n"
ROOMS = ("holdfast", "holdfast.errors", "holdfast.contract")
# What stands for the command as it is installed: its entry point, called.
COMMAND = "import sys; from holdfast_platform import main; sys.argv[1:] = ['--version']; main()"


def site_of_both(place: Path, *, last: str) -> Path:
    """A directory into which both projects were installed, one after the other."""
    site = place / "site-packages"
    shutil.copytree(ROOT / "holdfast", site / "holdfast")
    shutil.copy(ROOT / "holdfast_platform.py", site)
    (site / "holdfast" / "store.py").write_text("THEIRS = True\n")
    if last == "theirs":
        (site / "holdfast" / "__init__.py").write_text("from holdfast.contract import THEIRS\n")
    metadata(site, STRANGER)
    return site


def metadata(site: Path, text: str) -> Path:
    """The metadata of a distribution called holdfast."""
    told = site / "holdfast-0.5.1.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text(text)
    return told


def ran(code: str, *places: Path) -> "subprocess.CompletedProcess[str]":
    """A process that finds these places before what is installed."""
    return subprocess.run(
        (sys.executable, "-c", code),
        env={**os.environ, "PYTHONPATH": ":".join(map(str, places))},
        cwd=places[0],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("last", ["ours", "theirs"])
def test_whichever_was_installed_last_importing_it_fails_with_a_sentence(
    tmp_path: Path, last: str
) -> None:
    site = site_of_both(tmp_path, last=last)
    for room in ROOMS:
        told = ran(f"import {room}", site)
        assert told.returncode == 1
        sentence = told.stderr.splitlines()[-1]
        assert sentence.startswith("ImportError: the distribution `holdfast` (")
        assert f"`pip uninstall holdfast {DISTRIBUTION}`" in sentence
    told = ran(COMMAND, site)
    assert told.returncode == 2
    assert told.stderr.startswith("holdfast: the distribution `holdfast` (")
    assert told.stderr.count("\n") == 1


def test_where_the_other_package_is_found_first_the_command_says_so(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "holdfast").mkdir(parents=True)
    (theirs / "holdfast" / "__init__.py").write_text("raise SystemExit('never run')\n")
    told = ran(COMMAND, theirs, ROOT)
    assert told.returncode == 2
    assert f"{theirs / 'holdfast' / '__init__.py'} is imported as `holdfast`" in told.stderr
    assert told.stderr.count("\n") == 1


def test_this_project_under_its_former_name_is_no_stranger(tmp_path: Path) -> None:
    told = metadata(tmp_path, f"Name: holdfast\n{FORMER_SUMMARY}\n")
    assert ran("import holdfast.contract", tmp_path, ROOT).returncode == 0
    (told / "METADATA").write_text(STRANGER)
    assert ran("import holdfast.contract", tmp_path, ROOT).returncode == 1


def test_the_distribution_is_called_as_it_says_and_has_its_command_outside_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["name"] == DISTRIBUTION
    assert project["scripts"] == {"holdfast": "holdfast_platform:main"}


def test_looking_for_the_other_project_costs_no_import_that_is_felt() -> None:
    heavy = "{'importlib.metadata', 'email', 'pathlib', 're', 'json', 'pydantic', 'zipfile'}"
    code = (
        "import sys; before = set(sys.modules); import holdfast\n"
        f"sys.exit(bool((set(sys.modules) - before) & {heavy}))"
    )
    assert ran(code, ROOT).returncode == 0
