"""Each check passes on a platform that keeps its promises, and catches the one that does not."""

import pytest

from holdfast.drills.checks import (
    Check,
    Detection,
    ExactlyOnce,
    Fenced,
    LeaderTakeover,
    NoLostWrites,
    OneLeader,
    OpenLoop,
    OthersUndisturbed,
    RecoveryTime,
    StateLoss,
    StaysIn,
)
from holdfast.drills.history import (
    AnyEvent,
    Effect,
    Evidence,
    Fault,
    Health,
    History,
    Leader,
    Outcome,
    Readback,
    Request,
    StaleWrite,
    Store,
    Transfer,
)
from holdfast.drills.region_loss import RegionLoss
from tests.drills.histories import (
    BACK_S,
    END_S,
    KILLED_S,
    LOST,
    RESTORED_S,
    a_good_history,
    changed,
    kept,
)

GOOD = a_good_history()


@pytest.mark.parametrize("check", RegionLoss.checks, ids=lambda check: check.name)
def test_a_platform_that_keeps_its_promises_passes(check: Check) -> None:
    verdict = check.judge(GOOD)
    assert verdict.passed, verdict
    assert verdict.check == check.name


@pytest.mark.parametrize("check", RegionLoss.checks, ids=lambda check: check.name)
def test_a_history_in_which_nothing_happened_passes_no_check(check: Check) -> None:
    assert not check.judge(GOOD.with_events([])).passed


def test_requests_that_were_never_sent_are_missed() -> None:
    stalled = changed(
        GOOD,
        lambda event: None if isinstance(event, Request) and 12 <= event.due_s < 90 else event,
    )
    verdict = OpenLoop().judge(stalled)
    assert not verdict.passed
    assert verdict.value == 2 * 4 * (90 - 12)


def test_how_far_the_client_was_behind_its_schedule_is_told() -> None:
    late = changed(
        GOOD,
        lambda event: (
            event.model_copy(update={"sent_s": event.due_s + 0.25})
            if isinstance(event, Request) and event.task == "eu7"
            else event
        ),
    )
    assert OpenLoop().judge(late).measured == "960 of 960 requests, at most 0.25 s late"


def test_detection_counts_from_the_injection() -> None:
    assert Detection().judge(GOOD).value == pytest.approx(30)


def test_a_health_check_that_never_notices_is_caught() -> None:
    blind = changed(GOOD, lambda event: None if isinstance(event, Health) else event)
    assert Detection().judge(blind).measured == "never"


def test_the_recovery_time_ends_with_the_first_request_that_is_served_for_good() -> None:
    assert RecoveryTime().judge(GOOD).value == pytest.approx(BACK_S - KILLED_S)


def outage(history: History, start_s: float, end_s: float) -> History:
    def fail(event: AnyEvent) -> AnyEvent:
        if (
            isinstance(event, Request)
            and event.jurisdiction == "us"
            and start_s <= event.due_s < end_s
        ):
            return event.model_copy(update={"outcome": Outcome.FAILED})
        return event

    return changed(history, fail)


def test_users_who_come_back_too_late_are_caught() -> None:
    verdict = RecoveryTime().judge(outage(GOOD, KILLED_S, KILLED_S + 61))
    assert not verdict.passed
    assert verdict.value == pytest.approx(61)


def test_a_relapse_when_the_region_returns_counts_from_the_loss() -> None:
    verdict = RecoveryTime().judge(outage(GOOD, 90, 93))
    assert not verdict.passed
    assert verdict.value == pytest.approx(93 - KILLED_S)


def test_users_who_never_come_back_are_caught() -> None:
    verdict = RecoveryTime().judge(outage(GOOD, KILLED_S, 200))
    assert not verdict.passed
    assert verdict.value is None


def test_a_recovery_in_the_last_moments_is_none_that_stayed() -> None:
    assert RecoveryTime().judge(outage(GOOD, KILLED_S, 115)).value is None


def test_a_leader_that_comes_too_late_is_caught() -> None:
    verdict = LeaderTakeover(at_most_s=5).judge(GOOD)
    assert not verdict.passed
    assert verdict.value == pytest.approx(12)


def test_the_lost_region_s_own_lease_on_record_is_no_takeover() -> None:
    frozen = changed(
        GOOD,
        lambda event: (
            event.model_copy(update={"region": LOST, "token": 1})
            if isinstance(event, Leader) and event.jurisdiction == "us"
            else event
        ),
    )
    assert LeaderTakeover(at_most_s=13).judge(frozen).value is None


def test_a_survivor_that_led_before_the_loss_has_taken_nothing_over() -> None:
    all_along = changed(
        GOOD,
        lambda event: (
            event.model_copy(update={"region": "us-west-2", "token": 2})
            if isinstance(event, Leader) and event.jurisdiction == "us"
            else event
        ),
    )
    verdict = LeaderTakeover(at_most_s=13).judge(all_along)
    assert not verdict.passed
    assert verdict.value is None


def test_a_region_that_never_came_back_has_not_been_survived_for_good() -> None:
    gone = changed(
        GOOD,
        lambda event: None if isinstance(event, Fault) and event.action == "restore" else event,
    )
    verdict = RecoveryTime().judge(gone)
    assert not verdict.passed
    assert verdict.measured == "the region did not come back before the end"


def test_a_jurisdiction_that_fails_with_the_other_is_caught() -> None:
    def fail(event: AnyEvent) -> AnyEvent:
        if isinstance(event, Request) and event.jurisdiction == "eu" and 20 < event.due_s < 30:
            return event.model_copy(update={"outcome": Outcome.FAILED})
        return event

    assert not OthersUndisturbed().judge(changed(GOOD, fail)).passed


def refused(history: History, jurisdiction: str, start_s: float, end_s: float) -> History:
    def refuse(event: AnyEvent) -> AnyEvent:
        if (
            isinstance(event, Request)
            and event.jurisdiction == jurisdiction
            and start_s <= event.due_s < end_s
        ):
            return event.model_copy(update={"outcome": Outcome.REFUSED, "reason": "http-421"})
        return event

    return changed(history, refuse)


def test_users_who_are_sent_away_have_noticed() -> None:
    assert not OthersUndisturbed().judge(refused(GOOD, "eu", 60, END_S)).passed


def test_users_who_were_sent_to_another_jurisdiction_meanwhile_were_not_served() -> None:
    verdict = RecoveryTime().judge(refused(GOOD, "us", KILLED_S, RESTORED_S))
    assert not verdict.passed
    assert verdict.value == pytest.approx(RESTORED_S - KILLED_S)


def unseen(event: AnyEvent, store: Store, task: str) -> AnyEvent:
    if isinstance(event, Readback) and event.store is store and event.task == task:
        return event.model_copy(update={"visible": False})
    return event


def test_one_acknowledged_write_that_a_survivor_lacks_is_caught() -> None:
    verdict = NoLostWrites().judge(
        changed(GOOD, lambda event: unseen(event, Store.COORDINATION, "us12"))
    )
    assert not verdict.passed
    assert verdict.value == 1
    assert verdict.details == ("task us12 is not there",)


def test_reads_of_writes_that_the_lost_region_did_not_make_prove_nothing() -> None:
    elsewhere = changed(
        GOOD,
        lambda event: (
            event.model_copy(update={"region": "us-west-2"})
            if isinstance(event, Request) and event.jurisdiction == "us"
            else event
        ),
    )
    assert not NoLostWrites().judge(elsewhere).passed


def unasked(event: AnyEvent) -> AnyEvent | None:
    return None if isinstance(event, Readback) and event.task == "us12" else event


def test_a_write_that_nobody_looked_for_is_not_taken_for_safe() -> None:
    verdict = NoLostWrites().judge(changed(GOOD, unasked))
    assert not verdict.passed
    assert verdict.details == ("1 acknowledged writes were not looked for",)
    assert StateLoss().judge(changed(GOOD, unasked)).value is None


def test_what_survivors_acknowledged_later_is_looked_for_as_well() -> None:
    verdict = NoLostWrites().judge(
        changed(
            GOOD,
            lambda event: None if isinstance(event, Readback) and event.task == "us300" else event,
        )
    )
    assert not verdict.passed
    assert verdict.details == ("1 acknowledged writes were not looked for",)


def test_the_last_half_second_of_state_may_be_lacking() -> None:
    verdict = StateLoss().judge(changed(GOOD, lambda event: unseen(event, Store.STATE, "us38")))
    assert verdict.passed
    assert verdict.value == pytest.approx(KILLED_S - 9.55)


def test_state_that_is_older_than_the_objective_and_lacking_is_caught() -> None:
    verdict = StateLoss().judge(changed(GOOD, lambda event: unseen(event, Store.STATE, "us4")))
    assert not verdict.passed
    assert verdict.value == pytest.approx(KILLED_S - 1.05)


def first_effect() -> Effect:
    return next(event for event in GOOD.events if isinstance(event, Effect))


def test_an_effect_that_was_done_twice_is_caught() -> None:
    again = first_effect().model_copy(update={"index": 10_000})
    verdict = ExactlyOnce().judge(changed(GOOD, kept, again))
    assert not verdict.passed
    assert verdict.measured.startswith("1 twice, 0 missing")


def test_an_acknowledged_task_that_was_never_done_is_caught() -> None:
    gone = first_effect()
    verdict = ExactlyOnce().judge(changed(GOOD, lambda event: None if event == gone else event))
    assert not verdict.passed
    assert verdict.measured.startswith("0 twice, 1 missing")


def test_a_stale_write_on_the_page_is_caught() -> None:
    stale = first_effect().model_copy(update={"index": 10_000, "token": 1, "task": "other"})
    verdict = Fenced().judge(changed(GOOD, kept, stale))
    assert not verdict.passed
    assert verdict.value == 1


def test_a_fence_that_nobody_ran_into_has_not_been_tested() -> None:
    quiet = changed(GOOD, lambda event: None if isinstance(event, StaleWrite) else event)
    assert not Fenced().judge(quiet).passed


def test_a_refusal_of_a_leader_that_nobody_had_replaced_does_not_count() -> None:
    current = changed(
        GOOD,
        lambda event: (
            event.model_copy(update={"token": 2}) if isinstance(event, StaleWrite) else event
        ),
    )
    assert not Fenced().judge(current).passed


def test_two_regions_with_one_token_are_caught() -> None:
    twin = Leader(at_s=50.5, jurisdiction="us", region=LOST, token=2)
    verdict = OneLeader().judge(changed(GOOD, kept, twin))
    assert not verdict.passed
    assert "token 2 was held in us-east-1, us-west-2" in verdict.details[0]


def test_a_token_that_falls_is_caught() -> None:
    fallen = Leader(at_s=200, jurisdiction="us", region=LOST, token=1)
    assert not OneLeader().judge(changed(GOOD, kept, fallen)).passed


def test_one_request_that_left_the_eu_is_caught_although_it_was_refused() -> None:
    strayed = Request(
        user="eu-3",
        tenant="initech",
        jurisdiction="eu",
        location="new-york",
        task="eu-strayed",
        due_s=5,
        sent_s=5,
        end_s=5.1,
        region=LOST,
        outcome=Outcome.REFUSED,
        reason="http-421",
        bytes_sent=280,
    )
    verdict = StaysIn().judge(changed(GOOD, kept, strayed))
    assert not verdict.passed
    assert verdict.value == 280
    assert verdict.details == ("eu-3 in new-york reached us-east-1",)


def test_the_jurisdiction_that_lost_a_region_is_watched_as_well() -> None:
    def abroad(event: AnyEvent) -> AnyEvent:
        if isinstance(event, Request) and event.task == "us300":
            return event.model_copy(update={"region": "eu-west-1"})
        return event

    verdict = StaysIn().judge(changed(GOOD, abroad))
    assert not verdict.passed
    assert verdict.measured == (
        "EU 0 bytes, of 480 requests and 4,000 replicated; "
        "US 300 bytes, of 480 requests and 6,000 replicated"
    )


def test_bytes_to_an_address_of_no_region_have_left_the_eu() -> None:
    def astray(event: AnyEvent) -> AnyEvent:
        if isinstance(event, Request) and event.task == "eu7":
            return event.model_copy(update={"region": None})
        return event

    assert StaysIn().judge(changed(GOOD, astray)).value == 300


def test_a_jurisdiction_that_is_not_seen_to_replicate_has_not_been_watched() -> None:
    silent = changed(
        GOOD,
        lambda event: (
            None if isinstance(event, Transfer) and event.resource == "eu-state" else event
        ),
    )
    assert not StaysIn().judge(silent).passed


def test_agents_that_keep_nothing_give_regions_nothing_to_send_each_other() -> None:
    silent = changed(GOOD, lambda event: None if isinstance(event, Transfer) else event)
    keeps_nothing = GOOD.plan.model_copy(update={"evidence": (Evidence.OTHERS,)})
    assert not StaysIn().judge(silent).passed
    assert StaysIn().judge(History(keeps_nothing, silent.events)).passed
    # Whoever asks must be seen all the same.
    assert not StaysIn().judge(History(keeps_nothing, ())).passed


def test_a_table_that_replicates_out_of_the_eu_is_caught() -> None:
    leak = Transfer(resource="eu-state", source="eu-west-1", target="us-west-2", bytes_sent=9)
    assert not StaysIn().judge(changed(GOOD, kept, leak)).passed


def test_without_an_injection_no_time_is_measured() -> None:
    calm = changed(GOOD, lambda event: None if isinstance(event, Fault) else event)
    for check in (Detection(), LeaderTakeover(at_most_s=13), RecoveryTime(), StateLoss()):
        assert not check.judge(calm).passed


def test_a_request_that_is_on_record_twice_stands_in_for_none_that_is_missing() -> None:
    first, second = GOOD.requests[:2]
    doubled = changed(GOOD, lambda event: first if event == second else event)
    assert OpenLoop().judge(doubled).value == 1


def test_a_region_that_comes_back_after_the_last_request_has_come_back_too_late() -> None:
    late = changed(
        GOOD,
        lambda event: (
            event.model_copy(update={"done_s": END_S + 1})
            if isinstance(event, Fault) and event.action == "restore"
            else event
        ),
    )
    assert not RecoveryTime().judge(late).passed


def test_each_store_is_judged_by_its_own_reads() -> None:
    lacking = changed(GOOD, lambda event: unseen(event, Store.STATE, "us4"))
    assert NoLostWrites().judge(lacking).passed


def test_the_oldest_of_the_writes_that_are_lacking_counts() -> None:
    lacking = changed(
        changed(GOOD, lambda event: unseen(event, Store.STATE, "us38")),
        lambda event: unseen(event, Store.STATE, "us30"),
    )
    assert StateLoss().judge(lacking).value == pytest.approx(KILLED_S - 7.55)


def test_a_write_that_was_acknowledged_after_the_injection_was_not_at_stake() -> None:
    last = "us39"
    later = changed(
        GOOD,
        lambda event: (
            event.model_copy(update={"end_s": KILLED_S + 0.05})
            if isinstance(event, Request) and event.task == last
            else None
            if isinstance(event, Readback) and event.store is Store.STATE and event.task == last
            else event
        ),
    )
    assert StateLoss().judge(later).passed


def test_another_jurisdiction_s_newer_token_makes_no_write_stale() -> None:
    elsewhere = changed(
        GOOD,
        lambda event: (
            event.model_copy(update={"token": 2})
            if isinstance(event, StaleWrite)
            else event.model_copy(update={"token": 7})
            if isinstance(event, Leader) and event.jurisdiction == "eu"
            else event
        ),
    )
    assert not Fenced().judge(elsewhere).passed


def test_an_effect_of_a_region_that_did_not_hold_its_token_is_caught() -> None:
    usurper = first_effect().model_copy(update={"index": 10_000, "region": "us-west-2"})
    verdict = OneLeader().judge(changed(GOOD, kept, usurper))
    assert not verdict.passed
    assert "token 1 was held in us-east-1, us-west-2" in verdict.details[0]


def test_a_witness_serves_nobody() -> None:
    def at_the_witness(event: AnyEvent) -> AnyEvent:
        if isinstance(event, Request) and event.task == "eu7":
            return event.model_copy(update={"region": "eu-west-3"})
        return event

    assert not StaysIn().judge(changed(GOOD, at_the_witness)).passed


def test_a_table_that_is_written_from_outside_is_caught() -> None:
    intruder = Transfer(resource="eu-state", source="us-west-2", target="eu-west-1", bytes_sent=9)
    assert not StaysIn().judge(changed(GOOD, kept, intruder)).passed


def led_by(region: str | None, token: int, start_s: float, end_s: float) -> History:
    return changed(
        GOOD,
        lambda event: (
            event.model_copy(update={"region": region, "token": token})
            if isinstance(event, Leader)
            and event.jurisdiction == "us"
            and start_s <= event.at_s < end_s
            else event
        ),
    )


def test_a_survivor_that_led_for_a_while_before_the_loss_did_not_take_over_then() -> None:
    assert LeaderTakeover(at_most_s=13).judge(led_by("us-west-2", 0, 2, 5)).value == 12


def test_time_in_which_nobody_leads_is_part_of_the_takeover() -> None:
    assert LeaderTakeover(at_most_s=13).judge(led_by(None, 1, 12, 22)).value == 12


def test_detection_is_of_the_loss_and_of_the_region_that_was_lost() -> None:
    earlier = Health(at_s=KILLED_S - 5, region=LOST, healthy=False)
    other = Health(at_s=KILLED_S + 1, region="eu-west-1", healthy=False)
    assert Detection().judge(GOOD.with_events([earlier, other, *GOOD.events])).value == 30
