"""What limits a permission counts, and whoever is confined to this account is no outsider."""

import json
from typing import Any

import pytest

from policies.checklist.identity.judging import judged
from policies.checklist.identity.outsiders import outsiders
from policies.core.kinds import POLICY
from policies.iam.conditions import NO, YES, Answer, Fact
from policies.iam.documents import parsed
from policies.iam.evaluate import Request, decided_by_resource
from tests.policies.changes import agents_may
from tests.policies.specs import ACCOUNT, Spec, document, guard_statement, stack_of, use_statement

EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
SWITCH = f"arn:aws:iam::{ACCOUNT}:role/p-eu-kill-switch"


def _rules(*statements: dict[str, Any], boundary: dict[str, Any] | None = None) -> set[str]:
    specs = agents_may(use_statement(), guard_statement(), *statements)
    if boundary is not None:
        specs["limit"] = Spec(POLICY, {"name": "limit", "policy": document(boundary)})
        arn = f"arn:aws:iam::{ACCOUNT}:policy/limit"
        specs["agents"].inputs["permissionsBoundary"] = arn
    found = judged(stack_of(specs))
    return {
        rule for rule, some in found.items() if any(one.resource.name != "limit" for one in some)
    }


def test_a_boundary_takes_back_what_a_policy_gives() -> None:
    alone = {"Effect": "Allow", "Action": "dynamodb:DeleteTable", "Resource": "*"}
    reading = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}
    assert "kill-switch-guarded" in _rules(alone)
    assert "kill-switch-guarded" not in _rules(alone, boundary=reading)
    assert "kill-switch-guarded" in _rules(alone, boundary=EVERYTHING)


def test_the_role_of_a_switch_is_taken_by_no_role() -> None:
    assert "identity-become" in _rules(
        {**EVERYTHING, "Action": "sts:AssumeRole", "Resource": SWITCH}
    )


@pytest.mark.parametrize(
    ("condition", "let_in"),
    [
        ({}, 1),
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, 0),
        ({"StringEquals": {"AWS:SourceOwner": [ACCOUNT]}}, 0),
        ({"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*"}}, 0),
        ({"StringEquals": {"aws:SourceAccount": [ACCOUNT, "999999999999"]}}, 1),
        ({"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}, 1),
        ({"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}, 1),
        ({"StringLike": {"aws:PrincipalArn": "*"}}, 1),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-x"}}, 1),
    ],
)
def test_everybody_is_let_in_unless_confined_to_the_account(
    condition: dict[str, Any], let_in: int
) -> None:
    said = {**EVERYTHING, "Principal": "*", "Condition": condition}
    (statement,) = parsed(document(said))
    assert len(list(outsiders(statement, ACCOUNT, role=False))) == let_in


@pytest.mark.parametrize(("service", "answer"), [("dynamodb", YES), ("s3", NO)])
def test_a_resource_lets_in_under_its_conditions(service: str, answer: Answer) -> None:
    only = {"StringEquals": {"kms:ViaService": "dynamodb.eu-west-1.amazonaws.com"}}
    policy = parsed(json.dumps({"Statement": {**EVERYTHING, "Principal": "*", "Condition": only}}))
    known = {"kms:viaservice": Fact((f"{service}.eu-west-1.amazonaws.com",))}
    request = Request(action="kms:Decrypt", resource="*", context=known, principal=SWITCH)
    assert decided_by_resource(policy, request) == (answer, NO)
