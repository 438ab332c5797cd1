"""Which AWS regions lie on which legal ground.

The table is the pack's own. A check that asked the settings where Frankfurt lies would pass
whatever the settings say.

Source: "AWS Regions" in the AWS general reference (city of each region). London (``eu-west-2``)
is in the United Kingdom and Zurich (``eu-central-2``) in Switzerland: neither is in the EU,
although AWS names them ``eu`` and replicates London with the EU's MRSC set.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

REGIONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "us": frozenset({"us-east-1", "us-east-2", "us-west-1", "us-west-2"}),
        "eu": frozenset(
            {
                "eu-central-1",
                "eu-north-1",
                "eu-south-1",
                "eu-south-2",
                "eu-west-1",
                "eu-west-3",
            }
        ),
        # Japan and Korea, the members of DynamoDB's AP set: tenants of "ap" agree to both.
        "ap": frozenset({"ap-northeast-1", "ap-northeast-2", "ap-northeast-3"}),
        "uk": frozenset({"eu-west-2"}),
        "ch": frozenset({"eu-central-2"}),
    }
)
"""Regions by jurisdiction."""

ELSEWHERE: Final = (
    "af-south-1",
    "ap-east-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-gov-west-1",
)
"""Regions of no jurisdiction of ours, that a pattern may take in: not all there are."""

INFERENCE_PREFIXES: Final[Mapping[str, str]] = MappingProxyType(
    {"us": "us", "eu": "eu", "jp": "ap", "apac": "", "au": "", "global": ""}
)
"""Jurisdiction that a Bedrock inference profile stays in, by its prefix; empty for none of ours.

Source: "Supported Regions and models for inference profiles" in the Bedrock user guide. The
``apac`` profiles span Sydney, Mumbai and Singapore as well; ``global`` ones may use any region.
"""


def lies_in(region: str, jurisdiction: str) -> bool:
    """Whether a region lies on the ground of a jurisdiction. Unknown names lie nowhere."""
    return region in REGIONS.get(jurisdiction, frozenset())


def listing(jurisdiction: str) -> str:
    """The regions of a jurisdiction, for messages."""
    return ", ".join(sorted(REGIONS.get(jurisdiction, frozenset()))) or "no region that we know"
