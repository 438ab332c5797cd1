import pytest

from holdfast.graph import Secret
from tests.components.fake_cloud import TOKEN
from tests.components.stacks import STACKS, deployed, mapping, mappings, nodes

CLUSTER = "aws:elasticache/replicationGroup:ReplicationGroup"
VERSION = "aws:secretsmanager/secretVersion:SecretVersion"


@pytest.mark.parametrize("stack", STACKS)
def test_connections_are_encrypted_and_need_the_token(stack: str) -> None:
    for node in nodes(stack, CLUSTER):
        assert node.inputs["engine"] == "valkey"
        assert node.inputs["transitEncryptionEnabled"] is True
        assert node.inputs["transitEncryptionMode"] == "required"
        assert node.inputs["atRestEncryptionEnabled"] is True
        assert "authToken" in node.inputs


@pytest.mark.parametrize("stack", STACKS)
def test_the_token_is_a_secret_wherever_it_goes(stack: str) -> None:
    for token, key in ((VERSION, "secretString"), (CLUSTER, "authToken")):
        for node in deployed(stack).of_type(token):
            assert node.inputs[key] == Secret(TOKEN)
            assert TOKEN not in str({**node.inputs, key: None})


def test_a_token_drawn_in_a_later_run_is_ignored_and_the_cluster_gets_the_first() -> None:
    for node in nodes("prod", VERSION):
        assert node.options.ignore_changes == ("secretString",)
        assert "secretString" in node.options.additional_secret_outputs
    for node in nodes("prod", CLUSTER):
        source = node.property_dependencies["authToken"]
        assert [urn for urn in source if "secretVersion:SecretVersion" in urn]


def test_each_region_draws_its_own_token_into_a_secret_that_is_not_replicated() -> None:
    for node in nodes("prod", "aws:secretsmanager/secret:Secret"):
        assert "replicas" not in node.inputs
        assert str(node.region) in str(node.inputs["name"])


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_is_forgotten_to_make_room(stack: str) -> None:
    for node in nodes(stack, "aws:elasticache/parameterGroup:ParameterGroup"):
        settings = {item["name"]: item["value"] for item in mappings(node.inputs["parameters"])}
        assert settings == {"maxmemory-policy": "noeviction"}
        assert str(node.inputs["name"]).endswith(str(node.inputs["family"]))


@pytest.mark.parametrize(("stack", "several"), [("dev", False), ("staging", True), ("prod", True)])
def test_the_loss_of_a_zone_is_survived_where_there_are_nodes_enough(
    stack: str,
    several: bool,  # noqa: FBT001
) -> None:
    for node in nodes(stack, CLUSTER):
        assert (node.inputs["numCacheClusters"] != 1) is several
        assert node.inputs["automaticFailoverEnabled"] is several
        assert node.inputs["multiAzEnabled"] is several


def test_the_cluster_stands_in_private_subnets() -> None:
    for node in nodes("prod", "aws:elasticache/subnetGroup:SubnetGroup"):
        subnets = [urn for urn in node.property_dependencies["subnetIds"] if "subnet:Subnet" in urn]
        assert len(subnets) == 3
        assert all("-network-private-" in urn for urn in subnets)
        assert mapping(node.inputs["tags"])


@pytest.mark.parametrize("stack", STACKS)
def test_aws_does_not_upgrade_past_the_version_that_the_code_pins(stack: str) -> None:
    # The provider would replace a cluster that is ahead of the program.
    for node in nodes(stack, CLUSTER):
        assert node.inputs["engineVersion"] == "8.2"
        assert node.inputs["autoMinorVersionUpgrade"] is False
