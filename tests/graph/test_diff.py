from pathlib import Path

from holdfast.graph import Change, diff, run
from tests.graph.projects import project

BEFORE = """
    import pulumi
    import pulumi_aws as aws

    aws.dynamodb.Table("t", name="a", hash_key="pk", replicas=[{"region_name": "eu-west-1"}])
    aws.sns.Topic("gone")
"""
AFTER = """
    import pulumi
    import pulumi_aws as aws



    aws.dynamodb.Table(
        "t",
        name="a",
        hash_key="pk",
        replicas=[{"region_name": "eu-west-3"}],
        tags={"x": "y"},
        opts=pulumi.ResourceOptions(protect=True),
    )
    aws.sns.Topic("new")
"""


def test_a_graph_does_not_differ_from_itself(tmp_path: Path) -> None:
    root = project(tmp_path, BEFORE)
    assert not diff(run(root, "dev"), run(root, "dev"))


def test_a_diff_names_what_came_went_and_changed(tmp_path: Path) -> None:
    before = run(project(tmp_path / "a", BEFORE), "dev")
    after = run(project(tmp_path / "b", AFTER), "dev")
    found = diff(before, after)
    assert [node.name for node in found.added] == ["new"]
    assert [node.name for node in found.removed] == ["gone"]
    (table,) = found.changed
    assert [change for change in table.changes if not change.path.startswith("outputs")] == [
        Change("inputs.replicas[0].regionName", "eu-west-1", "eu-west-3"),
        Change("inputs.tags", None, {"x": "y"}),
        Change("options.protect", before=False, after=True),
    ]


def test_moving_code_is_no_change(tmp_path: Path) -> None:
    before = run(project(tmp_path / "a", BEFORE), "dev")
    after = run(project(tmp_path / "b", "\n\n\n" + BEFORE), "dev")
    assert not diff(before, after)
