import pytest

from infra.program import HEALTH_PATH
from tests.components.stacks import STACKS, mapping, mappings, nodes


@pytest.mark.parametrize("stack", STACKS)
def test_bytes_pass_through_untouched_to_agents_in_any_zone(stack: str) -> None:
    for node in nodes(stack, "aws:lb/loadBalancer:LoadBalancer"):
        assert node.inputs["loadBalancerType"] == "network"
        assert node.inputs["enableCrossZoneLoadBalancing"] is True
    for node in nodes(stack, "aws:lb/listener:Listener"):
        assert node.inputs["protocol"] == "TCP"
        assert node.inputs["port"] == 443
        assert [action["type"] for action in mappings(node.inputs["defaultActions"])] == ["forward"]
        assert "certificateArn" not in node.inputs


@pytest.mark.parametrize("stack", STACKS)
def test_only_agents_that_answer_the_health_check_get_requests(stack: str) -> None:
    for node in nodes(stack, "aws:lb/targetGroup:TargetGroup"):
        check = mapping(node.inputs["healthCheck"])
        assert check["enabled"] is True
        assert (check["protocol"], check["path"], check["matcher"]) == (
            "HTTPS",
            HEALTH_PATH,
            "200",
        )
        assert node.inputs["targetType"] == "ip"
        assert node.inputs["connectionTermination"] is True


def test_a_load_balancer_stands_in_a_public_subnet_of_each_zone() -> None:
    for node in nodes("prod", "aws:lb/loadBalancer:LoadBalancer"):
        subnets = {
            urn.rpartition("::")[2]
            for urn in node.property_dependencies["subnets"]
            if "aws:ec2/subnet:Subnet" in urn
        }
        assert subnets == {f"{node.region}-network-public-{node.region}{zone}" for zone in "abc"}
