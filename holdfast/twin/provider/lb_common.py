"""What the load balancing types share."""

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.tags import retag
from holdfast.twin.provider.values import Doc, from_pairs, pairs

GONE = ("LoadBalancerNotFound", "TargetGroupNotFound", "ListenerNotFound")
NAME_CHARACTERS = 32
"""How long the name of a load balancer or target group may be."""


def described(site: Site, operation: str, key: str, ident: str) -> Doc | None:
    """What an operation tells of one thing, or None when it is gone."""
    parameter = {
        "LoadBalancers": "LoadBalancerArns",
        "TargetGroups": "TargetGroupArns",
        "Listeners": "ListenerArns",
    }[key]
    answer = site.find(GONE, "elbv2", operation, **{parameter: [ident]})
    found = [] if answer is None else answer.docs(key)
    return found[0] if found else None


def tags_of(site: Site, ident: str) -> dict[str, str]:
    """The tags of a thing."""
    answer = site.call("elbv2", "describe_tags", ResourceArns=[ident])
    return from_pairs(answer.docs("TagDescriptions")[0].docs("Tags"))


def update_tags(site: Site, ident: str, old: Doc, new: Doc) -> None:
    """Makes the tags of a thing as its inputs say."""
    gone, fresh = retag(old, new)
    if gone:
        site.call("elbv2", "remove_tags", ResourceArns=[ident], TagKeys=gone)
    if fresh:
        site.call("elbv2", "add_tags", ResourceArns=[ident], Tags=pairs(fresh))
