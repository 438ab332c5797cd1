"""Systems Manager: parameters."""

from collections.abc import Iterator

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.rules import among, one_of
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept, recorded, refused
from holdfast.twin.provider.tags import retag
from holdfast.twin.provider.values import Doc, Object, from_pairs, pairs

_GONE = ("ParameterNotFound",)
_LIMITS_BYTES = {"Standard": 4096, "Advanced": 8192, "Intelligent-Tiering": 8192}


class Parameter(ResourceType):
    """A parameter."""

    type_name = "aws:ssm/parameter:Parameter"
    name_property = "name"
    properties = declared(
        {
            "allowedPattern": kept(),
            "arn": kept(computed=True),
            "dataType": kept(replaces=True, computed=True),
            "description": kept(),
            "insecureValue": kept(computed=True),
            "keyId": kept(computed=True),
            "name": kept(replaces=True),
            "overwrite": recorded("heeded when the parameter is made"),
            "tags": kept(),
            "tier": kept(computed=True),
            "type": kept(),
            "value": kept(computed=True),
            "valueWo": refused("the twin's state would hold it all the same; use `value`"),
            "valueWoVersion": refused("goes with `valueWo`"),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """Type, tier, one value, and how long it may be in that tier."""
        yield from one_of(inputs, ("value", "insecureValue"), "a parameter has one value")
        yield from among(inputs, "type", ("String", "StringList", "SecureString"))
        yield from among(inputs, "tier", _LIMITS_BYTES)
        tier = inputs.maybe_text("tier") or "Standard"
        most = _LIMITS_BYTES.get(tier, 0)
        for key in ("value", "insecureValue"):
            value = inputs.maybe_text(key)
            size = len((value or "").encode())
            if value == "":
                yield Failure(key, "is empty; AWS takes no parameter without a value")
            if most and size > most:
                yield Failure(
                    key,
                    f"has {size} bytes; allowed in tier {tier} are {most}. "
                    "Choose tier Advanced, or shorten it",
                )

    def also_replaces(self, state: Doc, inputs: Doc) -> frozenset[str]:
        """A parameter cannot go back from the advanced tier."""
        back = state.maybe_text("tier") == "Advanced" and inputs.maybe_text("tier") == "Standard"
        return frozenset({"tier"}) if back else frozenset()

    def create(self, site: Site, inputs: Doc) -> str:
        """``PutParameter``."""
        _put(site, inputs, new=True)
        return inputs.text("name")

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``GetParameter`` and ``DescribeParameters``: neither tells everything."""
        answer = site.find(_GONE, "ssm", "get_parameter", Name=ident, WithDecryption=True)
        if answer is None:
            return None
        parameter = answer.doc("Parameter")
        equals = [{"Key": "Name", "Option": "Equals", "Values": [ident]}]
        found = site.call("ssm", "describe_parameters", ParameterFilters=equals)
        metadata = found.docs("Parameters")[0]
        tags = site.call(
            "ssm", "list_tags_for_resource", ResourceType="Parameter", ResourceId=ident
        )
        value = parameter.text("Value")
        return {
            "arn": parameter.text("ARN"),
            "name": ident,
            "type": parameter.text("Type"),
            "version": parameter.number("Version"),
            "value": value,
            "insecureValue": value if state.maybe_text("insecureValue") else "",
            "hasValueWo": False,
            "dataType": parameter.maybe_text("DataType") or "text",
            "description": metadata.maybe_text("Description") or "",
            "allowedPattern": metadata.maybe_text("AllowedPattern") or "",
            "keyId": metadata.maybe_text("KeyId") or "",
            "tier": metadata.maybe_text("Tier") or "Standard",
            "tagsAll": from_pairs(tags.docs("TagList")),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """``PutParameter`` overwrites; it leaves tags alone."""
        watched = (
            "type",
            "value",
            "insecureValue",
            "description",
            "allowedPattern",
            "tier",
            "keyId",
        )
        if any(key in new and new.raw(key) != old.raw(key) for key in watched):
            _put(site, new, new=False)
        gone, fresh = retag(old, new)
        if gone:
            site.call(
                "ssm",
                "remove_tags_from_resource",
                ResourceType="Parameter",
                ResourceId=ident,
                TagKeys=gone,
            )
        if fresh:
            site.call(
                "ssm",
                "add_tags_to_resource",
                ResourceType="Parameter",
                ResourceId=ident,
                Tags=pairs(fresh),
            )

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteParameter``."""
        del state
        site.find(_GONE, "ssm", "delete_parameter", Name=ident)


def _put(site: Site, inputs: Doc, *, new: bool) -> None:
    overwrite = not new or inputs.flag("overwrite")
    site.call(
        "ssm",
        "put_parameter",
        Name=inputs.text("name"),
        Value=inputs.maybe_text("value") or inputs.text("insecureValue"),
        Type=inputs.text("type"),
        Description=inputs.maybe_text("description"),
        AllowedPattern=inputs.maybe_text("allowedPattern"),
        DataType=inputs.maybe_text("dataType"),
        KeyId=inputs.maybe_text("keyId"),
        Tier=inputs.maybe_text("tier"),
        Overwrite=overwrite,
        # AWS takes tags only when it cannot be overwriting anything.
        Tags=None if overwrite else pairs(inputs.table("tagsAll")) or None,
    )
