"""Tells people when a table refuses requests for want of capacity.

Guarantees:
    Somebody is told, in the region where it happens, when a table refuses reads or writes in three
    of five minutes.

Does not guarantee:
    That nobody waited before: clients try again, and a burst of a minute wakes nobody up.

Costs:
    0.10 USD a month for each alarm, of which each table has two in each region.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

PERIOD_S: Final = 60
PERIODS: Final = 5
THROTTLED_PERIODS: Final = 3
"""Minutes of those that are looked at in which requests have to be refused."""

METRICS: Final = {"reads": "ReadThrottleEvents", "writes": "WriteThrottleEvents"}


@dataclass(frozen=True, kw_only=True)
class ThrottleAlarmsArgs:
    """Which tables, and who hears of them.

    Attributes:
        table_names: Physical name of each table, by what it is called in the alarms' names.
        alarm_names: What the names of the alarms begin with, by region of the tables.
        topic_arns: Where the alarms are announced, by region.
        tags: For everything here.
    """

    table_names: Mapping[str, pulumi.Input[str]]
    alarm_names: Mapping[str, str]
    topic_arns: Mapping[str, pulumi.Input[str]]
    tags: Mapping[str, str]


class ThrottleAlarms(pulumi.ComponentResource):
    """One jurisdiction's alarms on tables that refuse requests."""

    def __init__(
        self,
        name: str,
        args: ThrottleAlarmsArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("holdfast:aws:ThrottleAlarms", name, None, opts)

        for region, begin in args.alarm_names.items():
            for table, table_name in args.table_names.items():
                for what, metric in METRICS.items():
                    aws.cloudwatch.MetricAlarm(
                        f"{name}-{region}-{table}-{what}",
                        region=region,
                        name=f"{begin}-{table}-{what}",
                        alarm_description=f"The table refuses {what}.",
                        namespace="AWS/DynamoDB",
                        metric_name=metric,
                        dimensions={"TableName": table_name},
                        statistic="Sum",
                        comparison_operator="GreaterThanOrEqualToThreshold",
                        threshold=1,
                        period=PERIOD_S,
                        evaluation_periods=PERIODS,
                        datapoints_to_alarm=THROTTLED_PERIODS,
                        # Published only when it happens; CloudWatch keeps the state meanwhile.
                        treat_missing_data="ignore",
                        alarm_actions=[args.topic_arns[region]],
                        ok_actions=[args.topic_arns[region]],
                        tags=args.tags,
                        opts=pulumi.ResourceOptions(parent=self),
                    )
        self.register_outputs({})
