from pathlib import Path

import pytest

from holdfast.drills.loading import drill_at, drill_named
from holdfast.drills.region_loss import RegionLoss
from holdfast.errors import DrillError

OWN = "tests.drills.own_drills"


def test_a_drill_of_holdfast_s_is_found_by_its_name() -> None:
    assert drill_named("region-loss") is RegionLoss


def test_a_name_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(DrillError, match=r"no drill 'loss'. Allowed are region-loss.*module:Class"):
        drill_named("loss")


def test_a_team_s_own_drill_is_found_by_its_place(tmp_path: Path) -> None:
    found = drill_at(f"{OWN}:EuLoss", tmp_path)
    assert (found.name, found.loss.role.of) == ("eu-loss", "eu")
    assert found.hypothesis() == "Europe loses the region that leads it."


def test_a_module_beside_the_project_is_found_and_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / "beside_the_project.py").write_text(
        "from holdfast.drills.region_loss import RegionLoss\n"
        "class Mine(RegionLoss):\n    'Ours.'\n    name = 'mine'\n",
        encoding="utf-8",
    )
    assert drill_at("beside_the_project:Mine", tmp_path).name == "mine"
    with pytest.raises(DrillError, match=r"no module another_one in .* Name one that there is"):
        drill_at("another_one:Mine", tmp_path)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("EuLoss", "names no class. Allowed is module:Class"),
        (":EuLoss", "names no class"),
        (f"{OWN}:", "names no class"),
        (f"{OWN}:a b", "names no class"),
        (f"{OWN}.deeper:EuLoss", r"there is no module|cannot be imported"),
        ("nowhere.at.all:EuLoss", "there is no module nowhere "),
        (f"{OWN}:EuLos", "module tests.drills.own_drills has no EuLos. It has .*EuLoss"),
        (f"{OWN}:NOTHING", "is no class but 7"),
        (f"{OWN}:Other", r"is the class Other. Allowed is a class that inherits"),
        (f"{OWN}:Nameless", "declares no name"),
        (f"{OWN}:Taken", "name region-loss is that of Holdfast's own"),
        (f"{OWN}:Badly", "cannot name its report"),
        (f"{OWN}:Idle", "at least one"),
        (f"{OWN}:Twice", "two of its checks are called open-loop"),
        (f"{OWN}:Unmade", "its checks is"),
        (f"{OWN}:Lossless", "its loss is 7; allowed is a Loss"),
        (f"{OWN}:Made", "its mutants is"),
        (f"{OWN}:Stateless", "its steady_state is 3"),
        (f"{OWN}:Mute", "has no docstring"),
    ],
)
def test_what_is_no_drill_is_refused_in_one_sentence(place: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(DrillError, match=told) as error:
        drill_at(place, tmp_path)
    assert str(error.value).startswith(f"--drill {place}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def (", r"cannot be imported: SyntaxError"),
        ("1 / 0", r"cannot be imported: ZeroDivisionError: division by zero\."),
        ("import not_there_at_all", r"needs not_there_at_all, which is not installed"),
        ("raise SystemExit(3)", r"cannot be imported: SystemExit: 3"),
        ("import os; os.nothing", r"cannot be imported: AttributeError: .*nothing"),
        (
            "from holdfast.drills.workload import Workload\nWorkload(rate_per_s=0)",
            r"cannot be imported: rate_per_s=0 is not positive\. Use more than 0\.",
        ),
        ("", r"has no Mine. It has no drill at all"),
    ],
)
def test_a_module_that_fails_is_told_with_its_own_reason(
    text: str, told: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    name = f"fails_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    with pytest.raises(DrillError, match=told):
        drill_at(f"{name}:Mine", tmp_path)
