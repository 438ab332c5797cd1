"""The tokens and property names that rules read, beside the installed SDK."""

import json
import re
import sys
from pathlib import Path

import pytest

import policies
from holdfast.contract import Platform
from policies.core import kinds
from policies.core.contract import OUTPUT
from policies.world.index import KINDS
from tests.policies.world import sdk

SOURCE = "\n".join(
    path.read_text() for path in sorted(Path(policies.__file__).parent.rglob("*.py"))
)
TOKENS = sorted(set(re.findall(r'"(aws:[^"/]+/[^"]+:[^"]+)"', SOURCE)))


@pytest.mark.parametrize("token", TOKENS)
def test_every_type_token_exists(token: str) -> None:
    assert sdk.exists(token)


@pytest.mark.parametrize("token", [*kinds.DATA, kinds.TOPIC, *kinds.KEYS])
def test_whatever_must_carry_the_tag_can_carry_it(token: str) -> None:
    assert {"tags", "region"} <= set(sdk.paths(token))


def test_no_module_hides_one_of_the_standard_library() -> None:
    # The engine starts the pack with its directory first on the import path.
    names = {path.stem for path in Path(policies.__file__).parent.rglob("*.py")}
    assert not (names - {"__init__", "__main__"}) & sys.stdlib_module_names


def test_no_rule_reads_a_property_that_no_type_has() -> None:
    known = {
        part
        for token in {*KINDS, *kinds.BEDROCK}
        for path in sdk.paths(token)
        for part in re.split(r"\[\]\.|\.", path)
    }
    known |= set(re.findall(r'"(\w+)"', json.dumps(Platform.model_json_schema()))) | {OUTPUT}
    calls = r'\.(?:text|flag|number|texts|object|objects|is_unknown|is_given|at)\("([A-Za-z]+)"\)'
    pointers = r'(?:\.targets|statements)\([\w.]+, "([A-Za-z]+)"'
    read = set(re.findall(calls, SOURCE) + re.findall(pointers, SOURCE))
    # What the provider answers.
    known |= {"arn", "dnsName", "primaryEndpointAddress"}
    assert read <= known
    assert len(read) > 20
