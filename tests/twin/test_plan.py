"""The files by which a twin is found are private, whole, and forgiving of what is not theirs."""

import os
import stat
from pathlib import Path

import pytest

from holdfast.errors import TwinError
from holdfast.twin.credentials import Credentials
from holdfast.twin.plan import PLAN_FILE, TWIN_FILE, RegionPlan, TwinPlan, TwinRecord, write_private

KEY = Credentials("AKIATWINTESTS", "secret")
PLAN = TwinPlan(
    block="127.80.0.0/24",
    control_host="127.80.0.1",
    control_port=20001,
    dns_host="127.80.0.1",
    dns_port=20002,
    ingress_port=20003,
    regions={
        "us-east-1": RegionPlan(
            address="127.80.0.2", api_port=20004, peer_port=20005, valkey_port=20006
        )
    },
)


def test_a_record_comes_back_as_it_was_and_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    record = TwinRecord(pid=7, started="123", token="secret", credentials=KEY, plan=PLAN)
    record.save(tmp_path)
    assert TwinRecord.load(tmp_path) == record
    assert stat.S_IMODE((tmp_path / TWIN_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [TWIN_FILE]


def test_a_plan_that_is_missing_or_of_another_version_counts_as_none(tmp_path: Path) -> None:
    assert TwinPlan.load(tmp_path) is None
    (tmp_path / PLAN_FILE).write_text('{"block": "127.80.0.0/24", "novel": 1}')
    assert TwinPlan.load(tmp_path) is None
    PLAN.save(tmp_path)
    assert TwinPlan.load(tmp_path) == PLAN


def test_an_unknown_region_is_refused_with_the_known_ones() -> None:
    with pytest.raises(TwinError, match=r"no region 'mars-1'; it has us-east-1"):
        PLAN.region("mars-1")


def test_a_plan_has_moved_when_a_region_of_both_lives_elsewhere() -> None:
    east = PLAN.regions["us-east-1"]
    grown = PLAN.model_copy(update={"regions": {**PLAN.regions, "us-west-2": east}})
    elsewhere = east.model_copy(update={"valkey_port": 20009})
    assert not PLAN.moved_from(PLAN)
    assert not grown.moved_from(PLAN)
    assert PLAN.model_copy(update={"regions": {"us-east-1": elsewhere}}).moved_from(grown)
    assert PLAN.model_copy(update={"ingress_port": 20010}).moved_from(PLAN)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to be had")
def test_a_disk_that_is_full_is_told_with_the_file_and_leaves_none_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.open

    def on_a_full_disk(path: Path, flags: int, mode: int = 0o777) -> int:
        os.close(really(path, flags, mode))
        return really("/dev/full", os.O_WRONLY)

    monkeypatch.setattr(os, "open", on_a_full_disk)
    with pytest.raises(OSError, match="No space left") as caught:
        write_private(tmp_path / TWIN_FILE, "text")
    assert caught.value.filename == str(tmp_path / TWIN_FILE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "there is no twin.json"),
        ("", "corrupt .*EOF"),
        ("[]", "corrupt .*object"),
        ('{"pid": "x"}', "corrupt at pid"),
        ('{"pid": 1}', "corrupt at started"),
    ],
)
def test_what_is_wrong_with_a_record_is_said(tmp_path: Path, text: str | None, told: str) -> None:
    if text is not None:
        (tmp_path / TWIN_FILE).write_text(text)
    with pytest.raises(TwinError, match=told):
        TwinRecord.read(tmp_path)
    assert TwinRecord.load(tmp_path) is None
