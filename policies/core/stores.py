"""What rules about stores share: where replicas lie, what lasts, and what protects it."""

from collections.abc import Iterator
from typing import Final

from holdfast.contract import Environment
from policies.core.arns import region_of
from policies.core.kinds import KEYS
from policies.core.properties import Properties, Undetermined
from policies.core.rule import Violation
from policies.core.subjects import ENVIRONMENT_TAG, Resource, Stack

_LASTING: Final = frozenset({Environment.STAGING, Environment.PROD})


def replica_regions(table: Resource) -> tuple[str, ...]:
    """Regions of a table's replicas, its own region not among them."""
    regions: list[str] = []
    for replica in table.properties.objects("replicas"):
        region = replica.text("regionName")
        if region is None:
            raise Undetermined(replica.at("regionName"))
        regions.append(region)
    return tuple(regions)


def about(bucket: Resource, stack: Stack, type_token: str) -> Iterator[Resource]:
    """The resources of a type that configure a bucket."""
    yield from stack.pointing(bucket, type_token, "bucket")


def is_lasting(resource: Resource) -> bool:
    """Whether a resource is of an environment whose state is not made again at will."""
    environment = resource.environment
    if environment not in set(Environment):
        raise Undetermined(f"tags.{ENVIRONMENT_TAG}")
    return environment in _LASTING


def unprotected(resource: Resource) -> Iterator[Violation]:
    """A violation of a resource of production that the engine would delete when told to."""
    if resource.environment == Environment.PROD and not resource.protect:
        yield Violation(
            found="the resource option `protect` is off",
            rule="in production the engine refuses to delete state",
            fix="pass protect=True in its resource options",
        )


def too_short(
    resource: Resource, part: Properties, name: str, least_days: int
) -> Iterator[Violation]:
    """Violations of a number of days of production that is given, and too small."""
    days = part.number(name)
    if resource.environment == Environment.PROD and days is not None and days < least_days:
        yield Violation(
            found=f"{days:g} days",
            rule=f"production can go back {least_days} days",
            fix=f"write {least_days} or more",
            at=part.at(name),
        )


def off(what: str, where: str, at: str) -> Violation:
    """The violation of a protection that one region of a table lacks."""
    return Violation(
        found=f"{what} is off in {where}",
        rule=f"{what} is on in every region",
        fix="turn it on for the table and for each of its replicas",
        at=at,
    )


def is_our_key(arn: str | None, region: str) -> bool:
    """Whether it is the ARN of a key in a region, and not the one that AWS manages itself."""
    return arn is not None and region_of(arn) == region and ":alias/aws/" not in arn


def not_encrypted(resource: Resource, at: str) -> Iterator[Violation]:
    """A violation of a resource that no key of ours of its region encrypts.

    Args:
        resource: What is encrypted; it has to be one of a rule over the whole stack.
        at: Top-level property that names the key.

    Raises:
        Undetermined: If the key is unknown and comes from none of this stack.
    """
    region = resource.region
    if resource.properties.is_unknown(at):
        keys = resource.referenced(at, KEYS)
        if not keys:
            raise Undetermined(at, resource.urn)
        ours = any(key.region == region for key in keys)
    else:
        ours = is_our_key(resource.properties.text(at), region)
    if not ours:
        yield no_key(region, at)


def no_key(region: str, at: str) -> Violation:
    """The violation of what no key of ours encrypts in a region."""
    return Violation(
        found=f"no customer managed key of {region}",
        rule="data at rest is encrypted with a key that we can audit and revoke",
        fix="name the jurisdiction's key of that region",
        at=at,
    )
