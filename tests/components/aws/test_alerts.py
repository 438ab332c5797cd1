import pytest

from tests.components.stacks import STACKS, document, nodes, preview

TOPIC = "aws:sns/topic:Topic"


@pytest.mark.parametrize("stack", STACKS)
def test_only_alarms_of_this_account_and_region_publish(stack: str) -> None:
    for node in nodes(stack, TOPIC):
        allowed, denied = document(node)
        assert allowed["Principal"] == {"Service": ["cloudwatch.amazonaws.com"]}
        assert allowed["Action"] == ["sns:Publish"]
        assert allowed["Condition"] == {
            "StringEquals": {"aws:SourceAccount": ["123456789012"]},
            "ArnLike": {
                "aws:SourceArn": [f"arn:aws:cloudwatch:{node.region}:123456789012:alarm:*"]
            },
        }
        assert denied["Effect"] == "Deny"
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": ["false"]}}


@pytest.mark.parametrize("stack", STACKS)
def test_a_topics_policy_is_for_that_topic(stack: str) -> None:
    for node in nodes(stack, TOPIC):
        arn = f"arn:aws:sns:{node.region}:123456789012:{node.inputs['name']}"
        assert [found["Resource"] for found in document(node)] == [[arn], [arn]]


def test_everyone_named_is_told_on_every_topic() -> None:
    told = {
        (node.region, node.inputs["endpoint"], node.property_dependencies["topic"][0])
        for node in nodes("prod", "aws:sns/topicSubscription:TopicSubscription")
    }
    assert len(told) == len(nodes("prod", TOPIC))
    assert {str(email) for _, email, _ in told} == {"oncall@holdfast.example"}
    assert not preview("dev").of_type("aws:sns/topicSubscription:TopicSubscription")


@pytest.mark.parametrize("stack", STACKS)
def test_a_topic_is_encrypted_with_a_key_that_lets_alarms_use_it(stack: str) -> None:
    by_name = {node.urn: node for node in preview(stack).nodes}
    for node in nodes(stack, TOPIC):
        (key,) = [
            by_name[urn]
            for urn in node.property_dependencies["kmsMasterKeyId"]
            if urn.partition("$aws:kms/")[1] and f"::{node.region}" not in urn
        ]
        assert key.region == node.region
        publishing = next(found for found in document(key) if found["Sid"] == "LetAlarmsPublish")
        assert publishing["Principal"] == {"Service": ["cloudwatch.amazonaws.com"]}
