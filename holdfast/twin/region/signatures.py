"""Whose request it is: Signature Version 4, worked out again by botocore and compared.

Guarantees:
    What passes was signed with this twin's key for this region within the last quarter of an
    hour, over its method, path, query, host and body.

Does not guarantee:
    The signature of each chunk of a streamed upload to S3: the first one covers the headers, and
    the bytes after it are taken as they come. So are those under an UNSIGNED-PAYLOAD.
"""

import calendar
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import ReadOnlyCredentials

from holdfast.twin.credentials import Credentials
from holdfast.twin.region.incoming import Denied, Incoming

SKEW_S = 15 * 60
"""As on AWS, between the clock that signed and this one."""

LONGEST_PRESIGNED_S = 7 * 24 * 3600

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<credential>[^, ]+), *SignedHeaders=(?P<signed>[^, ]+), *"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_UNSIGNED = "UNSIGNED-PAYLOAD"
_TIME = "%Y%m%dT%H%M%SZ"
_SCOPE_PARTS = 5
_HOW = "`holdfast twin status` prints the twin's key"


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Who a request says it is from; not yet proved.

    Attributes:
        service: Service that it is signed for.
        signed: Names of the headers that are signed.
        signature: What is to be proved, hexadecimal.
        timestamp: When it was signed.
        presigned: Whether all this stands in the URL.
    """

    service: str
    signed: tuple[str, ...]
    signature: str
    timestamp: str
    presigned: bool = False


class Verifier:
    """Checks the signatures of one region's requests.

    Args:
        region: AWS name of the region.
        credentials: The twin's key.
        clock: Seconds since the epoch.
    """

    def __init__(
        self, region: str, credentials: Credentials, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._region = region
        self._key_id = credentials.key_id
        self._key = ReadOnlyCredentials(credentials.key_id, credentials.secret, None)
        self._clock = clock

    def claim(self, request: Incoming) -> Claim:
        """What a request says of itself. Needs no body, so that a stranger's is never read.

        Raises:
            Denied: If it is not signed, with another key, for another region, or at another time.
        """
        if "x-amz-security-token" in request.headers:
            raise Denied(
                "InvalidClientTokenId",
                "The security token included in the request is invalid: the twin gives out none. "
                f"{_HOW}.",
            )
        header = request.headers.get("authorization")
        in_url = any(name == "X-Amz-Algorithm" for name, _ in request.parameters)
        if header is None and in_url:
            return self._presigned(request)
        if header is None:
            raise Denied("MissingAuthenticationToken", f"The request is not signed. {_HOW}.")
        found = None if in_url else _HEADER.fullmatch(header.strip())
        if found is None:
            raise Denied(
                "IncompleteSignature", "Authorization is not one signature of AWS4-HMAC-SHA256."
            )
        timestamp = request.headers.get("x-amz-date", "")
        service = self._scope(found["credential"], timestamp)
        self._expect_fresh(timestamp, SKEW_S)
        return Claim(
            service=service,
            signed=_names(found["signed"]),
            signature=found["signature"],
            timestamp=timestamp,
        )

    def _presigned(self, request: Incoming) -> Claim:
        given = dict(request.parameters)
        timestamp = given.get("X-Amz-Date", "")
        service = self._scope(given.get("X-Amz-Credential", ""), timestamp)
        lasts = given.get("X-Amz-Expires", "")
        if service != "s3" or given["X-Amz-Algorithm"] != "AWS4-HMAC-SHA256":
            raise Denied("AccessDenied", "Only S3 takes signatures in the URL.")
        if "X-Amz-Security-Token" in given or not lasts.isdecimal():
            raise Denied("AuthorizationQueryParametersError", "X-Amz-Expires is no number.")
        self._expect_fresh(timestamp, min(int(lasts), LONGEST_PRESIGNED_S))
        return Claim(
            service=service,
            signed=_names(given.get("X-Amz-SignedHeaders", "")),
            signature=given.get("X-Amz-Signature", ""),
            timestamp=timestamp,
            presigned=True,
        )

    def _scope(self, credential: str, timestamp: str) -> str:
        """The service in a credential's scope; everything else in it must be ours."""
        parts = credential.split("/")
        if len(parts) != _SCOPE_PARTS or parts[4] != "aws4_request":
            raise Denied(
                "IncompleteSignature", "Credential is no KEY/DATE/REGION/SERVICE/aws4_request."
            )
        key_id, date, region, service, _ = parts
        if not hmac.compare_digest(key_id.encode(), self._key_id.encode()):
            raise Denied("InvalidClientTokenId", f"The access key is not this twin's: {_HOW}.")
        if region != self._region:
            raise Denied(
                "InvalidSignatureException",
                f"Credential should be scoped to a valid region: the request is signed for "
                f"{region}, and this is the endpoint of {self._region}. Global services "
                "(IAM, Route 53) answer at us-east-1's endpoint.",
            )
        if date != timestamp[:8]:
            raise Denied("SignatureDoesNotMatch", "The scope's date is not that of X-Amz-Date.")
        return service

    def _expect_fresh(self, timestamp: str, lasts_s: int) -> None:
        try:
            signed_s = calendar.timegm(time.strptime(timestamp, _TIME))
        except ValueError:
            raise Denied("IncompleteSignature", "X-Amz-Date is missing or no time.") from None
        now_s = self._clock()
        if not now_s - lasts_s <= signed_s <= now_s + SKEW_S:
            raise Denied(
                "RequestTimeTooSkewed",
                f"The request was signed at {timestamp}, and is taken from {SKEW_S} s before that "
                f"to {lasts_s} s after it. Set this machine's clock.",
            )

    def prove(self, request: Incoming, claim: Claim, body: bytes) -> None:
        """Works the signature out again.

        Raises:
            Denied: If it comes out differently, or does not cover what it must.
        """
        host = request.headers.get("host", "")
        url = f"http://{host}{request.raw_path}?{_unsigned(request, claim)}"
        names = frozenset(claim.signed)
        must = {name for name, _ in request.fields if name.startswith("x-amz-")}
        # Beyond the fragment's mark a URL is no longer signed, and would still be served. Headers
        # of AWS's say what is done: who saw a URL for PUT would have another object copied by it.
        if "#" in url or not {"host"} | must <= names:
            raise Denied("SignatureDoesNotMatch", "The signature does not cover the whole request.")
        asked = AWSRequest(method=request.method, url=url, data=body)
        for name, value in request.fields:
            if name in names:
                asked.headers[name] = value
        asked.context["timestamp"] = claim.timestamp
        _expect_body(asked, claim, body)
        signer = self._signer(claim)
        text = signer.string_to_sign(asked, signer.canonical_request(asked))
        if not hmac.compare_digest(signer.signature(text, asked), claim.signature):
            raise Denied(
                "SignatureDoesNotMatch",
                f"The signature is not what this twin's secret key makes of the request. {_HOW}.",
            )

    def _signer(self, claim: Claim) -> SigV4Auth:
        if claim.presigned:
            return _Presigned(self._key, claim.service, self._region)
        kind = _ForS3 if claim.service == "s3" else _Plain
        return kind(self._key, claim.service, self._region)


class _AsSigned:
    """Takes the headers that the request names, where botocore would choose its own."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        return request.headers


class _Plain(_AsSigned, SigV4Auth):
    pass


class _ForS3(_AsSigned, S3SigV4Auth):
    pass


class _Presigned(_AsSigned, S3SigV4QueryAuth):
    pass


def _expect_body(asked: AWSRequest, claim: Claim, body: bytes) -> None:
    """The body must be what the signed hash says, save where S3 allows to leave it open."""
    stated = asked.headers.get("x-amz-content-sha256")
    if stated is None:
        return
    open_ended = claim.service == "s3" and (stated == _UNSIGNED or stated.startswith("STREAMING-"))
    if not open_ended and stated != hashlib.sha256(body).hexdigest():
        raise Denied(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            400,
        )


def _names(signed: str) -> tuple[str, ...]:
    return tuple(signed.lower().split(";"))


def _unsigned(request: Incoming, claim: Claim) -> str:
    """The query without the signature itself."""
    if not claim.presigned:
        return request.query
    return "&".join(
        part for part in request.query.split("&") if not part.startswith("X-Amz-Signature=")
    )
