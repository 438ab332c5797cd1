"""The two sides of the interface between a drill and the reference service agree."""

import json

import pytest

from agents.orchestrator import __main__ as program
from agents.orchestrator import executor, ledger, service
from agents.orchestrator.desk import Task
from agents.orchestrator.service import Submission
from holdfast.drills import application
from holdfast.drills.history import Outcome
from holdfast.drills.target import Target
from holdfast.drills.twin_target import TwinTarget


def test_the_service_takes_what_the_drill_sends() -> None:
    body = application.submission("acme", "1-00001")
    assert Submission.model_validate_json(body).id == "1-00001"
    assert service.TASKS_PATH == application.SUBMIT_PATH
    assert json.loads(body) == json.loads(application.submission("acme", "1-00001"))


def test_the_drill_reads_where_the_service_writes() -> None:
    assert program.ELECTION_KEY == application.ELECTION_KEY
    assert ledger.page_of(Task("acme", "t", 7)) == application.page_key("acme", 7)
    assert f"task#{Task('acme', 't', 7).name}" == application.task_key("acme", "t")
    assert application.STALE_WRITE == executor.STALE_WRITE


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (202, Outcome.OK),
        (200, Outcome.FAILED),
        (403, Outcome.FAILED),
        (421, Outcome.REFUSED),
        (500, Outcome.FAILED),
        (503, Outcome.FAILED),
    ],
)
def test_only_an_acknowledgement_is_a_success(status: int, outcome: Outcome) -> None:
    assert application.outcome_of(status) is outcome


def test_a_page_of_the_ledger_becomes_effects_in_order() -> None:
    found = application.effects(
        "us", "page", {"ledger": {"L": [{"S": "t1 1 us-east-1"}, {"S": "t2 2 us-west-2"}]}}
    )
    assert [(one.task, one.token, one.region, one.index) for one in found] == [
        ("t1", 1, "us-east-1", 0),
        ("t2", 2, "us-west-2", 1),
    ]


def test_an_absent_page_has_no_effects() -> None:
    assert application.effects("us", "page", {}) == []


def test_a_page_that_holds_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="<task> <token> <region>"):
        application.effects("us", "page", {"ledger": {"L": [{"S": "nonsense"}]}})


def test_the_holder_of_a_lease_is_known_by_its_region() -> None:
    held = application.holder({"holder": {"S": "us-east-1/17/abc"}, "token": {"N": "4"}})
    assert (held.region, held.token) == ("us-east-1", 4)
    assert application.holder({"token": {"N": "4"}}).region is None
    assert application.holder({}).token == 0


def a_target_is_what_the_twin_is(twin: TwinTarget) -> Target:
    """Checked by the type checkers alone."""
    return twin
