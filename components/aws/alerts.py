"""Where a region's alarms are announced.

Guarantees:
    Only alarms of this account publish here, over TLS, and what they say is encrypted.

Does not guarantee:
    That anybody listens. Each address has to confirm what AWS sends it first, and who is woken
    up by other means is each site's own: subscribe to the topic.

Costs:
    Nothing while idle; 0.50 USD for a million announcements.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws import arns
from components.aws.documents import Statement, document


@dataclass(frozen=True, kw_only=True)
class AlertTopicArgs:
    """One region's topic.

    Attributes:
        account_id: Twelve digits.
        region: AWS name.
        topic_name: Physical name.
        emails: Who is told.
        key_arn: Customer managed key of the region, which lets alarms use it.
        tags: For the topic.
    """

    account_id: str
    region: str
    topic_name: str
    emails: tuple[str, ...]
    key_arn: pulumi.Input[str]
    tags: Mapping[str, str]


class AlertTopic(pulumi.ComponentResource):
    """A topic that alarms publish to.

    Attributes:
        arn: Of the topic.
    """

    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: AlertTopicArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("holdfast:aws:AlertTopic", name, None, opts)

        topic = aws.sns.Topic(
            name,
            region=args.region,
            name=args.topic_name,
            kms_master_key_id=args.key_arn,
            policy=_policy(args),
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        for email in args.emails:
            aws.sns.TopicSubscription(
                f"{name}-{email}",
                region=args.region,
                topic=topic.arn,
                protocol="email",
                endpoint=email,
                opts=pulumi.ResourceOptions(parent=self),
            )

        self.arn = topic.arn
        self.register_outputs({"arn": self.arn})


def _policy(args: AlertTopicArgs) -> str:
    """Alarms of this account publish; nobody does without TLS."""
    topic_arn = arns.topic(args.region, args.account_id, args.topic_name)
    return document(
        Statement(
            sid="AlarmsPublish",
            principals={"Service": ("cloudwatch.amazonaws.com",)},
            actions=("sns:Publish",),
            resources=(topic_arn,),
            conditions={
                "StringEquals": {"aws:SourceAccount": (args.account_id,)},
                "ArnLike": {
                    "aws:SourceArn": (arns.alarm(args.region, args.account_id, "*"),),
                },
            },
        ),
        Statement(
            sid="NothingInTheClear",
            effect="Deny",
            principals={"AWS": ("*",)},
            actions=("sns:Publish",),
            resources=(topic_arn,),
            conditions={"Bool": {"aws:SecureTransport": ("false",)}},
        ),
    )
