"""The real Pulumi engine with the twin's provider attached."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from holdfast.errors import GraphError, TwinError
from holdfast.twin.fronts.engine import (
    Engine,
    changes_of,
    drop_dead_locks,
    engine_environment,
    find_pulumi,
    mend_checkpoints,
    prepare_project,
)
from holdfast.twin.provider.cloud import Cloud
from holdfast.twin.provider.core import Provider
from holdfast.twin.provider.values import Doc
from tests.processes import left_naming
from tests.twin.projects import write_project
from tests.twin.provider.conftest import REGIONS
from tests.twin.provider.emulators import emulators
from tests.twin.provider.inventory import inventory

needs_pulumi = pytest.mark.skipif(
    shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH"
)
PROGRAM = """
config = pulumi.Config()
topics = {{}}
for region in ("us-east-1", "us-west-2"):
    key = aws.kms.Key(f"key-{{region}}", region=region, description="{text}")
    topics[region] = aws.sns.Topic(
        f"topic-{{region}}", region=region, name="{name}", kms_master_key_id=key.arn
    )
pulumi.export("size", config.require("size"))
pulumi.export("secret", config.require_secret("hidden"))
pulumi.export("arns", {{region: topic.arn for region, topic in topics.items()}})
"""
CONFIG = "config:\n  small:size: big\n  small:hidden: quite\n"


def names(urns: tuple[str, ...]) -> list[str]:
    return sorted(urn.rpartition("::")[2] for urn in urns)


def test_a_missing_cli_is_one_clear_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(TwinError, match=r"Pulumi CLI is not on PATH.*Install it"):
        find_pulumi()


def test_the_engine_is_kept_off_every_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("https_proxy", "http://proxy.example.org")
    environment = engine_environment(tmp_path, 1234)
    assert environment["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/backend"
    assert environment["PULUMI_DEBUG_PROVIDERS"] == "aws:1234"
    assert environment["PULUMI_SKIP_UPDATE_CHECK"] == "true"
    assert environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"
    assert environment["PULUMI_HOME"].startswith(str(tmp_path))
    assert not any(name.startswith("AWS_") for name in environment)
    assert "https_proxy" not in environment
    assert environment["PATH"].startswith(str(Path(sys.executable).parent))


def test_the_users_files_are_read_and_the_engine_gets_copies(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project", "", config=CONFIG)
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    home = tmp_path / "engine"
    prepare_project(project, "dev", home)
    copy = (home / "project" / "Pulumi.yaml").read_text()
    assert f"main: {project / 'infra'}" in copy
    assert "of-somebody-else" not in copy
    stack_file = home / "project" / "Pulumi.dev.yaml"
    assert "small:size: big" in stack_file.read_text()
    assert stack_file.stat().st_mode & 0o077 == 0
    # What the engine added for itself survives a change of the user's file.
    stack_file.write_text(stack_file.read_text() + "encryptionsalt: v1:abc\n")
    (project / "Pulumi.dev.yaml").write_text(CONFIG.replace("big", "small"))
    prepare_project(project, "dev", home)
    assert "small:size: small" in stack_file.read_text()
    assert "encryptionsalt: v1:abc" in stack_file.read_text()
    before[project / "Pulumi.dev.yaml"] = CONFIG.replace("big", "small").encode()
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_the_engine_gets_each_value_as_the_user_wrote_it(tmp_path: Path) -> None:
    config = "config: {small:a: yes, small:b: 1:30, small:c: on, small:d: '2024-01-02'}\n"
    project = write_project(tmp_path / "project", "", config=config)
    prepare_project(project, "dev", tmp_path / "engine")
    copy = tmp_path / "engine" / "project" / "Pulumi.dev.yaml"
    assert yaml.safe_load(copy.read_text()) == {
        "config": {
            "small:a": "yes",
            "small:b": "1:30",
            "small:c": "on",
            "small:d": "2024-01-02",
        }
    }


def test_a_date_without_quotes_is_one_sentence(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project", "", config="config: {small:d: 2024-01-02}\n")
    with pytest.raises(GraphError, match=r"Pulumi\.dev\.yaml .*the date 2024-01-02.*quotes"):
        prepare_project(project, "dev", tmp_path / "engine")


def test_a_project_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"Pulumi\.yaml cannot be read"):
        prepare_project(tmp_path, "dev", tmp_path / "engine")


def test_locks_of_the_dead_are_dropped_and_those_of_the_living_stay(tmp_path: Path) -> None:
    locks = tmp_path / ".pulumi" / "locks" / "organization"
    locks.mkdir(parents=True)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (locks / "dead.json").write_text(json.dumps({"pid": dead.pid}))
    (locks / "alive.json").write_text(json.dumps({"pid": os.getpid()}))
    (locks / "odd.json").write_text("{")
    drop_dead_locks(tmp_path)
    assert sorted(path.name for path in locks.iterdir()) == ["alive.json", "odd.json"]


@pytest.mark.parametrize("left", ["", '{"version": 3, "checkp', None])
def test_a_checkpoint_that_was_cut_off_is_the_one_before(tmp_path: Path, left: str | None) -> None:
    stacks = tmp_path / ".pulumi" / "stacks" / "p"
    stacks.mkdir(parents=True)
    (stacks / "cut.json.bak").write_text('{"version": 3}')
    (stacks / "whole.json").write_text('{"version": 4}')
    (stacks / "whole.json.bak").write_text('{"version": 3}')
    if left is not None:
        (stacks / "cut.json").write_text(left)
    mend_checkpoints(tmp_path)
    assert (stacks / "cut.json").read_text() == '{"version": 3}'
    assert (stacks / "whole.json").read_text() == '{"version": 4}'


def event(kind: str, operation: str, name: str, **more: object) -> Doc:
    metadata = {
        "op": operation,
        "urn": f"urn::{name}",
        "type": "aws:sns/topic:Topic",
        "new": {"custom": True},
        **more,
    }
    return Doc({kind: {"metadata": metadata}})  # type: ignore[dict-item]


def test_the_engines_events_are_told_as_changes() -> None:
    events = [
        event("resourcePreEvent", "create", "a"),
        event("resOutputsEvent", "create", "a"),
        event("resOutputsEvent", "create-replacement", "b"),
        event("resOutputsEvent", "replace", "b"),
        event("resOutputsEvent", "delete-replaced", "b"),
        event("resOutputsEvent", "same", "c"),
        event("resOutputsEvent", "same", "component", new={"custom": False}),
        event("resOutputsEvent", "create", "provider", type="pulumi:providers:aws"),
    ]
    changes = changes_of(events, refresh=False, outputs={})
    assert (changes.created, changes.replaced, changes.unchanged) == (
        ("urn::a",),
        ("urn::b",),
        ("urn::c",),
    )
    assert changes.deleted == ()


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with emulators(REGIONS) as found:
        yield found


class Stack:
    """A project in a directory, deployed by the engine."""

    def __init__(self, folder: Path, cloud: Cloud) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.front = Engine(
            project=folder / "project",
            stack="dev",
            state_dir=folder / "state",
            provider=Provider(cloud),
            on_line=self.lines.append,
        )

    def program(self, text: str) -> "Stack":
        write_project(self.folder / "project", text, config=CONFIG)
        self.lines.clear()
        return self


@needs_pulumi
@pytest.mark.slow
@pytest.mark.engine
def test_the_engine_previews_deploys_refreshes_edits_replaces_and_destroys(
    tmp_path: Path, cloud: Cloud
) -> None:
    before = inventory(cloud, REGIONS)
    stack = Stack(tmp_path, cloud).program(PROGRAM.format(text="one", name="first"))
    assert len(stack.front.preview().created) == 4
    assert inventory(cloud, REGIONS) == before
    made = stack.front.up()
    assert len(made.created) == 4
    assert made.outputs["size"] == "big"
    assert made.outputs["secret"] == "quite"
    assert made.outputs["arns"] == {
        region: f"arn:aws:sns:{region}:000000000000:first" for region in REGIONS
    }
    assert any("created" in line for line in stack.lines), "the engine's own words are passed on"
    assert stack.front.up().count == 0
    refreshed = stack.front.refresh()
    assert (len(refreshed.unchanged), refreshed.drifted) == (4, {})
    edited = stack.program(PROGRAM.format(text="two", name="second")).front.up()
    assert names(edited.updated) == ["key-us-east-1", "key-us-west-2"]
    assert names(edited.replaced) == ["topic-us-east-1", "topic-us-west-2"]
    assert len(stack.front.destroy().deleted) == 4
    assert inventory(cloud, REGIONS) == before
    config = (tmp_path / "project" / "Pulumi.dev.yaml").read_text()
    assert config == CONFIG, "the user's file is never written"


@needs_pulumi
@pytest.mark.slow
@pytest.mark.engine
def test_drift_protection_and_failures_are_told(tmp_path: Path, cloud: Cloud) -> None:
    program = """
aws.sns.Topic("t", region="us-east-1", name="t", display_name="right",
              opts=pulumi.ResourceOptions(protect=True))
"""
    stack = Stack(tmp_path, cloud).program(program)
    stack.front.up()
    parameters = {
        "TopicArn": "arn:aws:sns:us-east-1:000000000000:t",
        "AttributeName": "DisplayName",
        "AttributeValue": "wrong",
    }
    cloud.call("sns", "us-east-1", "set_topic_attributes", parameters)
    drifted = stack.front.refresh().drifted
    assert [urn.rpartition("::")[2] for urn in drifted] == ["t"]
    assert names(stack.front.up().updated) == ["t"]
    with pytest.raises(TwinError, match=r"pulumi destroy.*failed"):
        stack.front.destroy()
    assert any("protected" in line for line in stack.lines)
    assert names(stack.front.destroy(forced=True).deleted) == ["t"]
    stack.program('aws.sqs.Queue("q", region="us-east-1")')
    with pytest.raises(TwinError, match=r"pulumi up.*failed"):
        stack.front.up()
    told = "\n".join(stack.lines)
    assert "the twin does not take resources of type aws:sqs/queue:Queue" in told
    assert "server.py" not in told


CHILD = """
from pathlib import Path
from holdfast.twin.fronts.engine import Engine
from holdfast.twin.provider.cloud import Cloud
from holdfast.twin.provider.core import Provider
endpoints = {endpoints!r}
Engine(
    project=Path({project!r}), stack="dev", state_dir=Path({state!r}),
    provider=Provider(Cloud(endpoints.__getitem__)),
    on_line=lambda line: print(line, flush=True),
).up()
"""
CHAIN = """
before = None
for number in range(60):
    options = pulumi.ResourceOptions(depends_on=[before] if before else [])
    before = aws.sns.Topic(f"topic-{number}", region="us-east-1", opts=options)
"""


@needs_pulumi
@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_an_engine_that_is_cut_off_leaves_no_process_and_can_be_run_again(
    tmp_path: Path, cloud: Cloud, number: signal.Signals
) -> None:
    before = inventory(cloud, REGIONS)
    stack = Stack(tmp_path, cloud).program(CHAIN)
    code = CHILD.format(
        endpoints={region: cloud.endpoint(region) for region in REGIONS},
        project=str(tmp_path / "project"),
        state=str(tmp_path / "state"),
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    with child:
        assert child.stdout is not None
        for line in child.stdout:
            if "Topic topic-3 created" in line:
                break
        child.send_signal(number)
        child.stdout.read()
        assert child.wait(60) != 0
    assert left_naming(str(tmp_path), in_environment=True) == []
    changes = stack.front.up()
    assert 3 <= len(changes.unchanged) < 60
    assert len(changes.created) + len(changes.unchanged) == 60
    stack.front.destroy()
    left = inventory(cloud, REGIONS) - before
    # The engine could not record what its last call made when it was killed, and says so.
    assert len(left) <= (1 if number is signal.SIGKILL else 0)
    for line in left:
        cloud.call("sns", "us-east-1", "delete_topic", {"TopicArn": line.rpartition(" ")[2]})
