"""The edges along which data leaves a resource, read off the whole stack.

An edge says from which resource data goes, by which property, what it is, and where it ends: in
resources of this stack, or at a place that is known by its region, or nowhere that a rule can tell.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from policies.core.arns import region_of
from policies.core.kinds import (
    BUCKET,
    BUCKET_LOGGING,
    BUCKET_NOTIFICATION,
    EVENT_RULE,
    EVENT_TARGET,
    FLOW_LOG,
    LIMITER,
    LOAD_BALANCER,
    LOG_GROUP,
    QUEUE,
    TOPIC,
)
from policies.core.properties import Properties, Undetermined
from policies.core.subjects import Resource, Stack
from policies.iam.documents import entries

ENDS: Final = (BUCKET, LOG_GROUP, QUEUE, TOPIC)
"""Types in which data may arrive."""


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One way that data can take.

    Attributes:
        drawn_by: The resource whose property draws the edge.
        at: Path of that property.
        what: What flows.
        source: Where it comes from.
        ends: Where in this stack it arrives; empty where that is no resource of this stack.
        region: Region that the property names, where the end is not in this stack.
    """

    drawn_by: Resource
    at: str
    what: str
    source: Resource
    ends: tuple[Resource, ...]
    region: str = ""


@dataclass(frozen=True, kw_only=True)
class _Way:
    """A property that draws edges.

    Attributes:
        token: Type of the resource that has it.
        path: Where it stands: the names of objects, then that of the text.
        what: What flows.
        switch: Property beside it that turns the flow on; empty where nothing does.
        source: Top-level property that names where data comes from, if not from the resource.
        among: Types that it may name.
    """

    token: str
    path: tuple[str, ...]
    what: str
    switch: str = ""
    source: str = ""
    source_type: str = ""


_WAYS: Final = (
    *(
        _Way(token=LOAD_BALANCER, path=(name, "bucket"), what=what, switch="enabled")
        for name, what in (
            ("accessLogs", "who called, when and for what"),
            ("connectionLogs", "who connected, and when"),
            ("healthCheckLogs", "how its agents are"),
        )
    ),
    _Way(
        token=BUCKET_LOGGING,
        path=("targetBucket",),
        what="who read which object",
        source="bucket",
        source_type=BUCKET,
    ),
    *(
        _Way(
            token=BUCKET_NOTIFICATION,
            path=(name, at),
            what="names of objects that changed",
            source="bucket",
            source_type=BUCKET,
        )
        for name, at in (
            ("lambdaFunctions", "lambdaFunctionArn"),
            ("queues", "queueArn"),
            ("topics", "topicArn"),
        )
    ),
    _Way(token=FLOW_LOG, path=("logDestination",), what="who spoke to whom"),
    _Way(token=LIMITER, path=("logDeliveryConfigurations", "destination"), what="slow commands"),
    _Way(token=LIMITER, path=("notificationTopicArn",), what="its failures"),
    *(
        _Way(
            token=EVENT_TARGET,
            path=path,
            what="events",
            source="rule",
            source_type=EVENT_RULE,
        )
        for path in (("arn",), ("deadLetterConfig", "arn"))
    ),
)
"""Every property by which data can flow and which a program may give; the closed world refuses
those that stand neither here nor in a rule of their own (replication, records, subscriptions)."""


def edges_of(stack: Stack) -> Iterator[Edge]:
    """Every edge of a stack.

    Raises:
        Undetermined: If a property draws an edge to what nobody can tell.
    """
    for way in _WAYS:
        for resource in stack.of_type(way.token):
            yield from _drawn(resource, way, stack)
    for queue in stack.of_type(QUEUE):
        yield from _given_up(queue, stack)


def _given_up(queue: Resource, stack: Stack) -> Iterator[Edge]:
    """The way of tasks that nobody could do, which stands inside a text."""
    text = queue.properties.text("redrivePolicy")
    if text is None:
        return
    try:
        document: object = json.loads(text)
    except ValueError as error:
        raise Undetermined("redrivePolicy", queue.urn) from error
    arn = str(entries(document).get("deadLetterTargetArn"))
    yield Edge(
        drawn_by=queue,
        at="redrivePolicy",
        what="what nobody could do",
        source=queue,
        ends=stack.named(QUEUE, arn),
        region=region_of(arn),
    )


def _drawn(resource: Resource, way: _Way, stack: Stack) -> Iterator[Edge]:
    sources: tuple[Resource, ...] = (resource,)
    if way.source:
        sources = stack.targets(resource, way.source, way.source_type)
    for part in _parts(resource.properties, way.path[:-1]):
        if way.switch and part.flag(way.switch) is False:
            continue
        name = way.path[-1]
        if not part.is_given(name):
            continue
        ends, region = _ends(resource, part, name, way.path[0], stack)
        for source in sources:
            yield Edge(
                drawn_by=resource,
                at=part.at(name),
                what=way.what,
                source=source,
                ends=ends,
                region=region,
            )


def _parts(properties: Properties, path: tuple[str, ...]) -> Iterator[Properties]:
    if not path:
        yield properties
        return
    for part in properties.parts(path[0]):
        yield from _parts(part, path[1:])


def _ends(
    resource: Resource, part: Properties, name: str, top: str, stack: Stack
) -> tuple[tuple[Resource, ...], str]:
    if part.is_unknown(name):
        ends = resource.referenced(top, ENDS)
        if not ends:
            raise Undetermined(part.at(name), resource.urn)
        return ends, ""
    text = part.text(name) or ""
    bare = text.removesuffix(":*")
    return tuple(end for token in ENDS for end in stack.named(token, bare)), region_of(text)
