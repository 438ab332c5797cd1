import json
from dataclasses import replace

import pytest

from components.aws.documents import (
    LONGEST_DOCUMENT_CHARACTERS,
    LONGEST_TRUST_CHARACTERS,
    Statement,
    document,
    key_use,
    role_document,
    trust_document,
)
from holdfast.errors import ConfigurationError

RIGHT = Statement(sid="One", actions=("s3:GetObject",), resources=("arn:aws:s3:::b/*",))


@pytest.mark.parametrize("action", ["s3:*", "*", "s3:Get*", "s3:?etObject"])
def test_an_action_by_pattern_is_refused(action: str) -> None:
    with pytest.raises(ConfigurationError, match="names every action"):
        replace(RIGHT, actions=(action,))


def test_every_resource_is_refused_without_a_reason() -> None:
    with pytest.raises(ConfigurationError, match="every_resource_because"):
        replace(RIGHT, resources=("*",))
    replace(RIGHT, resources=("*",), every_resource_because="metrics have no ARN")


def test_an_allowance_for_everyone_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="to everyone"):
        replace(RIGHT, principals={"AWS": ("*",)})


def test_a_denial_may_be_as_wide_as_it_likes() -> None:
    denial = replace(
        RIGHT, effect="Deny", actions=("s3:*",), resources=("*",), principals={"AWS": ("*",)}
    )
    assert denial.render()["Action"] == ["s3:*"]


def test_two_statements_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="more than one statement called One"):
        document(RIGHT, RIGHT)


def test_a_document_is_what_aws_reads() -> None:
    statement = replace(
        RIGHT,
        principals={"Service": ("s3.amazonaws.com",)},
        conditions={"StringEquals": {"aws:SourceAccount": ("123456789012",)}},
    )
    assert json.loads(document(statement)) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "One",
                "Effect": "Allow",
                "Principal": {"Service": ["s3.amazonaws.com"]},
                "Action": ["s3:GetObject"],
                "Resource": ["arn:aws:s3:::b/*"],
                "Condition": {"StringEquals": {"aws:SourceAccount": ["123456789012"]}},
            }
        ],
    }


def test_a_trust_policy_names_no_resource() -> None:
    trust = replace(RIGHT, actions=("sts:AssumeRole",), resources=())
    assert "Resource" not in trust.render()


def test_a_role_document_longer_than_aws_takes_is_refused() -> None:
    long = replace(
        RIGHT, resources=tuple(f"arn:aws:s3:::bucket-{number}/*" for number in range(400))
    )
    assert len(document(long)) > LONGEST_DOCUMENT_CHARACTERS
    with pytest.raises(ConfigurationError, match=str(LONGEST_DOCUMENT_CHARACTERS)):
        role_document(long)


def test_a_trust_policy_longer_than_aws_takes_is_refused() -> None:
    users = tuple(f"arn:aws:iam::123456789012:user/somebody-{number}" for number in range(50))
    trust = replace(RIGHT, resources=(), conditions={"ArnLike": {"aws:PrincipalArn": users}})
    with pytest.raises(ConfigurationError, match=f"takes {LONGEST_TRUST_CHARACTERS}"):
        trust_document(trust)
    assert trust_document(RIGHT) == document(RIGHT)


def test_a_key_is_used_only_by_its_alias_and_through_the_services_named() -> None:
    statement = key_use(
        sid="Key",
        region="eu-west-1",
        key_pattern="arn:aws:kms:eu-west-1:123456789012:key/*",
        alias="alias/data",
        services=("s3",),
        actions=("kms:Decrypt",),
    )
    assert statement.render()["Condition"] == {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": ["alias/data"]},
        "StringEquals": {"kms:ViaService": ["s3.eu-west-1.amazonaws.com"]},
    }
