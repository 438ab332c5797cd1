from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from holdfast.drills.checks import Verdict
from holdfast.drills.history import Evidence, History, Outcome, Request, StaleWrite
from holdfast.drills.judgement import judge, moments, traffic
from holdfast.drills.mutants import LongTtl, NoFencing
from holdfast.drills.region_loss import RegionLoss
from holdfast.drills.result import DrillResult, ExitCode
from holdfast.errors import DrillError
from tests.drills.histories import BACK_S, KILLED_S, a_good_history, changed
from tests.drills.results import CIRCUMSTANCES, a_result

GOOD = a_good_history()


def test_a_platform_that_keeps_its_promises_passes() -> None:
    result = a_result(GOOD)
    assert result.passed
    assert result.failed_checks == ()
    assert result.exit_code is ExitCode.PASSED
    assert result.memory_peak_bytes == 500_000_000


@dataclass(frozen=True)
class Mistaken:
    """A check with a mistake in it."""

    answer: object = None
    name: ClassVar[str] = "mistaken"
    needs: ClassVar[frozenset[Evidence]] = frozenset()

    def judge(self, history: History) -> Verdict:
        assert history.events
        if self.answer is None:
            raise ZeroDivisionError("division by zero")
        return self.answer  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("check", "told"),
    [
        (Mistaken(), r"mistaken fails by itself: ZeroDivisionError: division by zero\. .* is kept"),
        (Mistaken(7), r"mistaken answers 7; allowed is a Verdict"),
    ],
)
def test_a_check_with_a_mistake_in_it_is_told_in_a_sentence(check: Mistaken, told: str) -> None:
    drill = type("Mistake", (RegionLoss,), {"checks": (check,)})
    with pytest.raises(DrillError, match=told):
        judge(drill, GOOD, None, CIRCUMSTANCES)


def test_one_missed_objective_fails_the_drill() -> None:
    quiet = changed(GOOD, lambda event: None if isinstance(event, StaleWrite) else event)
    result = a_result(quiet)
    assert result.failed_checks == ("fence",)
    assert result.exit_code is ExitCode.MISSED


def late(mutant_s: float = 70) -> DrillResult:
    history = changed(
        GOOD,
        lambda event: (
            event.model_copy(update={"outcome": Outcome.FAILED})
            if isinstance(event, Request)
            and event.jurisdiction == "us"
            and KILLED_S <= event.due_s < KILLED_S + mutant_s
            else event
        ),
    )
    return a_result(history, LongTtl())


def test_a_mutant_is_caught_when_exactly_what_it_breaks_has_failed() -> None:
    result = late()
    # Tasks that were not acknowledged in the outage need no effect, so one check alone fails.
    assert result.failed_checks == ("recovery-time",)
    assert result.mutant is not None
    assert result.mutant.caught


def test_a_mutant_that_fails_for_another_reason_is_not_caught() -> None:
    quiet = changed(GOOD, lambda event: None if isinstance(event, StaleWrite) else event)
    for mutant in (LongTtl(), NoFencing()):
        report = a_result(quiet, mutant).mutant
        assert report is not None
        assert not report.caught


def test_a_mutant_that_fails_for_another_reason_as_well_is_not_caught() -> None:
    quiet_and_late = changed(
        GOOD,
        lambda event: (
            None
            if isinstance(event, StaleWrite)
            else event.model_copy(update={"outcome": Outcome.FAILED})
            if isinstance(event, Request) and event.jurisdiction == "us" and event.due_s > KILLED_S
            else event
        ),
    )
    result = a_result(quiet_and_late, LongTtl())
    assert {"recovery-time", "fence"} <= set(result.failed_checks)
    assert result.mutant is not None
    assert not result.mutant.caught


def test_a_mutant_that_nothing_notices_is_not_caught() -> None:
    report = a_result(GOOD, LongTtl()).mutant
    assert report is not None
    assert not report.caught


def test_the_moments_are_told_in_order_and_from_the_injection() -> None:
    told = moments(GOOD)
    assert [moment.name for moment in told] == [
        "killed",
        "led",
        "detected",
        "recovered",
        "restored",
    ]
    assert told[0].since_loss_s == 0
    assert told[3].since_loss_s == pytest.approx(BACK_S - KILLED_S)
    assert told[1].text == "us-west-2 leads US"


def test_a_drill_in_which_nothing_was_broken_has_no_moments() -> None:
    assert moments(GOOD.with_events([])) == ()


def test_traffic_is_counted_by_who_asked_and_where_it_went() -> None:
    eu, us = traffic(GOOD)
    assert (eu.jurisdiction, eu.ok, eu.failed) == ("eu", 480, 0)
    assert (us.ok, us.failed) == (320, 160)
    assert us.by_region == {"us-east-1": 200, "us-west-2": 280}
    assert us.median_ms == pytest.approx(50)


def test_a_result_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    result = a_result(GOOD, NoFencing())
    result.write(tmp_path / "r.json")
    assert DrillResult.read(tmp_path / "r.json") == result


def test_every_field_of_the_document_is_described() -> None:
    described = DrillResult.__doc__ or ""
    missing = [name for name in DrillResult.model_fields if f"        {name}: " not in described]
    assert missing == []
