import re
from functools import cache
from typing import cast

import pytest
from botocore import xform_name
from botocore.session import get_session

from holdfast.contract.metrics import METRIC_NAMESPACE
from holdfast.graph import Node
from infra.regions import REGIONS
from tests.components.stacks import ROOT, SHAPES, STACKS, document, nodes, preview

SERVICES = ("cloudwatch", "dynamodb", "s3", "secretsmanager", "ssm")
RUNTIME = ("agents", "holdfast/contract", "holdfast/control", "holdfast/coordination")


@cache
def asked_of_aws() -> set[str]:
    """The operations that the runtime and the reference agents call on clients of AWS."""
    sources = [file for room in RUNTIME for file in sorted((ROOT / room).rglob("*.py"))]
    called = {
        name
        for file in sources
        for name in re.findall(r"\w*(?:client|parameters\(\))\.([a-z_]+)\(", file.read_text())
    }
    operations = {
        xform_name(operation): f"{service}:{operation}"
        for service in SERVICES
        for operation in get_session().get_service_model(service).operation_names
    }
    return {operations[name] for name in called & set(operations)}


def agents(graph: str, token: str) -> list[Node]:
    return [node for node in nodes(graph, token) if "AgentIdentity" in node.urn]


@pytest.mark.slow
@pytest.mark.parametrize("graph", [*STACKS, *SHAPES])
def test_all_that_agents_may_touch_lies_in_their_jurisdiction(graph: str) -> None:
    for node in agents(graph, "aws:iam/rolePolicy:RolePolicy"):
        law = node.name.partition("-")[0]
        for statement in document(node):
            for resource in cast("list[str]", statement["Resource"]):
                for region in re.findall(r"[a-z]{2}-[a-z]+-\d", resource):
                    assert REGIONS[region].law == law


@pytest.mark.parametrize("graph", [*STACKS, *SHAPES])
def test_agents_reach_what_the_platform_made_and_by_the_names_it_gave(graph: str) -> None:
    made = {
        str(node.inputs[key])
        for token, key in (
            ("aws:dynamodb/table:Table", "name"),
            ("aws:s3/bucket:Bucket", "bucket"),
            ("aws:secretsmanager/secret:Secret", "name"),
            ("aws:ssm/parameter:Parameter", "name"),
        )
        for node in nodes(graph, token)
    }
    reached = {
        re.sub(r"^(table/|secret:|parameter(?=/)|key/)|(/\*|-\?{6})$", "", rest)
        for node in agents(graph, "aws:iam/rolePolicy:RolePolicy")
        for statement in document(node)
        for resource in cast("list[str]", statement["Resource"])
        for rest in [resource.split(":", 5)[-1]]
    }
    assert reached - {"*"} == made


@pytest.mark.parametrize("stack", STACKS)
def test_agents_may_do_all_that_the_runtime_does(stack: str) -> None:
    asked = asked_of_aws()
    assert {"dynamodb:UpdateItem", "dynamodb:Scan", "ssm:GetParameter"} <= asked
    for node in agents(stack, "aws:iam/rolePolicy:RolePolicy"):
        allowed = {
            action
            for statement in document(node)
            if statement["Effect"] == "Allow"
            for action in cast("list[str]", statement["Action"])
        }
        assert asked <= allowed


@pytest.mark.parametrize("stack", STACKS)
def test_agents_may_read_the_kill_flag_and_never_write_it(stack: str) -> None:
    for node in agents(stack, "aws:iam/rolePolicy:RolePolicy"):
        by_sid = {str(found["Sid"]): found for found in document(node)}
        denial, use = by_sid["NeverTouchTheKillSwitch"], by_sid["UseTables"]
        assert denial["Effect"] == "Deny"
        assert denial["Condition"] == {
            "ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": ["kill"]}
        }
        tables = cast("list[str]", use["Resource"])
        coordination = [table for table in tables if table.endswith("-coordination")]
        assert denial["Resource"] == coordination
        allowed = set(cast("list[str]", use["Action"]))
        assert "dynamodb:GetItem" in allowed
        writes = {
            action
            for action in allowed
            if not action.endswith(("GetItem", "Query", "Scan", "Table"))
        }
        assert writes
        assert writes <= set(cast("list[str]", denial["Action"]))


@pytest.mark.parametrize("stack", STACKS)
def test_agents_publish_metrics_only_where_the_switchs_alarms_look(stack: str) -> None:
    for node in agents(stack, "aws:iam/rolePolicy:RolePolicy"):
        found = next(item for item in document(node) if item["Sid"] == "ReportTheKillSwitch")
        assert found["Condition"] == {"StringEquals": {"cloudwatch:namespace": [METRIC_NAMESPACE]}}
    alarms = preview(stack).of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
    watched = {str(str(node.inputs["namespace"])) for node in alarms if "KillSwitch" in node.urn}
    assert watched == {METRIC_NAMESPACE}


def test_only_pods_of_this_account_become_agents() -> None:
    for node in agents("prod", "aws:iam/role:Role"):
        (statement,) = document(node, "assumeRolePolicy")
        assert statement["Principal"] == {"Service": ["pods.eks.amazonaws.com"]}
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ["123456789012"]}}


@pytest.mark.parametrize("graph", [*STACKS, *SHAPES])
def test_agents_change_no_resource_policy_or_key(graph: str) -> None:
    services = {"cloudwatch", "dynamodb", "kms", "s3", "secretsmanager", "ssm"}
    changing = re.compile(
        r":(Create(?!Item)|Delete(?!Item|Object)|Put(?!Item|Object|MetricData)|Tag)"
    )
    for node in agents(graph, "aws:iam/rolePolicy:RolePolicy"):
        for statement in document(node):
            if statement["Effect"] == "Allow":
                for action in cast("list[str]", statement["Action"]):
                    assert action.partition(":")[0] in services
                    assert not changing.search(action), action
