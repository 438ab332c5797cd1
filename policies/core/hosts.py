"""Which load balancers of a stack a property names by their hostname."""

from collections.abc import Iterator

from policies.core.kinds import LOAD_BALANCER
from policies.core.properties import Undetermined
from policies.core.subjects import Resource


def hosts(resource: Resource, at: str) -> Iterator[Resource | str]:
    """What a property leads to: load balancers of this stack, or names of something else.

    Args:
        resource: What leads; it has to be one of a rule over the whole stack.
        at: Top-level property: a name, a list of them, or a list of objects with a ``name``.

    Raises:
        Undetermined: If a name is unknown, and no load balancer of this stack is left for it.
    """
    named = _names(resource, at)
    balancers = resource.referenced(at, (LOAD_BALANCER,))
    if sum(1 for name in named if name is None) > len(balancers):
        raise Undetermined(at, resource.urn)
    if None in named:
        yield from balancers
    for name in filter(None, named):
        known = [balancer for balancer in balancers if _host_of(balancer) == name]
        yield from known or (name,)


def led_to(resource: Resource, *properties: str) -> tuple[Resource, ...]:
    """The load balancers of this stack that some properties lead to."""
    found = (end for at in properties for end in hosts(resource, at))
    return tuple(end for end in found if isinstance(end, Resource))


def _names(resource: Resource, at: str) -> tuple[str | None, ...]:
    if at == "aliases":
        parts = resource.properties.objects(at)
        return tuple(name for part in parts for name in part.names("name"))
    return resource.properties.names(at)


def _host_of(balancer: Resource) -> str | None:
    known = not balancer.properties.is_unknown("dnsName")
    return balancer.properties.text("dnsName") if known else None
