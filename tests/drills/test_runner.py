import errno
import json
import os
from pathlib import Path
from unittest.mock import Mock

import pytest

from holdfast.drills import machine, run, runner
from holdfast.drills.application import ORCHESTRATOR
from holdfast.drills.drill import Drill, Loss
from holdfast.drills.history import Plan
from holdfast.drills.machine import Room
from holdfast.drills.planning import plan_of
from holdfast.drills.region_loss import RegionLoss
from holdfast.errors import DrillError, TwinError
from holdfast.twin.client import Twin
from holdfast.twin.stack import outlook_of
from tests.drills.platforms import a_home, a_platform
from tests.drills.projects import SHAPES, a_project

ROOT = Path(__file__).parents[2]


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


PROGRAM = (
    "import json, pulumi\n"
    "pulumi.export('platform', json.loads(pulumi.Config('made').require('platform')))\n"
)
PAIR = a_platform(a_home("eu", ("eu-west-1", "eu-central-1"), witness="eu-west-3"))
SOLO = a_platform(a_home("eu", ("eu-west-1",)))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a stack that can be rehearsed and one that cannot. No twin ever starts."""
    (tmp_path / "Pulumi.yaml").write_text("name: made\nruntime: python\n", encoding="utf-8")
    (tmp_path / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    for stack, platform in (("pair", PAIR), ("solo", SOLO)):
        config = {"config": {"made:platform": platform.model_dump_json()}}
        (tmp_path / f"Pulumi.{stack}.yaml").write_text(json.dumps(config), encoding="utf-8")
    monkeypatch.setattr(Twin, "start", Mock(side_effect=TwinError("a twin was started")))
    return tmp_path


def rehearse(
    project: Path, stack: str, drill: str | type[Drill] = "region-loss", *, anyway: bool = False
) -> None:
    run(
        drill,
        project=project,
        stack=stack,
        mutant=None,
        state_dir=project / "state",
        report_dir=project / "reports",
        anyway=anyway,
    )


def with_room(monkeypatch: pytest.MonkeyPatch, cores: float) -> None:
    room = Room(cores=cores, stall_s=0.2, load=20)
    monkeypatch.setattr(machine, "measure", Mock(return_value=room))


def test_a_stack_that_nobody_could_lose_a_region_of_is_refused_before_anything_starts(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "measure", Mock(side_effect=AssertionError("measured")))
    with pytest.raises(DrillError) as error:
        rehearse(project, "solo")
    assert str(error.value) == (
        "Drill region-loss does not fit stack solo: eu is served from eu-west-1 alone, so nobody "
        "could take over from it. Nothing was started. It fits pair."
    )


def test_a_drill_that_is_too_short_for_the_stack_is_refused_before_anything_starts(
    project: Path,
) -> None:
    class Hasty(RegionLoss):
        """Half a minute shows nothing of an RTO of a minute."""

        name = "hasty"
        loss = Loss(at_s=7, away_s=30, watch_s=32)

    with pytest.raises(DrillError, match=r"away for 30 s, .* 69 s or more\. Nothing was started"):
        rehearse(project, "pair", Hasty)


def test_a_machine_without_processor_time_is_told_before_anything_starts(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_room(monkeypatch, 0.2)
    with pytest.raises(DrillError, match=r"too busy .* got 0\.20 processors .*say --anyway"):
        rehearse(project, "pair")


@pytest.mark.parametrize(("cores", "anyway"), [(0.2, True), (1.9, False)])
def test_it_goes_on_where_there_is_room_or_somebody_insists(
    *, cores: float, anyway: bool, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_room(monkeypatch, cores)
    with pytest.raises(TwinError, match="a twin was started"):
        rehearse(project, "pair", anyway=anyway)


def test_agents_that_cannot_be_told_are_refused_before_anything_starts(project: Path) -> None:
    with pytest.raises(DrillError, match=r"nowhere\.yaml cannot be read"):
        run(
            "region-loss",
            project=project,
            stack="pair",
            mutant=None,
            state_dir=project,
            report_dir=project,
            agents_file=project / "nowhere.yaml",
        )


@pytest.mark.slow
@pytest.mark.parametrize("stack", ["dev", "test", "staging", "prod"])
def test_every_shipped_stack_can_be_rehearsed(stack: str) -> None:
    assert _lost(ROOT, stack) in {"us-east-1", "eu-west-1"}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_can_be_rehearsed(shape: str, tmp_path: Path) -> None:
    lost = _lost(a_project(tmp_path / "project", shape), "prod")
    assert lost == ("eu-west-1" if shape == "eu-only" else "us-east-1")


def _lost(project: Path, stack: str) -> str:
    platform = outlook_of(project, stack).platform
    assert platform is not None
    plan = plan_of(RegionLoss, platform, agents=ORCHESTRATOR, mutant=None)
    assert isinstance(plan, Plan), plan
    return plan.lost_region
