import difflib
import json
import subprocess
import sys
from itertools import islice

import pytest

from tests.golden import ROOT, STACKS, file_of, regenerated

SHOWN_LINES = 60


def difference(stack: str, kept: str, now: str) -> str:
    lines = difflib.unified_diff(
        kept.splitlines(), now.splitlines(), f"{stack}.json", f"{stack} now", lineterm="", n=2
    )
    return "\n".join(islice(lines, SHOWN_LINES))


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_registers_what_was_reviewed(stack: str, updating: bool) -> None:  # noqa: FBT001
    now = regenerated(stack)
    if updating:
        file_of(stack).write_text(now, encoding="utf-8")
    change = difference(stack, file_of(stack).read_text(encoding="utf-8"), now)
    assert not change, f"{change}\nReview the change, then run `make golden`."


def test_a_changed_line_would_be_shown() -> None:
    kept = file_of("dev").read_text(encoding="utf-8")
    now = kept.replace('"PAY_PER_REQUEST"', '"PROVISIONED"', 1)
    assert '+    "billingMode": "PROVISIONED"' in difference("dev", kept, now)


@pytest.mark.parametrize("stack", STACKS)
def test_a_golden_graph_names_its_secrets_and_shows_none(stack: str) -> None:
    resources = json.loads(file_of(stack).read_text(encoding="utf-8"))["resources"]
    shown = [
        node["inputs"][key]
        for urn, node in resources.items()
        for part, key in (("secretVersion:", "secretString"), ("replicationGroup:", "authToken"))
        if part in urn
    ]
    assert set(shown) <= {"<secret>", "<unknown>"}
    assert shown


@pytest.mark.slow
def test_the_same_program_gives_the_same_bytes_in_another_process() -> None:
    other = subprocess.run(
        [
            sys.executable,
            "-c",
            "from tests.golden import regenerated; print(regenerated('dev'), end='')",
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONHASHSEED": "7", "PATH": "/usr/bin:/bin"},
    )
    assert other.stdout == file_of("dev").read_text(encoding="utf-8")
