"""Which declared operation a request asks for. Pure.

Guarantees:
    One request is one operation, and the emulator takes it for the same: a request that could be
    read in two ways is refused.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs

from holdfast.twin.region.incoming import SIGNATURE_PARAMETERS, Denied, Incoming
from holdfast.twin.region.services import ROUTE53, S3, SERVICES, Service

FORM = "application/x-www-form-urlencoded"
_CBOR = re.compile(r"/service/(\w+)/operation/(\w+)")
_BODY_TYPES = {
    "json": ("application/x-amz-json-1.0", "application/x-amz-json-1.1"),
    "cbor": ("application/cbor",),
    "query": (FORM,),
}

_S3_CONFIGURATIONS = {
    "encryption": "BucketEncryption",
    "lifecycle": "BucketLifecycleConfiguration",
    "location": "BucketLocation",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "publicAccessBlock": "PublicAccessBlock",
    "replication": "BucketReplication",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
}
_S3_OTHERS = {
    ("GET", "service", ""): "ListBuckets",
    ("PUT", "bucket", ""): "CreateBucket",
    ("HEAD", "bucket", ""): "HeadBucket",
    ("DELETE", "bucket", ""): "DeleteBucket",
    ("DELETE", "bucket", "lifecycle"): "DeleteBucketLifecycle",
    ("GET", "bucket", ""): "ListObjects",
    ("GET", "bucket", "list-type"): "ListObjectsV2",
    ("GET", "bucket", "versions"): "ListObjectVersions",
    ("GET", "bucket", "uploads"): "ListMultipartUploads",
    ("POST", "bucket", "delete"): "DeleteObjects",
    ("GET", "object", ""): "GetObject",
    ("HEAD", "object", ""): "HeadObject",
    ("PUT", "object", ""): "PutObject",
    ("DELETE", "object", ""): "DeleteObject",
    ("GET", "object", "tagging"): "GetObjectTagging",
    ("PUT", "object", "tagging"): "PutObjectTagging",
    ("DELETE", "object", "tagging"): "DeleteObjectTagging",
    ("POST", "object", "uploads"): "CreateMultipartUpload",
    ("PUT", "object", "uploadId"): "UploadPart",
    ("POST", "object", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "object", "uploadId"): "AbortMultipartUpload",
    ("GET", "object", "uploadId"): "ListParts",
}
_S3_WORDS = frozenset(
    {*_S3_CONFIGURATIONS, "list-type", "versions", "uploads", "delete", "uploadId"}
)
"""Parameters that choose the operation."""

_S3_DETAILS = frozenset(
    {
        "continuation-token", "delimiter", "encoding-type", "fetch-owner", "key-marker",
        "marker", "max-buckets", "max-keys", "max-parts", "max-uploads", "part-number-marker",
        "partNumber", "prefix", "start-after", "upload-id-marker", "version-id-marker",
        "versionId", "x-id", "bucket-region",
    }
)  # fmt: skip
"""Parameters that do not."""

_ROUTE53 = tuple(
    (method, re.compile(f"/{ROUTE53.name}/{path}/?"), name)
    for method, path, name in (
        ("GET", "hostedzone", "ListHostedZones"),
        ("POST", "hostedzone", "CreateHostedZone"),
        ("GET", "hostedzonesbyname", "ListHostedZonesByName"),
        ("GET", r"hostedzone/\w+", "GetHostedZone"),
        ("POST", r"hostedzone/\w+", "UpdateHostedZoneComment"),
        ("DELETE", r"hostedzone/\w+", "DeleteHostedZone"),
        ("GET", r"hostedzone/\w+/rrset", "ListResourceRecordSets"),
        ("POST", r"hostedzone/\w+/rrset", "ChangeResourceRecordSets"),
        ("GET", "healthcheck", "ListHealthChecks"),
        ("POST", "healthcheck", "CreateHealthCheck"),
        ("GET", r"healthcheck/[\w-]+", "GetHealthCheck"),
        ("POST", r"healthcheck/[\w-]+", "UpdateHealthCheck"),
        ("DELETE", r"healthcheck/[\w-]+", "DeleteHealthCheck"),
        ("GET", r"change/\w+", "GetChange"),
        ("GET", r"tags/\w+/[\w-]+", "ListTagsForResource"),
        ("POST", r"tags/\w+/[\w-]+", "ChangeTagsForResource"),
    )
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for.

    Attributes:
        service: Of whom.
        operation: What, by AWS's name.
    """

    service: Service
    operation: str


def asked(request: Incoming, signed_as: str, body: bytes) -> Asked:
    """The declared operation that a request asks for.

    Args:
        request: The request.
        signed_as: The service that its signature names.
        body: Its body.

    Raises:
        Denied: If it is none, or not clearly one.
    """
    protocol, name, operation = _named(request, signed_as, body)
    for service in SERVICES:
        if (service.signed_as, service.protocol, service.name) == (signed_as, protocol, name):
            if operation not in service.operations:
                break
            _expect_type(request, service)
            return Asked(service, operation)
    raise Denied(
        "UnknownOperationException",
        f"The twin does not declare {operation or 'such an operation'} of {signed_as}. What it "
        "declares stands in holdfast/twin/region/services.py.",
        404,
    )


def _named(request: Incoming, signed_as: str, body: bytes) -> tuple[str, str, str]:
    """Protocol, name of the API, and operation, as the request has them."""
    target = request.headers.get("x-amz-target")
    if target is not None:
        _expect_bare(request, "/")
        name, _, operation = target.partition(".")
        return "json", name, operation
    if signed_as == S3.signed_as:
        return "s3", S3.name, _s3_operation(request)
    if signed_as == ROUTE53.signed_as:
        found = (name for method, path, name in _ROUTE53 if _is(request, method, path))
        return "route53", ROUTE53.name, next(found, "")
    in_path = _CBOR.fullmatch(request.raw_path)
    if in_path is not None:
        _expect_bare(request, request.raw_path)
        return "cbor", in_path[1], in_path[2]
    _expect_bare(request, "/")
    form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return "query", _only(form.get("Version", ())), _only(form.get("Action", ()))


def _is(request: Incoming, method: str, path: re.Pattern[str]) -> bool:
    return request.method == method and path.fullmatch(request.raw_path) is not None


def _only(values: Iterable[str]) -> str:
    """The one value; "" where there are others beside it."""
    found = tuple(values)
    return found[0] if len(found) == 1 else ""


def _expect_bare(request: Incoming, path: str) -> None:
    """These protocols have one way to say what is wanted; a second one could contradict it."""
    if request.method != "POST" or request.raw_path != path or request.query:
        raise Denied(
            "UnknownOperationException",
            f"{request.method} {request.raw_path} is no request to this service; allowed is POST "
            f"to {path} without a query.",
            404,
        )


def _expect_type(request: Incoming, service: Service) -> None:
    allowed = _BODY_TYPES.get(service.protocol)
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if allowed is not None and given not in allowed:
        raise Denied(
            "UnsupportedMediaType",
            f"Content-Type is {given or 'missing'}; {service.handler} takes "
            f"{' or '.join(allowed)}.",
            415,
        )


def _s3_operation(request: Incoming) -> str:
    names = [name for name, _ in request.parameters if name not in SIGNATURE_PARAMETERS]
    chosen = [name for name in names if name in _S3_WORDS]
    if len(chosen) > 1 or not set(names) <= _S3_WORDS | _S3_DETAILS:
        return ""
    word = chosen[0] if chosen else ""
    bucket, _, key = request.path.removeprefix("/").partition("/")
    level = "object" if key else "bucket" if bucket else "service"
    configuration = _S3_CONFIGURATIONS.get(word)
    found = _S3_OTHERS.get((request.method, level, word))
    if found is None and configuration is not None and level == "bucket":
        found = f"{request.method.capitalize()}{configuration}"
    if "x-amz-copy-source" in request.headers:
        found = {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}.get(found or "")
    return found or ""
