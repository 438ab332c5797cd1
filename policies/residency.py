"""Checklist item: tenants' data stays on the ground of its jurisdiction.

The jurisdiction is what a resource's ``holdfast:jurisdiction`` tag says; where its regions lie
is what ``policies.jurisdictions`` says.
"""

import re
from collections.abc import Iterator
from typing import Final

from policies.iam import statements
from policies.jurisdictions import INFERENCE_PREFIXES, REGIONS, lies_in, listing
from policies.kinds import (
    BEDROCK,
    BUCKET,
    BUCKET_REPLICATION,
    CARRIERS,
    DATA,
    KEYS,
    POLICY,
    REPLICA_KEY,
    ROLE,
    ROLE_POLICY,
    SECRET,
    TABLE,
    TOPIC,
)
from policies.properties import Properties, Undetermined
from policies.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
    stack_rule,
)
from policies.subjects import JURISDICTION_TAG, Resource, Stack

_FRAMEWORKS: Final = ("GDPR Art. 44",)

# A model or profile id, alone or at the end of an ARN: `eu.anthropic.claude-...`.
_PROFILE: Final = re.compile(r"(?:^|[:/])(global|us|eu|jp|apac|au)\.[a-z0-9]+\.")

# Where a stored thing names the key that encrypts it, by top-level property.
_KEY_PROPERTIES: Final = (
    "encryptionInfo",
    "encryptAtRest",
    "keyId",
    "kmsKeyArn",
    "kmsKeyId",
    "kmsMasterKeyId",
    "primaryKeyArn",
    "replicas",
    "rules",
    "serverSideEncryption",
)


@resource_rule(
    id="residency-tag",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=DATA,
)
def data_names_its_jurisdiction(resource: Resource) -> Iterator[Violation]:
    """Whatever holds tenants' data says which jurisdiction it belongs to."""
    jurisdiction = resource.jurisdiction
    if jurisdiction in REGIONS:
        return
    yield Violation(
        found=(
            f"the tag {JURISDICTION_TAG} is missing"
            if jurisdiction is None
            else f"the tag {JURISDICTION_TAG} is {jurisdiction!r}"
        ),
        rule=f"it is one of {', '.join(sorted(REGIONS))}",
        fix=f"set the tag {JURISDICTION_TAG} to the jurisdiction of the data's tenants",
        at="tags",
    )


@resource_rule(
    id="residency-region",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(*DATA, *CARRIERS),
)
def data_lies_in_its_jurisdiction(resource: Resource) -> Iterator[Violation]:
    """Whatever is tagged with a jurisdiction lies in one of its regions."""
    jurisdiction = resource.jurisdiction
    if jurisdiction is None:
        return
    region = resource.region
    if not lies_in(region, jurisdiction):
        yield _outside(f"it lies in {region}", jurisdiction, "region")


@resource_rule(
    id="residency-replica",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(TABLE, SECRET),
)
def replicas_stay_in_their_jurisdiction(resource: Resource) -> Iterator[Violation]:
    """Replicas and the witness lie in the jurisdiction that owns the data."""
    jurisdiction = resource.jurisdiction
    if jurisdiction is None:
        return
    name = "regionName" if resource.type == TABLE else "region"
    parts = [*resource.properties.objects("replicas")]
    witness = resource.properties.object("globalTableWitness")
    if witness is not None:
        parts.append(witness)
    for part in parts:
        region = part.text(name)
        if region is None:
            raise Undetermined(part.at(name))
        if not lies_in(region, jurisdiction):
            what = "the witness" if part is witness else "a replica"
            yield _outside(f"{what} lies in {region}", jurisdiction, part.at(name))


@stack_rule(
    id="residency-bucket-replication",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(BUCKET_REPLICATION,),
)
def copies_of_objects_stay_in_their_jurisdiction(
    replication: Resource, stack: Stack
) -> Iterator[Violation]:
    """A bucket replicates only to buckets of its own jurisdiction."""
    properties = replication.properties
    name = None if properties.is_unknown("bucket") else properties.text("bucket")
    sources = stack.targets(replication, "bucket", name, (BUCKET,), "bucket")
    owners = {source.jurisdiction for source in sources}
    for path, destinations in destinations_of(replication, stack):
        if not destinations or not sources:
            yield Violation(
                found="a bucket that is not in this stack",
                rule="both ends of a replication are in the stack, so that their place is known",
                fix="create the bucket in this stack, with its jurisdiction's tag",
                at=path if sources else "bucket",
            )
        for destination in destinations:
            if {destination.jurisdiction} != owners or None in owners:
                yield Violation(
                    found=f"{destination.name} belongs to {destination.jurisdiction}",
                    rule=f"the source belongs to {', '.join(sorted(map(str, owners)))}",
                    fix="replicate to a bucket of the same jurisdiction",
                    at=path,
                )


def destinations_of(
    replication: Resource, stack: Stack
) -> Iterator[tuple[str, tuple[Resource, ...]]]:
    """The buckets that an enabled replication rule writes to, with the path that says so."""
    for part in replication.properties.objects("rules"):
        if part.text("status") != "Enabled":
            continue
        destination = part.object("destination")
        if destination is None:
            raise Undetermined(part.at("destination"))
        known = None if destination.is_unknown("bucket") else destination.text("bucket")
        found = stack.targets(replication, "rules", known, (BUCKET,), "bucket")
        yield destination.at("bucket"), found


@stack_rule(
    id="residency-keys",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(*DATA, TOPIC, REPLICA_KEY, BUCKET_REPLICATION),
)
def keys_belong_to_the_jurisdiction_of_the_data(
    resource: Resource, _stack: Stack
) -> Iterator[Violation]:
    """Data is encrypted with a key of its own jurisdiction, and keys replicate only within it."""
    owner = resource.jurisdiction
    if owner is None:
        return
    for name in _KEY_PROPERTIES:
        for key in resource.referenced(name, KEYS):
            if key.jurisdiction != owner:
                yield Violation(
                    found=f"{key.name} belongs to {key.jurisdiction or 'no jurisdiction'}",
                    rule=f"keys for data of {owner} belong to {owner}",
                    fix="use the key of the data's own jurisdiction",
                    at=name,
                )


@resource_rule(
    id="residency-inference",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
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
    _refuse_unknown_models(resource.properties)
    for path, text in resource.properties.all_texts():
        yield from _profiles(text, path, jurisdiction)


@stack_rule(
    id="residency-inference-permission",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(ROLE_POLICY, POLICY),
)
def permissions_keep_models_in_the_jurisdiction(
    policy: Resource, stack: Stack
) -> Iterator[Violation]:
    """No role may call an inference profile that leaves its jurisdiction."""
    document = policy.properties.text("policy")
    if document is None:
        raise Undetermined("policy")
    owners = {policy.jurisdiction, *(role.jurisdiction for role in roles_of(policy, stack))}
    for statement in statements(document, "policy"):
        if statement.effect != "Allow":
            continue
        for arn in statement.resources:
            for owner in sorted(owner for owner in owners if owner is not None):
                yield from _profiles(arn, "policy", owner)


def roles_of(policy: Resource, stack: Stack) -> tuple[Resource, ...]:
    """The roles that a role's own policy belongs to; none for a policy of another kind."""
    if policy.type != ROLE_POLICY:
        return ()

    known = None if policy.properties.is_unknown("role") else policy.properties.text("role")
    return stack.targets(policy, "role", known, (ROLE,), "name")


def _profiles(text: str, path: str, jurisdiction: str) -> Iterator[Violation]:
    for prefix in _PROFILE.findall(text):
        if INFERENCE_PREFIXES[prefix] != jurisdiction:
            yield Violation(
                found=f"an inference profile with the prefix `{prefix}.`",
                rule=f"requests of {jurisdiction} are answered in {listing(jurisdiction)}",
                fix=f"use a model of one region, or a profile that stays in {jurisdiction}",
                at=path,
            )


def _refuse_unknown_models(properties: Properties) -> None:
    for name in ("foundationModel", "modelSource", "variants", "knowledgeBaseConfiguration"):
        if properties.is_unknown(name):
            raise Undetermined(name)


def _outside(found: str, jurisdiction: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule=f"data of {jurisdiction} stays in {listing(jurisdiction)}",
        fix="choose a region of the jurisdiction, or move the tenants to the one that owns it",
        at=at,
    )


RULES: Final[tuple[Rule, ...]] = (
    data_names_its_jurisdiction,
    data_lies_in_its_jurisdiction,
    replicas_stay_in_their_jurisdiction,
    copies_of_objects_stay_in_their_jurisdiction,
    keys_belong_to_the_jurisdiction_of_the_data,
    models_run_in_the_jurisdiction,
    permissions_keep_models_in_the_jurisdiction,
)
