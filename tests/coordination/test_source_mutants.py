"""Every small harmful change of a protocol's source fails the fast tests beside it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.coordination.source_mutants import SOURCE_MUTANTS, SourceMutant

ROOT = Path(__file__).parents[2]
FAILED = 1
"""Exit code of pytest where a test has failed; others mean that nothing was tested."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the package and of its tests, to be changed."""
    copy = tmp_path_factory.mktemp("copy")
    unneeded = shutil.ignore_patterns("__pycache__", "twin", "drills", "golden")
    for name in ("holdfast", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=unneeded)
    shutil.copy(ROOT / "pyproject.toml", copy)
    yield copy
    shutil.rmtree(copy)


def _run(copy: Path, tests: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
            *("-m", "not slow", f"tests/coordination/{tests}"),
        ],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _write(file: Path, source: str) -> None:
    file.write_text(source, encoding="utf-8")
    # Python goes by second and size, and both may be the same.
    for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
        compiled.unlink()


@pytest.mark.slow
@pytest.mark.gate
@pytest.mark.parametrize("tests", sorted({mutant.tests for mutant in SOURCE_MUTANTS}))
def test_without_a_change_the_fast_tests_pass_on_the_copy(copy: Path, tests: str) -> None:
    run = _run(copy, tests)
    assert run.returncode == 0, run.stdout


@pytest.mark.slow
@pytest.mark.gate
@pytest.mark.parametrize("mutant", SOURCE_MUTANTS, ids=lambda mutant: mutant.harm)
def test_a_harmful_change_of_a_source_fails_a_fast_test(copy: Path, mutant: SourceMutant) -> None:
    file = copy / "holdfast" / "coordination" / mutant.file
    source = file.read_text(encoding="utf-8")
    assert source.count(mutant.before) == 1, "what the mutant changes is no longer there"
    try:
        _write(file, source.replace(mutant.before, mutant.after))
        run = _run(copy, mutant.tests)
    finally:
        _write(file, source)
    assert run.returncode == FAILED, f"it survived: {run.stdout[-2_000:]}{run.stderr[-2_000:]}"
