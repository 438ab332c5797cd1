"""The flag that stops every agent of a jurisdiction, and who may trip it from outside.

Guarantees:
    The flag is one item of the strongly consistent table: once tripped it reads as tripped in
    every region, and tripping it needs any two of the table's three regions and no agent,
    no deployment and no control plane of ours. Only people arm it: a deployment makes the item
    with its key and nothing else, which agents count as tripped, as they do a missing one. So
    whoever deletes the flag, the table or the stack's memory of either has tripped the switch,
    and no ``pulumi up`` undoes it; nor does one write a flag that is there. The out-of-band
    role can read and change that one item and nothing else in the account. Two alarms in each
    region tell when the switch is tripped and when nobody reads it.

Does not guarantee:
    That agents may act once a stack is up: somebody arms each jurisdiction's switch first
    (``holdfast kill arm``). That an agent stops: it must ask, and the runtime's agents do
    before every action. That the role only trips: IAM cannot see values, so who may trip may
    also arm. A second factor for people who come through a role: their identity provider has to
    have asked for it. The alarms rest on what the runtime reports, so a region without agents
    counts as unread.

Costs:
    0.20 USD a month for the two alarms of each region, and 0.60 USD for the two metrics that
    they watch.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws import arns
from components.aws.alerts import AlertTopic, AlertTopicArgs
from components.aws.documents import Statement, key_use, role_document, trust_document
from holdfast.contract.flag import FLAG_ATTRIBUTES
from holdfast.contract.metrics import METRIC_NAMESPACE, Metric, dimensions
from holdfast.errors import ConfigurationError

KEY = "pk"
WRITABLE = (KEY, *FLAG_ATTRIBUTES)
"""All that the out-of-band role may write."""

SESSION_S = 3600
READ_PERIOD_S = 60
READ_PERIODS = 5


@dataclass(frozen=True, kw_only=True)
class KillSwitchArgs:
    """One jurisdiction's switch.

    Attributes:
        account_id: Twelve digits.
        project: Name of the platform.
        stack: Name of the stack; with the project, it tells this platform's metrics from others.
        jurisdiction: Short name.
        table: The coordination table, so that the flag is made after it.
        table_name: Its physical name.
        item_key: Partition key of the flag.
        home_region: Where the flag is written first.
        regions: Serving regions, the home among them.
        role_name: IAM name of the out-of-band role.
        principals: ARN patterns of the users and roles that may assume it.
        principal_accounts: Accounts that those belong to.
        topic_names: Physical name of the alert topic, by region.
        alarm_names: Prefix of the alarms' physical names, by region.
        alarm_emails: Who is told.
        key_alias: ``alias/...`` of the jurisdiction's key.
        key_arns: The key, by region.
        tags: For everything here.

    Raises:
        ConfigurationError: If nobody could trip the switch.
    """

    account_id: str
    project: str
    stack: str
    jurisdiction: str
    table: pulumi.Input[str]
    table_name: str
    item_key: str
    home_region: str
    regions: tuple[str, ...]
    role_name: str
    principals: tuple[str, ...]
    principal_accounts: tuple[str, ...]
    topic_names: Mapping[str, str]
    alarm_names: Mapping[str, str]
    alarm_emails: tuple[str, ...]
    key_alias: str
    key_arns: Mapping[str, pulumi.Input[str]]
    tags: Mapping[str, str]

    def __post_init__(self) -> None:
        if not self.principals or not self.principal_accounts:
            raise ConfigurationError(
                f"Nobody may trip the kill switch of {self.jurisdiction}: no principals are "
                "given. Name at least one role or user."
            )


class KillSwitch(pulumi.ComponentResource):
    """One jurisdiction's switch, its key holder and its alarms.

    Attributes:
        role_arn: Out-of-band role.
        topic_arns: Where the alarms are announced, by region.
    """

    role_arn: pulumi.Output[str]
    topic_arns: Mapping[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        args: KillSwitchArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("holdfast:aws:KillSwitch", name, None, opts)

        aws.dynamodb.TableItem(
            name,
            region=args.home_region,
            table_name=args.table,
            hash_key=KEY,
            # What it says is people's to write. Were it here, a flag that somebody deleted would
            # say it again after the next deployment.
            item=json.dumps({KEY: {"S": args.item_key}}),
            # Whoever changed the switch has the last word, not the next deployment.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["item"]),
        )
        role = aws.iam.Role(
            name,
            name=args.role_name,
            description="Trips the kill switch of one jurisdiction, and does nothing else.",
            assume_role_policy=_trust(args),
            max_session_duration=SESSION_S,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.iam.RolePolicy(
            name,
            role=role.name,
            policy=_permission(args),
            opts=pulumi.ResourceOptions(parent=self),
        )

        self.role_arn = role.arn
        self.topic_arns = {region: self._alarms(name, args, region) for region in args.regions}
        self.register_outputs({"roleArn": self.role_arn, "topicArns": self.topic_arns})

    def _alarms(self, name: str, args: KillSwitchArgs, region: str) -> pulumi.Output[str]:
        """One region's alarms, and the topic that they announce themselves on."""
        topic = AlertTopic(
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
        )
        named = dimensions(
            project=args.project,
            stack=args.stack,
            jurisdiction=args.jurisdiction,
            region=region,
        )
        aws.cloudwatch.MetricAlarm(
            f"{name}-{region}-tripped",
            region=region,
            name=f"{args.alarm_names[region]}-tripped",
            alarm_description="The kill switch is tripped: no agent acts.",
            namespace=METRIC_NAMESPACE,
            metric_name=Metric.TRIPPED,
            dimensions=named,
            statistic="Maximum",
            comparison_operator="GreaterThanOrEqualToThreshold",
            threshold=1,
            period=READ_PERIOD_S,
            evaluation_periods=1,
            # Silence is the other alarm's to report.
            treat_missing_data="notBreaching",
            alarm_actions=[topic.arn],
            ok_actions=[topic.arn],
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.cloudwatch.MetricAlarm(
            f"{name}-{region}-unread",
            region=region,
            name=f"{args.alarm_names[region]}-unread",
            alarm_description="No agent of the region reads the kill switch.",
            namespace=METRIC_NAMESPACE,
            metric_name=Metric.READ,
            dimensions=named,
            statistic="SampleCount",
            comparison_operator="LessThanThreshold",
            threshold=1,
            period=READ_PERIOD_S,
            evaluation_periods=READ_PERIODS,
            treat_missing_data="breaching",
            alarm_actions=[topic.arn],
            ok_actions=[topic.arn],
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return topic.arn


def _trust(args: KillSwitchArgs) -> str:
    """Users with a second factor, and roles, that the settings name."""
    users = tuple(arn for arn in args.principals if ":user/" in arn)
    roles = tuple(arn for arn in args.principals if ":user/" not in arn)
    accounts = {"AWS": tuple(arns.account_root(account) for account in args.principal_accounts)}
    statements: list[Statement] = []
    if users:
        statements.append(
            Statement(
                sid="UsersWithASecondFactor",
                principals=accounts,
                actions=("sts:AssumeRole",),
                conditions={
                    "ArnLike": {"aws:PrincipalArn": users},
                    "Bool": {"aws:MultiFactorAuthPresent": ("true",)},
                },
            )
        )
    if roles:
        # A session of a role never carries the second factor that opened it.
        statements.append(
            Statement(
                sid="Roles",
                principals=accounts,
                actions=("sts:AssumeRole",),
                conditions={"ArnLike": {"aws:PrincipalArn": roles}},
            )
        )
    return trust_document(*statements)


def _permission(args: KillSwitchArgs) -> str:
    """Read and change the one item, in any serving region, with the key that it needs."""
    tables = tuple(arns.table(region, args.account_id, args.table_name) for region in args.regions)
    # "For all values" is also true of none, hence the second condition.
    this_item = {"dynamodb:LeadingKeys": (args.item_key,)}
    present = {"dynamodb:LeadingKeys": ("false",)}
    return role_document(
        Statement(
            sid="ReadTheFlag",
            actions=("dynamodb:GetItem",),
            resources=tables,
            conditions={"ForAllValues:StringEquals": this_item, "Null": present},
        ),
        Statement(
            sid="ChangeTheFlag",
            actions=("dynamodb:UpdateItem",),
            resources=tables,
            conditions={
                "ForAllValues:StringEquals": {
                    **this_item,
                    "dynamodb:Attributes": WRITABLE,
                },
                "Null": present,
            },
        ),
        *(
            key_use(
                sid=f"ReadEncryptedIn{region.replace('-', '')}",
                region=region,
                key_pattern=arns.keys(region, args.account_id),
                alias=args.key_alias,
                services=("dynamodb",),
                actions=("kms:Decrypt",),
            )
            for region in args.regions
        ),
    )
