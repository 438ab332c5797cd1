"""What a twin would miss is told before anything is started, with its path or limit."""

import os
import resource
import shutil
from pathlib import Path
from typing import NamedTuple
from unittest.mock import Mock

import pytest

from holdfast.errors import TwinError
from holdfast.twin import room
from holdfast.twin.client import Twin
from holdfast.twin.room import OPEN_FILES, OPEN_FILES_A_REGION, expect_room, raise_open_files


class Usage(NamedTuple):
    """As shutil tells it, in bytes."""

    total: int
    used: int
    free: int


def limited(monkeypatch: pytest.MonkeyPatch, soft: int, hard: int) -> list[tuple[int, int]]:
    """A machine with these limits of open files, and what they are set to."""
    told: list[tuple[int, int]] = []

    def setrlimit(_which: int, limits: tuple[int, int]) -> None:
        told.append(limits)

    monkeypatch.setattr(resource, "getrlimit", Mock(return_value=(soft, hard)))
    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    return told


def test_where_there_is_room_nothing_is_said_and_nothing_made(tmp_path: Path) -> None:
    expect_room(tmp_path / "a" / "b", region_count=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("regions", [1, 6])
def test_too_few_open_files_are_told_with_the_number_that_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, regions: int
) -> None:
    needed = OPEN_FILES + OPEN_FILES_A_REGION * regions
    limited(monkeypatch, 64, needed - 1)
    with pytest.raises(TwinError, match=rf"{needed - 1} open files .*ulimit.* needs {needed}"):
        expect_room(tmp_path, region_count=regions)
    for enough in (needed, resource.RLIM_INFINITY):
        limited(monkeypatch, 64, enough)
        expect_room(tmp_path, region_count=regions)


def test_a_disk_that_is_nearly_full_is_told_with_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = 3 * room.REGION_BYTES
    monkeypatch.setattr(shutil, "disk_usage", Mock(return_value=Usage(1, 1, needed - 1)))
    with pytest.raises(TwinError, match=rf"disk of {tmp_path}/twin has 101 MB left, .* needs 101"):
        expect_room(tmp_path / "twin", region_count=3)
    monkeypatch.setattr(shutil, "disk_usage", Mock(return_value=Usage(1, 1, needed)))
    expect_room(tmp_path / "twin", region_count=3)


def test_a_directory_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TwinError, match=rf"{tmp_path}/file is no directory"):
        expect_room(tmp_path / "file" / "twin", region_count=1)
    with pytest.raises(TwinError, match="File name too long"):
        expect_room(tmp_path / ("x" * 300), region_count=1)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(TwinError, match="dangling is no directory"):
        expect_room(tmp_path / "dangling" / "twin", region_count=1)


def test_a_directory_that_cannot_be_written_is_told_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", Mock(return_value=False))
    with pytest.raises(TwinError, match=rf"{tmp_path} cannot be written"):
        Twin.start(state_dir=tmp_path / "twin", regions=["us-east-1"])
    assert not (tmp_path / "twin").exists()


@pytest.mark.parametrize(
    ("soft", "hard", "set_to"),
    [
        (64, 1024, [(1024, 1024)]),
        (64, 1_000_000, [(4096, 1_000_000)]),
        (64, resource.RLIM_INFINITY, [(4096, resource.RLIM_INFINITY)]),
        (8192, 8192, []),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, []),
    ],
)
def test_a_twin_takes_as_many_open_files_as_it_may(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, set_to: list[tuple[int, int]]
) -> None:
    told = limited(monkeypatch, soft, hard)
    raise_open_files()
    assert told == set_to
