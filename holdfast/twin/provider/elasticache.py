"""ElastiCache: replication groups.

Behind a region's replication group stands the region's own Valkey: one node, without TLS. The
outputs say so (``port``, ``transitEncryptionEnabled``), so that clients connect as they must.
"""

from collections.abc import Iterator

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.ec2 import all_refused
from holdfast.twin.provider.rules import is_off, no_longer
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
from holdfast.twin.provider.values import UNKNOWN, Doc, Json, Object, from_pairs, pairs

_GONE = ("ReplicationGroupNotFoundFault", "ReplicationGroupNotFound")
_ONE_NODE = "the twin has one Valkey in each region"
_NO_SNAPSHOTS = "the twin takes no snapshots of its Valkey"


class ReplicationGroup(ResourceType):
    """A cluster for rate limits."""

    type_name = "aws:elasticache/replicationGroup:ReplicationGroup"
    name_property = "replicationGroupId"
    properties = declared(
        {
            "applyImmediately": sent(),
            "atRestEncryptionEnabled": kept(replaces=True, computed=True),
            "authToken": sent(),
            "authTokenUpdateStrategy": sent(),
            "autoMinorVersionUpgrade": kept(computed=True),
            "automaticFailoverEnabled": kept(),
            "clusterMode": kept(computed=True),
            "description": kept(),
            "engine": kept(computed=True),
            "engineVersion": kept(computed=True),
            "kmsKeyId": recorded("the twin's Valkey writes nothing to disk", replaces=True),
            "maintenanceWindow": kept(computed=True),
            "multiAzEnabled": kept(),
            "nodeType": kept(computed=True),
            "numCacheClusters": kept(computed=True),
            "numNodeGroups": kept(computed=True),
            "parameterGroupName": kept(computed=True),
            "port": sent(replaces=True),
            "replicasPerNodeGroup": kept(computed=True),
            "replicationGroupId": kept(replaces=True),
            "securityGroupIds": kept(computed=True),
            "snapshotRetentionLimit": kept(),
            "snapshotWindow": kept(computed=True),
            "subnetGroupName": kept(replaces=True, computed=True),
            "tags": kept(),
            "transitEncryptionEnabled": kept(computed=True),
            "transitEncryptionMode": kept(computed=True),
            **all_refused(_NO_SNAPSHOTS, "finalSnapshotIdentifier", "snapshotArns", "snapshotName"),
            **all_refused(_ONE_NODE, "globalReplicationGroupId", "nodeGroupConfigurations"),
            **all_refused(
                "the emulator drops it",
                "authTokenWo",
                "authTokenWoVersion",
                "dataTieringEnabled",
                "durability",
                "ipDiscovery",
                "logDeliveryConfigurations",
                "networkType",
                "notificationTopicArn",
                "preferredCacheClusterAzs",
                "securityGroupNames",
            ),
            "userGroupIds": refused("the twin's Valkey knows one user, with the auth token"),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """Engine, token and name."""
        if inputs.raw("engine") not in ("valkey", UNKNOWN):
            given = inputs.maybe_text("engine") or "absent, which is redis on AWS"
            yield Failure("engine", f"is {given}; the twin runs valkey", unsupported=True)
        yield from no_longer(inputs, "replicationGroupId", 40)
        name = inputs.maybe_text("replicationGroupId") or ""
        if name != name.lower():
            yield Failure("replicationGroupId", f"is {name!r}; it must be in lower case")
        yield from no_longer(inputs, "authToken", 128, least=16)
        if "authToken" in inputs and is_off(inputs, "transitEncryptionEnabled"):
            yield Failure("authToken", "needs `transitEncryptionEnabled`")
        if inputs.flag("multiAzEnabled") and is_off(inputs, "automaticFailoverEnabled"):
            yield Failure("multiAzEnabled", "needs `automaticFailoverEnabled`")

    def also_replaces(self, state: Doc, inputs: Doc) -> frozenset[str]:
        """An engine cannot go back to an older version."""
        before, after = state.maybe_text("engineVersion"), inputs.maybe_text("engineVersion")
        if before is None or after is None or _version(after) >= _version(before):
            return frozenset()
        return frozenset({"engineVersion"})

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateReplicationGroup``."""
        name = inputs.text("replicationGroupId")
        site.call(
            "elasticache",
            "create_replication_group",
            ReplicationGroupId=name,
            ReplicationGroupDescription=inputs.text("description"),
            Engine=inputs.maybe_text("engine"),
            EngineVersion=inputs.maybe_text("engineVersion"),
            CacheNodeType=inputs.maybe_text("nodeType"),
            NumCacheClusters=inputs.maybe_number("numCacheClusters"),
            NumNodeGroups=inputs.maybe_number("numNodeGroups"),
            ReplicasPerNodeGroup=inputs.maybe_number("replicasPerNodeGroup"),
            AutomaticFailoverEnabled=inputs.maybe_flag("automaticFailoverEnabled"),
            MultiAZEnabled=inputs.maybe_flag("multiAzEnabled"),
            CacheParameterGroupName=inputs.maybe_text("parameterGroupName"),
            CacheSubnetGroupName=inputs.maybe_text("subnetGroupName"),
            SecurityGroupIds=inputs.texts("securityGroupIds") or None,
            Port=inputs.maybe_number("port"),
            AtRestEncryptionEnabled=inputs.maybe_flag("atRestEncryptionEnabled"),
            TransitEncryptionEnabled=inputs.maybe_flag("transitEncryptionEnabled"),
            TransitEncryptionMode=inputs.maybe_text("transitEncryptionMode"),
            AuthToken=inputs.maybe_text("authToken"),
            AutoMinorVersionUpgrade=inputs.maybe_flag("autoMinorVersionUpgrade"),
            ClusterMode=inputs.maybe_text("clusterMode"),
            PreferredMaintenanceWindow=inputs.maybe_text("maintenanceWindow"),
            SnapshotRetentionLimit=inputs.maybe_number("snapshotRetentionLimit"),
            SnapshotWindow=inputs.maybe_text("snapshotWindow"),
            Tags=pairs(inputs.table("tagsAll")) or None,
        )
        return name

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """The group, and what only its first member tells."""
        del state
        answer = site.find(
            _GONE, "elasticache", "describe_replication_groups", ReplicationGroupId=ident
        )
        if answer is None or not answer.docs("ReplicationGroups"):
            return None
        group = answer.docs("ReplicationGroups")[0]
        members = group.texts("MemberClusters")
        member = site.call(
            "elasticache", "describe_cache_clusters", CacheClusterId=members[0]
        ).docs("CacheClusters")[0]
        tags = site.call("elasticache", "list_tags_for_resource", ResourceName=group.text("ARN"))
        return {
            **_read_group(group),
            **_read_member(member),
            "tagsAll": from_pairs(tags.docs("TagList")),
        }

    def shown(self, site: Site, state: Doc) -> Object:
        """The port and the plain connection that the region's Valkey really has."""
        answer = site.call(
            "elasticache",
            "describe_replication_groups",
            ReplicationGroupId=state.text("replicationGroupId"),
        )
        group = answer.docs("ReplicationGroups")[0]
        port = group.docs("NodeGroups")[0].doc("PrimaryEndpoint").number("Port")
        return {"port": port, "transitEncryptionEnabled": False}

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """``ModifyReplicationGroup`` and tags."""
        token = new.maybe_text("authToken")
        changed_token = token if token != old.maybe_text("authToken") else None
        strategy = new.maybe_text("authTokenUpdateStrategy") or "ROTATE"
        site.call(
            "elasticache",
            "modify_replication_group",
            ReplicationGroupId=ident,
            ReplicationGroupDescription=_changed(old, new, "description"),
            CacheNodeType=_changed(old, new, "nodeType"),
            EngineVersion=_changed(old, new, "engineVersion"),
            CacheParameterGroupName=_changed(old, new, "parameterGroupName"),
            AutomaticFailoverEnabled=new.flag("automaticFailoverEnabled"),
            MultiAZEnabled=new.flag("multiAzEnabled"),
            SnapshotRetentionLimit=new.maybe_number("snapshotRetentionLimit"),
            SnapshotWindow=_changed(old, new, "snapshotWindow"),
            AuthToken=changed_token,
            AuthTokenUpdateStrategy=strategy if changed_token is not None else None,
            ApplyImmediately=True,
        )
        self._resize(site, ident, old, new)
        gone, fresh = retag(old, new)
        if gone:
            site.call(
                "elasticache",
                "remove_tags_from_resource",
                ResourceName=old.text("arn"),
                TagKeys=gone,
            )
        if fresh:
            site.call(
                "elasticache",
                "add_tags_to_resource",
                ResourceName=old.text("arn"),
                Tags=pairs(fresh),
            )

    @staticmethod
    def _resize(site: Site, ident: str, old: Doc, new: Doc) -> None:
        before, after = old.maybe_number("numCacheClusters"), new.maybe_number("numCacheClusters")
        if before is None or after is None or before == after:
            return
        grow = after > before
        operation = "increase_replica_count" if grow else "decrease_replica_count"
        site.call(
            "elasticache",
            operation,
            ReplicationGroupId=ident,
            NewReplicaCount=after - 1,
            ApplyImmediately=True,
        )

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteReplicationGroup``."""
        del state
        site.find(_GONE, "elasticache", "delete_replication_group", ReplicationGroupId=ident)


def _read_group(group: Doc) -> dict[str, Json]:
    shards = group.docs("NodeGroups")
    # The emulator's list of member clusters is not brought up to date by a change of replicas.
    members = [
        member.text("CacheClusterId")
        for shard in shards
        for member in shard.docs("NodeGroupMembers")
    ]
    primary = shards[0].doc("PrimaryEndpoint")
    reader = shards[0].doc("ReaderEndpoint")
    return {
        "arn": group.text("ARN"),
        "replicationGroupId": group.text("ReplicationGroupId"),
        "description": group.maybe_text("Description") or "",
        "nodeType": group.text("CacheNodeType"),
        "clusterMode": group.maybe_text("ClusterMode"),
        "clusterEnabled": group.flag("ClusterEnabled"),
        "numNodeGroups": len(shards),
        "numCacheClusters": len(members),
        "replicasPerNodeGroup": len(members) // len(shards) - 1,
        "memberClusters": sorted(members),
        "automaticFailoverEnabled": group.maybe_text("AutomaticFailover") == "enabled",
        "multiAzEnabled": group.maybe_text("MultiAZ") == "enabled",
        "autoMinorVersionUpgrade": group.flag("AutoMinorVersionUpgrade"),
        "atRestEncryptionEnabled": group.flag("AtRestEncryptionEnabled"),
        "transitEncryptionEnabled": group.flag("TransitEncryptionEnabled"),
        "transitEncryptionMode": group.maybe_text("TransitEncryptionMode") or "",
        "snapshotRetentionLimit": group.maybe_number("SnapshotRetentionLimit") or 0,
        "snapshotWindow": group.maybe_text("SnapshotWindow") or "",
        "primaryEndpointAddress": primary.text("Address"),
        "readerEndpointAddress": reader.maybe_text("Address") or primary.text("Address"),
        "configurationEndpointAddress": group.doc("ConfigurationEndpoint").maybe_text("Address")
        or "",
        "globalReplicationGroupId": "",
        "networkType": "ipv4",
        "ipDiscovery": "ipv4",
    }


def _read_member(member: Doc) -> dict[str, Json]:
    version = member.text("EngineVersion")
    return {
        "engine": member.text("Engine"),
        "engineVersion": version,
        "engineVersionActual": version,
        "maintenanceWindow": member.maybe_text("PreferredMaintenanceWindow") or "",
        "parameterGroupName": member.doc("CacheParameterGroup").maybe_text(
            "CacheParameterGroupName"
        )
        or "",
        "subnetGroupName": member.maybe_text("CacheSubnetGroupName") or "",
        "securityGroupIds": sorted(
            item.text("SecurityGroupId") for item in member.docs("SecurityGroups")
        ),
    }


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def _changed(old: Doc, new: Doc, key: str) -> str | None:
    value = new.maybe_text(key)
    return value if value != old.maybe_text(key) else None
