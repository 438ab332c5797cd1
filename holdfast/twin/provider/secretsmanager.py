"""Secrets Manager: secrets and their versions."""

import base64
from collections.abc import Iterator

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.rules import one_of, within
from holdfast.twin.provider.spec import (
    Failure,
    ResourceType,
    declared,
    kept,
    recorded,
    refused,
    sent,
)
from holdfast.twin.provider.tags import retag
from holdfast.twin.provider.values import Doc, Object, from_pairs, pairs

_GONE = ("ResourceNotFoundException",)
_DELETED = (*_GONE, "InvalidRequestException")
_DEFAULT_WINDOW_DAYS = 30


class Secret(ResourceType):
    """A secret's name and settings; its value is a version."""

    type_name = "aws:secretsmanager/secret:Secret"
    name_property = "name"
    properties = declared(
        {
            "description": kept(),
            "forceOverwriteReplicaSecret": refused("goes with `replicas`"),
            "kmsKeyId": kept(),
            "name": kept(replaces=True),
            "namePrefix": refused("leave `name` out to get a name of its own"),
            "policy": refused("use aws.secretsmanager.SecretPolicy on AWS; the twin enforces none"),
            "recoveryWindowInDays": sent(),
            "replicas": refused("the emulator ignores them; make a secret in each region"),
            "tags": kept(),
            "type": refused("the twin knows no managed external secrets"),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """The recovery window."""
        if inputs.maybe_number("recoveryWindowInDays") != 0:
            yield from within(inputs, "recoveryWindowInDays", 7, 30)

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateSecret``."""
        answer = site.call(
            "secretsmanager",
            "create_secret",
            Name=inputs.text("name"),
            Description=inputs.maybe_text("description"),
            KmsKeyId=inputs.maybe_text("kmsKeyId"),
            Tags=pairs(inputs.table("tagsAll")) or None,
        )
        return answer.text("ARN")

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``DescribeSecret``; one that waits to be deleted counts as gone."""
        del state
        secret = site.find(_GONE, "secretsmanager", "describe_secret", SecretId=ident)
        if secret is None or "DeletedDate" in secret:
            return None
        return {
            "arn": secret.text("ARN"),
            "name": secret.text("Name"),
            "description": secret.maybe_text("Description") or "",
            "kmsKeyId": secret.maybe_text("KmsKeyId") or "",
            "tagsAll": from_pairs(secret.docs("Tags")),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Description, key and tags."""
        if any(old.raw(key) != new.raw(key) for key in ("description", "kmsKeyId")):
            site.call(
                "secretsmanager",
                "update_secret",
                SecretId=ident,
                Description=new.maybe_text("description") or "",
                KmsKeyId=new.maybe_text("kmsKeyId"),
            )
        gone, fresh = retag(old, new)
        if gone:
            site.call("secretsmanager", "untag_resource", SecretId=ident, TagKeys=gone)
        if fresh:
            site.call("secretsmanager", "tag_resource", SecretId=ident, Tags=pairs(fresh))

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteSecret``, with the window that the program chose."""
        if self.read(site, ident, state) is None:
            return
        window = state.maybe_number("recoveryWindowInDays")
        at_once = site.forced or window == 0
        site.find(
            _DELETED,
            "secretsmanager",
            "delete_secret",
            SecretId=ident,
            ForceDeleteWithoutRecovery=True if at_once else None,
            RecoveryWindowInDays=None if at_once else window or _DEFAULT_WINDOW_DAYS,
        )


class SecretVersion(ResourceType):
    """A value of a secret."""

    type_name = "aws:secretsmanager/secretVersion:SecretVersion"
    properties = declared(
        {
            "secretBinary": kept(replaces=True),
            "secretId": recorded("names the secret of every call", replaces=True),
            "secretString": kept(replaces=True),
            "secretStringWo": refused("the twin's state would hold it all the same"),
            "secretStringWoVersion": refused("goes with `secretStringWo`"),
            "versionStages": refused("the emulator drops it", harmless=("AWSCURRENT",)),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """One value."""
        yield from one_of(inputs, ("secretString", "secretBinary"), "a version has one value")

    def create(self, site: Site, inputs: Doc) -> str:
        """``PutSecretValue``."""
        binary = inputs.maybe_text("secretBinary")
        answer = site.call(
            "secretsmanager",
            "put_secret_value",
            SecretId=inputs.text("secretId"),
            SecretString=inputs.maybe_text("secretString"),
            SecretBinary=None if binary is None else base64.b64decode(binary),
        )
        return f"{inputs.text('secretId')}|{answer.text('VersionId')}"

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``GetSecretValue``."""
        secret, _, version = ident.rpartition("|")
        answer = site.find(
            _DELETED,
            "secretsmanager",
            "get_secret_value",
            SecretId=secret,
            VersionId=version,
        )
        if answer is None:
            return None
        return {
            "arn": answer.text("ARN"),
            "secretArn": answer.text("ARN"),
            "secretId": state.maybe_text("secretId") or secret,
            "versionId": version,
            "secretString": answer.maybe_text("SecretString"),
            "secretBinary": answer.maybe_text("SecretBinary"),
            "versionStages": answer.texts("VersionStages"),
            "hasSecretStringWo": False,
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Nothing of a version changes in place."""

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """Nothing: AWS has no call for it. A version without labels goes by itself."""
