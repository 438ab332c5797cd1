"""SNS: topics, their policies, subscriptions."""

from collections.abc import Iterator, Mapping

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.ec2 import DROPPED, all_refused
from holdfast.twin.provider.rules import among, policy_document
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept, recorded, refused
from holdfast.twin.provider.tags import retag
from holdfast.twin.provider.values import UNKNOWN, Doc, Object, from_pairs, pairs

_GONE = ("NotFound", "NotFoundException")
_NO_DELIVERY_LOG = "the emulator logs no deliveries"
_TOPIC: Mapping[str, str] = {
    "deliveryPolicy": "DeliveryPolicy",
    "displayName": "DisplayName",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "policy": "Policy",
}
_SUBSCRIPTION: Mapping[str, str] = {
    "deliveryPolicy": "DeliveryPolicy",
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "redrivePolicy": "RedrivePolicy",
    "subscriptionRoleArn": "SubscriptionRoleArn",
}


class Topic(ResourceType):
    """A topic."""

    type_name = "aws:sns/topic:Topic"
    name_property = "name"
    owned_elsewhere = ("policy",)
    properties = declared(
        {
            "contentBasedDeduplication": kept(),
            "deliveryPolicy": kept(document="json"),
            "displayName": kept(),
            "fifoTopic": kept(replaces=True),
            "kmsMasterKeyId": kept(),
            "name": kept(replaces=True),
            "namePrefix": refused("leave `name` out to get a name of its own"),
            "policy": kept(computed=True, document="policy"),
            "tags": kept(),
            **all_refused(
                _NO_DELIVERY_LOG,
                *(
                    f"{protocol}{outcome}Feedback{what}"
                    for protocol in ("application", "firehose", "http", "lambda", "sqs")
                    for outcome, what in (
                        ("Failure", "RoleArn"),
                        ("Success", "RoleArn"),
                        ("Success", "SampleRate"),
                    )
                ),
            ),
            **all_refused(
                DROPPED,
                "archivePolicy",
                "fifoThroughputScope",
                "maximumMessageSize",
                "signatureVersion",
                "tracingConfig",
            ),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """The policy document and the name's ending."""
        yield from policy_document(inputs, "policy")
        name = inputs.maybe_text("name")
        if name is None or inputs.raw("fifoTopic") == UNKNOWN:
            return
        if inputs.flag("fifoTopic") != name.endswith(".fifo"):
            yield Failure("name", f"is {name!r}; names of FIFO topics, and only they, end in .fifo")

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateTopic``."""
        attributes = {name: inputs.text(key) for key, name in _TOPIC.items() if key in inputs}
        if inputs.flag("fifoTopic"):
            attributes["FifoTopic"] = "true"
            attributes["ContentBasedDeduplication"] = _word(inputs, "contentBasedDeduplication")
        answer = site.call(
            "sns",
            "create_topic",
            Name=inputs.text("name"),
            Attributes=attributes,
            Tags=pairs(inputs.table("tagsAll")),
        )
        return answer.text("TopicArn")

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``GetTopicAttributes``."""
        del state
        answer = site.find(_GONE, "sns", "get_topic_attributes", TopicArn=ident)
        if answer is None:
            return None
        held = answer.table("Attributes")
        tags = site.call("sns", "list_tags_for_resource", ResourceArn=ident).docs("Tags")
        return {
            **{key: held.get(name, "") for key, name in _TOPIC.items()},
            "arn": ident,
            "name": ident.rpartition(":")[2],
            "owner": held.get("Owner", ""),
            "beginningArchiveTime": "",
            "fifoTopic": held.get("FifoTopic") == "true",
            "contentBasedDeduplication": held.get("ContentBasedDeduplication") == "true",
            "tagsAll": from_pairs(tags),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """One ``SetTopicAttributes`` for each changed attribute, and tags."""
        wanted = {key: new.maybe_text(key) for key in _TOPIC}
        if wanted["policy"] is None:
            del wanted["policy"]
        for key, value in wanted.items():
            if (old.maybe_text(key) or "") != (value or ""):
                _set(site, ident, _TOPIC[key], value or "")
        if old.flag("contentBasedDeduplication") != new.flag("contentBasedDeduplication"):
            word = _word(new, "contentBasedDeduplication")
            _set(site, ident, "ContentBasedDeduplication", word)
        gone, fresh = retag(old, new)
        if gone:
            site.call("sns", "untag_resource", ResourceArn=ident, TagKeys=gone)
        if fresh:
            site.call("sns", "tag_resource", ResourceArn=ident, Tags=pairs(fresh))

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteTopic``."""
        del state
        site.find(_GONE, "sns", "delete_topic", TopicArn=ident)


class TopicPolicy(ResourceType):
    """The policy of a topic, as a resource of its own."""

    type_name = "aws:sns/topicPolicy:TopicPolicy"
    delete_first = True
    properties = declared({"arn": kept(replaces=True), "policy": kept(document="policy")})

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """The document."""
        yield from policy_document(inputs, "policy")

    def create(self, site: Site, inputs: Doc) -> str:
        """``SetTopicAttributes``."""
        _set(site, inputs.text("arn"), "Policy", inputs.text("policy"))
        return inputs.text("arn")

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``GetTopicAttributes``. A policy that lets only the owner in counts as none."""
        del state
        answer = site.find(_GONE, "sns", "get_topic_attributes", TopicArn=ident)
        if answer is None:
            return None
        held = answer.table("Attributes")
        if "__default_policy_ID" in held.get("Policy", "__default_policy_ID"):
            return None
        return {"arn": ident, "policy": held["Policy"], "owner": held.get("Owner", "")}

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """``SetTopicAttributes``."""
        del old
        _set(site, ident, "Policy", new.text("policy"))

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """Gives the topic back the policy that AWS gives a new one."""
        if self.read(site, ident, state) is not None:
            _set(site, ident, "Policy", _default_policy(site, ident))


class TopicSubscription(ResourceType):
    """A subscription."""

    type_name = "aws:sns/topicSubscription:TopicSubscription"
    properties = declared(
        {
            "confirmationTimeoutInMinutes": recorded(
                "the twin waits for no confirmation", default=1
            ),
            "deliveryPolicy": kept(document="json"),
            "endpoint": kept(replaces=True),
            "endpointAutoConfirms": recorded("the twin waits for no confirmation"),
            "filterPolicy": kept(document="json"),
            "filterPolicyScope": kept(computed=True),
            "protocol": kept(replaces=True),
            "rawMessageDelivery": kept(),
            "redrivePolicy": kept(document="json"),
            "replayPolicy": refused("the emulator keeps no archive of messages"),
            "subscriptionRoleArn": kept(),
            "topic": kept(replaces=True),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """Protocols that can be subscribed."""
        allowed = (
            "application",
            "email",
            "email-json",
            "firehose",
            "http",
            "https",
            "lambda",
            "sms",
            "sqs",
        )
        yield from among(inputs, "protocol", allowed)

    def create(self, site: Site, inputs: Doc) -> str:
        """``Subscribe``."""
        answer = site.call(
            "sns",
            "subscribe",
            TopicArn=inputs.text("topic"),
            Protocol=inputs.text("protocol"),
            Endpoint=inputs.text("endpoint"),
            Attributes=_subscription_attributes(inputs),
            ReturnSubscriptionArn=True,
        )
        return answer.text("SubscriptionArn")

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``GetSubscriptionAttributes``."""
        del state
        answer = site.find(_GONE, "sns", "get_subscription_attributes", SubscriptionArn=ident)
        if answer is None:
            return None
        held = answer.table("Attributes")
        return {
            **{key: held.get(name, "") for key, name in _SUBSCRIPTION.items()},
            "arn": ident,
            "topic": held["TopicArn"],
            "protocol": held["Protocol"],
            "endpoint": held["Endpoint"],
            "ownerId": held.get("Owner", ""),
            "rawMessageDelivery": held.get("RawMessageDelivery") == "true",
            "confirmationWasAuthenticated": held.get("ConfirmationWasAuthenticated") == "true",
            "pendingConfirmation": held.get("PendingConfirmation") == "true",
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """One ``SetSubscriptionAttributes`` for each changed attribute."""
        before, after = _subscription_attributes(old), _subscription_attributes(new)
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                site.call(
                    "sns",
                    "set_subscription_attributes",
                    SubscriptionArn=ident,
                    AttributeName=name,
                    AttributeValue=after.get(name, ""),
                )

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``Unsubscribe``."""
        del state
        site.find(_GONE, "sns", "unsubscribe", SubscriptionArn=ident)


def _word(inputs: Doc, key: str) -> str:
    return "true" if inputs.flag(key) else "false"


def _set(site: Site, topic: str, name: str, value: str) -> None:
    site.call(
        "sns", "set_topic_attributes", TopicArn=topic, AttributeName=name, AttributeValue=value
    )


def _subscription_attributes(inputs: Doc) -> dict[str, str]:
    found = {name: inputs.text(key) for key, name in _SUBSCRIPTION.items() if inputs.raw(key)}
    return {**found, "RawMessageDelivery": _word(inputs, "rawMessageDelivery")}


def _default_policy(site: Site, topic: str) -> str:
    return (
        '{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":'
        '"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},"Action":'
        '["SNS:Publish","SNS:Subscribe","SNS:Receive"],"Resource":"'
        + topic
        + '","Condition":{"StringEquals":{"AWS:SourceOwner":"'
        + site.account
        + '"}}}]}'
    )
