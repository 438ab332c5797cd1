"""S3: what can be set on a bucket, each setting a resource of its own."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.naming_map import NameMap, from_api, to_api
from holdfast.twin.provider.rules import policy_document
from holdfast.twin.provider.s3 import GONE
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept, recorded, refused
from holdfast.twin.provider.values import Doc, Object

ONE_ACCOUNT = "the twin has one account"


class BucketSetting(ResourceType):
    """A part of a bucket's configuration: there is one, and its id is the bucket's name."""

    delete_first = True
    unset: ClassVar[tuple[str, ...]] = ()
    """Error codes that mean: nothing is set."""
    remove: ClassVar[str | None] = None
    """Operation that takes the setting away."""

    @abstractmethod
    def put(self, site: Site, bucket: str, inputs: Doc) -> None:
        """Sets it."""

    @abstractmethod
    def get(self, site: Site, bucket: str) -> Object | None:
        """What is set, in Pulumi's names, or None."""

    def create(self, site: Site, inputs: Doc) -> str:
        """Sets it."""
        bucket = inputs.text("bucket")
        self.put(site, bucket, inputs)
        return bucket

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """What is set."""
        del state
        if site.find(GONE, "s3", "head_bucket", Bucket=ident) is None:
            return None
        found = self.get(site, ident)
        return None if found is None else {"bucket": ident, **found}

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Sets it anew; S3 changes no part of a setting."""
        del old
        self.put(site, ident, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """Takes it away."""
        del state
        if self.remove is not None:
            site.find((*GONE, *self.unset), "s3", self.remove, Bucket=ident)

    def look(self, site: Site, operation: str, bucket: str) -> Doc | None:
        """The answer of a ``get_bucket_...`` operation, or None when nothing is set."""
        return site.find((*GONE, *self.unset), "s3", operation, Bucket=bucket)


class BucketVersioning(BucketSetting):
    """Whether a bucket keeps old versions."""

    type_name = "aws:s3/bucketVersioning:BucketVersioning"
    properties = declared(
        {
            "bucket": kept(replaces=True),
            "expectedBucketOwner": refused(ONE_ACCOUNT),
            "mfa": refused("the twin has no second factors"),
            "versioningConfiguration": kept(),
            "versioningConfiguration.mfaDelete": refused(
                "the twin has no second factors", harmless=("Disabled",)
            ),
        }
    )

    def put(self, site: Site, bucket: str, inputs: Doc) -> None:
        """``PutBucketVersioning``; "Disabled" is how a bucket begins."""
        status = inputs.doc("versioningConfiguration").text("status")
        if status != "Disabled":
            site.call(
                "s3",
                "put_bucket_versioning",
                Bucket=bucket,
                VersioningConfiguration={"Status": status},
            )

    def get(self, site: Site, bucket: str) -> Object | None:
        """``GetBucketVersioning``."""
        answer = site.call("s3", "get_bucket_versioning", Bucket=bucket)
        return {"versioningConfiguration": {"status": answer.maybe_text("Status") or "Disabled"}}

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """Suspends versioning; nothing turns it off again."""
        if state.doc("versioningConfiguration").maybe_text("status") == "Enabled":
            site.find(
                GONE,
                "s3",
                "put_bucket_versioning",
                Bucket=ident,
                VersioningConfiguration={"Status": "Suspended"},
            )


_ENCRYPTION: NameMap = {
    "applyServerSideEncryptionByDefault": (
        "ApplyServerSideEncryptionByDefault",
        {"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"},
    ),
    "bucketKeyEnabled": "BucketKeyEnabled",
}
_BLOCKED_TYPES = "blockedEncryptionTypes"


class BucketServerSideEncryptionConfiguration(BucketSetting):
    """What encrypts objects that come without an answer of their own."""

    type_name = (
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    )
    unset = ("ServerSideEncryptionConfigurationNotFoundError",)
    remove = "delete_bucket_encryption"
    properties = declared(
        {
            "bucket": kept(replaces=True),
            "expectedBucketOwner": refused(ONE_ACCOUNT),
            "rules": kept(),
            # S3 has a default of its own, which is no change while the program is silent.
            "rules.blockedEncryptionTypes": kept(computed=True),
        }
    )

    def put(self, site: Site, bucket: str, inputs: Doc) -> None:
        """``PutBucketEncryption``."""
        rules = [_rule_to_api(rule) for rule in inputs.docs("rules")]
        site.call(
            "s3",
            "put_bucket_encryption",
            Bucket=bucket,
            ServerSideEncryptionConfiguration={"Rules": rules},
        )

    def get(self, site: Site, bucket: str) -> Object | None:
        """``GetBucketEncryption``."""
        answer = self.look(site, "get_bucket_encryption", bucket)
        if answer is None:
            return None
        rules = answer.doc("ServerSideEncryptionConfiguration").docs("Rules")
        return {"rules": [_rule_from_api(rule) for rule in rules]}


def _rule_to_api(rule: Doc) -> dict[str, object]:
    blocked = rule.texts(_BLOCKED_TYPES)
    found = to_api(rule, _ENCRYPTION)
    return {**found, "BlockedEncryptionTypes": {"EncryptionType": blocked}} if blocked else found


def _rule_from_api(rule: Doc) -> Object:
    blocked = rule.doc("BlockedEncryptionTypes").texts("EncryptionType")
    return {**from_api(rule, _ENCRYPTION), _BLOCKED_TYPES: blocked}


_BLOCK: NameMap = {
    "blockPublicAcls": "BlockPublicAcls",
    "blockPublicPolicy": "BlockPublicPolicy",
    "ignorePublicAcls": "IgnorePublicAcls",
    "restrictPublicBuckets": "RestrictPublicBuckets",
}


class BucketPublicAccessBlock(BucketSetting):
    """Which public access a bucket refuses."""

    type_name = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    unset = ("NoSuchPublicAccessBlockConfiguration",)
    remove = "delete_public_access_block"
    properties = declared(
        {
            **{key: kept() for key in _BLOCK},
            "bucket": kept(replaces=True),
            "skipDestroy": recorded("heeded when the block is deleted"),
        }
    )

    def put(self, site: Site, bucket: str, inputs: Doc) -> None:
        """``PutPublicAccessBlock``."""
        flags = {str(name): inputs.flag(key) for key, name in _BLOCK.items()}
        site.call(
            "s3",
            "put_public_access_block",
            Bucket=bucket,
            PublicAccessBlockConfiguration=flags,
        )

    def get(self, site: Site, bucket: str) -> Object | None:
        """``GetPublicAccessBlock``."""
        answer = self.look(site, "get_public_access_block", bucket)
        if answer is None:
            return None
        return from_api(answer.doc("PublicAccessBlockConfiguration"), _BLOCK)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeletePublicAccessBlock``, unless the program wants it left."""
        if not state.flag("skipDestroy"):
            super().delete(site, ident, state)


class BucketPolicy(BucketSetting):
    """Who may do what with a bucket."""

    type_name = "aws:s3/bucketPolicy:BucketPolicy"
    unset = ("NoSuchBucketPolicy",)
    remove = "delete_bucket_policy"
    properties = declared({"bucket": kept(replaces=True), "policy": kept(document="policy")})

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """The document."""
        yield from policy_document(inputs, "policy")

    def put(self, site: Site, bucket: str, inputs: Doc) -> None:
        """``PutBucketPolicy``."""
        site.call("s3", "put_bucket_policy", Bucket=bucket, Policy=inputs.text("policy"))

    def get(self, site: Site, bucket: str) -> Object | None:
        """``GetBucketPolicy``."""
        answer = self.look(site, "get_bucket_policy", bucket)
        return None if answer is None else {"policy": answer.text("Policy")}


class BucketOwnershipControls(BucketSetting):
    """Who owns objects that others put into a bucket."""

    type_name = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
    unset = ("OwnershipControlsNotFoundError",)
    remove = "delete_bucket_ownership_controls"
    properties = declared({"bucket": kept(replaces=True), "rule": kept()})

    def put(self, site: Site, bucket: str, inputs: Doc) -> None:
        """``PutBucketOwnershipControls``."""
        rule = {"ObjectOwnership": inputs.doc("rule").text("objectOwnership")}
        site.call(
            "s3",
            "put_bucket_ownership_controls",
            Bucket=bucket,
            OwnershipControls={"Rules": [rule]},
        )

    def get(self, site: Site, bucket: str) -> Object | None:
        """``GetBucketOwnershipControls``."""
        answer = self.look(site, "get_bucket_ownership_controls", bucket)
        if answer is None:
            return None
        rule = answer.doc("OwnershipControls").docs("Rules")[0]
        return {"rule": {"objectOwnership": rule.text("ObjectOwnership")}}
