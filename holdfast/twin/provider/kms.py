"""KMS: keys, the copies of multi-Region keys, aliases."""

from collections.abc import Iterator

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.rules import is_off, needed, within
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
from holdfast.twin.provider.values import Doc, Json, Object, from_pairs, pairs

_GONE = ("NotFoundException",)
_LEAVING = ("PendingDeletion", "PendingReplicaDeletion")
_DEFAULT_WINDOW_DAYS = 30
_LOCKOUT = "the emulator never checks whether a policy locks its author out"


class Key(ResourceType):
    """A customer managed key."""

    type_name = "aws:kms/key:Key"
    properties = declared(
        {
            "bypassPolicyLockoutSafetyCheck": recorded(_LOCKOUT),
            "customKeyStoreId": refused("the twin has no CloudHSM"),
            "customerMasterKeySpec": kept(replaces=True, default="SYMMETRIC_DEFAULT"),
            "deletionWindowInDays": sent(),
            "description": kept(computed=True),
            "enableKeyRotation": kept(),
            "isEnabled": kept(default=True),
            "keyUsage": kept(replaces=True, default="ENCRYPT_DECRYPT"),
            "multiRegion": kept(replaces=True, computed=True),
            "policy": kept(computed=True, document="policy"),
            "rotationPeriodInDays": kept(computed=True),
            "tags": kept(),
            "xksKeyId": refused("the twin has no external key store"),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """Windows and periods that AWS refuses."""
        yield from within(inputs, "deletionWindowInDays", 7, 30)
        yield from within(inputs, "rotationPeriodInDays", 90, 2560)
        if "rotationPeriodInDays" in inputs and is_off(inputs, "enableKeyRotation"):
            yield Failure("rotationPeriodInDays", "needs `enableKeyRotation`")

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateKey``."""
        answer = site.call(
            "kms",
            "create_key",
            Description=inputs.maybe_text("description"),
            KeySpec=inputs.text("customerMasterKeySpec"),
            KeyUsage=inputs.text("keyUsage"),
            MultiRegion=inputs.flag("multiRegion"),
            Policy=inputs.maybe_text("policy"),
            Tags=pairs(inputs.table("tagsAll"), "TagKey", "TagValue") or None,
        )
        return answer.doc("KeyMetadata").text("KeyId")

    def configure(self, site: Site, ident: str, inputs: Doc) -> None:
        """Rotation, and disabling a key that is made disabled."""
        if inputs.flag("enableKeyRotation"):
            _rotate(site, ident, inputs)
        if not inputs.flag("isEnabled"):
            site.call("kms", "disable_key", KeyId=ident)

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """The key, unless it is waiting to be deleted."""
        del state
        metadata = _metadata(site, ident)
        if metadata is None:
            return None
        found = _common(site, ident, metadata)
        rotation = site.call("kms", "get_key_rotation_status", KeyId=ident)
        rotating = rotation.flag("KeyRotationEnabled")
        period = (rotation.maybe_number("RotationPeriodInDays") or 365) if rotating else 0
        return {
            **found,
            "customerMasterKeySpec": metadata.text("KeySpec"),
            "keyUsage": metadata.text("KeyUsage"),
            "isEnabled": metadata.flag("Enabled"),
            "multiRegion": metadata.flag("MultiRegion"),
            "enableKeyRotation": rotating,
            "rotationPeriodInDays": period,
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Everything but what the key is made of."""
        enabled = new.flag("isEnabled")
        if enabled and not old.flag("isEnabled"):
            site.call("kms", "enable_key", KeyId=ident)
        if new.flag("enableKeyRotation"):
            _rotate(site, ident, new)
        elif old.flag("enableKeyRotation"):
            site.call("kms", "disable_key_rotation", KeyId=ident)
        _update_common(site, ident, old, new)
        if not enabled and old.flag("isEnabled"):
            site.call("kms", "disable_key", KeyId=ident)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """Schedules the deletion; AWS knows no faster way."""
        _schedule_deletion(site, ident, state)


class ReplicaKey(ResourceType):
    """A copy of a multi-Region key, with its primary's id and material."""

    type_name = "aws:kms/replicaKey:ReplicaKey"
    properties = declared(
        {
            "bypassPolicyLockoutSafetyCheck": recorded(_LOCKOUT),
            "deletionWindowInDays": sent(),
            "description": kept(),
            "enabled": kept(default=True),
            "policy": kept(computed=True, document="policy"),
            "primaryKeyArn": kept(replaces=True),
            "tags": kept(),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """The window, and that the copy lies elsewhere."""
        yield from within(inputs, "deletionWindowInDays", 7, 30)
        arn = inputs.maybe_text("primaryKeyArn")
        if arn is not None and _region_of(arn) == inputs.maybe_text("region"):
            yield Failure("region", f"is {_region_of(arn)}, where the primary key is already")

    def create(self, site: Site, inputs: Doc) -> str:
        """``ReplicateKey``, asked of the primary key's region."""
        arn = inputs.text("primaryKeyArn")
        answer = site.at(_region_of(arn)).call(
            "kms",
            "replicate_key",
            KeyId=arn.rpartition("/")[2],
            ReplicaRegion=site.region,
            Description=inputs.maybe_text("description"),
            Policy=inputs.maybe_text("policy"),
            Tags=pairs(inputs.table("tagsAll"), "TagKey", "TagValue") or None,
        )
        return answer.doc("ReplicaKeyMetadata").text("KeyId")

    def configure(self, site: Site, ident: str, inputs: Doc) -> None:
        """Disables a copy that is made disabled."""
        if not inputs.flag("enabled"):
            site.call("kms", "disable_key", KeyId=ident)

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """The copy, unless it is waiting to be deleted."""
        del state
        metadata = _metadata(site, ident)
        if metadata is None:
            return None
        return {
            **_common(site, ident, metadata),
            "enabled": metadata.flag("Enabled"),
            "primaryKeyArn": metadata.doc("MultiRegionConfiguration")
            .doc("PrimaryKey")
            .maybe_text("Arn")
            or "",
            "keyRotationEnabled": False,
            "keySpec": metadata.text("KeySpec"),
            "keyUsage": metadata.text("KeyUsage"),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Description, policy, tags, and whether it may be used."""
        _update_common(site, ident, old, new)
        if new.flag("enabled") != old.flag("enabled"):
            site.call("kms", "enable_key" if new.flag("enabled") else "disable_key", KeyId=ident)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """Schedules the deletion; AWS knows no faster way."""
        _schedule_deletion(site, ident, state)


class Alias(ResourceType):
    """A name for a key."""

    type_name = "aws:kms/alias:Alias"
    name_property = "name"
    autoname = False
    properties = declared(
        {
            "name": kept(replaces=True),
            "namePrefix": refused("a random name serves nobody here; give `name`"),
            "targetKeyId": kept(),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """The name's form."""
        yield from needed(inputs, ("name",), "an alias needs one")
        name = inputs.maybe_text("name") or "alias/"
        if not name.startswith("alias/") or name.startswith("alias/aws/"):
            yield Failure("name", f"is {name!r}; it must begin with alias/, not with alias/aws/")

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateAlias``."""
        name = inputs.text("name")
        site.call("kms", "create_alias", AliasName=name, TargetKeyId=inputs.text("targetKeyId"))
        return name

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """The alias among those of its region."""
        for item in site.pages("kms", "list_aliases", "Aliases", ("Marker", "NextMarker")):
            if item.text("AliasName") != ident:
                continue
            key = site.find(_GONE, "kms", "describe_key", KeyId=item.text("TargetKeyId"))
            target = "" if key is None else key.doc("KeyMetadata").text("Arn")
            given = state.maybe_text("targetKeyId") or ""
            # AWS answers with the id alone; a program may have given the ARN.
            same = given in (target, item.text("TargetKeyId"))
            return {
                "name": ident,
                "namePrefix": "",
                "arn": item.text("AliasArn"),
                "targetKeyArn": target,
                "targetKeyId": given if same else item.text("TargetKeyId"),
            }
        return None

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Points the name at another key."""
        del old
        site.call("kms", "update_alias", AliasName=ident, TargetKeyId=new.text("targetKeyId"))

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteAlias``."""
        del state
        site.find(_GONE, "kms", "delete_alias", AliasName=ident)


def _region_of(arn: str) -> str:
    """The region that an ARN names, or nothing where it is no ARN."""
    return (arn.split(":") + [""] * 4)[3]


def _rotate(site: Site, ident: str, inputs: Doc) -> None:
    site.call(
        "kms",
        "enable_key_rotation",
        KeyId=ident,
        RotationPeriodInDays=inputs.maybe_number("rotationPeriodInDays"),
    )


def _metadata(site: Site, ident: str) -> Doc | None:
    answer = site.find(_GONE, "kms", "describe_key", KeyId=ident)
    if answer is None or answer.doc("KeyMetadata").text("KeyState") in _LEAVING:
        return None
    return answer.doc("KeyMetadata")


def _common(site: Site, ident: str, metadata: Doc) -> dict[str, Json]:
    policy = site.call("kms", "get_key_policy", KeyId=ident, PolicyName="default")
    tags = site.pages("kms", "list_resource_tags", "Tags", ("Marker", "NextMarker"), KeyId=ident)
    return {
        "arn": metadata.text("Arn"),
        "keyId": metadata.text("KeyId"),
        "description": metadata.maybe_text("Description") or "",
        "policy": policy.text("Policy"),
        "tagsAll": from_pairs(tags, "TagKey", "TagValue"),
    }


def _update_common(site: Site, ident: str, old: Doc, new: Doc) -> None:
    description = new.maybe_text("description")
    if description is not None and description != old.maybe_text("description"):
        site.call("kms", "update_key_description", KeyId=ident, Description=description)
    policy = new.maybe_text("policy")
    if policy is not None and policy != old.maybe_text("policy"):
        site.call("kms", "put_key_policy", KeyId=ident, PolicyName="default", Policy=policy)
    gone, fresh = retag(old, new)
    if gone:
        site.call("kms", "untag_resource", KeyId=ident, TagKeys=gone)
    if fresh:
        tags = pairs(fresh, "TagKey", "TagValue")
        site.call("kms", "tag_resource", KeyId=ident, Tags=tags)


def _schedule_deletion(site: Site, ident: str, state: Doc) -> None:
    if _metadata(site, ident) is None:
        return
    window_days = state.maybe_number("deletionWindowInDays") or _DEFAULT_WINDOW_DAYS
    site.call("kms", "schedule_key_deletion", KeyId=ident, PendingWindowInDays=window_days)
