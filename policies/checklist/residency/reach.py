"""Checklist item: nothing leads out of a jurisdiction what its own resources keep inside.

A key's policy, a subscription, a record of DNS and a role's permissions hold no data, and each can
take data, or those who send it, somewhere else.

Does not guarantee:
    Anything about addresses that a rule cannot place: mailboxes, and web hooks of other companies.
"""

from collections.abc import Iterator
from typing import Final

from policies.checklist.residency.stores import FRAMEWORKS
from policies.core.arns import region_of
from policies.core.contract import contract_of
from policies.core.hosts import hosts
from policies.core.jurisdictions import lies_in, listing
from policies.core.kinds import (
    KEYS,
    RECORD,
    REPLICA_KEY,
    TOPIC,
    TOPIC_SUBSCRIPTION,
)
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
    stack_rule,
    whole_rule,
)
from policies.core.subjects import Resource, Stack
from policies.iam.documents import statements

_COPY: Final = "kms:ReplicateKey"
_LEADS_NOWHERE: Final = frozenset({"CAA", "DS", "SSHFP", "TLSA", "TXT"})
"""Record types that say something, and lead nobody anywhere."""


@resource_rule(
    id="residency-key-copies",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
    types=KEYS,
)
def keys_let_nobody_copy_them_abroad(key: Resource) -> Iterator[Violation]:
    """The policy of a key that can be copied allows copies inside its jurisdiction only.

    Why: a key that may be copied abroad opens there what it encrypted here.
    Good: ``kms:ReplicateKey`` where ``kms:ReplicaRegion`` is one of its regions
    Bad: ``kms:*`` without a condition on a multi-Region key
    Fix: allow copies by region, or none.
    """
    jurisdiction = key.jurisdiction
    copied = key.type == REPLICA_KEY or key.properties.flag("multiRegion")
    if jurisdiction is None or not copied:
        return
    for statement in statements(key.properties, "policy"):
        if statement.effect != "Allow" or not statement.covers(_COPY):
            continue
        regions = statement.confined_to("kms:ReplicaRegion")
        outside = [region for region in regions if not lies_in(region, jurisdiction)]
        if outside or not regions:
            yield _leads_out(
                f"it may be copied to {', '.join(outside) or 'any region'}",
                jurisdiction,
                "allow kms:ReplicateKey only where kms:ReplicaRegion is one of its regions",
                f"policy.{statement.at}",
            )


@stack_rule(
    id="residency-subscription",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.HIGH,
    frameworks=FRAMEWORKS,
    types=(TOPIC_SUBSCRIPTION,),
)
def messages_stay_in_their_jurisdiction(
    subscription: Resource, stack: Stack
) -> Iterator[Violation]:
    """What a topic of a jurisdiction says goes to no queue or function outside of it.

    Why: a topic hands on all that it is told.
    Good: a queue of the topic's own jurisdiction
    Bad: a queue in us-east-1 on a topic of ``eu``
    Fix: subscribe a queue, a function or a person of the jurisdiction.
    """
    for topic in stack.targets(subscription, "topic", TOPIC):
        jurisdiction = topic.jurisdiction
        endpoint = subscription.properties.text("endpoint") or ""
        region = region_of(endpoint)
        if jurisdiction is not None and region and not lies_in(region, jurisdiction):
            yield _leads_out(
                f"{endpoint} is told what {topic.name} says",
                jurisdiction,
                "subscribe a queue or function of the jurisdiction",
                "endpoint",
            )


@whole_rule(
    id="residency-hostname",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
)
def a_hostname_leads_to_one_jurisdiction(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """All records of one name lead to load balancers of one jurisdiction, whatever their type.

    Why: when all regions of a jurisdiction fail, the one answer that is left leads users abroad.
    Good: records of ``eu.example`` to the load balancers of Ireland and Frankfurt
    Bad: an A record of ``eu.example`` with a literal address
    Fix: give each jurisdiction a hostname of its own, and lead it to its load balancers only.
    """
    owners = _owners(stack)
    for record in stack.of_type(RECORD):
        if record.properties.text("type") in _LEADS_NOWHERE:
            continue
        name = record.properties.text("name") or ""
        led = [(by, end) for by in ("records", "aliases") for end in hosts(record, by)]
        for at, end in led:
            if isinstance(end, str):
                yield record.urn, _stray(f"{name} leads to {end}, which is not in this stack", at)
                continue
            owner = owners.setdefault(name, end.jurisdiction)
            if end.jurisdiction != owner:
                found = f"{name} leads to {end.name} of {end.jurisdiction}, and elsewhere to"
                yield record.urn, _stray(f"{found} {owner}", at)


def _owners(stack: Stack) -> dict[str, str | None]:
    """The jurisdiction of each hostname that the contract names."""
    contract = contract_of(stack)
    return {
        jurisdiction.text("hostname") or "": name
        for name, jurisdiction in (() if contract is None else contract.jurisdictions())
    }


def _stray(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="when all regions of a jurisdiction fail, its users are not led into another one",
        fix="give each jurisdiction a hostname of its own, and lead it to its load balancers only",
        at=at,
    )


def _leads_out(found: str, jurisdiction: str, fix: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule=f"what belongs to {jurisdiction} stays in {listing(jurisdiction)}",
        fix=fix,
        at=at,
    )


RULES: Final[tuple[Rule, ...]] = (
    keys_let_nobody_copy_them_abroad,
    messages_stay_in_their_jurisdiction,
    a_hostname_leads_to_one_jurisdiction,
)
