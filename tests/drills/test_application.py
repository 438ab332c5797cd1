"""What a drill knows of agents: of the reference service, and of whatever a document tells."""

import json
from pathlib import Path

import pytest

from agents.orchestrator import __main__ as program
from agents.orchestrator import executor, ledger, service
from agents.orchestrator.desk import Task
from agents.orchestrator.service import Submission
from holdfast.drills.application import (
    ORCHESTRATOR,
    Agents,
    Effects,
    holder,
    read_agents,
    task_key,
)
from holdfast.drills.history import Evidence, Outcome
from holdfast.drills.target import Target
from holdfast.drills.twin_target import TwinTarget
from holdfast.errors import DrillError

MINIMAL = """
command: [python, -m, mine]
submit:
  path: /do
  body: {for: "{tenant}", what: "{task}"}
"""


def ledger_of(agents: Agents) -> Effects:
    assert agents.effects is not None
    return agents.effects


def test_the_service_takes_what_the_drill_sends() -> None:
    body = ORCHESTRATOR.submit.of("acme", "1-00001")
    assert Submission.model_validate_json(body).id == "1-00001"
    assert ORCHESTRATOR.submit.path == service.TASKS_PATH
    assert body == ORCHESTRATOR.submit.of("acme", "1-00001")


def test_the_drill_reads_where_the_service_writes() -> None:
    assert ORCHESTRATOR.leader is not None
    assert ORCHESTRATOR.leader.key == program.ELECTION_KEY
    assert ledger.page_of(Task("acme", "t", 7)) == ledger_of(ORCHESTRATOR).page("acme", 7)
    for template in (ORCHESTRATOR.records.coordination, ORCHESTRATOR.records.state):
        assert template is not None
        assert Task("acme", "t", 7).record == task_key(template, "acme", "t")
    assert ORCHESTRATOR.log is not None
    assert ORCHESTRATOR.log.stale_write == executor.STALE_WRITE


def test_of_the_reference_service_everything_is_seen() -> None:
    assert ORCHESTRATOR.evidence == set(Evidence) - {Evidence.OTHERS}


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
    assert ORCHESTRATOR.submit.outcome(status) is outcome


def test_a_page_of_the_ledger_becomes_effects_in_order() -> None:
    found = ledger_of(ORCHESTRATOR).read(
        "us", "page", {"ledger": {"L": [{"S": "t1 1 us-east-1"}, {"S": "t2 2 us-west-2"}]}}
    )
    assert [(one.task, one.token, one.region, one.index) for one in found] == [
        ("t1", 1, "us-east-1", 0),
        ("t2", 2, "us-west-2", 1),
    ]


def test_an_entry_may_have_any_form_that_tells_the_three_apart() -> None:
    other = Effects(key="{tenant}/{minute}", attribute="done", entry="[{region}] {task}#{token}")
    found = other.read("eu", "page", {"done": {"L": [{"S": "[eu-west-1] a task#17"}]}})
    assert [(one.task, one.token, one.region) for one in found] == [("a task", 17, "eu-west-1")]


def test_an_absent_page_has_no_effects() -> None:
    assert ledger_of(ORCHESTRATOR).read("us", "page", {}) == []


def test_a_page_that_holds_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match=r"{task} {token} {region}"):
        ledger_of(ORCHESTRATOR).read("us", "page", {"ledger": {"L": [{"S": "nonsense"}]}})


def test_the_holder_of_a_lease_is_known_by_its_region() -> None:
    held = holder({"holder": {"S": "us-east-1/17/abc"}, "token": {"N": "4"}})
    assert (held.region, held.token) == ("us-east-1", 4)
    assert holder({"token": {"N": "4"}}).region is None
    assert holder({}).token == 0


def a_document(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "agents.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_shortest_document_says_how_to_start_agents_and_how_to_ask_them(tmp_path: Path) -> None:
    found = read_agents(a_document(tmp_path, MINIMAL))
    assert json.loads(found.submit.of("acme", "7")) == {"for": "acme", "what": "7"}
    assert found.evidence == frozenset()
    assert found.ready is None


def test_the_reference_service_could_be_told_by_a_document(tmp_path: Path) -> None:
    text = json.dumps(ORCHESTRATOR.model_dump(mode="json"))
    assert read_agents(a_document(tmp_path, text)) == ORCHESTRATOR


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            MINIMAL.replace("mine", '"{mine}"'),
            r"'{mine}' names {mine}, which stands for nothing here",
        ),
        (MINIMAL.replace("{task}", "task"), r"submit: body does not name {task}"),
        (MINIMAL.replace("/do", "do"), r"submit.path: .*pattern"),
        (MINIMAL + "reddy: /ok\n", r"reddy: Extra inputs"),
        (MINIMAL.replace("command:", "comand:"), r"command: Field required.*comand: Extra"),
        (MINIMAL.replace("[python, -m, mine]", "[]"), r"command: .*at least 1"),
        (MINIMAL + "  accepted: [200, 421]\n", r"421 stands in accepted and in refused"),
        (MINIMAL + "  accepted: [999]\n", r"submit.accepted.0: .*599"),
        (MINIMAL + "records: {state: all}\n", r"records: state does not name {task}"),
        (
            MINIMAL + 'effects: {key: "{tenant}", attribute: l, entry: "{task}"}\n',
            r"effects: key does not name {minute}",
        ),
        (MINIMAL + 'leader: {key: ""}\n', r"leader.key: .*at least 1"),
        ("- a list\n", "not a map of keys"),
        ("a: [\n", "not YAML"),
    ],
)
def test_a_document_that_cannot_be_is_refused_in_one_sentence(
    text: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(DrillError, match=told) as error:
        read_agents(a_document(tmp_path, text))
    assert "agents.yaml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_document_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DrillError, match=r"nowhere.yaml cannot be read: No such file"):
        read_agents(tmp_path / "nowhere.yaml")


def a_target_is_what_the_twin_is(twin: TwinTarget) -> Target:
    """Checked by the type checkers alone."""
    return twin


def a_document_needs_no_more(command: tuple[str, ...]) -> Agents:
    """Checked by the type checkers alone."""
    return Agents(command=command, submit=ORCHESTRATOR.submit)
