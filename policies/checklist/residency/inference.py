"""Checklist item: prompts are answered on the ground of the jurisdiction that they belong to.

A Bedrock inference profile hands a request on to other regions; its prefix says to which.

Does not guarantee:
    Anything about a policy that AWS or another stack wrote and that a role here is given: only
    documents of this stack are read.
"""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from policies.checklist.residency.stores import FRAMEWORKS
from policies.core.arns import region_of, resource_of
from policies.core.jurisdictions import INFERENCE_PREFIXES, lies_in, listing
from policies.core.kinds import BEDROCK, POLICY, ROLE, ROLE_POLICY
from policies.core.properties import Properties
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
    stack_rule,
)
from policies.core.subjects import JURISDICTION_TAG, Resource, Stack
from policies.iam.documents import statements

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
    """No model runs through an inference profile that leaves the jurisdiction."""
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


@stack_rule(
    id="residency-inference-permission",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.HIGH,
    frameworks=FRAMEWORKS,
    types=(ROLE_POLICY, POLICY),
)
def permissions_keep_models_in_the_jurisdiction(
    policy: Resource, stack: Stack
) -> Iterator[Violation]:
    """No policy lets anybody call a model outside the jurisdiction."""
    owners = {owner.jurisdiction for owner in (policy, *stack.targets(policy, "role", ROLE))}
    yield from _models_beyond(policy.properties, owners - {None})


@resource_rule(
    id="residency-inference-role",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.HIGH,
    frameworks=FRAMEWORKS,
    types=(ROLE,),
)
def roles_keep_models_in_the_jurisdiction(role: Resource) -> Iterator[Violation]:
    """No policy inside a role lets it call a model outside the jurisdiction."""
    owners = {role.jurisdiction} - {None}
    for part in role.properties.objects("inlinePolicies"):
        yield from _models_beyond(part, owners)


def _models_beyond(properties: Properties, owners: AbstractSet[str | None]) -> Iterator[Violation]:
    """What a policy allows of models that are not on the ground of every owner."""
    at = properties.at("policy")
    for statement in statements(properties, "policy"):
        calls = any(statement.covers(action) for action in _INVOCATIONS)
        if statement.effect != "Allow" or not calls:
            continue
        if not owners:
            yield Violation(
                found="models may be called, and no jurisdiction is named",
                rule="whatever sends prompts to a model belongs to a jurisdiction",
                fix=f"set the tag {JURISDICTION_TAG} on the policy or on its role",
                at=at,
            )
        patterns = ("*",) if statement.inverted else statement.resources
        for owner in sorted(map(str, owners)):
            for pattern in patterns:
                if _leaves(pattern, owner):
                    yield Violation(
                        found=f"models may be called by {pattern}",
                        rule=f"requests of {owner} are answered in {listing(owner)}",
                        fix="name models and profiles by ARNs of the jurisdiction's own regions, "
                        "and profiles by a prefix that stays there",
                        at=at,
                    )


def _leaves(pattern: str, jurisdiction: str) -> bool:
    """Whether an ARN or pattern takes in models that may run outside a jurisdiction."""
    fixed = re.split(r"[*?]", resource_of(pattern), maxsplit=1)[0]
    profiles = fixed.startswith(_PROFILES) or _PROFILES.startswith(fixed)
    stays = tuple(
        f"{_PROFILES}{prefix}."
        for prefix, home in INFERENCE_PREFIXES.items()
        if home == jurisdiction
    )
    abroad = profiles and not fixed.startswith(stays)
    return abroad or not lies_in(region_of(pattern), jurisdiction)


def _profiles(text: str, path: str, jurisdiction: str) -> Iterator[Violation]:
    for prefix in _PROFILE.findall(text):
        if INFERENCE_PREFIXES.get(prefix) != jurisdiction:
            yield Violation(
                found=f"an inference profile with the prefix `{prefix}.`",
                rule=f"requests of {jurisdiction} are answered in {listing(jurisdiction)}",
                fix=f"use a model of one region, or a profile that stays in {jurisdiction}",
                at=path,
            )


RULES: Final[tuple[Rule, ...]] = (
    models_run_in_the_jurisdiction,
    permissions_keep_models_in_the_jurisdiction,
    roles_keep_models_in_the_jurisdiction,
)
