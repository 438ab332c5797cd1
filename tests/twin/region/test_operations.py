"""Every declared operation is recognised as botocore sends it, and nothing else is anything."""

import functools
import io
from typing import cast
from urllib.parse import unquote, urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.model import ListShape, Shape, StringShape, StructureShape

from holdfast.twin.region.incoming import Denied, Incoming
from holdfast.twin.region.operations import asked
from holdfast.twin.region.services import SERVICES, Service

CLIENTS = {
    "dynamodbstreams": "dynamodbstreams",
    "monitoring": "cloudwatch",
    "elasticloadbalancing": "elbv2",
}


class _Sent(Exception):  # noqa: N818 -- carries what would have gone out
    def __init__(self, request: AWSPreparedRequest) -> None:
        super().__init__()
        self.request = request


def sample(shape: Shape) -> object:
    """The least value of a shape that botocore takes."""
    if isinstance(shape, StructureShape):
        return {name: sample(shape.members[name]) for name in shape.required_members}
    if isinstance(shape, ListShape):
        return [sample(shape.member)]
    if isinstance(shape, StringShape):
        return shape.enum[0] if shape.enum else "abcdefghijkl"
    kind = shape.type_name
    if kind == "map":
        return {}
    if kind == "timestamp":
        return 0
    return {"boolean": True, "blob": b"x", "float": 1.0, "double": 1.0}.get(kind, 1)


@functools.cache
def client_of(handler: str) -> BaseClient:
    """A client that raises what it would send."""

    def catch(request: AWSPreparedRequest, **_: object) -> None:
        raise _Sent(request)

    client = boto3.client(  # pyright: ignore[reportUnknownMemberType, reportCallIssue, reportUnknownVariableType]
        CLIENTS.get(handler, handler),  # type: ignore[call-overload]
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
        config=Config(parameter_validation=False, s3={"addressing_style": "path"}),
    )
    made = cast("BaseClient", client)
    made.meta.events.register("before-send", catch)
    return made


def request_of(service: Service, operation: str) -> tuple[Incoming, bytes]:
    """What boto3 would send for an operation."""
    client = client_of(service.handler)
    names = {api: python for python, api in client.meta.method_to_api_mapping.items()}
    shape = client.meta.service_model.operation_model(operation).input_shape

    arguments = cast("dict[str, object]", sample(shape) if shape else {})
    with pytest.raises(_Sent) as caught:
        getattr(client, names[operation])(**arguments)
    sent = caught.value.request
    url = urlsplit(str(sent.url))
    fields = tuple((name.lower(), _text(value)) for name, value in sent.headers.items())
    body = sent.body.read() if isinstance(sent.body, io.BytesIO) else sent.body or b""
    incoming = Incoming(
        method=str(sent.method),
        path=unquote(url.path),
        raw_path=url.path,
        query=url.query,
        fields=fields,
        headers=dict(fields),
    )
    return incoming, body if isinstance(body, bytes) else str(body).encode()


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


NATIVE = [
    (service, operation)
    for service in SERVICES
    for operation in sorted(service.operations)
    # boto3 speaks to CloudWatch in CBOR; its older forms differ from others of theirs in no way.
    if not (service.handler == "monitoring" and service.protocol != "cbor")
]


@pytest.mark.parametrize(("service", "operation"), NATIVE)
def test_a_declared_operation_is_recognised(service: Service, operation: str) -> None:
    request, body = request_of(service, operation)
    found = asked(request, service.signed_as, body)
    assert (found.service.handler, found.operation) == (service.handler, operation)


def incoming(method: str = "POST", path: str = "/", query: str = "", **headers: str) -> Incoming:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Incoming(
        method=method,
        path=path,
        raw_path=path,
        query=query,
        fields=tuple(given.items()),
        headers=given,
    )


JSON = "application/x-amz-json-1.0"
FORM = "application/x-www-form-urlencoded"
TABLES = "DynamoDB_20120810.ListTables"


@pytest.mark.parametrize(
    ("request_", "signed_as", "body"),
    [
        pytest.param(
            incoming("GET", "/2015-03-31/functions"), "lambda", b"", id="another service"
        ),
        pytest.param(
            incoming(x_amz_target="AWSLambda.Invoke", content_type=JSON), "dynamodb", b"{}",
            id="another service's target",
        ),
        pytest.param(
            incoming(x_amz_target=TABLES, content_type=JSON), "s3", b"{}", id="another scope"
        ),
        pytest.param(
            incoming(x_amz_target="DynamoDB_20120810.ImportTable", content_type=JSON), "dynamodb",
            b"{}", id="an operation that is not declared",
        ),
        pytest.param(
            incoming(x_amz_target=TABLES, content_type="text/plain"), "dynamodb", b"{}", id="text"
        ),
        pytest.param(
            incoming(path="/_ministack/reset", x_amz_target=TABLES, content_type=JSON), "dynamodb",
            b"{}", id="an administrator's path",
        ),
        pytest.param(
            incoming(query="Action=RunInstances", content_type=FORM), "ec2",
            b"Action=DescribeVpcs&Version=2016-11-15", id="two actions, one in the query",
        ),
        pytest.param(
            incoming(content_type=FORM), "ec2",
            b"Action=DescribeVpcs&Action=RunInstances&Version=2016-11-15", id="two actions",
        ),
        pytest.param(
            incoming(content_type=FORM), "iam", b"Action=CreateUser&Version=2010-05-08",
            id="no users",
        ),
        pytest.param(
            incoming(content_type=FORM), "sts", b"Action=AssumeRole&Version=2011-06-15",
            id="no sessions",
        ),
        pytest.param(incoming("GET", "/b", "acl"), "s3", b"", id="a subresource"),
        pytest.param(
            incoming("GET", "/b/k", "response-content-type=text/html"), "s3", b"", id="a page"
        ),
        pytest.param(incoming("GET", "/b", "policy&versions"), "s3", b"", id="two subresources"),
        pytest.param(incoming("POST", "/b/k"), "s3", b"", id="a form for browsers"),
        pytest.param(
            incoming("PUT", "/b/k", "x-amz-copy-source=b/k"), "s3", b"", id="a hoisted header"
        ),
        pytest.param(
            incoming("GET", "/2013-04-01/trafficpolicies"), "route53", b"", id="other paths"
        ),
        pytest.param(
            incoming("POST", "/service/GraniteServiceVersion20100801/operation/PutDashboard",
                     content_type="application/cbor"), "monitoring", b"", id="another in CBOR",
        ),
    ],
)  # fmt: skip
def test_what_is_not_declared_or_not_clearly_one_thing_does_not_exist(
    request_: Incoming, signed_as: str, body: bytes
) -> None:
    with pytest.raises(Denied) as caught:
        asked(request_, signed_as, body)
    assert caught.value.code in {"UnknownOperationException", "UnsupportedMediaType"}
