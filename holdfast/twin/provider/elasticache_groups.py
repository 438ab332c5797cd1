"""ElastiCache: the subnet and parameter groups that a cluster refers to."""

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.spec import ResourceType, declared, kept
from holdfast.twin.provider.tags import retag
from holdfast.twin.provider.values import Doc, Json, Object, from_pairs, pairs

_GONE = (
    "CacheSubnetGroupNotFoundFault",
    "CacheSubnetGroupNotFound",
    "CacheParameterGroupNotFound",
    "CacheParameterGroupNotFoundFault",
)


class SubnetGroup(ResourceType):
    """Subnets that a cluster may use."""

    type_name = "aws:elasticache/subnetGroup:SubnetGroup"
    name_property = "name"
    properties = declared(
        {
            "description": kept(default="Managed by Pulumi"),
            "name": kept(replaces=True),
            "subnetIds": kept(),
            "tags": kept(),
        }
    )

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateCacheSubnetGroup``."""
        name = inputs.text("name")
        site.call(
            "elasticache",
            "create_cache_subnet_group",
            CacheSubnetGroupName=name,
            CacheSubnetGroupDescription=inputs.text("description"),
            SubnetIds=inputs.texts("subnetIds"),
            Tags=pairs(inputs.table("tagsAll")) or None,
        )
        return name

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``DescribeCacheSubnetGroups``."""
        del state
        answer = site.find(
            _GONE, "elasticache", "describe_cache_subnet_groups", CacheSubnetGroupName=ident
        )
        if answer is None or not answer.docs("CacheSubnetGroups"):
            return None
        group = answer.docs("CacheSubnetGroups")[0]
        return {
            "arn": group.text("ARN"),
            "name": group.text("CacheSubnetGroupName"),
            "description": group.text("CacheSubnetGroupDescription"),
            "vpcId": group.maybe_text("VpcId") or "",
            "subnetIds": sorted(item.text("SubnetIdentifier") for item in group.docs("Subnets")),
            "tagsAll": _tags(site, group.text("ARN")),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """``ModifyCacheSubnetGroup`` and tags."""
        site.call(
            "elasticache",
            "modify_cache_subnet_group",
            CacheSubnetGroupName=ident,
            CacheSubnetGroupDescription=new.text("description"),
            SubnetIds=new.texts("subnetIds"),
        )
        _update_tags(site, old, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteCacheSubnetGroup``."""
        del state
        site.find(_GONE, "elasticache", "delete_cache_subnet_group", CacheSubnetGroupName=ident)


class ParameterGroup(ResourceType):
    """Settings of a cluster. See ``LIMITS``: the twin's Valkey has its own."""

    type_name = "aws:elasticache/parameterGroup:ParameterGroup"
    name_property = "name"
    properties = declared(
        {
            "description": kept(replaces=True, default="Managed by Pulumi"),
            "family": kept(replaces=True),
            "name": kept(replaces=True),
            "parameters": kept(),
            "tags": kept(),
        }
    )

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateCacheParameterGroup``."""
        name = inputs.text("name")
        site.call(
            "elasticache",
            "create_cache_parameter_group",
            CacheParameterGroupName=name,
            CacheParameterGroupFamily=inputs.text("family"),
            Description=inputs.text("description"),
            Tags=pairs(inputs.table("tagsAll")) or None,
        )
        return name

    def configure(self, site: Site, ident: str, inputs: Doc) -> None:
        """``ModifyCacheParameterGroup``."""
        values = _parameters(inputs)
        if values:
            site.call(
                "elasticache",
                "modify_cache_parameter_group",
                CacheParameterGroupName=ident,
                ParameterNameValues=pairs(values, "ParameterName", "ParameterValue"),
            )

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """The group, and the values that are not its family's defaults."""
        answer = site.find(
            _GONE,
            "elasticache",
            "describe_cache_parameter_groups",
            CacheParameterGroupName=ident,
        )
        if answer is None or not answer.docs("CacheParameterGroups"):
            return None
        group = answer.docs("CacheParameterGroups")[0]
        held = site.call("elasticache", "describe_cache_parameters", CacheParameterGroupName=ident)
        named = _parameters(state)
        parameters: list[Json] = [
            {"name": item.text("ParameterName"), "value": item.maybe_text("ParameterValue") or ""}
            for item in held.docs("Parameters")
            if item.text("ParameterName") in named or item.maybe_text("Source") == "user"
        ]
        return {
            "arn": group.text("ARN"),
            "name": group.text("CacheParameterGroupName"),
            "family": group.text("CacheParameterGroupFamily"),
            "description": group.text("Description"),
            "parameters": parameters,
            "tagsAll": _tags(site, group.text("ARN")),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Changed values, values back to their default, and tags."""
        gone = sorted(_parameters(old).keys() - _parameters(new).keys())
        if gone:
            site.call(
                "elasticache",
                "reset_cache_parameter_group",
                CacheParameterGroupName=ident,
                ParameterNameValues=[{"ParameterName": name} for name in gone],
            )
        self.configure(site, ident, new)
        _update_tags(site, old, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteCacheParameterGroup``."""
        del state
        site.find(
            _GONE, "elasticache", "delete_cache_parameter_group", CacheParameterGroupName=ident
        )


def _parameters(inputs: Doc) -> dict[str, str]:
    return {item.text("name"): item.text("value") for item in inputs.docs("parameters")}


def _tags(site: Site, arn: str) -> dict[str, str]:
    answer = site.call("elasticache", "list_tags_for_resource", ResourceName=arn)
    return from_pairs(answer.docs("TagList"))


def _update_tags(site: Site, old: Doc, new: Doc) -> None:
    gone, fresh = retag(old, new)
    arn = old.text("arn")
    if gone:
        site.call("elasticache", "remove_tags_from_resource", ResourceName=arn, TagKeys=gone)
    if fresh:
        site.call("elasticache", "add_tags_to_resource", ResourceName=arn, Tags=pairs(fresh))
