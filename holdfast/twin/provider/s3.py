"""S3: buckets. What can be set on one stands in ``s3_settings``."""

import re
from collections.abc import Iterator, Mapping

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.ec2 import all_refused
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept, recorded, refused
from holdfast.twin.provider.values import Doc, Object, from_pairs, pairs

GONE = ("NoSuchBucket", "404", "NotFound")
_NAME = re.compile(r"(?!xn--|sthree-)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_WEBSITE_ZONES: Mapping[str, str] = {
    "ap-northeast-1": "Z2M4EHUR26P7ZW",
    "ap-northeast-2": "Z3W03O7B5YMIYP",
    "ap-northeast-3": "Z2YQB5RD63NC85",
    "eu-central-1": "Z21DNDUVLTQW6Q",
    "eu-west-1": "Z1BKCTXD74EZPE",
    "eu-west-2": "Z3GKZC51ZF0DB4",
    "eu-west-3": "Z3R1K369G5AVDG",
    "us-east-1": "Z3AQBSTGFYJSTF",
    "us-east-2": "Z2O1EMRO9K5GLX",
    "us-west-2": "Z3BJ6K6RIION7M",
}
"""Route 53 zones of S3's website endpoints (AWS General Reference, S3 endpoints)."""


class Bucket(ResourceType):
    """A bucket."""

    type_name = "aws:s3/bucket:Bucket"
    name_property = "bucket"
    properties = declared(
        {
            "bucket": kept(replaces=True),
            "bucketNamespace": refused("the twin has one name space for buckets"),
            "bucketPrefix": refused("leave `bucket` out to get a name of its own"),
            "forceDestroy": recorded("heeded when the bucket is deleted"),
            "objectLockEnabled": refused("the twin's buckets keep nothing from being deleted"),
            "tags": kept(),
            **all_refused(
                "deprecated in a bucket; use the resource of that name (aws.s3.Bucket...)",
                "accelerationStatus",
                "acl",
                "corsRules",
                "grants",
                "lifecycleRules",
                "logging",
                "objectLockConfiguration",
                "policy",
                "replicationConfiguration",
                "requestPayer",
                "serverSideEncryptionConfiguration",
                "versioning",
                "website",
            ),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """The name's form."""
        name = inputs.maybe_text("bucket")
        if name is not None and (not _NAME.fullmatch(name) or ".." in name):
            yield Failure(
                "bucket",
                f"is {name!r}; allowed are 3 to 63 lower-case letters, digits, dots and hyphens "
                "that begin and end with a letter or digit",
            )

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateBucket``."""
        name = inputs.text("bucket")
        # us-east-1 is the one region that S3 refuses to hear named.
        place = None if site.region == "us-east-1" else {"LocationConstraint": site.region}
        site.call("s3", "create_bucket", Bucket=name, CreateBucketConfiguration=place)
        return name

    def configure(self, site: Site, ident: str, inputs: Doc) -> None:
        """Tags."""
        _put_tags(site, ident, inputs)

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``HeadBucket`` and tags."""
        if site.find(GONE, "s3", "head_bucket", Bucket=ident) is None:
            return None
        tags = site.find(("NoSuchTagSet",), "s3", "get_bucket_tagging", Bucket=ident)
        return {
            "arn": f"arn:aws:s3:::{ident}",
            "bucket": ident,
            "bucketRegion": site.region,
            "bucketDomainName": f"{ident}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{ident}.s3.{site.region}.amazonaws.com",
            "hostedZoneId": _WEBSITE_ZONES.get(site.region, ""),
            "websiteDomain": "",
            "websiteEndpoint": "",
            "forceDestroy": state.flag("forceDestroy"),
            "tagsAll": {} if tags is None else from_pairs(tags.docs("TagSet")),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Tags."""
        del old
        _put_tags(site, ident, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteBucket``. Objects in it refuse, unless told to remove them."""
        if site.find(GONE, "s3", "head_bucket", Bucket=ident) is None:
            return
        if state.flag("forceDestroy") or site.forced:
            _empty(site, ident)
        site.find(GONE, "s3", "delete_bucket", Bucket=ident)


def _put_tags(site: Site, bucket: str, inputs: Doc) -> None:
    tags = inputs.table("tagsAll")
    if tags:
        site.call("s3", "put_bucket_tagging", Bucket=bucket, Tagging={"TagSet": pairs(tags)})
    else:
        site.find(("NoSuchTagSet",), "s3", "delete_bucket_tagging", Bucket=bucket)


def _empty(site: Site, bucket: str) -> None:
    """Deletes every version of every object."""
    for _ in range(10_000):  # A bound, not a limit: ten million objects fit in no twin.
        page = site.call("s3", "list_object_versions", Bucket=bucket, MaxKeys=1000)
        doomed = [
            {"Key": item.text("Key"), "VersionId": item.maybe_text("VersionId") or "null"}
            for kind in ("Versions", "DeleteMarkers")
            for item in page.docs(kind)
        ]
        if not doomed:
            return
        site.call("s3", "delete_objects", Bucket=bucket, Delete={"Objects": doomed, "Quiet": True})
