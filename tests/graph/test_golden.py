import json
from pathlib import Path

from holdfast.graph import run, to_golden
from tests.graph.projects import EVERYTHING, EVERYTHING_CONFIG, project


def test_a_golden_is_the_same_for_the_same_program(tmp_path: Path) -> None:
    one = project(tmp_path / "one", EVERYTHING, config=EVERYTHING_CONFIG)
    two = project(tmp_path / "two", EVERYTHING, config=EVERYTHING_CONFIG)
    assert to_golden(run(one, "dev")) == to_golden(run(two, "dev"))


def test_a_golden_shows_no_secret_no_line_and_no_package_version(tmp_path: Path) -> None:
    text = to_golden(run(project(tmp_path, EVERYTHING, config=EVERYTHING_CONFIG), "dev"))
    assert "hush" not in text
    assert "7.51" not in text
    assert "7_51" not in text
    assert "__main__.py:" not in text
    assert '"value": "<secret>"' in text


def test_a_golden_shows_options_and_registered_outputs(tmp_path: Path) -> None:
    text = to_golden(run(project(tmp_path, EVERYTHING, config=EVERYTHING_CONFIG), "dev"))
    resources = json.loads(text)["resources"]
    table = resources["urn:pulumi:dev::demo::aws:dynamodb/table:Table::table"]
    assert table["options"]["delete_before_replace"] is True
    assert table["options"]["timeouts"] == {"create": "5m"}
    assert len(table["options"]["aliases"]) == 2
    inner = resources["urn:pulumi:dev::demo::demo:out:Outer$demo:in:Inner::o-inner"]
    assert inner["outputs"] == {"arn": "<unknown>", "name": "o-inner-topic"}


def test_a_change_of_one_property_changes_one_line(tmp_path: Path) -> None:
    one = to_golden(run(project(tmp_path / "1", EVERYTHING, config=EVERYTHING_CONFIG), "dev"))
    other = EVERYTHING.replace('name="t"', 'name="u"')
    two = to_golden(run(project(tmp_path / "2", other, config=EVERYTHING_CONFIG), "dev"))
    changed = [a for a, b in zip(one.splitlines(), two.splitlines(), strict=True) if a != b]
    # The input, and the stack's output that repeats it.
    assert len(changed) == 2
