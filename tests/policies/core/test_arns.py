import pytest

from policies.core.arns import region_of, resource_of


@pytest.mark.parametrize(
    ("text", "region", "resource"),
    [
        ("arn:aws:sns:eu-west-1:123456789012:stop", "eu-west-1", "stop"),
        ("arn:aws:iam::123456789012:role/oncall", "", "role/oncall"),
        ("arn:aws:s3:::bucket", "", "bucket"),
        ("arn:aws:secretsmanager:eu-west-1:1:secret:a", "eu-west-1", "secret:a"),
        ("arn:aws:sns:eu-west-1", "", "arn:aws:sns:eu-west-1"),
        ("urn:a:b:eu-west-1:c:d", "", "urn:a:b:eu-west-1:c:d"),
        ("*", "", "*"),
    ],
)
def test_an_arn_names_its_region_and_anything_else_names_none(
    text: str, region: str, resource: str
) -> None:
    assert region_of(text) == region
    assert resource_of(text) == resource
