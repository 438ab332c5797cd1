"""Models that agents call through Bedrock's own resources."""

from typing import Final

from policies.world.kind import LABEL, TAGS, Kind, alike

INFERENCE_PROFILE: Final = Kind(
    type="aws:bedrock/inferenceProfile:InferenceProfile",
    judged={"modelSource.copyFrom": "residency-inference", "region": "residency-region"},
    neutral={
        "tags": TAGS,
        **alike(LABEL, "description", "name"),
        **alike(
            "how long a deployment waits", "timeouts.create", "timeouts.delete", "timeouts.update"
        ),
    },
)

KINDS: Final = (INFERENCE_PROFILE,)
