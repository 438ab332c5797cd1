"""Stack files to test with: the smallest good one, and all shapes of good ones."""

from collections.abc import Mapping
from copy import deepcopy
from itertools import permutations
from pathlib import Path
from typing import cast

import yaml
from hypothesis import strategies as st

from infra.problems import Problem
from infra.regions import JURISDICTIONS, regions_of
from infra.settings import ROOT, Settings, examine, parse

STACKS = ("dev", "test", "staging", "prod")
PROJECT = Path(__file__).parents[2]
MOST_SERVING = 8
"""Regions; the contract of nine fits into no parameter."""


def committed(stack: str) -> dict[str, object]:
    """The platform object of a stack file of this repository."""
    text = (PROJECT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    return cast("dict[str, object]", yaml.safe_load(text)["config"][ROOT])


def changed(stack: str, changes: Mapping[str, object]) -> dict[str, object]:
    """A committed object with values set, or keys removed by None, at dotted paths."""
    document = deepcopy(committed(stack))
    for path, value in changes.items():
        *above, key = path.split(".")
        place = document
        for step in above:
            place = cast("dict[str, object]", place.setdefault(step, {}))
        if value is None:
            place.pop(key, None)
        else:
            place[key] = value
    return document


def refusals(document: Mapping[str, object], stack: str) -> dict[str, Problem]:
    """The problems of a document by dotted path; none where it is good."""
    result = examine(document, stack)
    if isinstance(result, Settings):
        return {}
    found = {".".join(problem.path): problem for problem in result}
    assert len(found) == len(result), "two problems at one path"
    return found


def jurisdiction_shapes(law: str, *, active_passive: bool) -> list[dict[str, object]]:
    """Every way of giving a legal area its three votes."""
    shapes: list[dict[str, object]] = []
    for home, second, third in permutations(regions_of(law), 3):
        shapes.append({"home": home, "replicas": [second], "witness": third})
        if not active_passive:
            shapes.append({"home": home, "replicas": [second, third]})
    return shapes


@st.composite
def documents(draw: st.DrawFn) -> dict[str, object]:
    """Good platform objects of every environment, mode, set of jurisdictions and pool."""
    stack = draw(st.sampled_from(STACKS))
    mode = draw(st.sampled_from(["active-active", "active-passive"]))
    laws = draw(st.sets(st.sampled_from(JURISDICTIONS), min_size=1))
    passive = mode == "active-passive"
    document = changed(stack, {"mode": mode})
    shapes = {
        law: draw(st.sampled_from(jurisdiction_shapes(law, active_passive=passive)))
        for law in sorted(laws)
    }
    if (
        sum(1 + len(cast("list[str]", shape["replicas"])) for shape in shapes.values())
        > MOST_SERVING
    ):
        shapes["us"] = jurisdiction_shapes("us", active_passive=True)[0]
    document["jurisdictions"] = shapes
    document["tenants"] = {f"tenant-{law}": law for law in sorted(laws)}
    if draw(st.booleans()):
        document["network"] = draw(st.sampled_from(["10.0.0.0/8", "10.32.0.0/11", "172.16.0.0/12"]))
    if draw(st.booleans()):
        document["sizes"] = {"zones": 3}
    return document


@st.composite
def settings(draw: st.DrawFn) -> Settings:
    """Parsed settings of ``documents``."""
    document = draw(documents())
    return parse(document, cast("str", document["environment"]))
