"""Checklist item: what is kept is still there when somebody needs it, and can be read at once."""

from collections.abc import Iterator
from typing import Final

from policies.core.kinds import (
    BUCKET_LIFECYCLE,
    BUCKET_REPLICATION,
    LOG_GROUP,
    REPOSITORY,
    ROLE,
    ROLE_POLICY,
    TABLE,
    ZONE,
)
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
    stack_rule,
)
from policies.core.stores import too_short, unprotected
from policies.core.subjects import Resource, Stack

_FRAMEWORKS: Final = ("SOC 2 A1.2",)
_AT_ONCE: Final = frozenset({"GLACIER_IR", "INTELLIGENT_TIERING", "STANDARD_IA"})
"""Storage classes whose objects lie in several zones and are read in milliseconds."""

_LOG_DAYS: Final = 30


@resource_rule(
    id="table-expiry",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(TABLE,),
)
def items_of_tables_do_not_expire(table: Resource) -> Iterator[Violation]:
    """No clock deletes items of a table.

    Why: a lease, a fencing token or an idempotency record that vanishes lets work run twice.
    Good: no ``ttl``
    Bad: ``ttl={"attribute_name": "expires", "enabled": True}``
    Fix: leave ``ttl`` out, and sweep old items in code that knows which are done with.
    """
    ttl = table.properties.object("ttl")
    if ttl is None:
        return
    enabled, attribute = ttl.flag("enabled"), ttl.text("attributeName")
    if enabled is not False:
        yield Violation(
            found=f"items expire by their attribute {attribute}",
            rule="whoever wrote an item decides when it goes",
            fix="leave `ttl` out, and sweep old items in code",
            at="ttl.enabled",
        )


@resource_rule(
    id="table-capacity",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(TABLE,),
)
def tables_take_what_comes(table: Resource) -> Iterator[Violation]:
    """A table has no capacity that a busy hour could use up.

    Why: a renewal that is throttled is a lease that is lost, just when there is most to do.
    Good: ``billing_mode="PAY_PER_REQUEST"``
    Bad: ``billing_mode="PROVISIONED", write_capacity=5``
    Fix: pay per request.
    """
    mode = table.properties.text("billingMode")
    if mode != "PAY_PER_REQUEST":
        yield Violation(
            found=f"its capacity is {mode or 'PROVISIONED'}",
            rule="no hour is too busy for leases and budgets",
            fix='write billing_mode="PAY_PER_REQUEST"',
            at="billingMode",
        )


@resource_rule(
    id="bucket-objects-kept",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(BUCKET_LIFECYCLE,),
)
def objects_stay_and_stay_readable(lifecycle: Resource) -> Iterator[Violation]:
    """No rule of a bucket deletes objects, or moves them where they are not read at once.

    Why: an archive that takes twelve hours to open is a loss to whoever has a minute.
    Good: ``noncurrent_version_expiration={"noncurrent_days": 90}``
    Bad: ``expiration={"days": 30}``
    Fix: leave ``expiration`` out, and move objects to classes that are read at once.
    """
    for part in lifecycle.properties.objects("rules"):
        if part.text("status") != "Enabled":
            continue
        expiration = part.object("expiration")
        for name in ("days", "date"):
            if expiration is not None and expiration.is_given(name):
                when = expiration.number(name) if name == "days" else expiration.text(name)
                if when:
                    yield Violation(
                        found=f"objects are deleted ({name} {when})",
                        rule="whoever wrote an object decides when it goes",
                        fix="leave `expiration` out",
                        at=expiration.at(name),
                    )
        for name in ("transitions", "noncurrentVersionTransitions"):
            for transition in part.objects(name):
                kind = transition.text("storageClass")
                if kind not in _AT_ONCE:
                    yield Violation(
                        found=f"objects move to {kind}",
                        rule="objects are read at once, from several zones",
                        fix=f"use one of {', '.join(sorted(_AT_ONCE))}",
                        at=transition.at("storageClass"),
                    )


@stack_rule(
    id="bucket-replicating",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(BUCKET_REPLICATION,),
)
def replication_can_do_its_work(replication: Resource, stack: Stack) -> Iterator[Violation]:
    """Replication has a role of this stack that is allowed something, and is measured.

    Why: S3 replicates nothing without permissions, and says so to nobody.
    Good: ``role=role.arn``, with a RolePolicy on that role
    Bad: a role without a policy, or ``metrics={"status": "Disabled"}``
    Fix: use the GeoStore component, which makes the role, its policy and the metrics.
    """
    roles = stack.targets(replication, "role", ROLE)
    if not any(stack.pointing(role, ROLE_POLICY, "role") for role in roles):
        yield _idle("its role is allowed nothing by this stack", "role")
    for part in replication.properties.objects("rules"):
        destination = part.object("destination")
        metrics = None if destination is None else destination.object("metrics")
        if destination is not None and (metrics is None or metrics.text("status") != "Enabled"):
            yield _idle("nobody measures it", destination.at("metrics.status"))


@resource_rule(
    id="log-kept",
    item=ChecklistItem.AUDIT_LOG,
    severity=Severity.MEDIUM,
    frameworks=("SOC 2 CC7.2",),
    types=(LOG_GROUP,),
)
def logs_are_kept_long_enough(group: Resource) -> Iterator[Violation]:
    """Logs of production are kept for a month or longer.

    Why: what went wrong is often asked for weeks later.
    Good: ``retention_in_days=90``
    Bad: ``retention_in_days=1``
    Fix: write 30 or more, or leave it out, which keeps them for ever.
    """
    if group.properties.number("retentionInDays") != 0:
        yield from too_short(group, group.properties, "retentionInDays", _LOG_DAYS)


@resource_rule(
    id="image-fixed",
    item=ChecklistItem.ROLLBACK,
    severity=Severity.HIGH,
    frameworks=("SOC 2 CC8.1",),
    types=(REPOSITORY,),
)
def a_tag_names_one_image_for_ever(repository: Resource) -> Iterator[Violation]:
    """A tag of an image repository never moves to another image.

    Why: rolling back to a tag brings back what ran then only if the tag still means it.
    Good: ``image_tag_mutability="IMMUTABLE"``
    Bad: no ``image_tag_mutability``, which is MUTABLE
    Fix: make tags immutable.
    """
    found = repository.properties.text("imageTagMutability") or "MUTABLE"
    if found != "IMMUTABLE":
        yield Violation(
            found=f"its tags are {found}",
            rule="what ran can be run again",
            fix='write image_tag_mutability="IMMUTABLE"',
            at="imageTagMutability",
        )


@resource_rule(
    id="zone-protected",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(ZONE,),
)
def the_zone_cannot_be_deleted_by_mistake(zone: Resource) -> Iterator[Violation]:
    """The zone of production is protected, and is never emptied in order to delete it.

    Why: a new zone has other name servers, so its parent would lead nowhere for days.
    Good: ``opts=ResourceOptions(protect=True)``
    Bad: ``force_destroy=True``
    Fix: leave ``force_destroy`` off and protect the zone.
    """
    if zone.properties.flag("forceDestroy"):
        yield Violation(
            found="forceDestroy is on",
            rule="deleting the zone must not delete the platform's names",
            fix="leave forceDestroy off",
            at="forceDestroy",
        )
    yield from unprotected(zone)


def _idle(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="every object is copied, and a copy that is late is noticed",
        fix="use the GeoStore component, which makes the role, its policy and the metrics",
        at=at,
    )


RULES: Final[tuple[Rule, ...]] = (
    items_of_tables_do_not_expire,
    tables_take_what_comes,
    objects_stay_and_stay_readable,
    replication_can_do_its_work,
    logs_are_kept_long_enough,
    a_tag_names_one_image_for_ever,
    the_zone_cannot_be_deleted_by_mistake,
)
