import re
from fnmatch import fnmatch

import pytest
from botocore.utils import ArnParser

from components.aws import arns

ACCOUNT = "123456789012"


@pytest.mark.parametrize(
    ("arn", "example"),
    [
        (
            arns.table("eu-west-1", ACCOUNT, "t"),
            f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/t",
        ),
        (arns.bucket("b"), "arn:aws:s3:::b"),
        (arns.objects("b"), "arn:aws:s3:::b/some/key"),
        (
            arns.secret("eu-west-1", ACCOUNT, "p/limiter"),
            f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:p/limiter-a1B2c3",
        ),
        (
            arns.parameter("eu-west-1", ACCOUNT, "/p/platform"),
            f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/p/platform",
        ),
        (arns.account_root(ACCOUNT), f"arn:aws:iam::{ACCOUNT}:root"),
        (arns.topic("eu-west-1", ACCOUNT, "t"), f"arn:aws:sns:eu-west-1:{ACCOUNT}:t"),
        (
            arns.alarm("eu-west-1", ACCOUNT, "*"),
            f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:alarm:some-alarm",
        ),
        (
            arns.keys("eu-west-1", ACCOUNT),
            f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/mrk-0123456789abcdef",
        ),
    ],
)
def test_an_arn_written_down_before_is_the_one_that_aws_gives(arn: str, example: str) -> None:
    assert fnmatch(example, arn)
    parts = ArnParser().parse_arn(example)
    assert parts["partition"] == "aws"
    assert parts["account"] in {"", ACCOUNT}


def test_a_secret_of_a_longer_name_is_not_meant() -> None:
    pattern = arns.secret("eu-west-1", ACCOUNT, "p/limiter")
    assert not fnmatch(pattern.replace("-??????", "-other-a1B2c3"), pattern)
    assert re.search(r"-\?{6}$", pattern)
