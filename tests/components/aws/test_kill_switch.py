import json
from typing import cast

import pytest

from components.aws.kill_switch import WRITABLE, KillSwitchArgs
from holdfast.contract import Environment
from holdfast.control.kill_core import KillCore, WhenUnreadable
from holdfast.coordination.drivers.program import run
from holdfast.coordination.stores.store import Equals, Get, Item, Outcome, Reply, Request, Update
from holdfast.errors import ConfigurationError, KilledError
from holdfast.graph import Node
from tests.components.stacks import STACKS, document, mapping, nodes, preview

ACCOUNT = "123456789012"


def of_the_switch(stack: str, token: str) -> list[Node]:
    return [node for node in nodes(stack, token) if "KillSwitch" in node.urn]


def flag(stack: str) -> dict[str, dict[str, str]]:
    (first, *_) = nodes(stack, "aws:dynamodb/tableItem:TableItem")
    return cast("dict[str, dict[str, str]]", json.loads(str(first.inputs["item"])))


class Reader:
    """A store that holds one item, in DynamoDB's form."""

    def __init__(self, item: dict[str, dict[str, str]] | None) -> None:
        self.requests: list[Request] = []
        self.item: Item | None = None
        if item is not None:
            self.item = {k: int(v["N"]) if "N" in v else v["S"] for k, v in item.items()}

    def call(self, request: Request) -> Reply:
        self.requests.append(request)
        return Reply(Outcome.APPLIED, self.item)


def switch() -> KillCore:
    return KillCore(
        key="kill",
        environment=Environment.PROD,
        max_age_ms=1000,
        when_unreadable=WhenUnreadable.STOP,
        clock=None,
    )


def checked(item: dict[str, dict[str, str]] | None) -> int:
    return run(switch().check(), Reader(item))


@pytest.mark.parametrize("stack", STACKS)
def test_a_deployment_arms_nothing_however_often_it_makes_the_flag(stack: str) -> None:
    assert flag(stack) == {"pk": {"S": "kill"}}
    with pytest.raises(KilledError, match="never been armed, or somebody has deleted it"):
        checked(flag(stack))


def test_agents_read_a_flag_of_another_form_or_none_at_all_as_tripped() -> None:
    armed = {"state": {"S": "armed"}, "epoch": {"N": "1"}}
    assert checked({**flag("prod"), **armed}) == 1
    with pytest.raises(KilledError):
        checked({**flag("prod"), **armed, "state": {"S": "on"}})
    with pytest.raises(KilledError):
        checked(None)


@pytest.mark.parametrize("stack", STACKS)
def test_a_later_deployment_never_writes_the_flag_again(stack: str) -> None:
    for node in nodes(stack, "aws:dynamodb/tableItem:TableItem"):
        assert node.options.ignore_changes == ("item",)
        tables = node.property_dependencies["tableName"]
        assert [urn for urn in tables if "CoordinationStore$aws:dynamodb/table:Table" in urn]


@pytest.mark.parametrize("stack", STACKS)
def test_the_role_from_outside_touches_the_one_item_and_nothing_else(stack: str) -> None:
    for node in of_the_switch(stack, "aws:iam/rolePolicy:RolePolicy"):
        law = node.name.partition("-")[0]
        for statement in document(node):
            actions = cast("list[str]", statement["Action"])
            condition = cast("dict[str, dict[str, object]]", statement["Condition"])
            if actions == ["kms:Decrypt"]:
                services = cast("list[str]", condition["StringEquals"]["kms:ViaService"])
                assert [service.partition(".")[0] for service in services] == ["dynamodb"]
                continue
            assert set(actions) <= {"dynamodb:GetItem", "dynamodb:UpdateItem"}
            assert condition["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"] == ["kill"]
            # Without this, a request that names no key at all would match.
            assert condition["Null"] == {"dynamodb:LeadingKeys": ["false"]}
            for resource in cast("list[str]", statement["Resource"]):
                assert resource.endswith(f"table/holdfast-{stack}-{law}-coordination")


def test_the_role_may_write_exactly_what_a_flag_consists_of() -> None:
    for node in of_the_switch("prod", "aws:iam/rolePolicy:RolePolicy"):
        writing = next(found for found in document(node) if found["Sid"] == "ChangeTheFlag")
        condition = cast("dict[str, dict[str, list[str]]]", writing["Condition"])
        allowed = condition["ForAllValues:StringEquals"]["dynamodb:Attributes"]
        assert sorted(allowed) == sorted(("pk", "state", "epoch", "by", "reason"))


def test_tripping_and_arming_ask_for_nothing_that_the_role_may_not_do() -> None:
    store = Reader(flag("prod"))
    assert run(switch().state(), store).epoch == 0
    run(switch().trip("oncall", "a drill"), store)
    run(switch().arm("oncall", "over", 1), store)
    reading, *changing = store.requests
    assert isinstance(reading, Get)
    for request in changing:
        assert isinstance(request, Update)
        judged = {request.when.attribute} if isinstance(request.when, Equals) else set[str]()
        touched = {"pk", *request.assign, *request.add, *request.remove, *judged}
        assert touched <= set(WRITABLE)


def test_the_flag_can_be_tripped_in_every_region_that_serves() -> None:
    (node, *_) = of_the_switch("prod", "aws:iam/rolePolicy:RolePolicy")
    for sid in ("ReadTheFlag", "ChangeTheFlag"):
        found = next(found for found in document(node) if found["Sid"] == sid)
        assert found["Resource"] == [
            f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/holdfast-prod-eu-coordination"
            for region in ("eu-west-1", "eu-central-1")
        ]


def test_users_need_a_second_factor_and_only_those_named_come_in() -> None:
    for node in of_the_switch("dev", "aws:iam/role:Role"):
        by_sid = {str(found["Sid"]): found for found in document(node, "assumeRolePolicy")}
        users = cast("dict[str, object]", by_sid["UsersWithASecondFactor"]["Condition"])
        assert users["Bool"] == {"aws:MultiFactorAuthPresent": ["true"]}
        assert users["ArnLike"] == {"aws:PrincipalArn": [f"arn:aws:iam::{ACCOUNT}:user/*"]}
        roles = cast("dict[str, object]", by_sid["Roles"]["Condition"])
        assert roles == {"ArnLike": {"aws:PrincipalArn": [f"arn:aws:iam::{ACCOUNT}:role/oncall"]}}
        for found in by_sid.values():
            assert found["Principal"] == {"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]}


@pytest.mark.parametrize("stack", STACKS)
def test_each_region_tells_when_the_switch_is_tripped_and_when_nobody_reads_it(stack: str) -> None:
    graph = preview(stack)
    serving = {node.region for node in graph.of_type("aws:ec2/vpc:Vpc")}
    alarms = {
        (node.region, node.name.rpartition("-")[2]): node
        for node in of_the_switch(stack, "aws:cloudwatch/metricAlarm:MetricAlarm")
    }
    assert set(alarms) == {(region, kind) for region in serving for kind in ("tripped", "unread")}
    for (region, kind), node in alarms.items():
        silence = {"tripped": "notBreaching", "unread": "breaching"}[kind]
        assert node.inputs["treatMissingData"] == silence
        assert mapping(node.inputs["dimensions"])["Region"] == region
        topics = node.property_dependencies["alarmActions"]
        assert any(urn.endswith(f"-kill-switch-{region}") for urn in topics)


def test_a_switch_that_nobody_may_trip_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Name at least one role or user"):
        KillSwitchArgs(
            account_id=ACCOUNT,
            project="holdfast",
            stack="prod",
            jurisdiction="eu",
            table="t",
            table_name="t",
            item_key="kill",
            home_region="eu-west-1",
            regions=("eu-west-1",),
            role_name="r",
            principals=(),
            principal_accounts=(ACCOUNT,),
            topic_names={},
            alarm_names={},
            alarm_emails=(),
            key_alias="alias/k",
            key_arns={},
            tags={},
        )
