"""Who comes in at a region's AWS endpoint, and how the others are told.

Guarantees:
    Nothing of a request is carried out, and no body of a stranger is read beyond what lets the
    answer through, unless the request names this endpoint as its host, comes from no web page,
    carries this twin's signature, and asks for a declared operation.
"""

import json
from http import HTTPStatus
from xml.sax.saxutils import escape

from holdfast.twin.region.emulator import Reply
from holdfast.twin.region.incoming import Denied, Incoming
from holdfast.twin.region.operations import Asked, asked
from holdfast.twin.region.services import SERVICES
from holdfast.twin.region.signatures import Claim, Verifier

_MEGABYTE = 1024 * 1024
STRANGERS_BYTES = _MEGABYTE
BODY_BYTES = 16 * _MEGABYTE
"""Longest body of a request; DynamoDB's own limit for a batch."""

OBJECT_BYTES = 64 * _MEGABYTE
"""Longest body for S3."""


class Door:
    """Lets the requests of one region in.

    Args:
        host: The endpoint's ``address:port``, which is the only name that it answers to.
        verifier: Knows the twin's key.
    """

    def __init__(self, host: str, verifier: Verifier) -> None:
        self._host = host
        self._verifier = verifier

    def claim(self, request: Incoming) -> Claim:
        """Who a request says it is from, before its body is read.

        Raises:
            Denied: If it comes from a web page, means another host, or is not signed with the key.
        """
        if "origin" in request.headers:
            raise Denied("AccessDenied", "Web pages are not served: the request has an Origin.")
        host = request.headers.get("host", "")
        if host != self._host:
            raise Denied("AccessDenied", f"This is {self._host}; the request is for {host!r}.")
        return self._verifier.claim(request)

    def admit(self, request: Incoming, claim: Claim, body: bytes) -> Asked:
        """What a request may have carried out.

        Raises:
            Denied: If the signature is wrong, or no declared operation is asked for.
        """
        self._verifier.prove(request, claim, body)
        return asked(request, claim.service, body)


def longest(claim: Claim) -> int:
    """How many bytes of body a request may have."""
    return OBJECT_BYTES if claim.service == "s3" else BODY_BYTES


def refusal(request: Incoming, denied: Denied) -> Reply:
    """A refusal in the words of the protocol that the request was made in."""
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        fields = {"__type": denied.code, "message": denied.message}
        headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        return Reply(denied.status, headers, _cbor(fields))
    if "x-amz-target" in request.headers:
        body = json.dumps({"__type": denied.code, "message": denied.message}).encode()
        return Reply(denied.status, {"Content-Type": "application/x-amz-json-1.1"}, body)
    code, message = escape(denied.code), escape(denied.message)
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    if _service(request) != "s3":
        error = f"<ErrorResponse>{error}</ErrorResponse>"
    return Reply(denied.status, {"Content-Type": "text/xml"}, error.encode())


def too_long(request: Incoming, limit_bytes: int) -> Reply:
    """The refusal of a body above the limit."""
    denied = Denied(
        "EntityTooLarge",
        f"The body is longer than {limit_bytes} bytes, which is what the twin takes.",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    )
    return refusal(request, denied)


def _service(request: Incoming) -> str:
    """The service that a request's Authorization names, unproved; only the form depends on it."""
    header = request.headers.get("authorization", "")
    names = {service.signed_as for service in SERVICES}
    return next((name for name in names if f"/{name}/aws4_request" in header), "s3")


def _cbor(fields: dict[str, str]) -> bytes:
    """A map of a few texts (RFC 8949, 3.1): each below 64 KB."""

    def text(value: str) -> bytes:
        data = value.encode()[:65_535]
        return b"\x79" + len(data).to_bytes(2, "big") + data

    pairs = b"".join(text(name) + text(value) for name, value in fields.items())
    return bytes([0xA0 + len(fields)]) + pairs
