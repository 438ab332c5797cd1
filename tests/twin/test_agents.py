import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from holdfast.errors import ConfigurationError
from holdfast.twin.agents import AgentProgram
from holdfast.twin.templates import expect_names, filled, names_in

if TYPE_CHECKING:
    from holdfast.twin.client import Twin


@dataclass
class Recorder:
    """A twin that only notes what it is asked to spawn."""

    ingress_port: int = 8443
    spawned: list[tuple[str, str, list[str], dict[str, str]]] = field(
        default_factory=list[tuple[str, str, list[str], dict[str, str]]]
    )

    def address(self, region: str) -> str:
        return f"address-of-{region}"

    def spawn(self, region: str, name: str, argv: list[str], env: dict[str, str]) -> int:
        self.spawned.append((region, name, argv, env))
        return 17


def started(program: AgentProgram) -> tuple[str, str, list[str], dict[str, str]]:
    twin = Recorder()
    assert program.start(cast("Twin", twin), "eu-west-1", Path("/twin/platform.json")) == 17
    return twin.spawned[0]


def test_an_agent_is_told_its_place_where_its_command_asks_for_it() -> None:
    program = AgentProgram(
        name="mine",
        command=("./mine", "--listen={address}:{port}", "{region}"),
        env={"CONTRACT": "file:{contract}"},
        folders=[Path("/mine"), Path("/project")],
    )
    region, name, argv, env = started(program)
    assert (region, name) == ("eu-west-1", "mine-eu-west-1")
    assert argv == ["./mine", "--listen=address-of-eu-west-1:8443", "eu-west-1"]
    assert env["CONTRACT"] == "file:/twin/platform.json"
    assert env["HOLDFAST_PLATFORM_FILE"] == "/twin/platform.json"
    assert env["PYTHONPATH"] == "/mine:/project"
    # Keys and endpoints are the twin's to hand out.
    assert not [key for key in env if key.startswith("AWS")]


def test_python_is_the_interpreter_that_runs_this_and_only_as_the_first_word() -> None:
    _, _, argv, _ = started(AgentProgram(name="a", command=("python", "-m", "python")))
    assert argv == [sys.executable, "-m", "python"]


def test_a_name_in_braces_that_stands_for_nothing_is_refused_with_those_that_do() -> None:
    with pytest.raises(ConfigurationError, match=r"{host}, .* Allowed are {address}, {contract}"):
        AgentProgram(name="a", command=("a", "{host}"))
    with pytest.raises(ConfigurationError, match=r"{host}"):
        AgentProgram(name="a", command=("a",), env={"HOST": "{host}"})


def test_only_lower_case_words_in_braces_are_names() -> None:
    assert names_in("{a} {b_c} {A} {} {1} {{a}}") == ["a", "b_c", "a"]
    expect_names('{"json": 1} {x.y} {x[0]}', ())
    assert filled("{a}{b}{a}", {"a": "{b}"}) == "{b}{b}{b}"
