import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from holdfast.check import (
    FAILURES,
    FORMATS,
    Finding,
    Level,
    Policy,
    Report,
    to_github,
    to_json,
    to_junit,
    to_sarif,
    to_text,
)
from holdfast.graph import Source

URN = "urn:pulumi:prod::demo::aws:dynamodb/table:Table::t"
REPORT = Report(
    project="demo",
    stack="prod",
    pack="holdfast",
    resources=3,
    policies=(
        Policy(name="a", description="A.", level=Level.MANDATORY, severity="high", frameworks="X"),
        Policy(name="b", description="B.", level=Level.ADVISORY, severity="", frameworks=""),
    ),
    findings=(
        Finding(
            policy="a",
            level=Level.MANDATORY,
            severity="high",
            urn=URN,
            message='replica in "mars" & <beyond>, 100%.',
            fix="bring it home.",
            source=Source("components/t.py", 12),
        ),
        Finding(
            policy="b",
            level=Level.ADVISORY,
            severity="",
            urn="",
            message="two\nlines",
            fix="",
            source=None,
        ),
    ),
)
CLEAN = Report(project="demo", stack="prod", pack="holdfast", resources=3, policies=(), findings=())


def test_the_text_says_what_where_and_how_to_fix_it() -> None:
    text = to_text(REPORT)
    assert f"a (mandatory, high)\n  at: components/t.py:12: {URN}\n  found: replica in" in text
    assert "fix: bring it home." in text
    assert "demo/prod: failed. 2 policies of holdfast over 3 resources: 1 mandatory and 1" in text
    assert "passed" in to_text(CLEAN)


def test_the_json_says_the_same_to_a_machine() -> None:
    document = json.loads(to_json(REPORT))
    assert document["passed"] is False
    assert document["findings"][0]["file"] == "components/t.py"
    assert document["findings"][0]["line"] == 12
    assert document["findings"][1]["file"] is None


def test_what_is_waived_is_listed_in_every_format() -> None:
    waivers = replace(REPORT.policies[1], tags=("waivers",))
    said = replace(REPORT.findings[1], message="a is waived until June by x@y.example: a reason")
    report = replace(REPORT, policies=(REPORT.policies[0], waivers), findings=(said,))
    assert report.passed
    for name, form in FORMATS.items():
        assert said.message in form(report), name
    assert "1 advisory findings, 1 waived." in to_text(report)
    assert [one["waived"] for one in json.loads(to_json(report))["findings"]] == [True]
    (result,) = json.loads(to_sarif(report))["runs"][0]["results"]
    assert result["suppressions"] == [{"kind": "external", "justification": said.message}]
    assert "suppressions" not in to_sarif(REPORT)


@pytest.mark.parametrize(
    "hostile",
    ["::warning::x", "a\n::error::x", "a\r\n  ::stop-commands::t", "##[error]x", "\x1b[2J"],
)
def test_nothing_that_a_program_says_becomes_a_command_of_its_reader(hostile: str) -> None:
    odd = replace(REPORT.findings[0], message=hostile, fix=hostile, urn=hostile, policy=hostile)
    found = replace(REPORT, project=hostile, pack=hostile, findings=(odd,))
    for text in (to_text(found), to_json(found), to_sarif(found)):
        assert "##[" not in text
        assert "\x1b" not in text
        assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]
    assert json.loads(to_json(found))["findings"][0]["message"] == hostile
    assert len(to_github(found).splitlines()) == 1


@pytest.mark.parametrize(
    ("severity", "level", "score"),
    [
        ("critical", "error", "9.5"),
        ("high", "error", "8.0"),
        ("medium", "warning", "5.5"),
        ("low", "note", "3.0"),
        ("", "error", None),
    ],
)
def test_severities_are_those_of_sarif(severity: str, level: str, score: str | None) -> None:
    report = replace(
        REPORT,
        policies=(replace(REPORT.policies[0], severity=severity),),
        findings=(replace(REPORT.findings[0], severity=severity),),
    )
    (run,) = json.loads(to_sarif(report))["runs"]
    (rule,) = run["tool"]["driver"]["rules"]
    assert (run["results"][0]["level"], rule["defaultConfiguration"]["level"]) == (level, level)
    assert rule["properties"].get("security-severity") == score


def test_a_finding_is_told_again_after_its_line_has_moved() -> None:
    moved = replace(REPORT.findings[0], source=Source("components/t.py", 99))
    other = replace(REPORT.findings[0], message="something else.")
    prints = {
        json.loads(to_sarif(replace(REPORT, findings=(finding,))))["runs"][0]["results"][0][
            "partialFingerprints"
        ]["cause/v1"]
        for finding in (REPORT.findings[0], moved, other)
    }
    assert len(prints) == 2


def test_a_check_that_could_not_be_made_is_no_sarif_without_findings() -> None:
    (run,) = json.loads(FAILURES["sarif"]("it broke", "my infra.py", 7))["runs"]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (told,) = invocation["toolExecutionNotifications"]
    assert told["message"]["text"] == "it broke"
    place = told["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("my%20infra.py", 7)
    assert run["results"] == []


def test_a_check_that_could_not_be_made_says_so_in_every_format() -> None:
    assert set(FAILURES) == set(FORMATS)
    assert json.loads(FAILURES["json"]("it broke", None, None))["passed"] is False
    suite = ET.fromstring(FAILURES["junit"]("<it> broke", None, None))  # noqa: S314 - our own text
    assert (suite.get("errors"), suite[0][0].get("message")) == ("1", "<it> broke")
    line = FAILURES["github"]("it\nbroke", "a.py", 3)
    assert line == "::error file=a.py,line=3,title=holdfast check::it%0Abroke\n"


def test_the_sarif_points_into_the_program() -> None:
    (run,) = json.loads(to_sarif(REPORT))["runs"]
    first, second = run["results"]
    assert (first["level"], second["level"]) == ("error", "note")
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "components/t.py"
    assert place["region"]["startLine"] == 12
    assert {result["ruleId"] for result in run["results"]} <= {
        rule["id"] for rule in run["tool"]["driver"]["rules"]
    }


def test_the_junit_fails_a_case_per_violated_policy() -> None:
    suite = ET.fromstring(to_junit(REPORT))  # noqa: S314 - our own text
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.get("name") for case in suite if case.find("failure") is not None] == ["a"]
    assert '"mars" & <beyond>' in str(suite[0][0].get("message"))


def test_the_junit_is_xml_whatever_a_program_named_its_things() -> None:
    odd = replace(REPORT.findings[0], message="\x1b[31m red \x00 \ufffe ]]> \t done")
    suite = ET.fromstring(to_junit(replace(REPORT, findings=(odd,))))  # noqa: S314 - our own text
    assert str(suite[0][0].get("message")) == "\ufffd[31m red \ufffd \ufffd ]]> \t done"


def test_the_sarif_names_files_by_uri() -> None:
    odd = replace(REPORT.findings[0], source=Source("my parts/ü 100%.py", 12))
    (run,) = json.loads(to_sarif(replace(REPORT, findings=(odd,))))["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "my%20parts/%C3%BC%20100%25.py"


def test_the_annotations_are_one_line_each_and_escaped() -> None:
    first, second = to_github(REPORT).splitlines()
    assert first.startswith("::error file=components/t.py,line=12,title=a::")
    assert "100%25" in first
    assert second.startswith("::notice title=b::")
    assert "two%0Alines" in second


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_text_that_ends_with_a_line(name: str) -> None:
    assert FORMATS[name](REPORT).endswith("\n")
