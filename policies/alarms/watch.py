"""What an alarm has to notice, and whether the alarms of a stack do.

A watch names a metric and where it is published, series of it for which somebody must be told,
and series for which nobody may be. An alarm keeps a watch if it lies in that region, is on exactly
that metric, goes off in time for each of the bad series and for none of the good ones, and
announces itself on a topic.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from policies.alarms.cloudwatch import Alarm, Series, fires
from policies.alarms.reach import wiring
from policies.core.kinds import ALARM
from policies.core.properties import Undetermined
from policies.core.rule import Violation, undetermined
from policies.core.subjects import Resource, Stack

_PATHS: Final[Mapping[str, str]] = {
    "statistic": "statistic",
    "unit": "unit",
    "period_s": "period",
    "evaluation_periods": "evaluationPeriods",
    "datapoints": "datapointsToAlarm",
    "comparison": "comparisonOperator",
    "threshold": "threshold",
    "missing": "treatMissingData",
    "few_samples_count": "evaluateLowSampleCountPercentiles",
}
"""Where each part of an alarm stands in the resource."""


@dataclass(frozen=True)
class Dimension:
    """What a dimension has to say; one that knows neither may say anything.

    Attributes:
        texts: Values, each as good as the other, as far as the program knows them.
        of: Resources that the value may come from.
    """

    texts: tuple[str, ...] = ()
    of: tuple[Resource, ...] = ()

    @classmethod
    def name(cls, at: str, *resources: Resource) -> "Dimension":
        """The physical name of a resource, or of one of several."""
        known = [one.properties.text(at) for one in resources if not one.properties.is_unknown(at)]
        return cls(tuple(filter(None, known)), resources)

    def __str__(self) -> str:
        return " or ".join(self.texts) or "..."


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One thing that somebody has to be told.

    Attributes:
        what: What has happened then, such as ``the kill switch of eu is tripped``.
        owner: What it happens to: blamed where no alarm is on it.
        region: Where the metric is published; alarms see no other region's.
        namespace: Of the metric.
        metric: Its name.
        dimensions: All of them, by name.
        bad: Series for which the alarm has to go off.
        good: Series for which it must not.
        within_s: How soon, in seconds.
        model: An alarm that does both, which tells what is wrong with one that does not.
    """

    what: str
    owner: Resource
    region: str
    namespace: str
    metric: str
    dimensions: Mapping[str, Dimension]
    bad: tuple[Series, ...]
    good: tuple[Series, ...]
    within_s: int
    model: Alarm


def unkept(watches: Sequence[Watch], stack: Stack) -> Iterator[tuple[str, Violation]]:
    """What is wrong with a stack's alarms, by the URN of what is wrong.

    Args:
        watches: All that have to be kept.
        stack: The stack.
    """
    alarms = alarms_of(stack)
    kept: set[str] = set()
    lacking: list[Watch] = []
    for watch in watches:
        on = [alarm for alarm in alarms.at(watch) if _is_on(alarm, watch)]
        kept.update(alarm.urn for alarm in on)
        if not on:
            lacking.append(watch)
            continue
        faults = [[(alarm.urn, one) for one in _faults(alarm, watch, stack)] for alarm in on]
        # One alarm that works is enough, whatever else there is.
        if all(faults):
            yield from (one for found in faults for one in found)
    for watch in lacking:
        near = next((pair for pair in alarms.near(watch) if pair[0].urn not in kept), None)
        if near is None:
            found = f"no alarm in {watch.region} is on {watch.namespace} {watch.metric}"
            yield watch.owner.urn, _wrong(watch, found, "")
        else:
            alarm, at = near
            kept.add(alarm.urn)
            yield alarm.urn, _wrong(watch, f"it is on another metric than {_metric(watch)}", at)


class Alarms:
    """The metric alarms of a stack, found by what they are on."""

    def __init__(self, stack: Stack) -> None:
        self.all = stack.of_type(ALARM)
        self._at: dict[tuple[str, ...], list[Resource]] = {}
        for alarm in self.all:
            self._at.setdefault(_place(alarm), []).append(alarm)

    def at(self, watch: Watch) -> Sequence[Resource]:
        """Those on a watch's metric in its region, whatever their dimensions."""
        return self._at.get((watch.region, watch.namespace, watch.metric), ())

    def near(self, watch: Watch) -> Iterator[tuple[Resource, str]]:
        """Those that one property keeps from being on a watch, with that property."""
        wanted = (watch.region, watch.namespace, watch.metric)
        for place, alarms in self._at.items():
            wrong = [
                at
                for at, mine, theirs in zip(
                    ("region", "namespace", "metricName"), place, wanted, strict=True
                )
                if mine != theirs
            ]
            if len(wrong) > 1:
                continue
            for alarm in alarms:
                dimensions = list(_wrong_dimensions(alarm, watch))
                if not wrong and dimensions:
                    yield alarm, dimensions[0]
                elif wrong and not dimensions:
                    yield alarm, wrong[0]


@lru_cache(maxsize=2)
def alarms_of(stack: Stack) -> Alarms:
    """The alarms of a stack, gathered once for all rules."""
    return Alarms(stack)


def _place(alarm: Resource) -> tuple[str, ...]:
    properties = alarm.properties
    return (
        alarm.region,
        properties.text("namespace") or "",
        properties.text("metricName") or "",
    )


def _is_on(alarm: Resource, watch: Watch) -> bool:
    return not any(_wrong_dimensions(alarm, watch))


def _wrong_dimensions(alarm: Resource, watch: Watch) -> Iterator[str]:
    """Paths of the dimensions in which an alarm is not on a watch's metric."""
    given = alarm.properties.object("dimensions")
    for name, wanted in watch.dimensions.items():
        at = f"dimensions.{name}"
        if given is None or name not in given:
            yield at
        elif given.is_unknown(name):
            # Which of them it is that a value comes from, the engine does not say.
            if not set(wanted.of) & set(alarm.references.get("dimensions", ())):
                yield at
        elif given.text(name) not in wanted.texts and wanted != Dimension():
            yield at
    for name in sorted(set(given.copy() if given else ()) - set(watch.dimensions)):
        yield f"dimensions.{name}"


def _faults(alarm: Resource, watch: Watch, stack: Stack) -> Iterator[Violation]:
    """What keeps an alarm from telling somebody of what it is on."""
    try:
        mine = Alarm.of(alarm)
    except Undetermined as unknown:
        yield undetermined(unknown.path)
        return
    refused = [_wrong(watch, f"CloudWatch refuses it: {why}", at) for at, why in mine.refused()]
    yield from refused or [*_misjudged(mine, watch)] or _stale(mine, watch)
    yield from wiring(alarm, stack)


def _misjudged(mine: Alarm, watch: Watch) -> Iterator[Violation]:
    for wanted, all_series, found in (
        (True, watch.bad, f"it does not go off within {watch.within_s} s"),
        (False, watch.good, "it goes off while there is nothing to tell"),
    ):
        for series in all_series:

            def is_right(alarm: Alarm, series: Series = series, wanted: bool = wanted) -> bool:  # noqa: FBT001
                return (fires(alarm, series, within_s=watch.within_s) is not None) is wanted

            if not is_right(mine):
                yield _wrong(watch, found, _culprit(mine, watch, is_right))
                return


def _stale(mine: Alarm, watch: Watch) -> Iterator[Violation]:
    """Whether an alarm still tells of the last time when it happens again, and so tells nobody."""
    if mine.period_s > watch.within_s:
        yield _wrong(watch, f"one data point lasts {mine.period_s} s", "period")


def _culprit(mine: Alarm, watch: Watch, is_right: Callable[[Alarm], bool]) -> str:
    """Path of the one property that puts an alarm right as the model's; empty for several."""
    model = watch.model
    for field, at in _PATHS.items():
        change = {field: getattr(model, field)}
        if field == "evaluation_periods":
            # Where it is not said how many of them have to breach, all have to.
            change["datapoints"] = model.datapoints
        changed = replace(mine, **change)
        if changed != mine and not list(changed.refused()) and is_right(changed):
            return at
    return ""


def _metric(watch: Watch) -> str:
    named = ", ".join(f"{name}={one}" for name, one in watch.dimensions.items())
    return f"{watch.namespace} {watch.metric} ({named}) of {watch.region}"


def _wrong(watch: Watch, found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule=f"somebody is told within {watch.within_s} s when {watch.what}",
        fix="give it the alarm of the component that makes such things, as it is there",
        at=at,
    )
