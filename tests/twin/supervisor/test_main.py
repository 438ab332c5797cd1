"""The supervisor's command line and its lock on the state directory."""

import os
from pathlib import Path

import pytest

from holdfast.errors import TwinError
from holdfast.twin.plan import TwinRecord
from holdfast.twin.supervisor.__main__ import lock, parse
from tests.twin.test_plan import PLAN


def test_the_region_of_the_global_control_planes_is_always_there() -> None:
    options = parse(["--state-dir", "/x", "--region", "eu-west-1", "--region", "eu-west-1"])
    assert options.regions == ("eu-west-1", "us-east-1")
    assert (options.dns_port, options.lag_ms, options.peer_delay_ms) == (None, 500, 5)


def test_an_unknown_region_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        TwinError, match=r"no AWS region is called eu-west-9; .*eu-west-1, eu-west-2"
    ):
        parse(["--state-dir", "/x", "--region", "eu-west-9"])


def test_a_directory_has_one_supervisor_at_a_time(tmp_path: Path) -> None:
    held = lock(tmp_path)
    TwinRecord(pid=4711, started="1", token="t", plan=PLAN).save(tmp_path)
    with pytest.raises(TwinError, match=r"already runs in .*\(process 4711\).*holdfast twin down"):
        lock(tmp_path)
    os.close(held)
    os.close(lock(tmp_path))
