"""CloudWatch: metric alarms."""

from collections.abc import Iterator, Mapping

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.ec2 import DROPPED, all_refused
from holdfast.twin.provider.rules import needed
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept
from holdfast.twin.provider.tags import retag
from holdfast.twin.provider.values import Doc, Object, from_pairs, pairs

_GONE = ("ResourceNotFound", "ResourceNotFoundException")
_PLAIN: Mapping[str, str] = {
    "actionsEnabled": "ActionsEnabled",
    "alarmActions": "AlarmActions",
    "alarmDescription": "AlarmDescription",
    "comparisonOperator": "ComparisonOperator",
    "datapointsToAlarm": "DatapointsToAlarm",
    "evaluationPeriods": "EvaluationPeriods",
    "extendedStatistic": "ExtendedStatistic",
    "insufficientDataActions": "InsufficientDataActions",
    "metricName": "MetricName",
    "namespace": "Namespace",
    "okActions": "OKActions",
    "period": "Period",
    "statistic": "Statistic",
    "threshold": "Threshold",
    "treatMissingData": "TreatMissingData",
    "unit": "Unit",
}


class MetricAlarm(ResourceType):
    """An alarm on one metric."""

    type_name = "aws:cloudwatch/metricAlarm:MetricAlarm"
    name_property = "name"
    properties = declared(
        {
            **{key: kept() for key in _PLAIN},
            "actionsEnabled": kept(default=True),
            "dimensions": kept(),
            "name": kept(replaces=True),
            "tags": kept(),
            "treatMissingData": kept(default="missing"),
            **all_refused(
                DROPPED,
                "evaluateLowSampleCountPercentiles",
                "evaluationCriteria",
                "evaluationInterval",
                "evaluationWindow",
                "metricQueries",
                "thresholdMetricId",
                "warmUpConfiguration",
            ),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """What an alarm on a metric needs."""
        keys = ("comparisonOperator", "evaluationPeriods", "metricName", "namespace")
        yield from needed(inputs, keys, "an alarm on a metric needs it")
        if ("statistic" in inputs) == ("extendedStatistic" in inputs):
            yield Failure("statistic", "or extendedStatistic must be given, and not both")

    def create(self, site: Site, inputs: Doc) -> str:
        """``PutMetricAlarm``."""
        _put(site, inputs, tags=inputs.table("tagsAll"))
        return inputs.text("name")

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``DescribeAlarms``."""
        del state
        alarms = site.call("cloudwatch", "describe_alarms", AlarmNames=[ident])
        found = alarms.docs("MetricAlarms")
        if not found:
            return None
        alarm = found[0]
        arn = alarm.text("AlarmArn")
        tags = site.call("cloudwatch", "list_tags_for_resource", ResourceARN=arn)
        held = {key: alarm.raw(name) for key, name in _PLAIN.items()}
        if held["extendedStatistic"]:
            held["statistic"] = None  # The emulator reports a default beside the real one.
        return {
            **held,
            "arn": arn,
            "name": alarm.text("AlarmName"),
            "evaluateLowSampleCountPercentiles": "",
            "dimensions": from_pairs(alarm.docs("Dimensions"), "Name", "Value"),
            "tagsAll": from_pairs(tags.docs("Tags")),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """``PutMetricAlarm`` overwrites; it leaves tags alone."""
        del ident
        _put(site, new, tags={})
        gone, fresh = retag(old, new)
        arn = old.text("arn")
        if gone:
            site.call("cloudwatch", "untag_resource", ResourceARN=arn, TagKeys=gone)
        if fresh:
            site.call("cloudwatch", "tag_resource", ResourceARN=arn, Tags=pairs(fresh))

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteAlarms``."""
        del state
        site.find(_GONE, "cloudwatch", "delete_alarms", AlarmNames=[ident])


def _put(site: Site, inputs: Doc, *, tags: Mapping[str, str]) -> None:
    given = {name: inputs.raw(key) for key, name in _PLAIN.items() if key in inputs}
    site.call(
        "cloudwatch",
        "put_metric_alarm",
        AlarmName=inputs.text("name"),
        Dimensions=pairs(inputs.table("dimensions"), "Name", "Value") or None,
        Tags=pairs(tags) or None,
        **given,
    )
