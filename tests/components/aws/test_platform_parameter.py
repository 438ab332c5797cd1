import json

import pytest
import yaml

from components.aws.platform_parameter import LONGEST_BYTES
from holdfast.errors import GraphError
from holdfast.graph import Secret, run
from tests.components.fake_cloud import FakeCloud
from tests.components.stacks import KEY, ROOT, STACKS, deployed, nodes

PARAMETER = "aws:ssm/parameter:Parameter"
STANDARD_BYTES = 4096


@pytest.mark.parametrize("stack", STACKS)
def test_each_copy_is_encrypted_with_the_key_of_its_own_region(stack: str) -> None:
    for node in nodes(stack, PARAMETER):
        assert node.inputs["type"] == "SecureString"
        keys = [urn for urn in node.property_dependencies["keyId"] if "$aws:kms/" in urn]
        assert any(urn.endswith(f"-keys-{node.region}") for urn in keys)


@pytest.mark.parametrize("stack", STACKS)
def test_copies_have_one_name_and_fit_the_tier_that_costs_nothing(stack: str) -> None:
    assert len({str(node.inputs["name"]) for node in nodes(stack, PARAMETER)}) == 1
    for node in deployed(stack).of_type(PARAMETER):
        value = node.inputs["value"]
        assert isinstance(value, Secret)
        assert len(str(value.value)) <= STANDARD_BYTES
        assert node.inputs["tier"] == "Intelligent-Tiering"


def test_a_contract_that_no_parameter_holds_is_refused_in_words() -> None:
    file = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8"))
    tenants = {f"tenant-{number}": "eu" for number in range(400)}
    config = {KEY: json.dumps({**file["config"][KEY], "tenants": tenants})}
    with pytest.raises(GraphError, match=f"holds at most {LONGEST_BYTES}. List fewer tenants"):
        run(ROOT, "prod", config=config, provider=FakeCloud())
