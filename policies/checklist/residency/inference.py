"""Checklist item: prompts are answered on the ground of the jurisdiction that they belong to.

A Bedrock inference profile hands a request on to other regions; its prefix says to which.

Does not guarantee:
    Anything about a policy that AWS or another stack wrote and that a role here is given: only
    documents of this stack are read.
"""

import re
from collections.abc import Iterator
from typing import Final

from policies.checklist.residency.stores import FRAMEWORKS
from policies.core.jurisdictions import INFERENCE_PREFIXES, listing
from policies.core.kinds import BEDROCK
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
)
from policies.core.subjects import JURISDICTION_TAG, Resource

# A profile's id, alone or at the end of an ARN: `eu.anthropic.claude-...`. Countries have two
# letters, also those that AWS adds; vendors of models have more.
_PROFILE: Final = re.compile(r"(?:^|[:/])([a-z]{2}(?:-gov)?|apac|global)\.[a-z0-9]+\.")
_PROFILES: Final = "inference-profile/"
_MODELS: Final = ("foundationModel", "knowledgeBaseConfiguration", "modelSource", "variants")
_INVOCATIONS: Final = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")


@resource_rule(
    id="residency-inference",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
    types=BEDROCK,
)
def models_run_in_the_jurisdiction(resource: Resource) -> Iterator[Violation]:
    """No model runs through an inference profile that leaves the jurisdiction.

    Why: an inference profile may answer a prompt in any region of its prefix.
    Good: ``foundation_model="eu.anthropic.claude-..."`` for ``eu``
    Bad: ``foundation_model="global.anthropic.claude-..."``
    Fix: use a model of one region, or a profile that stays in the jurisdiction.
    """
    jurisdiction = resource.jurisdiction
    if jurisdiction is None:
        yield Violation(
            found=f"the tag {JURISDICTION_TAG} is missing",
            rule="whatever sends prompts to a model belongs to a jurisdiction",
            fix=f"set the tag {JURISDICTION_TAG}",
            at="tags",
        )
        return
    for name in _MODELS:
        resource.properties.settle(name)
    for path, text in resource.properties.all_texts():
        yield from _profiles(text, path, jurisdiction)


def _profiles(text: str, path: str, jurisdiction: str) -> Iterator[Violation]:
    for prefix in _PROFILE.findall(text):
        if INFERENCE_PREFIXES.get(prefix) != jurisdiction:
            yield Violation(
                found=f"an inference profile with the prefix `{prefix}.`",
                rule=f"requests of {jurisdiction} are answered in {listing(jurisdiction)}",
                fix=f"use a model of one region, or a profile that stays in {jurisdiction}",
                at=path,
            )


RULES: Final[tuple[Rule, ...]] = (models_run_in_the_jurisdiction,)
