"""Who has what: every way of giving somebody a permission is followed."""

import json
from collections.abc import Mapping

import pytest

from holdfast.graph import Value
from policies.core.kinds import POLICY, POLICY_ATTACHMENT, ROLE
from policies.iam.account import ATTACHMENTS, GROUP, USER, Account
from policies.iam.conditions import NO, YES
from policies.iam.evaluate import Request, decided
from tests.policies.specs import ACCOUNT, Spec, document, stack_of

PUT = Request(action="dynamodb:PutItem", resource="arn:aws:dynamodb:eu-west-1:1:table/t")
ALLOW = document({"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"})
DENY = document({"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"})
WRITTEN = {"p": Spec(POLICY, {"name": "p", "policy": ALLOW})}
ARN = f"arn:aws:iam::{ACCOUNT}:policy/p"
TRUST: Mapping[str, Value] = {"assumeRolePolicy": document()}


def _account(specs: Mapping[str, Spec]) -> Account:
    return Account(stack_of({**WRITTEN, **specs}))


def _answer(account: Account, kind: str, name: str) -> object:
    (one,) = [i for i in account.identities if (i.kind, i.name) == (kind, name)]
    return decided(one.statements, PUT, boundary=one.boundary)


@pytest.mark.parametrize("token", sorted(set(ATTACHMENTS) - {POLICY_ATTACHMENT}))
def test_every_kind_of_attachment_gives_what_the_policy_says(token: str) -> None:
    at, ((kind, to),) = ATTACHMENTS[token][0], tuple(ATTACHMENTS[token][1].items())
    given: Value = [ARN] if at == "policyArns" else ARN
    account = _account({"a": Spec(token, {at: given, to: "x"})})
    assert _answer(account, kind, "x") is YES


@pytest.mark.parametrize(("kind", "to"), [(ROLE, "roles"), (USER, "users"), (GROUP, "groups")])
def test_a_list_of_roles_users_and_groups_is_given_it_too(kind: str, to: str) -> None:
    account = _account({"a": Spec(POLICY_ATTACHMENT, {"policyArn": ARN, to: ["other", "x"]})})
    assert _answer(account, kind, "x") is YES


@pytest.mark.parametrize(
    "membership",
    [
        Spec("aws:iam/groupMembership:GroupMembership", {"group": "g", "users": ["u"]}),
        Spec("aws:iam/userGroupMembership:UserGroupMembership", {"groups": ["g"], "user": "u"}),
    ],
)
def test_a_group_passes_on_what_it_has(membership: Spec) -> None:
    written = Spec("aws:iam/groupPolicy:GroupPolicy", {"group": "g", "policy": ALLOW})
    account = _account({"w": written, "m": membership})
    assert _answer(account, USER, "u") is YES


def test_denials_count_wherever_they_stand() -> None:
    inside: Value = [{"name": "x", "policy": DENY}]
    role = Spec(ROLE, {"name": "r", "inlinePolicies": inside, **TRUST})
    written = Spec("aws:iam/rolePolicy:RolePolicy", {"role": "r", "policy": ALLOW})
    assert _answer(_account({"r": role, "w": written}), ROLE, "r") is NO


def test_what_aws_wrote_is_read_from_the_table_and_what_nobody_read_is_said() -> None:
    arns: Value = [f"arn:aws:iam::aws:policy/{name}" for name in ("AdministratorAccess", "New")]
    account = _account({"r": Spec(ROLE, {"name": "r", "managedPolicyArns": arns, **TRUST})})
    assert _answer(account, ROLE, "r") is YES
    ((_, at, arn),) = account.unjudged
    assert (at, arn) == ("managedPolicyArns[1]", "arn:aws:iam::aws:policy/New")


def test_a_boundary_of_this_stack_limits_a_role() -> None:
    written = Spec("aws:iam/rolePolicy:RolePolicy", {"role": "r", "policy": ALLOW})
    narrow = json.dumps(json.loads(ALLOW)).replace("dynamodb:*", "s3:*")
    role = Spec(ROLE, {"name": "r", "permissionsBoundary": f"{ARN}2", **TRUST})
    limit = Spec(POLICY, {"name": "p2", "policy": narrow})
    assert _answer(_account({"r": role, "w": written, "b": limit}), ROLE, "r") is NO


def test_the_account_is_the_one_that_most_documents_name() -> None:
    named = {"Effect": "Allow", "Action": "s3:*", "Resource": [f"arn:aws:sqs:a:{ACCOUNT}:q"] * 2}
    other = {**named, "Resource": "arn:aws:sqs:a:999999999999:q"}
    specs = {"q": Spec(POLICY, {"name": "q", "policy": document(named, other)})}
    assert _account(specs).id == ACCOUNT
    assert Account(stack_of({})).id == ""
