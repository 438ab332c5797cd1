"""Every realised type against real emulators: made, read, changed, removed; nothing dropped."""

import json
from collections.abc import Iterator

import pytest

from holdfast.errors import TwinError, UnsupportedResourceError
from holdfast.twin.provider.cloud import Cloud
from holdfast.twin.provider.core import Provider, held
from holdfast.twin.provider.registry import REALISED
from holdfast.twin.provider.schema import schema_of
from holdfast.twin.provider.spec import Fate
from holdfast.twin.provider.values import Doc, Json
from tests.twin.provider.conftest import REGIONS
from tests.twin.provider.examples import EXAMPLES
from tests.twin.provider.inventory import inventory
from tests.twin.provider.world import NOWHERE, Example, World, build_world

pytestmark = pytest.mark.slow

ON_THE_TWIN_ONLY = {"aws:kms/replicaKey:ReplicaKey"}
NEVER_GONE = {
    # AWS has no call that removes a version, and every bucket has versioning and encryption.
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
}
CASES = [
    pytest.param(token, example, id=f"{token.rpartition(':')[2]}-{number}")
    for token, examples in sorted(EXAMPLES.items())
    for number, example in enumerate(examples)
]


@pytest.fixture(scope="module")
def provider(cloud: Cloud) -> Provider:
    return Provider(cloud)


@pytest.fixture(scope="module")
def world(provider: Provider, cloud: Cloud) -> Iterator[World]:
    before = inventory(cloud, REGIONS)
    world, made = build_world(provider)
    yield world
    for token, ident, state in made:
        provider.delete(token, ident, state, forced=True)
    assert inventory(cloud, REGIONS) == before, "something is left in an emulator"


def make(provider: Provider, token: str, inputs: dict[str, Json]) -> tuple[str, dict[str, Json]]:
    checked = provider.check(token, "example", {}, inputs, b"seed")
    assert checked.failures == ()
    ident, state = provider.create(token, checked.inputs)
    assert not provider.diff(token, state, checked.inputs)
    return ident, dict(state)


@pytest.mark.parametrize(("token", "example"), CASES)
def test_a_resource_is_made_read_changed_and_removed(
    provider: Provider, world: World, token: str, example: Example
) -> None:
    ident, state = make(provider, token, example.inputs(world))
    missing = [
        name
        for name, shape in schema_of(token).outputs.items()
        # The AWS provider answers null for a block that nobody gave.
        if shape.required and shape.kind != "object" and name not in state
    ]
    assert missing == [], "outputs that pulumi-aws declares as always there"
    assert provider.read(token, ident, state) == state

    edited = provider.check(token, "example", {}, example.edited(world), b"seed")
    assert edited.failures == ()
    change = provider.diff(token, state, edited.inputs)
    assert change.replaces == ()
    assert set(change.updates) == {
        key for key in {*example.edit, *example.without} if key not in example.without
    }
    if change:
        state = dict(provider.update(token, ident, state, edited.inputs))
        assert not provider.diff(token, state, edited.inputs)
        assert provider.read(token, ident, state) == state

    provider.delete(token, ident, state, forced=True)
    if token not in NEVER_GONE:
        assert provider.read(token, ident, state) is None
    provider.delete(token, ident, state, forced=True)


def test_every_realised_type_has_an_example() -> None:
    assert set(EXAMPLES) | ON_THE_TWIN_ONLY == set(REALISED)


@pytest.mark.parametrize("token", sorted(EXAMPLES))
def test_every_property_that_is_sent_is_sent_by_an_example(token: str) -> None:
    given = {key for example in EXAMPLES[token] for key in example.inputs(NOWHERE)}
    given |= {key for example in EXAMPLES[token] for key in example.edit}
    sent = {
        path
        for path, rule in REALISED[token].properties.items()
        if rule.fate is not Fate.REFUSED and "." not in path
    }
    # Replicas and witnesses need regions that speak to each other: see the twin's tests.
    elsewhere = {"replicas", "globalTableWitness"} if token.endswith(":Table") else set[str]()
    computed_arn = {"arn"} if token == "aws:ssm/parameter:Parameter" else set[str]()
    assert sent - given - elsewhere - computed_arn == set()


@pytest.mark.parametrize(("token", "example"), CASES)
def test_a_property_that_the_emulator_drops_is_refused_by_name_and_leaves_nothing(
    provider: Provider,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    token: str,
    example: Example,
) -> None:
    inputs = example.inputs(world)
    rules = REALISED[token].properties
    kept = [key for key in inputs if key in rules and rules[key].fate is Fate.KEPT and inputs[key]]
    dropped = max(set(kept) - {"tags"})
    kind = type(REALISED[token])
    honest = kind.read

    def forgetful(self: object, site: object, ident: str, state: object) -> object:
        found = honest(self, site, ident, state)  # type: ignore[arg-type]
        return None if found is None else {**found, dropped: None}

    checked = provider.check(token, "example", {}, inputs, b"seed")
    # What would be left behind is found when ``world`` is taken down.
    with monkeypatch.context() as patched:
        patched.setattr(kind, "read", forgetful)
        with pytest.raises(UnsupportedResourceError, match=dropped):
            provider.create(token, checked.inputs)


def test_the_port_of_a_listener_is_the_ingress_port_and_no_drift(
    cloud: Cloud, world: World
) -> None:
    twin = Cloud(cloud.endpoint, cloud.account, ingress_port=31000)
    provider = Provider(twin)
    token = "aws:lb/listener:Listener"
    inputs = EXAMPLES[token][0].inputs(world)
    ident, state = make(provider, token, inputs)
    try:
        assert state["port"] == 31000
        assert held(state)["port"] == 443
        assert provider.read(token, ident, state) == state
        assert provider.drift(token, state, state) == ()
        edited = provider.check(token, "example", {}, {**inputs, "port": 8443}, b"seed").inputs
        assert provider.diff(token, state, edited).updates == ("port",)
    finally:
        provider.delete(token, ident, state)


def test_a_table_whose_replica_cannot_be_made_is_not_left_behind(
    provider: Provider, cloud: Cloud
) -> None:
    token = "aws:dynamodb/table:Table"
    before = inventory(cloud, REGIONS)
    inputs: dict[str, Json] = {
        "name": "half",
        "region": "us-east-1",
        "hashKey": "pk",
        "billingMode": "PAY_PER_REQUEST",
        "attributes": [{"name": "pk", "type": "S"}],
        # A replica in the table's own region is refused, after one was made.
        "replicas": [{"regionName": "us-west-2"}, {"regionName": "us-east-1"}],
    }
    checked = provider.check(token, "example", {}, inputs, b"seed")
    with pytest.raises(TwinError, match="local region"):
        provider.create(token, checked.inputs)
    assert inventory(cloud, REGIONS) == before


def test_a_change_behind_the_providers_back_is_drift(
    cloud: Cloud, provider: Provider, world: World
) -> None:
    token = "aws:ec2/subnet:Subnet"
    ident, state = make(provider, token, EXAMPLES[token][0].inputs(world))
    try:
        cloud.call(
            "ec2",
            "us-east-1",
            "modify_subnet_attribute",
            {"SubnetId": ident, "MapPublicIpOnLaunch": {"Value": False}},
        )
        now = provider.read(token, ident, state, state)
        assert now is not None
        assert provider.drift(token, state, now) == ("mapPublicIpOnLaunch",)
    finally:
        provider.delete(token, ident, state)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"serviceName": "com.amazonaws.us-east-1.ssm"}, "conflict|answers for"),
        ({"securityGroupIds": ["sg-none"]}, "is not in"),
        ({"subnetIds": ["subnet-none"]}, "is not in"),
    ],
)
def test_an_endpoint_that_aws_would_refuse_is_refused(
    provider: Provider, world: World, change: dict[str, Json], message: str
) -> None:
    token = "aws:ec2/vpcEndpoint:VpcEndpoint"
    inputs: dict[str, Json] = {
        "vpcId": world["vpc"],
        "serviceName": "com.amazonaws.us-east-1.ssm",
        "vpcEndpointType": "Interface",
        "subnetIds": [world["subnet-a"]],
        "privateDnsEnabled": True,
    }
    ident, state = make(provider, token, inputs)
    try:
        names = [entry.text("dnsName") for entry in Doc(state).docs("dnsEntries")]
        assert names[-1] == "ssm.us-east-1.amazonaws.com"
        assert len(Doc(state).texts("networkInterfaceIds")) == 1
        assert len(Doc(state).texts("securityGroupIds")) == 1, "the network's own, by default"
        other = {**inputs, "serviceName": "com.amazonaws.us-east-1.sqs", **change}
        checked = provider.check(token, "other", {}, other, b"seed")
        with pytest.raises(TwinError, match=message):
            provider.create(token, checked.inputs)
    finally:
        provider.delete(token, ident, state)


def test_a_gateway_endpoint_tells_the_prefixes_that_lead_to_it(
    provider: Provider, world: World
) -> None:
    token = "aws:ec2/vpcEndpoint:VpcEndpoint"
    ident, state = make(provider, token, EXAMPLES[token][0].inputs(world))
    try:
        assert str(state["prefixListId"]).startswith("pl-")
        assert state["cidrBlocks"]
    finally:
        provider.delete(token, ident, state)


def test_an_item_keeps_what_an_application_has_added_to_it(
    cloud: Cloud, provider: Provider, world: World
) -> None:
    token = "aws:dynamodb/tableItem:TableItem"

    def inputs(item: Json) -> dict[str, Json]:
        text = json.dumps(item)
        keys: dict[str, Json] = {"hashKey": "pk", "rangeKey": "sk"}
        return {"tableName": world["table"], "item": text, **keys}

    key = {"pk": {"S": "kept"}, "sk": {"N": "1"}}
    ident, state = make(provider, token, inputs({**key, "a": {"S": "1"}, "b": {"S": "1"}}))
    own = {"TableName": world["table"], "Item": {**key, "a": {"S": "1"}, "own": {"S": "x"}}}
    cloud.call("dynamodb", "us-east-1", "put_item", own)
    edited = provider.check(token, "example", {}, inputs({**key, "a": {"S": "2"}}), b"seed")
    provider.update(token, ident, state, edited.inputs)
    asked = {"TableName": world["table"], "Key": key, "ConsistentRead": True}
    found = cloud.call("dynamodb", "us-east-1", "get_item", asked)
    assert found.doc("Item").members == {**key, "a": {"S": "2"}, "own": {"S": "x"}}
    provider.delete(token, ident, state)
