"""Names that AWS will give, written down before AWS has given them.

A policy document that waits for a resource's ARN is unknown as a whole in a preview, so nobody
can review it. These ARNs follow from names that we choose.

Does not guarantee:
    Other partitions than ``aws``: neither China nor GovCloud has the regions of one of our
    jurisdictions.
"""


def table(region: str, account_id: str, name: str) -> str:
    """ARN of a DynamoDB table's replica in a region."""
    return f"arn:aws:dynamodb:{region}:{account_id}:table/{name}"


def bucket(name: str) -> str:
    """ARN of an S3 bucket."""
    return f"arn:aws:s3:::{name}"


def objects(bucket_name: str) -> str:
    """ARN pattern of every object in a bucket."""
    return f"arn:aws:s3:::{bucket_name}/*"


def secret(region: str, account_id: str, name: str) -> str:
    """ARN pattern of a secret: Secrets Manager appends six characters of its own."""
    return f"arn:aws:secretsmanager:{region}:{account_id}:secret:{name}-??????"


def parameter(region: str, account_id: str, name: str) -> str:
    """ARN of a Parameter Store parameter whose name starts with a slash."""
    return f"arn:aws:ssm:{region}:{account_id}:parameter{name}"


def role(account_id: str, name: str) -> str:
    """ARN of an IAM role without a path."""
    return f"arn:aws:iam::{account_id}:role/{name}"


def account_root(account_id: str) -> str:
    """The principal that stands for everyone whom the account's own IAM policies allow."""
    return f"arn:aws:iam::{account_id}:root"


def topic(region: str, account_id: str, name: str) -> str:
    """ARN of an SNS topic."""
    return f"arn:aws:sns:{region}:{account_id}:{name}"


def alarm(region: str, account_id: str, name: str) -> str:
    """ARN of a CloudWatch alarm."""
    return f"arn:aws:cloudwatch:{region}:{account_id}:alarm:{name}"


def keys(region: str, account_id: str) -> str:
    """ARN pattern of every key of a region. Narrow it by ``kms:ResourceAliases``.

    A key's id is drawn when the key is made; its alias is ours, and known before.
    """
    return f"arn:aws:kms:{region}:{account_id}:key/*"
