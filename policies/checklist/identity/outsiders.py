"""Whom a stack trusts, and whether any of them is outside of its account.

A statement that allows something is read principal by principal: each is of this account, or is
confined to it by a condition that nobody outside can meet.
"""

import re
from collections.abc import Iterator
from typing import Final

from policies.core.arns import account_of as account_in
from policies.core.arns import resource_of
from policies.iam.documents import Statement

BY_PASSING: Final = frozenset(
    {
        "ec2.amazonaws.com",
        "ecs-tasks.amazonaws.com",
        "eks.amazonaws.com",
        "lambda.amazonaws.com",
        "s3.amazonaws.com",
    }
)
"""Services that get a role only from somebody of its own account who may pass it on."""

_OF_THE_CALLER: Final = frozenset(
    {"aws:principalaccount", "aws:sourceaccount", "aws:sourceowner", "kms:calleraccount"}
)
"""Condition keys whose value is an account."""

_ARN_KEYS: Final = ("aws:principalarn", "aws:sourcearn", "kms:encryptioncontext:")
_CONFINING: Final = frozenset({"arnequals", "arnlike", "stringequals", "stringlike"})
_SCHEMES: Final = re.compile(r"^(?:repo|system:serviceaccount|project_path|organization):")


def outsiders(statement: Statement, account: str, *, role: bool) -> Iterator[str]:
    """Who outside of an account a statement lets in.

    Args:
        statement: Of a trust or of a resource's policy.
        account: Twelve digits.
        role: Whether it says who may take a role.
    """
    if not statement.allows:
        return
    if statement.not_principals:
        yield "everybody except somebody"
    confined = is_confined(statement, account)
    for kind, named in statement.principals.items():
        for principal in named:
            if kind == "AWS":
                yield from _of_aws(principal, account, confined=confined)
            elif kind == "Service":
                if not confined and not (role and principal in BY_PASSING):
                    yield f"{principal} on behalf of any account"
            elif kind == "Federated":
                yield from _federated(principal, statement, account)
            else:
                yield f"{principal} ({kind})"


def _of_aws(principal: str, account: str, *, confined: bool) -> Iterator[str]:
    if principal == "*":
        if not confined:
            yield "everybody"
    elif (account_in(principal) or principal) != account:
        yield f"{principal} of another account"


def is_confined(statement: Statement, account: str) -> bool:
    """Whether the conditions of a statement keep all but one account out."""
    for operator, keys in statement.conditions.items():
        if operator.lower() not in _CONFINING:
            continue
        for key, values in keys.items():
            name = key.lower()
            if name in _OF_THE_CALLER and set(values) == {account}:
                return True
            if (
                name.startswith(_ARN_KEYS)
                and values
                and all(account_in(value) == account for value in values)
            ):
                return True
    return False


def _federated(provider: str, statement: Statement, account: str) -> Iterator[str]:
    """Who comes by an identity provider, where nothing says whom it has to vouch for."""
    if account_in(provider) and account_in(provider) != account:
        yield f"{provider} of another account"
        return
    host = resource_of(provider).partition("/")[2] or provider
    wanted = ("SAML:aud",) if ":saml-provider/" in provider else (f"{host}:sub", f"{host}:aud")
    if provider == "cognito-identity.amazonaws.com":
        wanted = (f"{host}:aud", f"{host}:amr")
    for key in wanted:
        values = [
            value
            for operator, given in statement.condition(key)
            if operator.lower().removeprefix("foranyvalue:") in _CONFINING
            for value in given
        ]
        if not values or any(_is_anybody(value) for value in values):
            yield f"whoever {host} knows: {key} does not say who"


def _is_anybody(value: str) -> bool:
    """Whether a value leaves its whole first part open, as ``*`` and ``repo:*`` do."""
    return _SCHEMES.sub("", value).startswith(("*", "?")) or not value


def widely(statement: Statement, account: str) -> bool:
    """Whether a trust lets in everybody of the account itself, whoever they are."""
    everybody = {account, f"arn:aws:iam::{account}:root"}
    named = set(statement.principals.get("AWS", ()))
    narrow = any(
        key.lower().startswith(("aws:principalarn", "aws:principaltag/", "sts:externalid"))
        for operator, keys in statement.conditions.items()
        if operator.lower() in _CONFINING
        for key in keys
    )
    return statement.allows and bool(named & everybody) and not narrow
