"""Requests decided over documents: for all that fit, for some, or for none."""

import json
from typing import Any

import pytest

from policies.iam.conditions import MAYBE, NO, YES, Answer, Fact
from policies.iam.documents import Statement, parsed
from policies.iam.evaluate import Request, decided, decided_by_resource, narrowed

TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/t"
ROLE = "arn:aws:iam::123456789012:role/r"
KILL = {"dynamodb:leadingkeys": Fact(("kill",), open=True)}


def said(*statements: dict[str, Any]) -> tuple[Statement, ...]:
    return parsed(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def allow(action: object = "dynamodb:PutItem", resource: object = "*", **more: object) -> Any:  # noqa: ANN401
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: object = "dynamodb:PutItem", resource: object = "*", **more: object) -> Any:  # noqa: ANN401
    return {**allow(action, resource), "Effect": "Deny", **more}


PUT = Request(action="dynamodb:PutItem", resource=TABLE, context=KILL)
NAMING = {"Condition": {"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": ["kill"]}}}


@pytest.mark.parametrize(
    ("statements", "answer"),
    [
        ((), NO),
        ((allow(),), YES),
        ((allow("dynamodb:put*"),), YES),
        ((allow("dynamodb:GetItem"),), NO),
        # A part that is left out may be anything, and nobody is sure of it.
        ((allow(resource="arn:aws:dynamodb"),), MAYBE),
        ((allow(resource=f"{TABLE}/*"),), NO),
        ((allow(), deny()), NO),
        ((allow(), deny(resource=f"{TABLE}x")), YES),
        ((allow(), deny(**NAMING)), NO),
        # Somebody may deny it sometimes: that helps nobody, and hurts who needs it.
        ((allow(), deny(Condition={"Bool": {"aws:SecureTransport": "false"}})), MAYBE),
        ((allow(Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),), MAYBE),
        ((allow(Condition={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "x"}}),), NO),
    ],
)
def test_a_request_is_decided_over_all_statements(
    statements: tuple[dict[str, Any], ...], answer: Answer
) -> None:
    assert decided(said(*statements), PUT) is answer


def test_a_boundary_takes_away_what_it_does_not_allow_and_gives_nothing() -> None:
    everything = said(allow("*"))
    assert decided(everything, PUT, boundary=said(allow("s3:*"))) is NO
    assert decided(everything, PUT, boundary=said(allow("dynamodb:*"))) is YES
    assert decided(everything, PUT, boundary=said(allow("*"), deny())) is NO
    assert decided(said(), PUT, boundary=everything) is NO


def test_what_is_left_out_names_all_the_rest() -> None:
    but = {"Effect": "Allow", "NotAction": "s3:*", "NotResource": f"{TABLE}x"}
    assert decided(said(but), PUT) is YES
    assert decided(said({**but, "NotResource": f"{TABLE}*"}), PUT) is NO
    assert decided(said({**but, "NotAction": "Dynamodb:*"}), PUT) is NO


def test_a_pattern_of_resources_is_denied_only_where_all_of_it_is() -> None:
    tables = Request(action="dynamodb:PutItem", resource=TABLE.replace("/t", "/*"))
    assert decided(said(allow()), tables) is YES
    assert decided(said(allow(), deny(resource=TABLE)), tables) is MAYBE
    assert decided(said(allow(resource=TABLE)), tables) is MAYBE


def test_a_request_is_narrowed_to_what_the_statement_and_the_question_share() -> None:
    asked = Request(action="dynamodb:PutItem", resource=f"{TABLE}*")
    (one,) = said(allow(resource=[f"{TABLE}-a", "arn:aws:s3:::b", "*"]))
    assert [part.resource for part in narrowed(one, asked)] == [f"{TABLE}-a", f"{TABLE}*"]


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        ({"AWS": ROLE}, YES),
        ({"AWS": "arn:aws:iam::123456789012:root"}, YES),
        ({"AWS": "123456789012"}, YES),
        ("*", YES),
        ({"AWS": "arn:aws:iam::999999999999:root"}, NO),
        ({"Service": "s3.amazonaws.com"}, NO),
    ],
)
def test_a_resource_says_whom_it_lets_in(principal: object, allowed: Answer) -> None:
    policy = said({"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"})
    request = Request(action="kms:Decrypt", resource="*", principal=ROLE)
    assert decided_by_resource(policy, request) == (allowed, NO)


def test_a_resource_denies_all_but_those_whom_it_leaves_out() -> None:
    policy = said({"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}, "Action": "*", "Resource": "*"})
    mine = Request(action="kms:Decrypt", resource="*", principal=ROLE)
    other = Request(action="kms:Decrypt", resource="*", principal=f"{ROLE}x")
    assert decided_by_resource(policy, mine) == (NO, NO)
    assert decided_by_resource(policy, other) == (NO, YES)


def test_a_service_is_let_in_by_its_own_name() -> None:
    policy = said(
        {
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": "*",
        }
    )
    alarms = Request(action="sns:Publish", resource="*", service="cloudwatch.amazonaws.com")
    others = Request(action="sns:Publish", resource="*", service="s3.amazonaws.com")
    assert decided_by_resource(policy, alarms) == (YES, NO)
    assert decided_by_resource(policy, others) == (NO, NO)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        "{",
        '{"Statement": [{"Effect": "allow", "Action": "*", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*", "Conditions": {}}]}',
        '{"Statement": [{"Effect": "Deny", "Effect": "Allow", "Action": "*", "Resource": "*"}]}',
        '{"statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}',
    ],
)
def test_what_aws_would_not_take_is_not_read_as_something_else(document: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parsed(document)
