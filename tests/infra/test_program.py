import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from holdfast.contract import Platform
from holdfast.errors import GraphError
from holdfast.graph import Graph, Node, run
from infra.naming import GLOBAL
from infra.program import AGENT_PORT, HEALTH_PATH, INGRESS_PORT
from tests.components.stacks import KEY, ROOT, SHAPES, STACKS, deployed, nodes, preview

COMPONENTS_OF_A_JURISDICTION = {
    "AgentIdentity",
    "CoordinationStore",
    "GeoStore",
    "GlobalRouting",
    "Keys",
    "KillSwitch",
    "ReplicationAlarms",
    "ThrottleAlarms",
}
COMPONENTS_OF_A_REGION = {"Ingress", "Network", "RateLimits"}
STACK = "pulumi:pulumi:Stack"


def top_level(graph: Graph) -> Mapping[str, set[str]]:
    """Kinds of components by the scope that their names start with."""
    (stack,) = graph.of_type(STACK)
    found: dict[str, set[str]] = {}
    for node in graph.children_of(stack.urn):
        if node.type.startswith("holdfast:aws:"):
            scope = scope_of(node)
            found.setdefault(scope, set()).add(node.type.rpartition(":")[2])
    return found


def scope_of(node: Node) -> str:
    parts = node.name.split("-")
    return "-".join(parts[:3]) if len(parts) > 3 and parts[2].isdigit() else parts[0]


@pytest.mark.parametrize("graph", [*STACKS, *SHAPES])
def test_every_jurisdiction_and_every_region_gets_every_capability(graph: str) -> None:
    built = dict(top_level(preview(graph)))
    assert {"HostedZone", "AlertTopic", "Keys", "PlatformParameter"} <= built.pop(GLOBAL)
    for scope, kinds in built.items():
        expected = COMPONENTS_OF_A_REGION if "-" in scope else COMPONENTS_OF_A_JURISDICTION
        assert kinds == expected, scope


def test_prod_is_two_jurisdictions_of_two_regions() -> None:
    scopes = set(top_level(preview("prod")))
    assert scopes == {
        GLOBAL,
        "eu",
        "us",
        "eu-west-1",
        "eu-central-1",
        "us-east-1",
        "us-west-2",
    }


def test_a_witness_region_holds_nothing_of_ours() -> None:
    for stack in STACKS:
        platform = Platform.model_validate(deployed(stack).outputs["platform"])
        witnesses = {item.witness for item in platform.jurisdictions.values()}
        assert not {node.region for node in deployed(stack).nodes} & witnesses


@pytest.mark.parametrize("stack", STACKS)
def test_there_is_one_provider_and_every_resource_uses_it(stack: str) -> None:
    graph = preview(stack)
    (provider,) = (node for node in graph.nodes if node.type.startswith("pulumi:providers:"))
    users = {node.provider for node in graph.nodes if node.type.startswith("aws:")}
    assert users == {provider.urn}


def test_removing_a_jurisdiction_renames_nothing_that_stays() -> None:
    both, one = preview("prod"), preview("europe-only")
    assert {node.urn for node in one.nodes} < {node.urn for node in both.nodes}
    for node in one.nodes:
        for key in ("name", "bucket", "cidrBlock", "policy"):
            assert node.inputs.get(key) == both.by_urn[node.urn].inputs.get(key)


def test_adding_a_serving_region_moves_no_network_and_no_table() -> None:
    two, three = preview("prod"), preview("three-serving")
    shared = {node.urn for node in two.nodes} & {node.urn for node in three.nodes}
    for token in ("aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:dynamodb/table:Table"):
        europe = [node for node in nodes("prod", token) if "eu-" in node.name]
        assert europe
        assert {node.urn for node in europe} <= shared
        for node in europe:
            for key in ("name", "cidrBlock"):
                assert node.inputs.get(key) == three.by_urn[node.urn].inputs.get(key)


def test_a_platform_without_state_protection_differs_in_nothing_else() -> None:
    kept, let_go = preview("prod"), preview("decommissioned")
    assert set(kept.by_urn) == set(let_go.by_urn)
    switches = {
        "deletionProtectionEnabled",
        "enableDeletionProtection",
        "forceDestroy",
        "recoveryWindowInDays",
        "replicas",
    }
    for urn, node in kept.by_urn.items():
        other = let_go.by_urn[urn].inputs
        differing = {key for key in node.inputs if node.inputs[key] != other.get(key)}
        assert differing <= switches, urn


def test_users_agents_and_checks_agree_on_ports_and_path() -> None:
    for node in nodes("prod", "aws:lb/targetGroup:TargetGroup"):
        assert node.inputs["port"] == AGENT_PORT
    for node in nodes("prod", "aws:lb/listener:Listener"):
        assert node.inputs["port"] == INGRESS_PORT
    for node in nodes("prod", "aws:route53/healthCheck:HealthCheck"):
        assert node.inputs["resourcePath"] == HEALTH_PATH


def test_the_program_is_one_call() -> None:
    lines = (Path(ROOT) / "infra" / "__main__.py").read_text(encoding="utf-8").splitlines()
    code = [line for line in lines if line and not line.startswith(('"""', "from "))]
    assert code == ["main()"]


def test_what_a_component_refuses_is_told_without_a_traceback() -> None:
    file = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))
    principals = [
        f"role/a-team-with-a-very-long-name-of-a-department-{number:017}" for number in range(20)
    ]
    config = {KEY: json.dumps({**file["config"][KEY], "kill_principals": principals})}
    with pytest.raises(GraphError, match=r"^A role's trust policy has [0-9]+ characters"):
        run(ROOT, "dev", config=config)
