"""Random policies and requests, decided here and by a simulator that somebody else wrote."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from policies.iam.conditions import ABSENT, MAYBE, MULTIVALUED, YES, Fact
from policies.iam.documents import parsed
from policies.iam.evaluate import Request, decided
from tests.policies.iam.simulator import UnavailableError, modules, simulated

CASES = 2_500
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/p-eu-agents"
TABLES = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table"
REGION = "aws:RequestedRegion"
LEADING = "dynamodb:LeadingKeys"
TEAM = "aws:PrincipalTag/team"

ACTIONS = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:UpdateItem")
ACTION_PATTERNS = (*ACTIONS, "dynamodb:*Item", "DynamoDB:putitem", "dynamodb:?etItem", "*", "s3:*")
RESOURCES = (f"{TABLES}/p-eu", f"{TABLES}/p-us", f"{TABLES}/p-eu/x")
RESOURCE_PATTERNS = (
    *RESOURCES,
    f"{TABLES}/p-*",
    f"arn:aws:dynamodb:*:{ACCOUNT}:table/p-eu",
    "arn:aws:dynamodb:eu-west-?:*:table/*",
    f"{TABLES}/p-${{aws:PrincipalTag/team}}",
    "*",
    "arn:aws:dynamodb:us-east-1:*:*",
)
VALUES: Mapping[str, tuple[str, ...]] = {
    REGION: ("eu-west-1", "us-east-1"),
    LEADING: ("kill", "lease", "Kill"),
    TEAM: ("eu", "us", "EU"),
    "aws:SourceIp": ("192.0.2.7", "198.51.100.1"),
    "aws:SecureTransport": ("true", "false"),
    "aws:CurrentTime": ("2026-01-01T00:00:00Z", "2030-06-01T00:00:00Z"),
    "aws:MultiFactorAuthAge": ("10", "3600"),
}
OPERATORS: Mapping[str, tuple[str, ...]] = {
    REGION: ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike"),
    LEADING: ("StringEquals", "StringLike", "StringNotEquals", "StringEqualsIgnoreCase"),
    TEAM: ("StringEquals", "StringLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
    "aws:SourceIp": ("IpAddress", "NotIpAddress"),
    "aws:SecureTransport": ("Bool",),
    "aws:CurrentTime": ("DateLessThan", "DateGreaterThanEquals", "DateEquals"),
    "aws:MultiFactorAuthAge": ("NumericLessThan", "NumericGreaterThanEquals", "NumericNotEquals"),
}


def _condition(chance: random.Random) -> dict[str, dict[str, list[str]]]:
    key = chance.choice(sorted(VALUES))
    if chance.random() < 0.15:
        return {"Null": {key: [chance.choice(("true", "false"))]}}
    operator = chance.choice(OPERATORS[key])
    several = [chance.choice(("ForAnyValue:", "ForAllValues:"))] if key == LEADING else [""]
    optional = "IfExists" if chance.random() < 0.25 else ""
    given = chance.sample(VALUES[key], k=chance.choice((1, 1, 2)))
    if operator in {"StringLike", "StringNotLike"}:
        given = [value.replace("eu", "e?", 1).replace("kill", "k*") for value in given]
    elif key == "aws:SourceIp":
        given = [f"{value}/{chance.choice((8, 24, 32))}" for value in given]
    return {f"{several[0]}{operator}{optional}": {chance.choice((key, key.lower())): given}}


def _statement(chance: random.Random) -> dict[str, Any]:
    said: dict[str, Any] = {"Effect": chance.choice(("Allow", "Allow", "Allow", "Deny"))}
    actions = "NotAction" if chance.random() < 0.15 else "Action"
    said[actions] = chance.sample(ACTION_PATTERNS, k=chance.choice((1, 2, 3)))
    if actions == "NotAction":
        said[actions] = [name for name in said[actions] if name != "*"] or ["s3:*"]
    where = "NotResource" if chance.random() < 0.15 else "Resource"
    said[where] = chance.sample(RESOURCE_PATTERNS, k=chance.choice((1, 2)))
    if chance.random() < 0.6:
        said["Condition"] = _condition(chance)
    return said


def _document(chance: random.Random) -> dict[str, Any]:
    statements = [_statement(chance) for _ in range(chance.randint(1, 4))]
    return {"Version": "2012-10-17", "Statement": statements}


def _context(chance: random.Random) -> dict[str, str | list[str]]:
    found: dict[str, str | list[str]] = {}
    for key, values in VALUES.items():
        if chance.random() < 0.25:
            continue
        some = chance.sample(values, k=chance.choice((1, 2)))
        found[key] = some if key.lower() in MULTIVALUED else some[0]
    return found


def _simulations() -> Iterator[dict[str, Any]]:
    chance = random.Random(20261129)  # noqa: S311 - examples, not secrets
    for _ in range(CASES):
        documents = [_document(chance) for _ in range(chance.choice((1, 2)))]
        bounded = chance.random() < 0.3
        yield {
            "request": {
                "principal": ROLE,
                "action": chance.choice(ACTIONS),
                "resource": {"resource": chance.choice(RESOURCES), "accountId": ACCOUNT},
                "contextVariables": _context(chance),
            },
            "identityPolicies": [{"name": str(n), "policy": d} for n, d in enumerate(documents)],
            "serviceControlPolicies": [],
            "resourceControlPolicies": [],
            **(
                {"permissionBoundaryPolicies": [{"name": "b", "policy": _document(chance)}]}
                if bounded
                else {}
            ),
        }


def _ours(simulation: Mapping[str, Any]) -> object:
    asked = simulation["request"]
    given: Mapping[str, str | Sequence[str]] = asked["contextVariables"]
    facts = {key.lower(): ABSENT for key in VALUES}
    for key, value in given.items():
        facts[key.lower()] = Fact((value,) if isinstance(value, str) else tuple(value))
    request = Request(action=asked["action"], resource=asked["resource"]["resource"], context=facts)
    policies = simulation["identityPolicies"]
    identity = [one for given in policies for one in parsed(json.dumps(given["policy"]))]
    limits = [
        one
        for given in simulation.get("permissionBoundaryPolicies", ())
        for one in parsed(json.dumps(given["policy"]))
    ]
    bounded = "permissionBoundaryPolicies" in simulation
    return decided(identity, request, boundary=limits if bounded else None)


@pytest.mark.slow
def test_what_is_decided_here_is_what_a_simulator_of_others_says() -> None:
    try:
        modules()
    except UnavailableError as error:
        pytest.skip(f"iam-simulate: {error}")
    cases = list(_simulations())
    theirs = simulated(cases)
    ours = [_ours(case) for case in cases]
    assert set(theirs) <= {"Allowed", "ImplicitlyDenied", "ExplicitlyDenied"}
    differences = [
        (case, mine, answer)
        for case, mine, answer in zip(cases, ours, theirs, strict=True)
        if mine is not MAYBE and (mine is YES) != (answer == "Allowed")
    ]
    assert not differences, f"{len(differences)} of {CASES}, the first: {differences[0]}"
    # Everything of these requests is known, so next to nothing may be left open.
    assert sum(mine is MAYBE for mine in ours) < CASES / 50
    assert sum(answer == "Allowed" for answer in theirs) > CASES / 10
