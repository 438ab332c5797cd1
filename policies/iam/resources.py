"""ARNs of a stack's resources, as patterns: a name that is not known yet is a ``*``.

Does not guarantee:
    ARNs of types that no rule protects.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from policies.core.kinds import ALARM, BUCKET, KEYS, ROLE, SECRET, TABLE, TOPIC
from policies.core.stores import replica_regions
from policies.core.subjects import Resource, Stack

PARAMETER: Final = "aws:ssm/parameter:Parameter"
QUEUE: Final = "aws:sqs/queue:Queue"
LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"
LIMITER: Final = "aws:elasticache/replicationGroup:ReplicationGroup"
ALIAS: Final = "aws:kms/alias:Alias"


def arns_of(resource: Resource, account: str) -> tuple[str, ...]:
    """The ARNs by which policies name a resource; empty for a type that has none here."""
    write = _WRITERS.get(resource.type)
    return () if write is None else tuple(write(resource, account or "*"))


def aliases_of(key: Resource, stack: Stack) -> tuple[str, ...]:
    """The names that a stack gives to a key."""
    return tuple(
        alias.properties.text("name") or "*"
        for alias in stack.of_type(ALIAS)
        if key in alias.referenced("targetKeyId", KEYS) and not alias.properties.is_unknown("name")
    )


def _name(resource: Resource, at: str = "name") -> str:
    return ("*" if resource.properties.is_unknown(at) else resource.properties.text(at)) or "*"


def _table(table: Resource, account: str) -> Iterator[str]:
    for region in sorted({table.region, *replica_regions(table)}):
        arn = f"arn:aws:dynamodb:{region}:{account}:table/{_name(table)}"
        yield arn
        yield f"{arn}/*"


def _bucket(bucket: Resource, _account: str) -> Iterator[str]:
    arn = f"arn:aws:s3:::{_name(bucket, 'bucket')}"
    yield arn
    yield f"{arn}/*"


def _plain(service: str, before: str = "", after: str = "") -> "_Writer":
    def write(resource: Resource, account: str) -> Iterator[str]:
        yield f"arn:aws:{service}:{resource.region}:{account}:{before}{_name(resource)}{after}"

    return write


def _key(key: Resource, account: str) -> Iterator[str]:
    yield f"arn:aws:kms:{key.region}:{account}:key/*"


def _parameter(parameter: Resource, account: str) -> Iterator[str]:
    name = _name(parameter)
    yield f"arn:aws:ssm:{parameter.region}:{account}:parameter/{name.removeprefix('/')}"


def _log_group(group: Resource, account: str) -> Iterator[str]:
    arn = f"arn:aws:logs:{group.region}:{account}:log-group:{_name(group)}"
    yield arn
    yield f"{arn}:*"


def _role(role: Resource, account: str) -> Iterator[str]:
    path = role.properties.text("path") if role.properties.is_given("path") else "/"
    yield f"arn:aws:iam::{account}:role{path or '/'}{_name(role)}"


def _limiter(group: Resource, account: str) -> Iterator[str]:
    name = _name(group, "replicationGroupId")
    yield f"arn:aws:elasticache:{group.region}:{account}:replicationgroup:{name}"


_Writer = Callable[[Resource, str], Iterator[str]]

_WRITERS: Final[Mapping[str, _Writer]] = {
    TABLE: _table,
    BUCKET: _bucket,
    **dict.fromkeys(KEYS, _key),
    SECRET: _plain("secretsmanager", "secret:", "-??????"),
    PARAMETER: _parameter,
    TOPIC: _plain("sns"),
    QUEUE: _plain("sqs"),
    ALARM: _plain("cloudwatch", "alarm:"),
    LOG_GROUP: _log_group,
    LIMITER: _limiter,
    ROLE: _role,
}
