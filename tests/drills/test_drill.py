from holdfast.drills.drill import LeaderIn, SuccessRate
from holdfast.drills.history import Leader, Outcome, Request
from holdfast.drills.region_loss import RegionLoss
from tests.drills.histories import a_good_history, changed

GOOD = a_good_history()


def test_the_drill_suits_a_platform_with_the_region_and_the_jurisdictions_that_it_watches() -> None:
    assert RegionLoss.suits(GOOD.plan) is None


def test_a_platform_without_the_region_has_nothing_to_lose() -> None:
    eu = GOOD.plan.model_copy(update={"territories": {"eu": GOOD.plan.territories["eu"]}})
    assert RegionLoss.suits(eu) == "no jurisdiction is served from us-east-1"


def test_a_platform_without_a_jurisdiction_that_is_watched_is_refused() -> None:
    us = GOOD.plan.model_copy(update={"territories": {"us": GOOD.plan.territories["us"]}})
    assert RegionLoss.suits(us) == "it has no jurisdiction eu, whose users the drill watches"


def test_the_drill_is_long_enough_to_find_out_who_only_waits_for_the_region_to_return() -> None:
    fault, workload = RegionLoss.fault, RegionLoss.workload
    away_s = fault.until_s - fault.at_s
    # A user who asks shortly before the region returns is answered by it, and ends the outage.
    assert away_s >= GOOD.plan.objectives.rto_s + workload.timeout_s + 3
    assert workload.duration_s - fault.until_s > 30


def test_a_steady_state_is_one_in_which_every_jurisdiction_is_served() -> None:
    steady = SuccessRate(at_least=0.99, for_s=5)
    assert steady.trouble(GOOD, 9) is None
    failing = changed(
        GOOD,
        lambda event: (
            event.model_copy(update={"outcome": Outcome.FAILED})
            if isinstance(event, Request) and event.task == "eu30"
            else event
        ),
    )
    assert steady.trouble(failing, 9) == (
        "only 19 of 20 requests of eu succeeded in the last 5 s; at least 99% must"
    )


def test_a_platform_that_sends_users_away_is_rehearsed_and_judged() -> None:
    mistaken = changed(
        GOOD,
        lambda event: (
            event.model_copy(update={"outcome": Outcome.REFUSED})
            if isinstance(event, Request) and event.jurisdiction == "eu" and int(event.task[2:]) % 2
            else event
        ),
    )
    assert SuccessRate(at_least=0.99, for_s=5).trouble(mistaken, 9) is None


def test_a_platform_that_nobody_uses_is_in_no_steady_state() -> None:
    assert SuccessRate(at_least=0.99, for_s=5).trouble(GOOD.with_events([]), 9) is not None


def test_the_region_that_is_lost_must_lead_at_that_moment() -> None:
    before = changed(
        GOOD, lambda event: None if isinstance(event, Leader) and event.at_s > 9 else event
    )
    assert LeaderIn("us-east-1").trouble(before, 9) is None
    assert LeaderIn("us-west-2").trouble(before, 9) == "us-east-1 leads US, not us-west-2"
    assert LeaderIn("us-east-1").trouble(GOOD.with_events([]), 9) == (
        "nobody leads US, not us-east-1"
    )
