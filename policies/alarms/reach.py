"""Whether the message of an alarm reaches somebody.

An alarm that may act names a topic of its own region; the topic's policy lets CloudWatch publish
for alarms of this account, and nothing denies it; the policy of the topic's key lets CloudWatch use
it; and somebody subscribes who is sent what comes, over a way that is encrypted.

Does not guarantee:
    That whoever subscribes has confirmed, is awake, or is the right one.

Sources: "Amazon SNS event destinations", "Key management: enable compatibility between event
sources from AWS services and encrypted topics" and "Subscription filter policy scope" in the SNS
developer guide; "Notifying users on alarm changes" in the CloudWatch user guide.
"""

import json
from collections.abc import Iterator
from typing import Final

from policies.alarms.permission import may
from policies.core.kinds import ALARM, KEYS, TOPIC, TOPIC_SUBSCRIPTION
from policies.core.properties import Undetermined
from policies.core.rule import Violation
from policies.core.subjects import Resource, Stack
from policies.iam.account import account_of
from policies.iam.documents import entries

TOPIC_POLICY: Final = "aws:sns/topicPolicy:TopicPolicy"
KEY_ALIAS: Final = "aws:kms/alias:Alias"
_KEY_USE: Final = ("kms:Decrypt", "kms:GenerateDataKey")
"""What a service needs of the key of a topic that it publishes to."""

_ACTIONS: Final = ("alarmActions", "insufficientDataActions", "okActions")
"""Where an alarm says what it does; it can stop machines and call functions, too."""

_PEOPLE: Final = frozenset({"email", "email-json", "https", "sms"})
"""Protocols at whose other end somebody is. Who reads a queue, nobody here can tell."""


def wiring(alarm: Resource, stack: Stack) -> Iterator[Violation]:
    """What keeps an alarm from publishing to a topic, as far as the alarm itself says."""
    if alarm.properties.flag("actionsEnabled") is False:
        yield _unheard("the alarm's actions are off", "actionsEnabled")
    elif not topics_of(alarm, stack):
        yield _unheard("the alarm notifies no topic of its region", "alarmActions")
    for at in _ACTIONS:
        stack.targets(alarm, at, TOPIC)  # Unknown and of no topic is undetermined.
        for action in alarm.properties.names(at):
            if action is not None and not stack.named(TOPIC, action):
                yield _unheard(f"it acts on {action}, which is no topic of this stack", at)


def topics_of(alarm: Resource, stack: Stack) -> tuple[Resource, ...]:
    """The topics that an alarm can notify: of the stack, and of its own region."""
    found = stack.targets(alarm, "alarmActions", TOPIC)
    return tuple(topic for topic in found if topic.region == alarm.region)


def unannounced(topic: Resource, stack: Stack) -> Iterator[tuple[str, Violation]]:
    """What keeps CloudWatch from publishing to a topic, by the URN of what says so."""
    if topic.properties.flag("fifoTopic"):
        yield topic.urn, _unheard("alarms cannot publish to a FIFO topic", "fifoTopic")
    yield from _refused_by_policy(topic, stack)
    yield from _refused_by_key(topic, stack)


def unheard(topic: Resource, stack: Stack) -> Iterator[tuple[str, Violation]]:
    """What keeps people from hearing of what is published, by the URN of what says so."""
    subscriptions = [
        one
        for one in stack.of_type(TOPIC_SUBSCRIPTION)
        if topic in stack.targets(one, "topic", TOPIC)
    ]
    deaf = {one.urn: tuple(_deaf(one, topic)) for one in subscriptions}
    for one in subscriptions:
        if one.properties.text("protocol") == "http":
            yield one.urn, _unheard("http sends alarms in the clear", "protocol")
    if all(deaf.values()):
        for urn, found in deaf.items():
            yield from ((urn, violation) for violation in found)
        if not subscriptions:
            yield topic.urn, _unheard("nobody subscribes to the topic", "")


def relied_topics(stack: Stack) -> tuple[Resource, ...]:
    """Every topic that some alarm notifies, sorted by URN."""
    found = {
        topic.urn: topic
        for alarm in stack.of_type(ALARM)
        for topic in stack.targets(alarm, "alarmActions", TOPIC)
    }
    return tuple(found[urn] for urn in sorted(found))


def _refused_by_policy(topic: Resource, stack: Stack) -> Iterator[tuple[str, Violation]]:
    holders = [topic] if topic.properties.is_given("policy") else []
    holders += [
        other
        for other in stack.of_type(TOPIC_POLICY)
        if topic in stack.targets(other, "arn", TOPIC)
    ]
    account = account_of(stack).id
    arn = f"arn:aws:sns:{topic.region}:{account}:{topic.properties.text('name')}"
    # Without a policy of ours, SNS lets the account's own alarms publish.
    for holder in holders:
        if not may(holder, "sns:Publish", arn, account):
            yield holder.urn, _unheard("the topic's policy does not let alarms publish", "policy")


def _refused_by_key(topic: Resource, stack: Stack) -> Iterator[tuple[str, Violation]]:
    at = "kmsMasterKeyId"
    if not topic.properties.is_given(at):
        return
    keys = _keys(topic, stack)
    if not keys:
        yield topic.urn, _unheard("alarms cannot use a key that is not of this stack", at)
    for key in keys:
        if key.region != topic.region:
            yield topic.urn, _unheard(f"the topic's key lies in {key.region}", at)
            continue
        arn = f"arn:aws:kms:{key.region}:{account_of(stack).id}:key/any"
        lacking = [one for one in _KEY_USE if not may(key, one, arn, account_of(stack).id)]
        if lacking:
            found = f"the policy of the topic's key keeps alarms from {' and '.join(lacking)}"
            yield key.urn, _unheard(found, "policy")


def _keys(topic: Resource, stack: Stack) -> tuple[Resource, ...]:
    """The keys of the stack that a topic is encrypted with."""
    at = "kmsMasterKeyId"
    (named,) = topic.properties.names(at)
    if named is None:
        keys = topic.referenced(at, KEYS)
        aliases = topic.referenced(at, (KEY_ALIAS,))
        if not keys and not aliases:
            raise Undetermined(at, topic.urn)
    else:
        keys = ()
        aliases = tuple(
            alias
            for alias in stack.of_type(KEY_ALIAS)
            if f"alias/{named.rpartition('alias/')[2]}" == alias.properties.text("name")
            and alias.region == topic.region
        )
    return (*keys, *(key for alias in aliases for key in alias.referenced("targetKeyId", KEYS)))


def _deaf(subscription: Resource, topic: Resource) -> Iterator[Violation]:
    """What keeps a subscription from telling somebody of every alarm."""
    properties = subscription.properties
    if subscription.region != topic.region:
        yield _unheard(f"it subscribes in {subscription.region}", "region")
    protocol = properties.text("protocol")
    if protocol not in _PEOPLE:
        if protocol != "http":
            yield _unheard(f"nobody is known to read what {protocol} delivers", "protocol")
    elif protocol.startswith("email") and "@" not in (properties.text("endpoint") or ""):
        yield _unheard("its endpoint is no address", "endpoint")
    elif protocol == "https" and not (properties.text("endpoint") or "").startswith("https://"):
        yield _unheard("its endpoint is not reached by https", "endpoint")
    if properties.is_given("filterPolicy") and not _lets_through(subscription):
        yield _unheard("its filter drops alarms", "filterPolicy")


def _lets_through(subscription: Resource) -> bool:
    """Whether a filter lets the message of every alarm that goes off through."""
    properties = subscription.properties
    text = properties.text("filterPolicy") or "{}"
    try:
        wanted = entries(json.loads(text))
    except ValueError:
        return False
    if not wanted:
        return True
    # What alarms publish has no attributes, so a filter on those lets nothing through.
    if properties.text("filterPolicyScope") != "MessageBody":
        return False
    states = wanted.get("NewStateValue")
    return set(wanted) == {"NewStateValue"} and isinstance(states, list) and "ALARM" in states


def _unheard(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="what an alarm says reaches somebody",
        fix="give the alarm the topic, the key and the subscribers of an AlertTopic",
        at=at,
    )
