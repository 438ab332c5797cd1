import errno
import os
from pathlib import Path

import pytest

from holdfast.drills import run, runner
from holdfast.errors import DrillError


def start(name: str, mutant: str | None, tmp_path: Path, *, report_dir: Path | None = None) -> None:
    run(
        name,
        project=tmp_path,
        stack="prod",
        mutant=mutant,
        state_dir=tmp_path,
        report_dir=report_dir or tmp_path,
    )


def test_a_drill_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(DrillError, match=r"no drill .region-lost.\. Allowed are region-loss"):
        start("region-lost", None, tmp_path)


def test_reports_that_could_not_be_written_are_refused_before_anything_starts(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DrillError, match=r"cannot be written to .*file/x: Not a directory\. Name"):
        start("region-loss", None, tmp_path, report_dir=tmp_path / "file" / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_directory_in_which_nothing_can_be_written_is_no_place_for_reports(
    tmp_path: Path,
) -> None:
    # Not even root writes into this one.
    with pytest.raises(DrillError, match=r"cannot be written to /proc: .*\. Name another"):
        start("region-loss", None, tmp_path, report_dir=Path("/proc"))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_when_the_report_is_written_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(DrillError, match=rf"cannot be written to {tmp_path}: No space left"),
        runner.writing_to(tmp_path),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_mutant_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(DrillError, match="long-ttl, no-fencing, us-default-route"):
        start("region-loss", "no-fence", tmp_path)
