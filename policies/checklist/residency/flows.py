"""Checklist item: wherever data can flow, it stays in its jurisdiction.

One rule judges edges; which property draws one stands in :mod:`policies.flows.edges`. Replication
and replicas have rules of their own, and what stands in no table draws nothing, because the closed
world refuses it.

Does not guarantee:
    Anything about what people do with the messages that reach them.
"""

from collections.abc import Iterator
from typing import Final

from policies.checklist.residency.stores import FRAMEWORKS
from policies.core.jurisdictions import REGIONS, lies_in, listing
from policies.core.rule import ChecklistItem, Rule, Severity, Violation, whole_rule
from policies.core.subjects import Resource, Stack
from policies.flows.edges import Edge, edges_of


@whole_rule(
    id="residency-flow",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
)
def data_flows_inside_its_jurisdiction(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """Logs, events and messages of a jurisdiction arrive in it, at a place that a rule can see.

    Why: a log of who called, when and for what is personal data like any other.
    Good: access logs of Ireland in a bucket of Ireland
    Bad: access logs of Ireland in a bucket of Virginia
    Fix: send them to a bucket, queue, topic or log group of the same jurisdiction in this stack.
    """
    for edge in edges_of(stack):
        home = _home(edge.source)
        for found in _leads_out(edge, home):
            yield (
                edge.drawn_by.urn,
                Violation(
                    found=found,
                    rule=f"what belongs to {home} stays in {listing(home)}",
                    fix="send it to a bucket, queue, topic or log group of the same jurisdiction "
                    "in this stack",
                    at=edge.at,
                ),
            )


def _leads_out(edge: Edge, home: str) -> Iterator[str]:
    if not edge.ends:
        yield f"{edge.what} goes to {edge.region or 'a place'} that is not in this stack"
    for end in edge.ends:
        if _home(end) != home:
            yield f"{edge.what} goes to {end.name} of {_home(end)}"


def _home(resource: Resource) -> str:
    """The jurisdiction of a resource: its tag's, or else the one that its region lies in."""
    if resource.jurisdiction is not None:
        return resource.jurisdiction
    return next((name for name in REGIONS if lies_in(resource.region, name)), "nowhere")


RULES: Final[tuple[Rule, ...]] = (data_flows_inside_its_jurisdiction,)
