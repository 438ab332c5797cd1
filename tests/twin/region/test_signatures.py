"""Whoever does not hold the key cannot change a single byte of a request and be let in."""

import time
from dataclasses import replace
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from holdfast.twin.credentials import Credentials
from holdfast.twin.region.incoming import Denied, Incoming
from holdfast.twin.region.signatures import SKEW_S, Verifier

KEY = Credentials("AKIATWINTESTS", "the secret")
HOST = "127.80.0.2:20004"
REGION = "us-east-1"
LATER = {"x-amz-date", "authorization", "x-amz-content-sha256"}


def signed(
    service: str = "dynamodb",
    *,
    method: str = "POST",
    path: str = "/",
    query: str = "",
    body: bytes = b"{}",
    headers: dict[str, str] | None = None,
    key: Credentials = KEY,
    region: str = REGION,
) -> Incoming:
    """A request as botocore signs it, and as it comes out of the wire."""
    asked = AWSRequest(method, f"http://{HOST}{path}{'?' if query else ''}{query}", data=body)
    for name, value in {"Host": HOST, **(headers or {})}.items():
        asked.headers[name] = value
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(BotoCredentials(key.key_id, key.secret), service, region).add_auth(asked)
    fields = tuple((name.lower(), str(value)) for name, value in asked.headers.items())
    return Incoming(
        method=method, path=path, raw_path=path, query=query, fields=fields, headers=dict(fields)
    )


def presigned(lasts_s: int = 60, path: str = "/bucket/key") -> Incoming:
    asked = AWSRequest("GET", f"http://{HOST}{path}")
    boto = BotoCredentials(KEY.key_id, KEY.secret)
    S3SigV4QueryAuth(boto, "s3", REGION, expires=lasts_s).add_auth(asked)
    query = urlsplit(str(asked.url)).query
    headers = {"host": HOST}
    return Incoming(
        method="GET",
        path=path,
        raw_path=path,
        query=query,
        fields=tuple(headers.items()),
        headers=headers,
    )


def admit(request: Incoming, body: bytes = b"{}", *, after_s: float = 0.0) -> str:
    """The service that a request is let in for, or the code that it is refused with."""
    verifier = Verifier(REGION, KEY, clock=lambda: time.time() + after_s)
    try:
        claim = verifier.claim(request)
        verifier.prove(request, claim, body)
    except Denied as denied:
        return denied.code
    return claim.service


def with_header(request: Incoming, name: str, value: str) -> Incoming:
    fields = (*((n, v) for n, v in request.fields if n != name), (name, value))
    return replace(request, fields=fields, headers=dict(fields))


@given(
    service=st.sampled_from(["dynamodb", "s3", "route53"]),
    method=st.sampled_from(["GET", "PUT", "POST"]),
    segments=st.lists(st.text(st.characters(codec="utf-8"), max_size=8), max_size=3),
    query=st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=3),
    body=st.binary(max_size=40),
    value=st.text("ab  c", max_size=8),
)
def test_what_botocore_signs_is_let_in_and_nothing_else_is(  # noqa: PLR0917
    service: str,
    method: str,
    segments: list[str],
    query: list[tuple[str, str]],
    body: bytes,
    value: str,
) -> None:
    path = "/" + "/".join(quote(segment, safe="~") for segment in segments)
    asked = "&".join(
        f"{quote(name, safe='-_.~')}={quote(told, safe='-_.~')}" for name, told in query
    )
    request = signed(
        service, method=method, path=path, query=asked, body=body, headers={"X-Amz-Meta": value}
    )
    assert admit(request, body) == service
    changed = [
        replace(request, method="DELETE"),
        replace(request, raw_path=request.raw_path + "x"),
        replace(request, query=request.query + "&x=1"),
        with_header(request, "x-amz-meta", value + "x"),
        with_header(request, "host", "127.80.0.3:20004"),
    ]
    assert {admit(one, body) for one in changed} == {"SignatureDoesNotMatch"}
    assert admit(request, body + b"x") in {"SignatureDoesNotMatch", "XAmzContentSHA256Mismatch"}


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (replace(signed(), headers={"host": HOST}), "MissingAuthenticationToken"),
        (signed(key=Credentials("AKIAOTHER", KEY.secret)), "InvalidClientTokenId"),
        (signed(key=Credentials(KEY.key_id, "guessed")), "SignatureDoesNotMatch"),
        (signed(region="eu-west-1"), "InvalidSignatureException"),
        (with_header(signed(), "x-amz-security-token", "t"), "InvalidClientTokenId"),
        (with_header(signed(), "authorization", "Bearer x"), "IncompleteSignature"),
        (with_header(signed(), "x-amz-date", "today"), "SignatureDoesNotMatch"),
        (replace(signed(), raw_path="/#/functions"), "SignatureDoesNotMatch"),
        (with_header(signed(), "x-amz-added", "x"), "SignatureDoesNotMatch"),
        (replace(signed(), query="X-Amz-Algorithm=AWS4-HMAC-SHA256"), "IncompleteSignature"),
    ],
)
def test_each_thing_that_is_wrong_is_told(request_: Incoming, code: str) -> None:
    assert admit(request_) == code


def test_a_signature_lasts_a_quarter_of_an_hour_either_way() -> None:
    request = signed()
    assert admit(request, after_s=SKEW_S - 5) == admit(request, after_s=5 - SKEW_S) == "dynamodb"
    assert admit(request, after_s=SKEW_S + 5) == "RequestTimeTooSkewed"
    assert admit(request, after_s=-SKEW_S - 5) == "RequestTimeTooSkewed"


def test_a_url_for_s3_may_carry_its_signature_for_as_long_as_it_says() -> None:
    assert admit(presigned(), b"") == "s3"
    assert admit(presigned(), b"", after_s=70) == "RequestTimeTooSkewed"
    assert admit(replace(presigned(), raw_path="/bucket/other"), b"") == "SignatureDoesNotMatch"
    longer = replace(presigned(), query=presigned().query.replace("Expires=60", "Expires=600"))
    assert admit(longer, b"") == "SignatureDoesNotMatch"
    copying = with_header(presigned(), "x-amz-copy-source", "/bucket/other")
    assert admit(copying, b"") == "SignatureDoesNotMatch"
    for_other = presigned().query.replace("s3%2Faws4", "lambda%2Faws4")
    assert admit(replace(presigned(), query=for_other), b"") == "AccessDenied"


@pytest.mark.parametrize(
    ("service", "stated", "verdict"),
    [
        ("s3", "UNSIGNED-PAYLOAD", "s3"),
        ("s3", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "s3"),
        ("dynamodb", "UNSIGNED-PAYLOAD", "XAmzContentSHA256Mismatch"),
    ],
)
def test_only_s3_may_leave_the_body_open(service: str, stated: str, verdict: str) -> None:
    asked = AWSRequest("POST", f"http://{HOST}/")
    asked.headers["Host"] = HOST
    asked.headers["X-Amz-Content-SHA256"] = stated
    SigV4Auth(BotoCredentials(KEY.key_id, KEY.secret), service, REGION).add_auth(asked)
    fields = tuple((name.lower(), str(value)) for name, value in asked.headers.items())
    request = Incoming(
        method="POST", path="/", raw_path="/", query="", fields=fields, headers=dict(fields)
    )
    assert admit(request, b"anything") == verdict
