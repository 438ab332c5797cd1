import json
from typing import cast

import pytest

from components.aws.platform_parameter import LONGEST_BYTES
from holdfast.contract import Consistency, Platform
from holdfast.graph import UNKNOWN, Secret
from infra.rules import LONGEST_CONTRACT_BYTES, contract_bytes
from tests.components.fake_cloud import LIMITER_PORT, LISTENER_PORT
from tests.components.stacks import SHAPES, STACKS, deployed, preview


def contract_of(stack: str) -> Platform:
    return Platform.model_validate(deployed(stack).outputs["platform"])


@pytest.mark.parametrize("stack", STACKS)
def test_a_deployed_stack_exports_a_contract_that_its_own_model_takes(stack: str) -> None:
    assert contract_of(stack).stack == stack


@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_exports_what_it_knows_of_the_contract(stack: str) -> None:
    known = cast("dict[str, object]", preview(stack).outputs["platform"])
    assert known.keys() == Platform.model_fields.keys()
    assert UNKNOWN not in [value for name, value in known.items() if name != "jurisdictions"]


@pytest.mark.parametrize("stack", STACKS)
def test_whoever_deploys_agents_is_told_where_in_every_serving_region(stack: str) -> None:
    places = cast("dict[str, dict[str, object]]", deployed(stack).outputs["agent_places"])
    assert places.keys() == contract_of(stack).regions.keys()
    for region, place in places.items():
        groups = [
            node
            for node in deployed(stack).nodes
            if node.region == region and node.type == "aws:lb/targetGroup:TargetGroup"
        ]
        assert [node.outputs["arn"] for node in groups] == [place["target_group_arn"]]
        subnets = cast("list[str]", place["subnet_ids"])
        kind = "public" if stack == "dev" else "private"
        of_kind = {
            node.id
            for node in deployed(stack).nodes
            if node.region == region and f"-{kind}-" in node.name and "subnet:Subnet" in node.type
        }
        assert set(subnets) == of_kind
        assert place["network"] == {"public": "public"}.get(kind, "private-endpoints")
        assert place["security_group_id"] == f"id-of-{region}-network-agents"


def test_the_contract_holds_the_providers_answers_and_not_what_was_asked_for() -> None:
    region = contract_of("prod").regions["eu-west-1"]
    assert region.ingress.port == LISTENER_PORT
    assert region.ingress.hostname.endswith("-0123456789abcdef.elb.eu-west-1.amazonaws.com")
    assert region.limiter.port == LIMITER_PORT
    assert region.limiter.host.startswith("master.holdfast-prod-eu-west-1-limiter.")
    assert not region.limiter.tls
    assert region.limiter.secret_arn.startswith("arn:aws:secretsmanager:eu-west-1:")


def test_tables_say_how_consistent_they_are_and_where_they_can_be_read() -> None:
    europe = contract_of("prod").jurisdictions["eu"]
    assert europe.coordination.consistency is Consistency.STRONG
    assert europe.coordination.regions == ("eu-west-1", "eu-central-1")
    assert europe.coordination.witness == "eu-west-3"
    assert europe.state.consistency is Consistency.EVENTUAL
    assert europe.state.witness is None


def test_each_bucket_replicates_to_the_others_of_its_jurisdiction_only() -> None:
    for jurisdiction in contract_of("prod").jurisdictions.values():
        names = {region.bucket.name for region in jurisdiction.regions.values()}
        for region in jurisdiction.regions.values():
            assert set(region.bucket.replicates_to) == names - {region.bucket.name}


def test_the_switch_of_each_jurisdiction_is_its_own() -> None:
    switches = {
        name: jurisdiction.kill_switch
        for name, jurisdiction in contract_of("prod").jurisdictions.items()
    }
    assert len({switch.role_arn for switch in switches.values()}) == len(switches)
    for name, switch in switches.items():
        jurisdiction = contract_of("prod").jurisdictions[name]
        assert switch.table == jurisdiction.coordination.name
        assert set(switch.topic_arns) == set(jurisdiction.regions)


@pytest.mark.parametrize("stack", STACKS)
def test_every_region_that_serves_keeps_the_same_contract(stack: str) -> None:
    graph = deployed(stack)
    parameters = graph.of_type("aws:ssm/parameter:Parameter")
    assert {node.region for node in parameters} == set(contract_of(stack).regions)
    for node in parameters:
        value = node.inputs["value"]
        assert isinstance(value, Secret)
        text = cast("str", value.value)
        assert Platform.parse(text) == contract_of(stack)
        assert json.loads(text) == graph.outputs["platform"]


@pytest.mark.slow
@pytest.mark.parametrize("stack", [*STACKS, *SHAPES])
def test_the_settings_know_before_anything_is_made_how_long_the_contract_gets(stack: str) -> None:
    platform = contract_of(stack)
    foreseen = contract_bytes(
        platform.tenants,
        serving=[len(found.regions) for found in platform.jurisdictions.values()],
        names=platform.project + platform.stack,
    )
    length = len(json.dumps(deployed(stack).outputs["platform"], separators=(",", ":")))
    assert length <= foreseen <= 1.25 * length


def test_the_settings_and_the_parameter_agree_on_how_much_it_holds() -> None:
    assert LONGEST_CONTRACT_BYTES == LONGEST_BYTES
