from holdfast.drills.drill import LostRegionLeads, SuccessRate
from holdfast.drills.history import History, Leader, Outcome, Request
from tests.drills.histories import a_good_history, changed

GOOD = a_good_history()


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
    assert LostRegionLeads().trouble(before, 9) is None
    plan = before.plan.model_copy(update={"lost_region": "us-west-2"})
    assert LostRegionLeads().trouble(History(plan, before.events), 9) == (
        "us-east-1 leads US, not us-west-2"
    )
    assert LostRegionLeads().trouble(GOOD.with_events([]), 9) == "nobody leads US, not us-east-1"


def test_agents_that_elect_nobody_need_no_leader() -> None:
    plan = GOOD.plan.model_copy(update={"evidence": ()})
    assert LostRegionLeads().trouble(History(plan, ()), 9) is None
