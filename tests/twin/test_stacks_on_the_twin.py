"""The blueprint's own stacks on a real twin, by both fronts."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from holdfast.twin.client import Twin
from holdfast.twin.fronts.inprocess import InProcess
from holdfast.twin.provider.cloud import Cloud, Site
from holdfast.twin.provider.core import Provider
from holdfast.twin.provider.values import Doc, Json
from holdfast.twin.stack import FrontName, forget_front, front_of, platform_of, regions_of
from tests.twin.provider.inventory import inventory

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FRONTS = [
    FrontName.INPROCESS,
    pytest.param(
        FrontName.PULUMI,
        marks=[
            pytest.mark.engine,
            pytest.mark.skipif(
                shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH"
            ),
        ],
    ),
]


@pytest.fixture(scope="module", params=["dev", "prod"])
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def twin(stack: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    folder = tmp_path_factory.mktemp(f"twin-{stack}")
    with Twin.start(state_dir=folder, regions=regions_of(ROOT, stack), detached=False) as made:
        yield made


@pytest.fixture(scope="module")
def platforms() -> dict[str, object]:
    return {}


@pytest.mark.parametrize("name", FRONTS)
def test_a_stack_comes_up_stays_as_it_is_and_leaves_nothing(
    twin: Twin, stack: str, name: FrontName, platforms: dict[str, object]
) -> None:
    cloud = Cloud(twin.endpoint, credentials=twin.credentials)
    before = inventory(cloud, twin.regions)
    lines: list[str] = []
    front = front_of(name, project=ROOT, stack=stack, twin=twin, on_line=lines.append)
    made = front.up()
    assert made.count == len(made.created) > 100
    platform = platform_of(made)
    for region in platform.regions.values():
        assert region.ingress.port == twin.ingress_port
        assert region.limiter.host == twin.address(region.name)
        assert not region.limiter.tls
    again = front.up()
    assert again.count == 0, str(again)
    refreshed = front.refresh()
    assert refreshed.drifted == {}
    assert front.preview().count == 0
    # Both fronts end in the same contract, up to the ids that AWS draws.
    drawn = r"(?<=-ingress-)[0-9a-z]{8}(?=\.)|(?<=/limiter-)[0-9a-f]{6}"
    known = json.loads(re.sub(drawn, "ID", platform.model_dump_json()))
    assert platforms.setdefault(stack, known) == known
    deleted = front.destroy(forced=True)
    assert len(deleted.deleted) == len(made.created)
    forget_front(twin)
    assert inventory(cloud, twin.regions) == before


REPLICATED = """
import pulumi
import pulumi_aws as aws

key = aws.kms.Key("key", region="us-east-1", multi_region=True, deletion_window_in_days=7)
copy = aws.kms.ReplicaKey(
    "copy", region="us-west-2", primary_key_arn=key.arn, description="{text}", enabled=True,
    deletion_window_in_days=7, tags={{"a": "{text}"}},
)
table = aws.dynamodb.Table(
    "table", region="us-east-1", name="strong", hash_key="pk", billing_mode="PAY_PER_REQUEST",
    attributes=[{{"name": "pk", "type": "S"}}], tags={{"a": "{text}"}},
    replicas=[{{
        "region_name": "us-west-2", "consistency_mode": "STRONG", "kms_key_arn": copy.arn,
        "point_in_time_recovery": {recover}, "propagate_tags": True,
        "deletion_protection_enabled": {recover},
    }}],
    server_side_encryption={{"enabled": True, "kms_key_arn": key.arn}},
    global_table_witness={{"region_name": "us-east-2"}},
)
pulumi.export("key", key.key_id)
pulumi.export("copy", copy.key_id)
pulumi.export("replicas", table.replicas)
"""


def test_replicas_witness_and_copies_of_keys_lie_in_their_own_regions(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "Pulumi.yaml").write_text("name: replicated\nruntime: python\n")
    (project / "Pulumi.dev.yaml").write_text("config: {}\n")
    regions = ("us-east-1", "us-west-2", "us-east-2")
    with Twin.start(state_dir=tmp_path / "twin", regions=regions, detached=False) as twin:
        cloud = Cloud(twin.endpoint, credentials=twin.credentials)
        before = inventory(cloud, regions)
        front = InProcess(
            project=project,
            stack="dev",
            state_dir=tmp_path / "twin",
            cloud=cloud,
            on_line=lambda _: None,
        )
        program = project / "__main__.py"
        program.write_text(REPLICATED.format(text="one", recover=True))
        outputs = front.up().outputs
        assert outputs["key"] == outputs["copy"], "a copy has its primary's id"
        replica = Doc({"replicas": outputs["replicas"]}).docs("replicas")[0]
        assert replica.text("arn").startswith("arn:aws:dynamodb:us-west-2:")
        west = Site(cloud, "us-west-2").call("dynamodb", "describe_table", TableName="strong")
        assert west.doc("Table").flag("DeletionProtectionEnabled")
        assert front.up().count == 0
        assert front.refresh().drifted == {}
        program.write_text(REPLICATED.format(text="two", recover=False))
        assert {urn.rpartition("::")[2] for urn in front.up().updated} == {"copy", "table"}
        assert tags_of_replica(cloud) == {"a": "two"}
        assert front.up().count == 0
        front.destroy()
        assert inventory(cloud, regions) == before


def tags_of_replica(cloud: Cloud) -> Mapping[str, Json]:
    arn = "arn:aws:dynamodb:us-west-2:000000000000:table/strong"
    site = Provider(cloud).site("aws:dynamodb/table:Table", {"region": "us-west-2"})
    tags = site.call("dynamodb", "list_tags_of_resource", ResourceArn=arn).docs("Tags")
    return {tag.text("Key"): tag.text("Value") for tag in tags}
