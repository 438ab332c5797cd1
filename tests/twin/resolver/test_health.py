"""When Route 53 calls an endpoint healthy: as properties over simulated time, with mutants."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.twin.resolver.health import CHECKER_REGIONS, ProbedHealth, verdicts
from holdfast.twin.resolver.zones import HealthCheck

CHECK = HealthCheck(id="c", type="HTTP", host="x", interval_s=10, threshold=3)

Make = Callable[[HealthCheck], ProbedHealth]


def flips_after_s(
    health: ProbedHealth, *, fault_s: float, passes: bool, probe_s: float = 0.0
) -> float:
    """Seconds from a fault until the verdict changes, when all probes change at the fault."""
    before = health.healthy
    probes = sorted(
        (health.first_probe_s(checker) + turn * health.check.interval_s, checker)
        for checker in range(len(health.checkers))
        for turn in range(40)
    )
    for at_s, checker in probes:
        health.observe(checker, passed=passes if at_s >= fault_s else not passes)
        if health.healthy is not before:
            return at_s + probe_s - fault_s
    raise AssertionError("the verdict never changed")


def is_noticed_within_the_documented_bound(make: Make) -> None:
    """A dead endpoint is noticed no sooner than F-1 intervals and within F, for any phase."""
    for interval_s, threshold in ((10, 3), (30, 3), (10, 1), (30, 10)):
        for tenth in range(20):
            check = replace(CHECK, interval_s=interval_s, threshold=threshold)
            after_s = flips_after_s(
                make(check), fault_s=100 + tenth * interval_s / 10, passes=False
            )
            assert (threshold - 1) * interval_s <= after_s <= threshold * interval_s


def test_a_dead_endpoint_is_noticed_within_threshold_times_interval() -> None:
    is_noticed_within_the_documented_bound(ProbedHealth)


def test_checkers_that_all_probe_at_once_and_think_at_once_are_noticed() -> None:
    class Impatient(ProbedHealth):
        def observe(self, checker: int, *, passed: bool) -> None:
            for _ in range(self.check.threshold):
                ProbedHealth.observe(self, checker, passed=passed)

    with pytest.raises(AssertionError):
        is_noticed_within_the_documented_bound(Impatient)


def test_recovery_takes_as_many_probes_as_failure_but_fewer_checkers() -> None:
    health = ProbedHealth(CHECK)
    for checker in range(len(health.checkers)):
        for _ in range(3):
            health.observe(checker, passed=False)
    assert not health.healthy
    # The second of eight checkers makes 25 %, which is more than 18 %.
    assert 20 <= flips_after_s(health, fault_s=0, passes=True) <= 30


def test_a_new_check_counts_as_healthy_and_an_inverted_one_as_not() -> None:
    assert ProbedHealth(CHECK).healthy
    assert not ProbedHealth(replace(CHECK, inverted=True)).healthy


def test_a_disabled_check_keeps_its_verdict_whatever_was_seen() -> None:
    for inverted in (False, True):
        health = ProbedHealth(replace(CHECK, disabled=True, inverted=inverted))
        for checker in range(len(health.checkers)):
            for _ in range(3):
                health.observe(checker, passed=False)
        assert health.healthy is not inverted


@given(healthy=st.integers(0, len(CHECKER_REGIONS)))
def test_the_check_is_healthy_while_more_than_18_percent_say_so(healthy: int) -> None:
    health = ProbedHealth(CHECK)
    for checker in health.checkers[healthy:]:
        checker.healthy = False
    assert health.healthy is (healthy / len(CHECKER_REGIONS) > 0.18)
    assert health.healthy_checkers == healthy


@given(results=st.lists(st.booleans(), max_size=60), threshold=st.integers(1, 10))
def test_a_checker_changes_its_mind_only_after_threshold_results_in_a_row(
    results: list[bool], threshold: int
) -> None:
    health = ProbedHealth(replace(CHECK, threshold=threshold))
    checker = health.checkers[0]
    for number, passed in enumerate(results, start=1):
        before = checker.healthy
        health.observe(0, passed=passed)
        if checker.healthy is not before:
            assert results[number - threshold : number] == [checker.healthy] * threshold


def test_the_checkers_stand_where_the_check_says() -> None:
    regions = ("eu-west-1", "us-east-1", "ap-southeast-1")
    health = ProbedHealth(replace(CHECK, regions=regions))
    assert tuple(checker.region for checker in health.checkers) == regions


def test_the_checkers_share_the_interval_evenly() -> None:
    health = ProbedHealth(CHECK)
    starts_s = [health.first_probe_s(checker) for checker in range(8)]
    assert starts_s == [1.25 * number for number in range(8)]


@pytest.mark.parametrize(
    ("states", "needed", "healthy"),
    [((True, False), 1, True), ((False, False), 1, False), ((True, False), 2, False)],
)
def test_a_calculated_check_counts_its_children(
    states: tuple[bool, bool], needed: int, *, healthy: bool
) -> None:
    probed: dict[str, ProbedHealth] = {}
    for name, state in zip("ab", states, strict=True):
        probed[name] = ProbedHealth(replace(CHECK, id=name))
        for checker in probed[name].checkers:
            checker.healthy = state
    total = HealthCheck(id="sum", type="CALCULATED", children=("a", "b"), child_threshold=needed)
    checks = {"sum": total, **{name: health.check for name, health in probed.items()}}
    assert verdicts(checks, probed) == {"a": states[0], "b": states[1], "sum": healthy}
    inverted = verdicts({"sum": replace(total, inverted=True)}, probed)
    assert inverted["sum"] is not healthy


def test_a_child_that_does_not_exist_counts_as_healthy() -> None:
    total = HealthCheck(id="sum", type="CALCULATED", children=("gone",), child_threshold=1)
    assert verdicts({"sum": total}, {}) == {"sum": True}
