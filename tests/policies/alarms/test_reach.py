"""The way of a message from an alarm to somebody, with one thing on it changed."""

import pytest

from holdfast.graph import Value
from policies.alarms.reach import topics_of, unannounced, unheard, wiring
from policies.core.subjects import Resource, Stack
from tests.policies.specs import ACCOUNT, alarms_may, changed, compliant, document, stack_of

ALARM = "alarm-eu-west-1"
TOPIC = "topic-eu-west-1"
SUBSCRIPTION = "subscription-eu-west-1"


def reaches_somebody(alarm: Resource, stack: Stack) -> bool:
    return not any(wiring(alarm, stack)) and any(
        not any(unannounced(topic, stack)) and not any(unheard(topic, stack))
        for topic in topics_of(alarm, stack)
    )


def reaches(path: str, value: Value, *, of: str = SUBSCRIPTION) -> bool:
    stack = stack_of(changed(of, path, value))
    (alarm,) = [one for one in stack.resources if one.name == ALARM]
    return reaches_somebody(alarm, stack)


def test_an_alarm_of_a_compliant_stack_reaches_somebody() -> None:
    stack = stack_of(compliant())
    (alarm,) = [one for one in stack.resources if one.name == ALARM]
    assert reaches_somebody(alarm, stack)


@pytest.mark.parametrize(
    ("protocol", "endpoint", "is_heard"),
    [
        ("email", "oncall@p.example", True),
        ("email-json", "oncall@p.example", True),
        ("sms", "+3585550100", True),
        ("https", "https://pager.example/hook", True),
        ("email", "oncall", False),
        ("https", "http://pager.example/hook", False),
        ("http", "http://pager.example/hook", False),
        ("sqs", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:queue", False),
    ],
)
def test_somebody_is_at_the_other_end(protocol: str, endpoint: str, *, is_heard: bool) -> None:
    specs = changed(SUBSCRIPTION, "protocol", protocol)
    specs[SUBSCRIPTION].inputs["endpoint"] = endpoint
    stack = stack_of(specs)
    (alarm,) = [one for one in stack.resources if one.name == ALARM]
    assert reaches_somebody(alarm, stack) is is_heard


@pytest.mark.parametrize(
    ("scope", "chosen", "is_heard"),
    [
        ("MessageBody", '{"NewStateValue": ["ALARM"]}', True),
        ("MessageBody", '{"NewStateValue": ["ALARM", "OK"]}', True),
        ("MessageBody", "{}", True),
        ("MessageBody", '{"NewStateValue": ["OK"]}', False),
        ("MessageBody", '{"AlarmName": ["another"]}', False),
        ("MessageAttributes", '{"NewStateValue": ["ALARM"]}', False),
        ("MessageBody", "no JSON", False),
    ],
)
def test_a_filter_lets_every_alarm_through(scope: str, chosen: str, *, is_heard: bool) -> None:
    specs = changed(SUBSCRIPTION, "filterPolicy", chosen)
    specs[SUBSCRIPTION].inputs["filterPolicyScope"] = scope
    stack = stack_of(specs)
    (alarm,) = [one for one in stack.resources if one.name == ALARM]
    assert reaches_somebody(alarm, stack) is is_heard


@pytest.mark.parametrize(
    ("of", "path", "value"),
    [
        (ALARM, "actionsEnabled", False),
        (ALARM, "alarmActions", []),
        (TOPIC, "policy", document()),
        (TOPIC, "fifoTopic", True),
        (TOPIC, "kmsMasterKeyId", "alias/aws/sns"),
        ("key-home", "policy", alarms_may("kms:Decrypt")),
        (SUBSCRIPTION, "region", "eu-central-1"),
    ],
)
def test_one_thing_in_the_way_is_enough(of: str, path: str, value: Value) -> None:
    assert not reaches(path, value, of=of)
