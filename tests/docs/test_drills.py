"""What the page on drills shows is what there is. Its files are rehearsed by `make rehearse`."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from holdfast.drills.application import Agents, read_agents
from holdfast.drills.casting import Misfit
from holdfast.drills.history import Evidence
from holdfast.drills.loading import drill_at
from holdfast.drills.machine import CORES_PER_JURISDICTION, FIXED_CORES
from holdfast.drills.planning import not_asked, plan_of
from holdfast.drills.region_loss import RegionLoss
from tests.contract.platforms import platform
from tests.docs.pages import PAGE, page_files
from tests.ports import free_ports

PLATFORM = platform()


def test_the_page_s_agents_and_drill_fit_a_platform_as_the_page_says(tmp_path: Path) -> None:
    assert page_files(tmp_path) == ["agents.yaml", "keeper.py", "my_drills.py"]
    agents = read_agents(tmp_path / "agents.yaml")
    assert agents.evidence == {Evidence.STATE}
    drill = drill_at("my_drills:UsLoss", tmp_path)
    plan = plan_of(drill, PLATFORM, agents=agents, mutant=None)
    assert not isinstance(plan, Misfit)
    assert plan.affected == "us"
    assert not any(not_asked(check, plan) for check in drill.checks)


def test_the_page_s_service_does_what_its_document_says(tmp_path: Path) -> None:
    page_files(tmp_path)
    agents = read_agents(tmp_path / "agents.yaml")
    assert agents.ready is not None
    contract = tmp_path / "platform.json"
    contract.write_text(PLATFORM.model_dump_json(), encoding="utf-8")
    (port,) = free_ports(1)
    with subprocess.Popen(
        (sys.executable, "-m", "keeper", "127.0.0.1", str(port)),
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "KEEPER_REGION": "us-east-1",
            "HOLDFAST_PLATFORM_FILE": str(contract),
            "AWS_DEFAULT_REGION": "us-east-1",
        },
    ) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            assert _status(url + agents.ready) == 200
            # No table is there to keep anything in, so only a stranger gets an answer.
            stranger = agents.submit.of("bolt", "1")
            assert json.loads(stranger) == {"tenant": "bolt", "task": "1"}
            assert _status(url + agents.submit.path, stranger) in agents.submit.refused
        finally:
            process.send_signal(signal.SIGKILL)


def _status(url: str, body: bytes | None = None) -> int:
    until_s = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, body, timeout=5) as answer:  # noqa: S310 - our own
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.1)


@pytest.mark.parametrize(("rto_s", "duration_s"), [(60, 108), (30, 78), (180, 286)])
def test_a_drill_takes_as_long_as_the_page_says(rto_s: int, duration_s: int) -> None:
    timing = RegionLoss.loss.timing(rto_s, RegionLoss.workload.timeout_s)
    assert not isinstance(timing, str)
    assert timing.duration_s == duration_s
    assert f"{duration_s} s" in _page()


def test_the_page_says_what_a_machine_has_to_give() -> None:
    told = [float(number) for number in re.findall(r"0\.\d+", _page().split("processors")[0][-40:])]
    assert told == [FIXED_CORES + CORES_PER_JURISDICTION]
    for count in (2, 3):
        assert f"{FIXED_CORES + count * CORES_PER_JURISDICTION:g}" in _page()


def test_the_page_names_every_part_of_a_document_and_every_check() -> None:
    for part in Agents.model_fields:
        assert part in _page(), part
    for check in RegionLoss.checks:
        if check.needs:
            assert f"`{check.name}`" in _page(), check.name


def _page() -> str:
    return PAGE.read_text(encoding="utf-8")
