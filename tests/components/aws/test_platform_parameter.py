from pathlib import Path

import pytest

from components.aws.platform_parameter import LONGEST_BYTES
from holdfast.errors import GraphError
from holdfast.graph import Graph, Secret, run
from tests.components.fake_cloud import FakeCloud
from tests.components.stacks import STACKS, deployed, nodes

PARAMETER = "aws:ssm/parameter:Parameter"
STANDARD_BYTES = 4096
"""What the tier that costs nothing holds; above, AWS bills the advanced one by itself."""


@pytest.mark.parametrize("stack", STACKS)
def test_each_copy_is_encrypted_with_the_key_of_its_own_region(stack: str) -> None:
    for node in nodes(stack, PARAMETER):
        assert node.inputs["type"] == "SecureString"
        keys = [urn for urn in node.property_dependencies["keyId"] if "$aws:kms/" in urn]
        assert any(urn.endswith(f"-keys-{node.region}") for urn in keys)


@pytest.mark.slow
@pytest.mark.parametrize("stack", STACKS)
def test_copies_have_one_name_and_fit_the_tier_that_is_chosen_by_their_size(stack: str) -> None:
    assert len({str(node.inputs["name"]) for node in nodes(stack, PARAMETER)}) == 1
    for node in deployed(stack).of_type(PARAMETER):
        value = node.inputs["value"]
        assert isinstance(value, Secret)
        small = STANDARD_BYTES if stack in {"dev", "test"} else LONGEST_BYTES
        assert len(str(value.value)) <= small
        assert node.inputs["tier"] == "Intelligent-Tiering"


PROGRAM = """
from components.aws.platform_parameter import PlatformParameter, PlatformParameterArgs

PlatformParameter(
    "platform",
    PlatformParameterArgs(
        parameter_name="/p",
        document="x" * {size},
        key_arns={{"eu-west-1": "arn:aws:kms:eu-west-1:1:key/k"}},
        tags={{"eu-west-1": {{}}}},
    ),
)
"""


def written(directory: Path, size: int) -> Graph:
    (directory / "Pulumi.yaml").write_text("name: p\nruntime: python\n", encoding="utf-8")
    (directory / "Pulumi.s.yaml").write_text("config: {}\n", encoding="utf-8")
    (directory / "__main__.py").write_text(PROGRAM.format(size=size), encoding="utf-8")
    return run(directory, "s", provider=FakeCloud())


def test_a_contract_that_no_parameter_holds_is_refused_in_words(tmp_path: Path) -> None:
    assert written(tmp_path, LONGEST_BYTES).of_type(PARAMETER)
    with pytest.raises(GraphError, match=f"holds at most {LONGEST_BYTES}. List fewer tenants"):
        written(tmp_path, LONGEST_BYTES + 1)
