"""What a metric alarm would do, computed as CloudWatch computes it.

Guarantees:
    An alarm on one metric goes off here at the evaluation at which CloudWatch's would, for samples
    that arrive at once: the statistic over the period, ``datapointsToAlarm`` of
    ``evaluationPeriods``, and missing data treated as told, in the longer range of data points
    that CloudWatch looks at.

Does not guarantee:
    Anything about alarms on expressions, bands and Metrics Insights queries, nor about statistics
    that trim: those are undetermined. How many data points beyond ``evaluationPeriods`` CloudWatch
    looks at depends on the period, and is not said; two is what its own examples show.

Sources: ``PutMetricAlarm`` in the CloudWatch API reference; "Evaluating an alarm" and "Configuring
how CloudWatch alarms treat missing data" in the CloudWatch user guide.
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from policies.core.properties import Undetermined
from policies.core.subjects import Resource

MINUTE_S: Final = 60
_BEYOND: Final = 2
"""Data points before those of the evaluation periods that CloudWatch looks at too."""

_SHORT_PERIODS_S: Final = (10, 20, 30)
_DAY_S: Final = 86_400
_LONGEST_S: Final = {False: _DAY_S, True: 7 * _DAY_S}
"""How far back an alarm may look, by whether its period is an hour or more."""

_ALWAYS_IGNORED: Final = "AWS/DynamoDB"

_UNDECIDED: Final = (
    "metricQueries",
    "thresholdMetricId",
    "evaluationCriteria",
    "evaluationInterval",
    "evaluationWindow",
    "warmUpConfiguration",
)
"""Properties of alarms on expressions, bands and queries, which nothing here evaluates."""

_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}
_PERCENTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")


class Missing(StrEnum):
    """What an alarm makes of a period without data."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


class State(StrEnum):
    """What an alarm can say."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, kw_only=True)
class Series:
    """What is published of a metric.

    Attributes:
        minutes: Samples of each minute, from the moment when something happens. Before it, what
            the first minute of ``before`` says, for ever.
        before: Samples of every minute until then.
        unit: As it is published; ``None`` is a unit too, that of what is published without one.
    """

    minutes: tuple[tuple[float, ...], ...]
    before: tuple[float, ...] = ()
    unit: str = "None"

    def between(self, start_s: int, end_s: int) -> tuple[float, ...]:
        """Samples from a moment on until before another, in seconds from when it happened."""
        first, last = -(-start_s // MINUTE_S), -(-end_s // MINUTE_S)
        found: list[float] = []
        for minute in range(first, last):
            if minute < 0:
                found += self.before
            elif minute < len(self.minutes):
                found += self.minutes[minute]
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A metric alarm, as far as it decides when it goes off.

    Attributes:
        statistic: ``Average``, ``Maximum``, ``Minimum``, ``SampleCount``, ``Sum``, or a percentile
            such as ``p99``.
        unit: Only samples of this unit count; None for all.
        period_s: What one data point covers.
        evaluation_periods: Data points that are looked at.
        datapoints: How many of those have to breach.
        comparison: CloudWatch's name of the comparison.
        threshold: What is compared with.
        missing: What a period without data counts as.
        few_samples_count: Whether a percentile of too few samples counts.
    """

    statistic: str
    unit: str | None
    period_s: int
    evaluation_periods: int
    datapoints: int
    comparison: str
    threshold: float
    missing: Missing
    few_samples_count: bool

    @classmethod
    def of(cls, resource: Resource) -> "Alarm":
        """Reads a ``MetricAlarm``.

        Raises:
            Undetermined: If it is of a kind that nothing here evaluates, or a value is unknown,
                or CloudWatch knows no such value.
        """
        properties = resource.properties
        for name in _UNDECIDED:
            if properties.is_given(name):
                raise Undetermined(name, resource.urn)
        periods = _whole(resource, "evaluationPeriods")
        missing = Missing(_one_of(resource, "treatMissingData", tuple(Missing), "missing"))
        datapoints = properties.number("datapointsToAlarm")
        return cls(
            statistic=_statistic(resource),
            unit=properties.text("unit"),
            period_s=_whole(resource, "period"),
            evaluation_periods=periods,
            datapoints=periods if datapoints is None else int(datapoints),
            comparison=_one_of(resource, "comparisonOperator", tuple(_COMPARE)),
            threshold=_number(resource, "threshold"),
            # Alarms on DynamoDB's metrics keep their state without data, whatever they say.
            missing=Missing.IGNORE if properties.text("namespace") == _ALWAYS_IGNORED else missing,
            few_samples_count=_one_of(
                resource, "evaluateLowSampleCountPercentiles", ("evaluate", "ignore"), "evaluate"
            )
            == "evaluate",
        )

    def refused(self) -> Iterator[tuple[str, str]]:
        """Properties that CloudWatch refuses, with why."""
        if not 1 <= self.datapoints <= self.evaluation_periods:
            yield (
                "datapointsToAlarm",
                f"{self.datapoints} of {self.evaluation_periods} data points never breach",
            )
        if self.period_s % MINUTE_S and self.period_s not in _SHORT_PERIODS_S:
            yield "period", f"{self.period_s} s is no period of CloudWatch's"
        longest_s = _LONGEST_S[self.period_s >= _DAY_S // 24]
        if self.period_s * self.evaluation_periods > longest_s:
            yield "evaluationPeriods", f"no alarm looks back further than {longest_s} s"


def fires(alarm: Alarm, series: Series, *, within_s: int) -> int | None:
    """When an alarm goes off.

    Args:
        alarm: The alarm. Before the series begins it is in the state that the time before puts it
            in.
        series: What is published.
        within_s: How long to wait, in seconds.

    Returns:
        Seconds from the moment when something happened until it goes off; None if it does not in
        that time. 0 if it has gone off before.
    """
    step_s = min(alarm.period_s, MINUTE_S)
    state = State.INSUFFICIENT_DATA
    for at_s in range(0, within_s + 1, step_s):
        state = after(alarm, _data_points(alarm, series, at_s), state)
        if state is State.ALARM:
            return at_s
    return None


def after(alarm: Alarm, points: Sequence[float | None], state: State) -> State:
    """The state that data points put an alarm in.

    Args:
        alarm: The alarm.
        points: One for each period of the range that CloudWatch looks at, the oldest first; None
            for those without data.
        state: The one before.
    """
    real = [point for point in points if point is not None]
    wanted = alarm.evaluation_periods
    compare = _COMPARE[alarm.comparison]
    breaching = sum(compare(point, alarm.threshold) for point in real[-wanted:])
    filled = max(0, wanted - len(real))
    if alarm.missing is Missing.BREACHING:
        breaching += filled
    if breaching >= alarm.datapoints:
        return State.ALARM
    if not filled or alarm.missing in {Missing.BREACHING, Missing.NOT_BREACHING}:
        return State.OK
    if breaching < len(real):
        return State.OK
    if alarm.missing is Missing.IGNORE:
        return state
    return State.ALARM if real else State.INSUFFICIENT_DATA


def _data_points(alarm: Alarm, series: Series, at_s: int) -> tuple[float | None, ...]:
    if alarm.unit is not None and alarm.unit != series.unit:
        return (None,) * (alarm.evaluation_periods + _BEYOND)
    return tuple(
        _aggregate(alarm, series.between(end_s - alarm.period_s, end_s))
        for end_s in (
            at_s - back * alarm.period_s
            for back in reversed(range(alarm.evaluation_periods + _BEYOND))
        )
    )


def _aggregate(alarm: Alarm, samples: Sequence[float]) -> float | None:
    if not samples:
        return None
    whole = _WHOLE.get(alarm.statistic)
    if whole is not None:
        return whole(samples)
    part = float(alarm.statistic[1:]) / 100
    # Below this many samples a percentile says nothing: "Percentile-based CloudWatch alarms and
    # low data samples".
    needed = 10 / (1 - part) if part > 1 / 2 else 10 / max(part, 1e-9)
    if not alarm.few_samples_count and len(samples) < needed:
        return None
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def _mean(samples: Sequence[float]) -> float:
    return sum(samples) / len(samples)


def _count(samples: Sequence[float]) -> float:
    return float(len(samples))


def _sum(samples: Sequence[float]) -> float:
    return float(sum(samples))


_WHOLE: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "Average": _mean,
    "Maximum": max,
    "Minimum": min,
    "SampleCount": _count,
    "Sum": _sum,
}
"""Statistics that need no number."""


def _statistic(resource: Resource) -> str:
    plain = resource.properties.text("statistic")
    extended = resource.properties.text("extendedStatistic")
    if extended is not None and plain is None and _PERCENTILE.fullmatch(extended):
        return extended
    if plain is None or extended is not None or plain not in _WHOLE:
        at = "statistic" if extended is None else "extendedStatistic"
        raise Undetermined(at, resource.urn)
    return plain


def _one_of(resource: Resource, name: str, allowed: tuple[str, ...], usual: str = "") -> str:
    given = resource.properties.text(name) or usual
    if given not in allowed:
        raise Undetermined(name, resource.urn)
    return given


def _number(resource: Resource, name: str) -> float:
    given = resource.properties.number(name)
    if given is None:
        raise Undetermined(name, resource.urn)
    return given


def _whole(resource: Resource, name: str) -> int:
    given = _number(resource, name)
    if given < 1 or given != int(given):
        raise Undetermined(name, resource.urn)
    return int(given)
