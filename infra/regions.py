"""The AWS regions that a platform can use: whose law they are under, and what they can hold.

A jurisdiction keeps its coordination table strongly consistent over three regions, so only
members of DynamoDB's multi-Region strong consistency (MRSC) sets are listed. Source of the
sets: "Multi-Region strong consistency" in the DynamoDB developer guide.

Guarantees:
    A region's number never changes and no two regions share one, so an address plan derived
    from it survives every edit of a stack file.

Does not guarantee:
    That the account has the region or each of its zones enabled.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

VOTES = 3
"""Regions of one MRSC table, the witness included. AWS allows no other number."""

GLOBAL_REGION = "us-east-1"
"""Where AWS runs the control planes of its global services (IAM, Route 53)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsRegion:
    """What the plan has to know about a region.

    Attributes:
        name: AWS name.
        law: Legal area that the region's ground lies in.
        mrsc_set: Set of regions that one strongly consistent table may span.
        zones: Letters of the zones that new accounts are given.
        number: The region's place in every address pool, 0 to 255. Given once, for ever.
    """

    name: str
    law: str
    mrsc_set: str
    zones: str
    number: int


REGIONS: Mapping[str, AwsRegion] = MappingProxyType(
    {
        region.name: region
        for region in (
            AwsRegion(name="us-east-1", law="us", mrsc_set="US", zones="abc", number=16),
            AwsRegion(name="us-east-2", law="us", mrsc_set="US", zones="abc", number=17),
            AwsRegion(name="us-west-2", law="us", mrsc_set="US", zones="abc", number=18),
            AwsRegion(name="eu-west-1", law="eu", mrsc_set="EU", zones="abc", number=32),
            # London replicates with the EU set, yet no longer lies in the EU.
            AwsRegion(name="eu-west-2", law="uk", mrsc_set="EU", zones="abc", number=33),
            AwsRegion(name="eu-west-3", law="eu", mrsc_set="EU", zones="abc", number=34),
            AwsRegion(name="eu-central-1", law="eu", mrsc_set="EU", zones="abc", number=35),
            # Japan and Korea: no country of Asia has three regions in the set, so tenants of
            # "ap" agree to both.
            AwsRegion(name="ap-northeast-1", law="ap", mrsc_set="AP", zones="acd", number=48),
            AwsRegion(name="ap-northeast-2", law="ap", mrsc_set="AP", zones="abc", number=49),
            AwsRegion(name="ap-northeast-3", law="ap", mrsc_set="AP", zones="abc", number=50),
        )
    }
)
"""Every region that a platform can use, by name."""


def regions_of(law: str) -> tuple[str, ...]:
    """Names of the regions that lie in a legal area, sorted."""
    return tuple(sorted(region.name for region in REGIONS.values() if region.law == law))


JURISDICTIONS: tuple[str, ...] = tuple(
    sorted(
        law for law in {region.law for region in REGIONS.values()} if len(regions_of(law)) >= VOTES
    )
)
"""Legal areas with regions enough for three votes, and so the names a jurisdiction may have."""
