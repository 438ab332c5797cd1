"""Programs deployed by this process to plain emulators: up, edit, fail, die, go on, destroy."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.errors import GraphError, TwinError, UnsupportedResourceError
from holdfast.twin.fronts.inprocess import InProcess
from holdfast.twin.provider.cloud import Cloud, Site
from tests.twin.projects import write_project
from tests.twin.provider.conftest import REGIONS
from tests.twin.provider.emulators import emulators
from tests.twin.provider.inventory import inventory

pytestmark = pytest.mark.slow

TWO_REGIONS = """
for region in ("us-east-1", "us-west-2"):
    key = aws.kms.Key(f"key-{region}", region=region, description="one")
    aws.kms.Alias(f"alias-{region}", region=region, name="alias/x", target_key_id=key.key_id)
    table = aws.dynamodb.Table(
        f"table-{region}",
        region=region,
        name="table",
        hash_key="pk",
        attributes=[{"name": "pk", "type": "S"}],
        billing_mode="PAY_PER_REQUEST",
        server_side_encryption={"enabled": True, "kms_key_arn": key.arn},
    )
    pulumi.export(region, table.arn)
"""
NETWORK = """
vpc = aws.ec2.Vpc("vpc", cidr_block="{vpc}")
subnet = aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="{subnet}")
group = aws.ec2.SecurityGroup("group", vpc_id=vpc.id, name="fixed", description="{text}")
rule = aws.vpc.SecurityGroupIngressRule(
    "rule", security_group_id=group.id, ip_protocol="-1", cidr_ipv4="10.0.0.0/8"
)
"""


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with emulators(REGIONS) as found:
        yield found


@pytest.fixture(autouse=True)
def nothing_is_left(cloud: Cloud) -> Iterator[None]:
    before = inventory(cloud, REGIONS)
    yield
    assert inventory(cloud, REGIONS) == before


class Stack:
    """A project in a directory, and its deployment."""

    def __init__(self, folder: Path, cloud: Cloud) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.front = InProcess(
            project=folder / "project",
            stack="dev",
            state_dir=folder / "state",
            cloud=cloud,
            on_line=self.lines.append,
        )

    def program(self, text: str) -> "Stack":
        write_project(self.folder / "project", text, config="config:\n  aws:region: us-east-1\n")
        self.lines.clear()
        return self


@pytest.fixture
def stack(tmp_path: Path, cloud: Cloud) -> Iterator[Stack]:
    made = Stack(tmp_path, cloud)
    yield made
    made.front.destroy(forced=True)


def names(urns: tuple[str, ...]) -> list[str]:
    return sorted(urn.rpartition("::")[2] for urn in urns)


def test_up_makes_all_a_second_up_changes_nothing_and_destroy_leaves_nothing(
    stack: Stack, cloud: Cloud
) -> None:
    before = inventory(cloud, REGIONS)
    front = stack.program(TWO_REGIONS).front
    assert len(front.preview().created) == 6
    assert inventory(cloud, REGIONS) == before
    first = front.up()
    assert len(first.created) == 6
    assert first.outputs == {
        region: f"arn:aws:dynamodb:{region}:000000000000:table/table" for region in REGIONS
    }
    assert front.outputs() == first.outputs
    again = front.up()
    assert again.count == 0
    assert len(again.unchanged) == 6
    assert front.refresh().drifted == {}
    assert front.preview().count == 0
    assert len(front.destroy().deleted) == 6
    assert front.outputs() == {}


def test_an_edit_updates_in_place_and_a_removal_deletes(stack: Stack) -> None:
    stack.program(TWO_REGIONS).front.up()
    edited = TWO_REGIONS.replace('description="one"', 'description="two"')
    changes = stack.program(
        edited.replace('("us-east-1", "us-west-2")', '("us-east-1",)')
    ).front.up()
    assert names(changes.updated) == ["key-us-east-1"]
    assert names(changes.deleted) == ["alias-us-west-2", "key-us-west-2", "table-us-west-2"]
    assert stack.lines[0] == "updated description of aws:kms/key:Key key-us-east-1"


def test_a_replacement_is_made_before_what_it_replaces_is_deleted(stack: Stack) -> None:
    stack.program('aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")').front.up()
    changes = stack.program('aws.ec2.Vpc("vpc", cidr_block="10.1.0.0/16")').front.up()
    assert names(changes.replaced) == ["vpc"]
    assert changes.created == changes.deleted == ()
    assert [line.split()[0] for line in stack.lines] == ["replaced,", "deleted"]


def test_what_has_a_fixed_name_goes_first_together_with_what_cannot_outlive_it(
    stack: Stack, cloud: Cloud
) -> None:
    old = {"vpc": "10.0.0.0/16", "subnet": "10.0.1.0/24", "text": "one"}
    stack.program(NETWORK.format(**old)).front.up()
    preview = stack.program(NETWORK.format(**{**old, "text": "two"})).front.preview()
    assert names(preview.replaced) == ["group", "rule"]
    changes = stack.front.up()
    assert names(changes.replaced) == ["group", "rule"]
    assert names(changes.unchanged) == ["subnet", "vpc"]
    done = [(line.split()[0], line.split()[-1]) for line in stack.lines[2:]]
    assert done[:2] == [("deleted", "rule"), ("deleted", "group")]
    assert {what for what, _ in done[2:]} == {"recreated"}
    groups = Site(cloud, "us-east-1").call("ec2", "describe_security_groups").docs("SecurityGroups")
    assert [item.text("Description") for item in groups if item.text("GroupName") == "fixed"] == [
        "two"
    ]
    assert stack.front.up().count == 0


MOVED = """
other = aws.ec2.Vpc("other", cidr_block="10.0.0.0/16")
vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
for number in range(6):
    aws.ec2.Subnet(f"subnet-{number}", vpc_id=vpc.id, cidr_block=f"10.0.{number}.0/24")
"""
MOVED_ON = """
other = aws.ec2.Vpc("other", cidr_block="10.0.0.0/16")
for number in range({subnets}):
    aws.ec2.Subnet(f"subnet-{{number}}", vpc_id=other.id, cidr_block=f"10.0.{{number}}.0/24")
aws.ec2.Vpc(
    "vpc", cidr_block="10.1.0.0/16", tags={{"after": other.id}},
    opts=pulumi.ResourceOptions(delete_before_replace=True),
)
"""


def test_what_moves_away_while_its_old_place_is_replaced_is_neither_lost_nor_in_the_way(
    stack: Stack,
) -> None:
    stack.program(MOVED).front.up()
    changes = stack.program(MOVED_ON.format(subnets=4)).front.up()
    assert names(changes.replaced) == [*(f"subnet-{number}" for number in range(4)), "vpc"]
    assert names(changes.deleted) == ["subnet-4", "subnet-5"]
    assert stack.front.up().count == 0
    assert stack.front.refresh().drifted == {}


def test_a_protected_resource_stays_unless_it_is_forced(stack: Stack) -> None:
    protected = 'aws.sns.Topic("t", name="t", opts=pulumi.ResourceOptions(protect=True))'
    stack.program(protected).front.up()
    with pytest.raises(TwinError, match="protected"):
        stack.front.destroy()
    with pytest.raises(TwinError, match=r"protected.*name replaces it"):
        stack.program(protected.replace('name="t"', 'name="u"')).front.up()
    with pytest.raises(TwinError, match="protected"):
        stack.program("").front.up()
    assert names(stack.front.destroy(forced=True).deleted) == ["t"]


def test_a_failure_names_the_resource_and_its_place_and_the_next_run_goes_on(
    stack: Stack,
) -> None:
    broken = """
first = aws.sns.Topic("first")
aws.sns.TopicPolicy("second", arn=first.arn, policy="no policy")
"""
    with pytest.raises(TwinError) as caught:
        stack.program(broken).front.up()
    assert "infra/__main__.py:6: aws:sns/topicPolicy:TopicPolicy second: policy is no JSON" in str(
        caught.value
    )
    fixed = broken.replace("no policy", '{\\"Version\\": \\"2012-10-17\\", \\"Statement\\": []}')
    changes = stack.program(fixed).front.up()
    assert names(changes.created) == ["second"]
    assert names(changes.unchanged) == ["first"]


def test_a_type_or_property_that_the_twin_would_get_wrong_is_refused_by_name(
    stack: Stack,
) -> None:
    with pytest.raises(UnsupportedResourceError, match="aws:sqs/queue:Queue"):
        stack.program('aws.sqs.Queue("q")').front.up()
    with pytest.raises(UnsupportedResourceError, match=r"Topic t: tracingConfig is 'Active'"):
        stack.program('aws.sns.Topic("t", tracing_config="Active")').front.up()


def test_a_program_that_fails_is_told_as_such(stack: Stack) -> None:
    with pytest.raises(GraphError, match="division by zero"):
        stack.program("1 / 0").front.up()


def test_drift_is_told_and_the_next_up_mends_it(stack: Stack, cloud: Cloud) -> None:
    stack.program('aws.sns.Topic("t", name="t", display_name="right")').front.up()
    stack.program('aws.sns.Topic("t", name="t", display_name="right")\naws.kms.Key("k")').front.up()
    site = Site(cloud, "us-east-1")
    arn = "arn:aws:sns:us-east-1:000000000000:t"
    site.call(
        "sns",
        "set_topic_attributes",
        TopicArn=arn,
        AttributeName="DisplayName",
        AttributeValue="wrong",
    )
    found = stack.front.refresh()
    assert {urn.rpartition("::")[2]: keys for urn, keys in found.drifted.items()} == {
        "t": ("displayName",)
    }
    assert names(stack.front.up().updated) == ["t"]
    site.call("sns", "delete_topic", TopicArn=arn)
    assert list(stack.front.refresh().drifted.values()) == [()]
    assert names(stack.front.up().created) == ["t"]


def test_options_of_a_resource_are_heeded(stack: Stack) -> None:
    program = """
aws.sns.Topic("ignored", name="i", display_name="{text}",
              opts=pulumi.ResourceOptions(ignore_changes=["displayName"]))
aws.sns.Topic("{name}", name="n", opts=pulumi.ResourceOptions(
    aliases=[pulumi.Alias(name="before")]))
aws.sns.Topic("final", display_name="{text}",
              opts=pulumi.ResourceOptions(replace_on_changes=["displayName"]))
"""
    stack.program(program.format(text="one", name="before")).front.up()
    changes = stack.program(program.format(text="two", name="after")).front.up()
    assert names(changes.unchanged) == ["after", "ignored"]
    assert names(changes.replaced) == ["final"]
    assert changes.deleted == ()
    with pytest.raises(UnsupportedResourceError, match="import"):
        stack.program('aws.sns.Topic("x", opts=pulumi.ResourceOptions(import_="arn:x"))').front.up()


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ('replacement_trigger="1"', "a replacement trigger"),
        ("replace_with=[key]", "replaced with urn:pulumi:dev::small::aws:kms/key:Key::k"),
        ('replace_on_changes=["tags.a"]', "replaced for changes of 'tags.a'; .*whole properties"),
        ('ignore_changes=["tags.a"]', "ignores changes of 'tags.a'; .*whole properties"),
    ],
)
def test_options_that_would_be_left_out_are_refused_by_name(
    stack: Stack, option: str, reason: str
) -> None:
    program = f"""
key = aws.kms.Key("k")
aws.sns.Topic("t", tags={{"a": "b"}}, opts=pulumi.ResourceOptions({option}))
"""
    with pytest.raises(UnsupportedResourceError, match=f"Topic t: .*{reason}"):
        stack.program(program).front.up()


def test_a_component_that_is_renamed_keeps_what_is_in_it(stack: Stack, cloud: Cloud) -> None:
    program = """
class Home(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("demo:index:Home", name, None, opts)
        aws.sns.Topic(f"{{name}}-topic", name="fixed", opts=pulumi.ResourceOptions(parent=self))

Home("{name}", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="before")]))
"""
    stack.program(program.format(name="before")).front.up()
    changes = stack.program(program.format(name="after")).front.up()
    assert names(changes.unchanged) == ["after-topic"]
    assert changes.count == 0
    topics = Site(cloud, "us-east-1").call("sns", "list_topics").docs("Topics")
    assert [topic.text("TopicArn").rpartition(":")[2] for topic in topics] == ["fixed"]


def test_a_resource_that_is_only_looked_up_is_read_and_never_deleted(
    stack: Stack, cloud: Cloud
) -> None:
    site = Site(cloud, "us-east-1")
    arn = site.call("sns", "create_topic", Name="foreign").text("TopicArn")
    try:
        program = f'pulumi.export("name", aws.sns.Topic.get("foreign", "{arn}").name)'
        assert stack.program(program).front.up().outputs == {"name": "foreign"}
        stack.front.destroy()
        assert site.call("sns", "get_topic_attributes", TopicArn=arn)
    finally:
        site.call("sns", "delete_topic", TopicArn=arn)


def test_default_tags_of_the_programs_provider_reach_every_resource(stack: Stack) -> None:
    program = """
provider = aws.Provider("p", region="us-west-2", default_tags={"tags": {"team": "a"}})
topic = aws.sns.Topic("t", tags={"mine": "b"}, opts=pulumi.ResourceOptions(provider=provider))
pulumi.export("tags", topic.tags_all)
pulumi.export("arn", topic.arn)
"""
    outputs = stack.program(program).front.up().outputs
    assert outputs["tags"] == {"team": "a", "mine": "b"}
    assert ":us-west-2:" in str(outputs["arn"])
    assert stack.front.up().count == 0
    assert stack.front.refresh().drifted == {}
    assert stack.front.up().count == 0


CHILD = """
import sys
from pathlib import Path
from holdfast.twin.fronts.inprocess import InProcess
from holdfast.twin.provider.cloud import Cloud
endpoints = {endpoints!r}
lines = 0

def tell(line):
    global lines
    lines += 1
    print(line, flush=True)
    if lines == {waits_after}:
        sys.stdin.read()

front = InProcess(
    project=Path({project!r}), stack="dev", state_dir=Path({state!r}),
    cloud=Cloud(endpoints.__getitem__), on_line=tell,
)
front.up()
"""


def chain(length: int) -> str:
    return f"""
before = None
for number in range({length}):
    options = pulumi.ResourceOptions(depends_on=[before] if before else [])
    before = aws.sns.Topic(f"topic-{{number}}", opts=options)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_a_run_that_is_cut_off_is_gone_on_with(
    stack: Stack, cloud: Cloud, number: signal.Signals
) -> None:
    # It waits in the middle, so that it is interrupted there however slow or fast it is.
    stack.program(chain(30))
    code = CHILD.format(
        endpoints={region: cloud.endpoint(region) for region in REGIONS},
        project=str(stack.folder / "project"),
        state=str(stack.folder / "state"),
        waits_after=5,
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        for _ in range(5):
            assert child.stdout.readline().startswith("created")
        child.send_signal(number)
        child.stdin.close()
        assert child.wait(60) != 0
    site = Site(cloud, "us-east-1")
    made = len(site.call("sns", "list_topics").docs("Topics"))
    assert 5 <= made < 30
    changes = stack.front.up()
    # A killed process may have made one topic that it could not record: see ``unfinished``.
    lost = made - len(changes.unchanged)
    assert 0 <= lost <= (1 if number is signal.SIGKILL else 0)
    assert len(changes.created) == 30 - len(changes.unchanged)
    recorded = {
        item["id"]
        for item in json.loads((stack.folder / "state/inprocess/stack.json").read_text())[
            "resources"
        ]
    }
    for topic in site.call("sns", "list_topics").docs("Topics"):
        if topic.text("TopicArn") not in recorded:
            site.call("sns", "delete_topic", TopicArn=topic.text("TopicArn"))
