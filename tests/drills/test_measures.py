import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.drills import measures
from holdfast.drills.history import Leader, Outcome, Request
from tests.drills.histories import (
    KILLED_S,
    LOST,
    RESTORED_S,
    a_good_history,
    a_plan,
    changed,
)

HISTORY = a_good_history()


def asked(due_s: float, outcome: Outcome) -> Request:
    return Request(
        user="u",
        tenant="acme",
        jurisdiction="us",
        location="new-york",
        task=f"t{due_s}",
        due_s=due_s,
        sent_s=due_s,
        end_s=due_s + 0.1,
        region=LOST,
        outcome=outcome,
    )


def served(pattern: str, per_s: int = 4) -> list[Request]:
    """A request per letter: ``.`` served, ``x`` failed, ``r`` refused."""
    outcomes = {".": Outcome.OK, "x": Outcome.FAILED, "r": Outcome.REFUSED}
    return [asked(index / per_s, outcomes[letter]) for index, letter in enumerate(pattern)]


def test_a_window_counts_what_was_due_in_it() -> None:
    counted = measures.window(served("..xr...."), 0, 1)
    assert (counted.asked, counted.succeeded) == (4, 2)


def test_a_window_without_requests_has_not_succeeded() -> None:
    assert measures.window([], 0, 1).rate == 0


def test_users_who_were_never_disturbed_recovered_at_once() -> None:
    assert measures.recovered_s(served("." * 200), after_s=5, until_s=50) == 5


def test_a_single_failure_in_a_long_window_of_successes_does_not_count() -> None:
    pattern = "." * 300 + "x" + "." * 300
    requests = served(pattern, per_s=20)
    assert measures.recovered_s(requests, after_s=1, until_s=30) == 1


def test_nor_does_it_in_the_last_seconds_of_a_drill() -> None:
    pattern = "." * 590 + "x" + "." * 9
    requests = served(pattern, per_s=20)
    assert measures.recovered_s(requests, after_s=1, until_s=30) == 1


def test_the_same_failure_among_fewer_does() -> None:
    pattern = "." * 60 + "x" + "." * 100
    recovered = measures.recovered_s(served(pattern), after_s=1, until_s=40)
    assert recovered == pytest.approx(61 / 4)


def test_failures_before_the_fault_say_nothing_about_recovery() -> None:
    assert measures.recovered_s(served("xxxx" + "." * 196), after_s=2, until_s=50) == 2


def test_users_who_are_only_refused_have_not_recovered() -> None:
    assert measures.recovered_s(served("r" * 200), after_s=5, until_s=50) is None


@given(st.lists(st.sampled_from(".....x"), min_size=100, max_size=300))
def test_after_a_recovery_every_window_is_good(letters: list[str]) -> None:
    requests = served("".join(letters))
    until_s = requests[-1].due_s
    recovered = measures.recovered_s(requests, after_s=2, until_s=until_s)
    if recovered is None:
        return
    latest_s = until_s - measures.WINDOW_S
    starts = [request.due_s for request in requests if recovered <= request.due_s <= latest_s]
    for start_s in (*starts, latest_s):
        assert measures.window(requests, start_s, start_s + measures.WINDOW_S).rate >= 0.99


@given(st.lists(st.sampled_from(".....x"), min_size=100, max_size=300))
def test_no_earlier_moment_would_have_been_a_recovery(letters: list[str]) -> None:
    requests = served("".join(letters))
    recovered = measures.recovered_s(requests, after_s=2, until_s=requests[-1].due_s)
    if recovered is None or recovered == 2:
        return
    just_before = [request for request in requests if request.due_s < recovered][-1]
    assert just_before.outcome is Outcome.FAILED


def test_a_reign_ends_when_somebody_else_is_seen() -> None:
    reigns = [reign for reign in measures.reigns(HISTORY) if reign.jurisdiction == "us"]
    assert [(reign.region, reign.token) for reign in reigns] == [(LOST, 1), ("us-west-2", 2)]
    assert reigns[0].end_s == reigns[1].start_s == KILLED_S + 12
    assert reigns[1].end_s == a_plan().duration_s


def test_time_without_a_leader_belongs_to_nobody() -> None:
    gone = changed(
        HISTORY,
        lambda event: (
            event.model_copy(update={"region": None})
            if isinstance(event, Leader) and event.jurisdiction == "us" and 40 <= event.at_s < 50
            else event
        ),
    )
    us = [reign for reign in measures.reigns(gone) if reign.jurisdiction == "us"]
    assert [(reign.start_s, reign.end_s) for reign in us] == [(0, 22), (22, 40), (50, 120)]


def test_the_series_has_a_gap_where_nobody_asked() -> None:
    series = measures.success_series([*served("...."), asked(3.5, Outcome.FAILED)], end_s=4)
    assert series == [(0, 1.0), (1, None), (2, None), (3, 0.0)]


def test_a_region_has_returned_when_it_serves_somebody() -> None:
    assert measures.returned_s(HISTORY) is None
    again = asked(95, Outcome.OK)
    back = HISTORY.with_events([*HISTORY.events, again])
    assert measures.returned_s(back) == 95 > RESTORED_S


def test_percentiles_are_of_the_requests_that_succeeded() -> None:
    assert measures.percentile_ms(served("..x"), 0.5) == pytest.approx(100)
    assert measures.percentile_ms(served("xx"), 0.5) is None


def test_the_worst_window_around_a_failure_decides() -> None:
    # Five failures in 20 s are too many for 400 requests; windows with fewer of them are good.
    failed = {40, 120, 200, 280, 360}
    pattern = "".join("x" if number in failed else "." for number in range(1200))
    recovered = measures.recovered_s(served(pattern, per_s=20), after_s=1, until_s=60)
    assert recovered == pytest.approx(361 / 20)


def test_a_region_that_fails_its_users_has_not_returned() -> None:
    again = [asked(95, Outcome.FAILED), asked(97, Outcome.OK)]
    assert measures.returned_s(HISTORY.with_events([*HISTORY.events, *again])) == 97


def test_percentiles_count_from_when_a_request_was_due() -> None:
    late = [request.model_copy(update={"sent_s": request.due_s + 0.05}) for request in served("..")]
    assert measures.percentile_ms(late, 0.5) == pytest.approx(100)
