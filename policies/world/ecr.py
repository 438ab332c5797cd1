"""Images that agents run."""

from typing import Final

from policies.world.kind import LABEL, TAGS, Kind, alike

REPOSITORY: Final = Kind(
    type="aws:ecr/repository:Repository",
    judged={
        "imageTagMutability": "image-fixed",
        "region": "residency-region",
    },
    neutral={
        "tags": TAGS,
        "name": LABEL,
        "forceDelete": "images are built again from their source",
        "imageScanningConfiguration.scanOnPush": "when AWS looks for known faults",
        **alike(
            "images hold no tenant's data",
            "encryptionConfigurations[].encryptionType",
            "encryptionConfigurations[].kmsKey",
        ),
    },
    refused={"imageTagMutabilityExclusionFilters": "no tag may move: leave it out"},
)

KINDS: Final = (REPOSITORY,)
