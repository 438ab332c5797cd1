"""Tells people when a jurisdiction's regions no longer hold the same data.

Guarantees:
    Somebody is told, in the region that the data leaves, when records reach another region later
    than the objective allows for several minutes, or when S3 gives up on copying an object.

Does not guarantee:
    That silence means copies: while nothing is written there is nothing to measure, and a region
    that is gone measures nothing. How far the survivors are behind at that moment is what a drill
    measures.

Costs:
    0.10 USD a month for each alarm, of which each region has two for each other region.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.alerts import AlertTopic, AlertTopicArgs
from components.aws.geo_store import rule_id

PERIOD_S = 60
LATE_PERIODS = 5
"""Minutes in a row that records may be late: a replica that catches up is no reason to wake up."""


@dataclass(frozen=True, kw_only=True)
class ReplicationAlarmsArgs:
    """What is copied, and how late it may be.

    Attributes:
        account_id: Twelve digits.
        table_name: Of the table that is copied between the regions.
        bucket_names: By region; each is copied to each other one.
        latest_s: How late a record may reach another region on average, in seconds.
        topic_names: Physical name of the topic, by region.
        alarm_names: What the names of the alarms begin with, by region.
        alarm_emails: Who is told.
        key_arns: The jurisdiction's key, by region.
        tags: For everything here.
    """

    account_id: str
    table_name: pulumi.Input[str]
    bucket_names: Mapping[str, pulumi.Input[str]]
    latest_s: float
    topic_names: Mapping[str, str]
    alarm_names: Mapping[str, str]
    alarm_emails: tuple[str, ...]
    key_arns: Mapping[str, pulumi.Input[str]]
    tags: Mapping[str, str]


class ReplicationAlarms(pulumi.ComponentResource):
    """One jurisdiction's alarms on copies between its regions.

    Attributes:
        topic_arns: Where they are announced, by region.
    """

    topic_arns: Mapping[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        args: ReplicationAlarmsArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("holdfast:aws:ReplicationAlarms", name, None, opts)

        self.topic_arns = {
            region: AlertTopic(
                f"{name}-{region}",
                AlertTopicArgs(
                    account_id=args.account_id,
                    region=region,
                    topic_name=args.topic_names[region],
                    emails=args.alarm_emails,
                    key_arn=args.key_arns[region],
                    tags=args.tags,
                ),
                opts=pulumi.ResourceOptions(parent=self),
            ).arn
            for region in args.bucket_names
        }
        for region in args.bucket_names:
            for target in sorted({*args.bucket_names} - {region}):
                self._late_records(name, args, region, target)
                self._lost_objects(name, args, region, target)
        self.register_outputs({"topicArns": self.topic_arns})

    def _late_records(
        self, name: str, args: ReplicationAlarmsArgs, region: str, target: str
    ) -> None:
        aws.cloudwatch.MetricAlarm(
            f"{name}-{region}-records-to-{target}",
            region=region,
            name=f"{args.alarm_names[region]}-records-to-{target}",
            alarm_description=f"Records reach {target} later than the objective allows.",
            namespace="AWS/DynamoDB",
            metric_name="ReplicationLatency",
            dimensions={"TableName": args.table_name, "ReceivingRegion": target},
            statistic="Average",
            comparison_operator="GreaterThanThreshold",
            threshold=args.latest_s * 1000,
            period=PERIOD_S,
            evaluation_periods=LATE_PERIODS,
            # Where nothing is written, nothing is late.
            treat_missing_data="notBreaching",
            alarm_actions=[self.topic_arns[region]],
            ok_actions=[self.topic_arns[region]],
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _lost_objects(
        self, name: str, args: ReplicationAlarmsArgs, region: str, target: str
    ) -> None:
        aws.cloudwatch.MetricAlarm(
            f"{name}-{region}-objects-to-{target}",
            region=region,
            name=f"{args.alarm_names[region]}-objects-to-{target}",
            alarm_description=f"S3 has given up on copying objects to {target}.",
            namespace="AWS/S3",
            metric_name="OperationsFailedReplication",
            dimensions={
                "SourceBucket": args.bucket_names[region],
                "DestinationBucket": args.bucket_names[target],
                "RuleId": rule_id(target),
            },
            statistic="Sum",
            comparison_operator="GreaterThanOrEqualToThreshold",
            threshold=1,
            period=PERIOD_S,
            evaluation_periods=1,
            treat_missing_data="notBreaching",
            alarm_actions=[self.topic_arns[region]],
            ok_actions=[self.topic_arns[region]],
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
