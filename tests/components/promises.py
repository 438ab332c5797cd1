"""What every graph of ours has to keep, as functions that list what breaks it.

Each one is called on the real graphs, which must break nothing, and on graphs with one fault
put in, which must be found.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from inspect import signature
from typing import Any

import pulumi_aws as aws
from pulumi import ComponentResource

from holdfast.graph import Graph, Node, Value
from holdfast.twin.fronts.graph_values import json_of
from holdfast.twin.provider.cloud import Cloud
from holdfast.twin.provider.core import Provider
from infra.regions import REGIONS
from tests.components.stacks import mapping, mappings

STACK = "pulumi:pulumi:Stack"
DOCUMENTS = ("policy", "assumeRolePolicy")
HOME_TAG = "holdfast:jurisdiction"
STATEFUL = {
    "aws:dynamodb/table:Table",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:kms/key:Key",
    "aws:kms/replicaKey:ReplicaKey",
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:route53/zone:Zone",
    "aws:s3/bucket:Bucket",
    "aws:secretsmanager/secret:Secret",
}
KEY_POLICIES = {"aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey"}
WITHOUT_RESOURCE = {"cloudwatch:PutMetricData"}
"""Actions that AWS defines for no resource."""

KEY_PROPERTY = {
    "aws:elasticache/replicationGroup:ReplicationGroup": "kmsKeyId",
    "aws:secretsmanager/secret:Secret": "kmsKeyId",
    "aws:sns/topic:Topic": "kmsMasterKeyId",
    "aws:ssm/parameter:Parameter": "keyId",
}


def sdk_inputs(token: str) -> frozenset[str]:
    """Names of the inputs that the installed SDK gives a type, in the SDK's spelling."""
    module, _, name = token.removeprefix("aws:").partition("/")
    kind: Any = getattr(getattr(aws, module), name.partition(":")[2])
    return frozenset(signature(kind._internal_init).parameters)


def managed(graph: Graph) -> Iterator[Node]:
    """The AWS resources of a graph."""
    return (node for node in graph.nodes if node.type.startswith("aws:"))


def outside_components(graph: Graph) -> list[str]:
    """AWS resources that are no child of a component of ours."""
    components = {node.urn for node in graph.nodes if node.type.startswith("holdfast:aws:")}
    return [node.urn for node in managed(graph) if node.parent not in components]


def unregistered(graph: Graph) -> list[str]:
    """Components whose registered outputs are not the ones that their class declares."""
    return [
        f"{node.urn}: {sorted(node.outputs)} but declares {sorted(declared)}"
        for node in graph.nodes
        if node.type.startswith("holdfast:aws:")
        if set(node.outputs) != (declared := declared_outputs(node.type))
    ]


def declared_outputs(token: str) -> set[str]:
    """Annotations of a component's class that hold outputs, in the engine's spelling."""
    kind = component_classes()[token.rpartition(":")[2]]
    return {
        camel(name)
        for name, annotation in kind.__annotations__.items()
        if "Output[" in str(annotation)
    }


def component_classes() -> dict[str, type]:
    """Our component classes that have been imported, by name."""
    return {
        kind.__name__: kind
        for kind in ComponentResource.__subclasses__()
        if kind.__module__.startswith("components.")
    }


def camel(name: str) -> str:
    """A name as the engine spells it."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def unplaced(graph: Graph) -> list[str]:
    """Resources whose type has a region and that leave theirs to the provider."""
    return [
        node.urn
        for node in managed(graph)
        if "region" in sdk_inputs(node.type) and not node.inputs.get("region")
    ]


def abroad(graph: Graph) -> list[str]:
    """Resources of a jurisdiction that lie, or copy data, outside its ground."""
    found: list[str] = []
    for node in managed(graph):
        law = mapping(node.inputs.get("tags") or {}).get(HOME_TAG)
        if law is None:
            continue
        places = [node.inputs.get("region"), *_copies(node)]
        found += [
            f"{node.urn}: {place}"
            for place in places
            if isinstance(place, str) and REGIONS[place].law != law
        ]
    return found


def _copies(node: Node) -> Iterator[Value]:
    yield from (item["regionName"] for item in mappings(node.inputs.get("replicas") or []))
    witness = node.inputs.get("globalTableWitness")
    if witness:
        yield mapping(witness)["regionName"]


def untagged(graph: Graph) -> list[str]:
    """Taggable resources without our tags, or with no jurisdiction where they have one."""
    found: list[str] = []
    for node in managed(graph):
        if "tags" not in sdk_inputs(node.type):
            continue
        tags = mapping(node.inputs.get("tags") or {})
        needed = {f"holdfast:{name}" for name in ("project", "stack", "environment", "component")}
        if not node.name.startswith("global-") and ":GlobalRouting" not in node.urn:
            needed.add(HOME_TAG)
        if "global-platform-" in node.name:
            needed.add(HOME_TAG)
        found += [f"{node.urn}: {name}" for name in sorted(needed - set(tags))]
    return found


def too_wide(graph: Graph) -> list[str]:
    """Policy documents that cannot be read before they are in force, or allow by pattern."""
    found: list[str] = []
    for node in managed(graph):
        for key in set(DOCUMENTS) & set(node.inputs):
            text = node.inputs[key]
            if not isinstance(text, str):
                found.append(f"{node.urn}: {key} is not known")
                continue
            for statement in json.loads(text)["Statement"]:
                found += [f"{node.urn}: {fault}" for fault in _faults(node, statement)]
    return found


def _faults(node: Node, statement: dict[str, Any]) -> Iterator[str]:
    if statement["Effect"] != "Allow":
        return
    actions, resources = statement["Action"], statement.get("Resource", [])
    if any("*" in action for action in actions):
        yield f"allows {actions}"
    if "*" in resources and not (
        node.type in KEY_POLICIES or (set(actions) <= WITHOUT_RESOURCE and "Condition" in statement)
    ):
        yield f"allows {actions} on everything"
    if any("*" in who for who in statement.get("Principal", {}).values()):
        yield f"allows {actions} to everyone"


def unprotected(graph: Graph, *, expected: bool) -> list[str]:
    """Stateful resources that may be deleted where they must not, or the other way round."""
    return [
        node.urn
        for node in managed(graph)
        if node.options.protect is not (expected and node.type in STATEFUL)
        or any(switch is not expected for switch in _deletion_switches(node))
    ]


def _deletion_switches(node: Node) -> Iterator[Value]:
    for name in ("deletionProtectionEnabled", "enableDeletionProtection"):
        if name in node.inputs:
            yield node.inputs[name]
    for replica in mappings(node.inputs.get("replicas") or []):
        yield replica["deletionProtectionEnabled"]
    if "forceDestroy" in node.inputs:
        yield not node.inputs["forceDestroy"]
    if "recoveryWindowInDays" in node.inputs:
        yield node.inputs["recoveryWindowInDays"] != 0


def unrecoverable(graph: Graph) -> list[str]:
    """Tables and buckets of which a mistake could not be undone, or that have no copy."""
    found: list[str] = []
    for table in graph.of_type("aws:dynamodb/table:Table"):
        replicas = mappings(table.inputs.get("replicas") or [])
        states = [mapping(table.inputs.get("pointInTimeRecovery") or {}).get("enabled")]
        states += [replica.get("pointInTimeRecovery") for replica in replicas]
        if not replicas or states != [True] * len(states):
            found.append(table.urn)
    for kind in ("Versioning", "ReplicationConfig", "LifecycleConfiguration"):
        token = f"aws:s3/bucket{kind}:Bucket{kind}"
        kept = {str(node.inputs["bucket"]) for node in graph.of_type(token)}
        found += [
            f"{bucket.urn}: no {kind}"
            for bucket in graph.of_type("aws:s3/bucket:Bucket")
            if str(bucket.inputs["bucket"]) not in kept
        ]
    found += [
        node.urn
        for node in graph.of_type("aws:s3/bucketVersioning:BucketVersioning")
        if mapping(node.inputs["versioningConfiguration"])["status"] != "Enabled"
    ]
    return found


def in_the_clear(graph: Graph) -> list[str]:
    """Stores without a customer managed key."""
    found = [
        node.urn
        for node in managed(graph)
        if node.type in KEY_PROPERTY and not node.inputs.get(KEY_PROPERTY[node.type])
    ]
    for table in graph.of_type("aws:dynamodb/table:Table"):
        keys = [mapping(table.inputs.get("serverSideEncryption") or {}).get("kmsKeyArn")]
        keys += [replica.get("kmsKeyArn") for replica in mappings(table.inputs["replicas"])]
        found += [table.urn for key in keys if not key]
    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    encrypted = {str(node.inputs["bucket"]) for node in graph.of_type(token)}
    found += [
        bucket.urn
        for bucket in graph.of_type("aws:s3/bucket:Bucket")
        if str(bucket.inputs["bucket"]) not in encrypted
    ]
    return found


def misspelled(graph: Graph) -> list[str]:
    """Properties that the installed SDK does not know, at any depth, or of another type."""
    provider = Provider(Cloud(_nowhere, "123456789012"))
    found: list[str] = []
    for node in managed(graph):
        inputs = {key: json_of(value) for key, value in node.inputs.items()}
        checked = provider.check(node.type, node.name, {}, inputs, b"seed")
        found += [f"{node.urn}: {failure.path} {failure.reason}" for failure in checked.failures]
    return found


def _nowhere(region: str) -> str:
    raise AssertionError(f"a check must not connect to {region}")


def with_fault(graph: Graph, token: str, fault: Callable[[Node], Node | None]) -> Graph:
    """The graph with one fault put into the first node of a type."""
    victim = graph.of_type(token)[0]
    changed = fault(victim)
    nodes = (changed if node is victim else node for node in graph.nodes)
    return replace(graph, nodes=tuple(node for node in nodes if node is not None))


def given(**inputs: Value) -> Callable[[Node], Node]:
    """A fault: other inputs. None takes an input away."""

    def fault(node: Node) -> Node:
        changed = {**node.inputs, **inputs}
        return replace(node, inputs={k: v for k, v in changed.items() if v is not None})

    return fault
