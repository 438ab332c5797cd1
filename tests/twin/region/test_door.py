"""The door asks before it reads, and says no in words that each kind of client understands."""

import json
from xml.etree import ElementTree as ET

import pytest

from holdfast.twin.region.door import Door, longest, refusal
from holdfast.twin.region.incoming import Denied, Incoming
from holdfast.twin.region.signatures import Verifier
from tests.twin.region.test_signatures import HOST, KEY, REGION, signed, with_header

DOOR = Door(HOST, Verifier(REGION, KEY))
NO = Denied("SignatureDoesNotMatch", "not <yours>")


def test_a_signed_request_for_this_endpoint_comes_in_and_a_page_or_another_host_does_not() -> None:
    assert DOOR.claim(signed()).service == "dynamodb"
    for stranger in (
        with_header(signed(), "origin", "null"),
        with_header(signed(), "origin", f"http://{HOST}"),
        with_header(signed(), "host", "localhost:20004"),
        with_header(signed(), "host", "127.80.0.2"),
        with_header(signed(), "host", "rebound.example:20004"),
    ):
        with pytest.raises(Denied) as caught:
            DOOR.claim(stranger)
        assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)


def test_an_object_may_be_longer_than_a_request() -> None:
    assert longest(DOOR.claim(signed("s3"))) > longest(DOOR.claim(signed()))


def asking(**headers: str) -> Incoming:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Incoming(
        method="POST", path="/", raw_path="/", query="", fields=tuple(given.items()), headers=given
    )


def test_a_refusal_is_json_xml_or_cbor_as_the_request_was() -> None:
    told = refusal(asking(x_amz_target="AmazonSSM.GetParameter"), NO)
    assert json.loads(told.body) == {"__type": NO.code, "message": NO.message}
    scope = "Credential=k/20260101/us-east-1/{}/aws4_request"
    query = refusal(asking(authorization=scope.format("ec2")), NO)
    assert ET.fromstring(query.body).findtext("Error/Message") == NO.message  # noqa: S314 -- ours
    s3 = refusal(asking(authorization=scope.format("s3")), NO)
    assert ET.fromstring(s3.body).findtext("Code") == NO.code  # noqa: S314 -- ours
    cbor = refusal(asking(smithy_protocol="rpc-v2-cbor"), NO)
    assert cbor.body.startswith(b"\xa2\x79\x00\x06__type")
    assert cbor.body.endswith(NO.message.encode())
