"""A kill flag that somebody deletes, on both fronts: no deployment arms it."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from holdfast.twin.client import Twin
from holdfast.twin.provider.cloud import Cloud, Site
from holdfast.twin.provider.values import Doc
from holdfast.twin.stack import FrontName, forget_front, front_of
from tests.twin.projects import write_project

pytestmark = pytest.mark.slow

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
PROGRAM = """
tables = {{
    name: aws.dynamodb.Table(
        name, region="us-east-1", name=name, hash_key="pk", billing_mode="PAY_PER_REQUEST",
        attributes=[{{"name": "pk", "type": "S"}}],
    )
    for name in ("one", "two")
}}
aws.dynamodb.TableItem(
    "flag", region="us-east-1", table_name=tables["{table}"].name, hash_key="pk",
    item=json.dumps({{"pk": {{"S": "kill"}}}}),
    opts=pulumi.ResourceOptions(ignore_changes=["item"]),
)
"""
ARMED = {"state": {"S": "armed"}, "epoch": {"N": "1"}, "by": {"S": "ops"}, "reason": {"S": "go"}}


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    folder = tmp_path_factory.mktemp("twin-flag")
    with Twin.start(state_dir=folder, regions=("us-east-1",), detached=False) as made:
        yield made


class Table:
    """What an operator does to a flag beside the stack."""

    def __init__(self, twin: Twin, name: str) -> None:
        self._site = Site(Cloud(twin.endpoint, credentials=twin.credentials), "us-east-1")
        self._name = name

    @property
    def flag(self) -> Mapping[str, object] | None:
        answer = self._site.call(
            "dynamodb",
            "get_item",
            TableName=self._name,
            Key={"pk": {"S": "kill"}},
            ConsistentRead=True,
        )
        return answer.doc("Item").members if "Item" in answer else None

    def arm(self) -> None:
        item = {"pk": {"S": "kill"}, **ARMED}
        self._site.call("dynamodb", "put_item", TableName=self._name, Item=item)

    def delete(self) -> None:
        self._site.call("dynamodb", "delete_item", TableName=self._name, Key={"pk": {"S": "kill"}})


def names(urns: tuple[str, ...]) -> list[str]:
    return sorted(urn.rpartition("::")[2] for urn in urns)


@pytest.mark.parametrize("name", FRONTS)
def test_a_deletion_never_arms(twin: Twin, name: FrontName, tmp_path: Path) -> None:
    project = write_project(tmp_path / "project", PROGRAM.format(table="one"))
    front = front_of(name, project=project, stack="dev", twin=twin, on_line=lambda _: None)
    silent = {"pk": {"S": "kill"}}
    one, two = Table(twin, "one"), Table(twin, "two")
    front.up()
    assert one.flag == silent
    one.arm()
    # What an operator wrote stays, whatever the engine has seen of it.
    assert front.up().count == 0
    front.refresh()
    assert front.up().count == 0
    assert Doc(json.loads(json.dumps(one.flag))).doc("state").text("S") == "armed"
    # Deleted, it is made again without a word.
    one.delete()
    front.refresh()
    assert names(front.up().created) == ["flag"]
    assert one.flag == silent
    # The engine has seen an armed flag when it makes one elsewhere.
    one.arm()
    front.refresh()
    write_project(tmp_path / "project", PROGRAM.format(table="two"))
    assert names(front.up().replaced) == ["flag"]
    assert two.flag == silent
    gone = one.flag
    assert gone is None
    front.destroy(forced=True)
    forget_front(twin)
