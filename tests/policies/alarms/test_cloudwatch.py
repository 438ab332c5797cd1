"""Alarms go off when CloudWatch's would: its own examples, and what is known of statistics."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.graph import UNKNOWN, Value, struct_of
from policies.alarms.cloudwatch import Alarm, Missing, Series, State, after, fires
from policies.core.properties import Properties, Undetermined
from policies.core.subjects import Resource

ALARM = Alarm(
    statistic="Maximum",
    unit=None,
    period_s=60,
    evaluation_periods=3,
    datapoints=3,
    comparison="GreaterThanOrEqualToThreshold",
    threshold=1,
    missing=Missing.MISSING,
    few_samples_count=True,
)
POINTS = {"0": 0.0, "X": 1.0, "-": None}

OK, ALARMED, NONE, KEPT = State.OK, State.ALARM, State.INSUFFICIENT_DATA, None

# "Configuring how CloudWatch alarms treat missing data", both of its tables: the data points, and
# what comes of them by treatMissingData: missing, ignore, breaching, notBreaching.
EXAMPLES = [
    (3, "0 - X - X", OK, OK, OK, OK),
    (3, "0 - - - -", OK, OK, OK, OK),
    (3, "- - - - -", NONE, KEPT, ALARMED, OK),
    (3, "0 X X - X", ALARMED, ALARMED, ALARMED, ALARMED),
    (3, "- - X - -", ALARMED, KEPT, ALARMED, OK),
    (2, "0 - X - X", ALARMED, ALARMED, ALARMED, ALARMED),
    (2, "0 0 X 0 X", ALARMED, ALARMED, ALARMED, ALARMED),
    (2, "0 - X - -", OK, OK, ALARMED, OK),
    (2, "- - - - 0", OK, OK, ALARMED, OK),
    (2, "- - - X -", ALARMED, KEPT, ALARMED, OK),
]


@pytest.mark.parametrize(
    ("datapoints", "points", *("states",)), [(d, p, s) for d, p, *s in EXAMPLES]
)
@pytest.mark.parametrize("before", [State.OK, State.ALARM])
def test_missing_data_counts_as_in_the_examples_of_the_user_guide(
    datapoints: int, points: str, states: list[State | None], before: State
) -> None:
    given_points = [POINTS[point] for point in points.split()]
    for missing, expected in zip(Missing, states, strict=True):
        alarm = replace(ALARM, datapoints=datapoints, missing=missing)
        assert after(alarm, given_points, before) is (expected or before), missing


@pytest.mark.parametrize(
    ("statistic", "samples", "threshold", "goes_off"),
    [
        ("Maximum", (0, 5), 5, True),
        ("Maximum", (0, 5), 6, False),
        ("Minimum", (0, 5), 1, False),
        ("Average", (0, 5), 2.5, True),
        ("Sum", (2, 3), 5, True),
        ("SampleCount", (0, 0), 2, True),
        ("SampleCount", (9,), 2, False),
        ("p50", (1, 2, 3), 2, True),
        ("p99", (*(0,) * 99, 9), 9, True),
        ("p90", (*(0,) * 99, 9), 9, False),
    ],
)
def test_a_statistic_is_taken_over_the_samples_of_a_period(
    statistic: str, samples: tuple[float, ...], threshold: float, *, goes_off: bool
) -> None:
    alarm = replace(
        ALARM, statistic=statistic, threshold=threshold, evaluation_periods=1, datapoints=1
    )
    series = Series(minutes=(samples,) * 5)
    assert (fires(alarm, series, within_s=300) is not None) is goes_off


def test_a_percentile_of_too_few_samples_may_count_for_nothing() -> None:
    alarm = replace(ALARM, statistic="p99", evaluation_periods=1, datapoints=1)
    series = Series(minutes=((9.0,) * 999,) * 5)
    assert fires(replace(alarm, few_samples_count=False), series, within_s=300) is None
    assert fires(alarm, series, within_s=300) == 60
    plenty = Series(minutes=((9.0,) * 1000,) * 5)
    assert fires(replace(alarm, few_samples_count=False), plenty, within_s=300) == 60


@pytest.mark.parametrize(
    ("comparison", "value", "goes_off"),
    [
        ("GreaterThanOrEqualToThreshold", 1, True),
        ("GreaterThanThreshold", 1, False),
        ("LessThanOrEqualToThreshold", 1, True),
        ("LessThanThreshold", 1, False),
        ("LessThanThreshold", 0, True),
    ],
)
def test_a_comparison_is_with_the_threshold(
    comparison: str, value: float, *, goes_off: bool
) -> None:
    alarm = replace(ALARM, comparison=comparison, evaluation_periods=1, datapoints=1)
    found = fires(alarm, Series(minutes=((value,),) * 3, before=()), within_s=120)
    assert (found is not None) is goes_off


def test_only_samples_of_the_alarms_unit_count() -> None:
    alarm = replace(ALARM, unit="Count", evaluation_periods=1, datapoints=1)
    assert fires(alarm, Series(minutes=((1.0,),) * 5, unit="None"), within_s=300) is None
    assert fires(alarm, Series(minutes=((1.0,),) * 5, unit="Count"), within_s=300) == 60


def test_silence_goes_off_once_no_data_point_of_the_range_is_left() -> None:
    alarm = replace(
        ALARM,
        statistic="SampleCount",
        comparison="LessThanThreshold",
        evaluation_periods=5,
        datapoints=5,
        missing=Missing.BREACHING,
    )
    silence = Series(before=(1.0,), minutes=((),) * 20)
    assert fires(alarm, silence, within_s=900) == 420
    assert fires(replace(alarm, missing=Missing.NOT_BREACHING), silence, within_s=900) is None


def test_a_period_of_a_day_takes_a_day_to_notice_that_nothing_comes() -> None:
    alarm = replace(
        ALARM, period_s=86_400, evaluation_periods=1, datapoints=1, missing=Missing.BREACHING,
        comparison="LessThanThreshold", statistic="SampleCount",
    )  # fmt: skip
    assert fires(alarm, Series(before=(1.0,), minutes=((),) * 20), within_s=900) is None


def test_an_alarm_that_was_off_before_is_off_at_once() -> None:
    alarm = replace(ALARM, evaluation_periods=1, datapoints=1)
    assert fires(alarm, Series(before=(1.0,), minutes=((1.0,),)), within_s=60) == 0


@pytest.mark.parametrize(
    ("period_s", "periods", "datapoints", "at"),
    [
        (60, 3, 4, "datapointsToAlarm"),
        (60, 3, 0, "datapointsToAlarm"),
        (45, 1, 1, "period"),
        (60, 1441, 1, "evaluationPeriods"),
        (86_400, 8, 1, "evaluationPeriods"),
    ],
)
def test_what_cloudwatch_refuses_is_named(
    period_s: int, periods: int, datapoints: int, at: str
) -> None:
    alarm = replace(ALARM, period_s=period_s, evaluation_periods=periods, datapoints=datapoints)
    assert [path for path, _ in alarm.refused()] == [at]


@pytest.mark.parametrize(
    ("period_s", "periods", "datapoints"), [(10, 1, 1), (60, 1440, 3), (86_400, 7, 7)]
)
def test_what_cloudwatch_takes_is_not_refused(period_s: int, periods: int, datapoints: int) -> None:
    alarm = replace(ALARM, period_s=period_s, evaluation_periods=periods, datapoints=datapoints)
    assert not list(alarm.refused())


INPUTS: dict[str, Value] = {
    "statistic": "Sum",
    "period": 60,
    "evaluationPeriods": 2,
    "comparisonOperator": "GreaterThanThreshold",
    "threshold": 1,
}


def read(**changes: Value) -> Alarm:
    inputs = {**INPUTS, **changes}
    return Alarm.of(
        Resource(
            urn="u",
            type="aws:cloudwatch/metricAlarm:MetricAlarm",
            name="n",
            properties=Properties(struct_of({k: v for k, v in inputs.items() if v is not None})),
        )
    )


def test_an_alarm_is_read_with_cloudwatchs_own_defaults() -> None:
    alarm = read()
    assert alarm.datapoints == alarm.evaluation_periods == 2
    assert alarm.missing is Missing.MISSING
    assert alarm.unit is None
    assert alarm.few_samples_count


def test_alarms_on_dynamodbs_metrics_keep_their_state_without_data_whatever_they_say() -> None:
    assert read(treatMissingData="breaching").missing is Missing.BREACHING
    found = read(treatMissingData="breaching", namespace="AWS/DynamoDB")
    assert found.missing is Missing.IGNORE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("metricQueries", [{"id": "m"}]),
        ("thresholdMetricId", "ad1"),
        ("evaluationWindow", {"x": 1}),
        ("comparisonOperator", "GreaterThanUpperThreshold"),
        ("extendedStatistic", "p99"),
        ("statistic", None),
        ("statistic", "Mean"),
        ("statistic", UNKNOWN),
        ("threshold", None),
        ("threshold", UNKNOWN),
        ("period", 0),
        ("evaluationPeriods", 1.5),
        ("treatMissingData", "whatever"),
        ("evaluateLowSampleCountPercentiles", "whatever"),
    ],
)
def test_what_nothing_here_evaluates_is_undetermined(name: str, value: Value) -> None:
    with pytest.raises(Undetermined):
        read(**{name: value})


@given(
    alarm=st.builds(
        Alarm,
        statistic=st.sampled_from(["Average", "Maximum", "Minimum", "SampleCount", "Sum", "p90"]),
        unit=st.none(),
        period_s=st.sampled_from([10, 30, 60, 120, 300]),
        evaluation_periods=st.integers(1, 5),
        datapoints=st.integers(1, 5),
        comparison=st.sampled_from(["GreaterThanThreshold", "LessThanThreshold"]),
        threshold=st.floats(-5, 5),
        missing=st.sampled_from(Missing),
        few_samples_count=st.booleans(),
    ),
    minutes=st.lists(st.lists(st.floats(-9, 9), max_size=3).map(tuple), max_size=8).map(tuple),
)
def test_waiting_longer_never_makes_an_alarm_go_off_earlier_or_not(
    alarm: Alarm, minutes: tuple[tuple[float, ...], ...]
) -> None:
    series = Series(minutes=minutes)
    soon, late = fires(alarm, series, within_s=300), fires(alarm, series, within_s=900)
    assert soon is None or soon == late
    assert late is None or late % min(60, alarm.period_s) == 0
