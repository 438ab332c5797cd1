"""Checklist item: what is kept or told is encrypted with keys of ours, which change by themselves.

Tables, buckets and the limiter have rules of their own, beside the rest that is asked of them.
"""

from collections.abc import Iterator
from typing import Final

from policies.core.kinds import KEY, KEY_ALIAS, KEYS, LOG_GROUP, PARAMETER, QUEUE, SECRET, TOPIC
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
    stack_rule,
)
from policies.core.stores import not_encrypted, too_short, unprotected
from policies.core.subjects import Resource, Stack

_FRAMEWORKS: Final = ("SOC 2 CC6.1",)
_LONGEST_DAYS: Final = 365
_SECRET_DAYS: Final = 7


@stack_rule(
    id="secret-encrypted",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(SECRET,),
)
def secrets_are_encrypted_with_our_keys(secret: Resource, _stack: Stack) -> Iterator[Violation]:
    """A secret and each of its replicas are encrypted with a customer managed key.

    Why: AWS's own key opens it to every identity of the account that may read secrets.
    Good: ``kms_key_id=keys.arns[region]``
    Bad: no ``kms_key_id``
    Fix: name the jurisdiction's key of the region.
    """
    yield from not_encrypted(secret, "kmsKeyId")
    for replica in secret.properties.objects("replicas"):
        if not replica.is_given("kmsKeyId"):
            yield Violation(
                found="a replica is encrypted with AWS's own key",
                rule="data at rest is encrypted with a key that we can audit and revoke",
                fix="name the jurisdiction's key of that region",
                at=replica.at("kmsKeyId"),
            )
        elif replica.is_unknown("kmsKeyId") and not secret.referenced("replicas", KEYS):
            replica.text("kmsKeyId")


@stack_rule(
    id="parameter-encrypted",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(PARAMETER,),
)
def parameters_are_encrypted_with_our_keys(
    parameter: Resource, _stack: Stack
) -> Iterator[Violation]:
    """A parameter is a SecureString under a customer managed key.

    Why: the contract names tenants, hosts and roles; who reads it knows where to knock.
    Good: ``type="SecureString", key_id=keys.arns[region]``
    Bad: ``type="String"``
    Fix: make it a SecureString and name the jurisdiction's key of the region.
    """
    kind = parameter.properties.text("type")
    if kind != "SecureString":
        yield Violation(
            found=f"it is a {kind}, which anybody of the account reads in plain",
            rule="parameters are encrypted",
            fix='write type="SecureString"',
            at="type",
        )
    yield from not_encrypted(parameter, "keyId")


@stack_rule(
    id="topic-encrypted",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.MEDIUM,
    frameworks=_FRAMEWORKS,
    types=(TOPIC,),
)
def topics_are_encrypted_with_our_keys(topic: Resource, _stack: Stack) -> Iterator[Violation]:
    """A topic is encrypted with a customer managed key.

    Why: messages lie with SNS until everybody has them, and AWS's own key keeps alarms silent.
    Good: ``kms_master_key_id=keys.arns[region]``
    Bad: ``kms_master_key_id="alias/aws/sns"``
    Fix: name the jurisdiction's key of the region.
    """
    yield from not_encrypted(topic, "kmsMasterKeyId")


@stack_rule(
    id="queue-encrypted",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(QUEUE,),
)
def queues_are_encrypted_with_our_keys(queue: Resource, _stack: Stack) -> Iterator[Violation]:
    """A queue is encrypted with a customer managed key.

    Why: tasks carry what tenants wrote.
    Good: ``kms_master_key_id=keys.arns[region]``
    Bad: ``sqs_managed_sse_enabled=True``
    Fix: name the jurisdiction's key of the region.
    """
    yield from not_encrypted(queue, "kmsMasterKeyId")


@stack_rule(
    id="log-encrypted",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(LOG_GROUP,),
)
def logs_are_encrypted_with_our_keys(group: Resource, _stack: Stack) -> Iterator[Violation]:
    """A log group is encrypted with a customer managed key.

    Why: what agents log quotes what tenants wrote.
    Good: ``kms_key_id=keys.arns[region]``
    Bad: no ``kms_key_id``
    Fix: name the jurisdiction's key of the region.
    """
    yield from not_encrypted(group, "kmsKeyId")


@resource_rule(
    id="key-rotated",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.HIGH,
    frameworks=("SOC 2 CC6.1", "PCI DSS 3.7.4"),
    types=(KEY,),
)
def keys_change_by_themselves(key: Resource) -> Iterator[Violation]:
    """AWS replaces a key's material at least once a year.

    Why: whoever got hold of old material reads what was written before, and nothing since.
    Good: ``enable_key_rotation=True``
    Bad: ``rotation_period_in_days=2000``
    Fix: turn rotation on, every 365 days or sooner.
    """
    if key.properties.flag("enableKeyRotation") is not True:
        yield _too_old("it is never replaced", "enableKeyRotation")
    days = key.properties.number("rotationPeriodInDays")
    if days is not None and days > _LONGEST_DAYS:
        yield _too_old(f"it is replaced after {days:g} days", "rotationPeriodInDays")


@stack_rule(
    id="key-named",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.HIGH,
    frameworks=(),
    types=(*KEYS, KEY_ALIAS),
)
def keys_have_a_name_in_their_region(resource: Resource, stack: Stack) -> Iterator[Violation]:
    """Each key has an alias in its region, the same for all keys of a jurisdiction.

    Why: agents are allowed a key by its alias, so a key without one opens nothing to them.
    Good: ``aws.kms.Alias(region=region, name=alias, target_key_id=key.id)``
    Bad: an alias of one jurisdiction on the key of another
    Fix: give the key of each region the alias of its jurisdiction.
    """
    if resource.type in KEYS:
        aliases = stack.pointing(resource, KEY_ALIAS, "targetKeyId", *KEYS)
        if not any(alias.region == resource.region for alias in aliases):
            yield _unnamed(f"it has no alias in {resource.region}", "")
        return
    name = resource.properties.text("name")
    keys = stack.targets(resource, "targetKeyId", *KEYS)
    if not keys:
        yield _unnamed("it names no key of this stack", "targetKeyId")
    for key in keys:
        if key.region != resource.region:
            yield _unnamed(f"it names {key.name}, a key of {key.region}", "targetKeyId")
        for other in _named_alike(key, stack):
            if other.properties.text("name") != name:
                yield _unnamed(
                    f"it is {name}, and another of {key.jurisdiction} is "
                    f"{other.properties.text('name')}",
                    "name",
                )


def _named_alike(key: Resource, stack: Stack) -> Iterator[Resource]:
    """The aliases of the other keys of a key's jurisdiction."""
    for other in stack.of_type(*KEYS):
        if other.jurisdiction is not None and other.jurisdiction == key.jurisdiction:
            yield from stack.pointing(other, KEY_ALIAS, "targetKeyId", *KEYS)


@resource_rule(
    id="secret-recoverable",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.HIGH,
    frameworks=("SOC 2 A1.2",),
    types=(SECRET,),
)
def secrets_can_be_brought_back(secret: Resource) -> Iterator[Violation]:
    """A secret of production is protected, and can be brought back for a week when deleted.

    Why: with its token goes the limiter of the region, and production fails closed.
    Good: ``recovery_window_in_days=30``
    Bad: ``recovery_window_in_days=0``
    Fix: write 7 or more, or leave it out.
    """
    yield from too_short(secret, secret.properties, "recoveryWindowInDays", _SECRET_DAYS)
    yield from unprotected(secret)


def _too_old(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule=f"a key's material is replaced within {_LONGEST_DAYS} days",
        fix="turn rotation on, every 365 days or sooner",
        at=at,
    )


def _unnamed(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="permissions name keys by their alias, one for each jurisdiction, in each region",
        fix="use the Keys component, which gives each key its alias",
        at=at,
    )


RULES: Final[tuple[Rule, ...]] = (
    secrets_are_encrypted_with_our_keys,
    parameters_are_encrypted_with_our_keys,
    topics_are_encrypted_with_our_keys,
    queues_are_encrypted_with_our_keys,
    logs_are_encrypted_with_our_keys,
    keys_change_by_themselves,
    keys_have_a_name_in_their_region,
    secrets_can_be_brought_back,
)
