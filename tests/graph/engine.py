"""Pulumi's real engine on this machine, with a provider that only echoes, for comparison."""

import json
import shutil
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental.property_value import PropertyValue

from holdfast.graph import PreviewProvider
from holdfast.twin.fronts.attach import serve
from holdfast.twin.fronts.engine import engine_environment, prepare_project

needs_engine = pytest.mark.skipif(
    shutil.which("pulumi") is None, reason="the pulumi CLI is not on PATH"
)


class Echo(sdk.Provider):
    """Answers with what it is given, as the graph's preview provider does."""

    async def check(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        return sdk.CheckResponse(inputs=request.new_inputs)

    async def configure(self, request: sdk.ConfigureRequest) -> sdk.ConfigureResponse:
        del request
        return sdk.ConfigureResponse(
            accept_secrets=True,
            supports_preview=True,
            accept_resources=True,
            accept_outputs=False,
        )

    async def create(self, request: sdk.CreateRequest) -> sdk.CreateResponse:
        return sdk.CreateResponse(
            resource_id="" if request.preview else request.urn, properties=request.properties
        )

    async def invoke(self, request: sdk.InvokeRequest) -> sdk.InvokeResponse:
        args = {key: value.value for key, value in request.args.items()}
        region = args.get("region")
        results = PreviewProvider().invoke(
            request.tok, {}, region=region if isinstance(region, str) else None
        )
        return sdk.InvokeResponse(
            return_value={key: property_of(value) for key, value in results.items()}
        )


def property_of(value: object) -> PropertyValue:
    if isinstance(value, list):
        return PropertyValue([property_of(item) for item in cast("list[object]", value)])
    return PropertyValue(cast("str", value))


@dataclass(frozen=True)
class Preview:
    """What a real preview said.

    Attributes:
        goals: What the engine aims for, by URN: its own words in an update plan.
        violations: URN, policy, level and message of every finding.
        exit_code: Of the CLI.
        output: All that it printed.
    """

    goals: Mapping[str, Mapping[str, Any]]
    violations: tuple[tuple[str, str, str, str], ...]
    exit_code: int
    output: str


@contextmanager
def engine(project: Path, stack: str, home: Path) -> Generator[dict[str, str]]:
    """An environment in which the CLI works on a copy of the project, off the network."""
    prepare_project(project, stack, home)
    with serve(Echo()) as port:
        environment = engine_environment(home, port)
        subprocess.run(
            ["pulumi", "stack", "select", "--create", stack, "--non-interactive"],
            cwd=home / "project",
            env=environment,
            check=True,
            capture_output=True,
            timeout=60,
        )
        yield environment


def preview(stack: str, home: Path, environment: dict[str, str], *more: str) -> Preview:
    """Runs ``pulumi preview`` and reads its update plan and its event log."""
    log, plan = home / "events.json", home / "plan.json"
    command = ["pulumi", "preview", "--non-interactive", "--stack", stack]
    done = subprocess.run(
        [*command, "--show-secrets", "--save-plan", str(plan), "--event-log", str(log), *more],
        cwd=home / "project",
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    events = [json.loads(line) for line in log.read_text().splitlines()]
    policies = [event["policyEvent"] for event in events if "policyEvent" in event]
    text = plan.read_text() if plan.is_file() else '{"resourcePlans": {}}'
    plans: dict[str, dict[str, Any]] = json.loads(text)["resourcePlans"]
    return Preview(
        goals={urn: entry["goal"] for urn, entry in plans.items()},
        violations=tuple(
            sorted(
                (
                    policy.get("resourceUrn", ""),
                    policy["policyName"],
                    policy["enforcementLevel"],
                    policy["message"],
                )
                for policy in policies
            )
        ),
        exit_code=done.returncode,
        output=done.stdout + done.stderr,
    )
