"""Checklist item: tenants' data stays on the ground of its jurisdiction.

The jurisdiction is what a resource's ``holdfast:jurisdiction`` tag says; where its regions lie
is what ``policies.core.jurisdictions`` says.
"""

from collections.abc import Iterator
from typing import Final

from policies.core.arns import region_of
from policies.core.jurisdictions import REGIONS, lies_in, listing
from policies.core.kinds import (
    BEDROCK,
    BUCKET,
    BUCKET_ENCRYPTION,
    BUCKET_REPLICATION,
    CARRIERS,
    DATA,
    KEYS,
    REPLICA_KEY,
    SECRET,
    TABLE,
    TOPIC,
    VPC_ENDPOINT,
)
from policies.core.properties import Properties, Undetermined
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
    stack_rule,
)
from policies.core.subjects import JURISDICTION_TAG, Resource, Stack
from policies.world.index import judged_by

FRAMEWORKS: Final = ("GDPR Art. 44",)

# Where a stored thing names the key that encrypts it, by top-level property.
_KEY_PROPERTIES: Final = (
    "encryptionInfo",
    "encryptAtRest",
    "keyId",
    "kmsEncryptionKey",
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
    frameworks=FRAMEWORKS,
    types=DATA,
)
def data_names_its_jurisdiction(resource: Resource) -> Iterator[Violation]:
    """Whatever holds tenants' data says which jurisdiction it belongs to.

    Why: every other rule on data goes by the jurisdiction that its tag names.
    Good: ``tags={"holdfast:jurisdiction": "eu"}``
    Bad: no such tag, or one that names no jurisdiction
    Fix: pass the tags of the stack, as components do.
    """
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
    frameworks=FRAMEWORKS,
    types=tuple(sorted({*judged_by("residency-region", "region"), *BEDROCK})),
)
def data_lies_in_its_jurisdiction(resource: Resource) -> Iterator[Violation]:
    """Whatever is tagged with a jurisdiction lies in one of its regions.

    Why: data that lies abroad has left its jurisdiction, whoever reads it.
    Good: ``region="eu-west-1"`` on a store of ``eu``
    Bad: ``region="eu-west-2"`` (London) on a store of ``eu``
    Fix: place the store in a region of its jurisdiction, or move its tenants.
    """
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
    frameworks=FRAMEWORKS,
    types=(TABLE, SECRET),
)
def replicas_stay_in_their_jurisdiction(resource: Resource) -> Iterator[Violation]:
    """Replicas and the witness lie in the jurisdiction that owns the data.

    Why: a replica or a witness abroad is a copy abroad.
    Good: replicas and witness of ``eu`` in eu-central-1 and eu-west-3
    Bad: a witness in eu-west-2, which DynamoDB's EU set would allow
    Fix: choose regions of the jurisdiction for all three votes.
    """
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


@resource_rule(
    id="residency-endpoint",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
    types=(VPC_ENDPOINT,),
)
def endpoints_lead_to_services_of_their_jurisdiction(endpoint: Resource) -> Iterator[Violation]:
    """A private way out of a network ends in the jurisdiction that the network lies in.

    Why: an endpoint to a service elsewhere carries requests out, and looks local.
    Good: ``service_name="com.amazonaws.eu-west-1.s3"`` in eu-west-1
    Bad: ``service_region="us-east-1"`` in eu-west-1
    Fix: name the service of the endpoint's own region.
    """
    name = endpoint.properties.text("serviceName") or ""
    if not name.startswith(f"com.amazonaws.{endpoint.region}."):
        yield Violation(
            found=f"it leads to {name}",
            rule="traffic reaches services of AWS in its own region",
            fix=f"name a service that begins with com.amazonaws.{endpoint.region}.",
            at="serviceName",
        )
    if not endpoint.properties.is_given("serviceRegion"):
        return
    there = endpoint.properties.text("serviceRegion")
    if there is None:
        raise Undetermined("serviceRegion")
    homes = [home for home in REGIONS if lies_in(endpoint.region, home)]
    if there != endpoint.region and not any(lies_in(there, home) for home in homes):
        yield Violation(
            found=f"it leads from {endpoint.region} to {there}",
            rule="traffic reaches services of its own jurisdiction only",
            fix="leave serviceRegion out, or name a region of the jurisdiction",
            at="serviceRegion",
        )


@stack_rule(
    id="residency-bucket-replication",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
    types=(BUCKET_REPLICATION,),
)
def copies_of_objects_stay_in_their_jurisdiction(
    replication: Resource, stack: Stack
) -> Iterator[Violation]:
    """A bucket replicates only to buckets of its own jurisdiction.

    Why: replication copies every object that is written, for ever.
    Good: a destination bucket of the same jurisdiction in this stack
    Bad: a destination by an ARN that no bucket of the stack has
    Fix: replicate to the jurisdiction's other region only.
    """
    sources = stack.targets(replication, "bucket", BUCKET)
    owners = {source.jurisdiction for source in sources}
    for part, destinations in destinations_of(replication, stack):
        path = part.at("destination.bucket")
        if not destinations or not sources:
            yield Violation(
                found="a bucket that is not in this stack",
                rule="both ends of a replication are in the stack, so that their place is known",
                fix="create the bucket in this stack, with its jurisdiction's tag",
                at=path if sources else "bucket",
            )
        for destination in destinations:
            if {destination.jurisdiction} != owners:
                yield Violation(
                    found=f"{destination.name} belongs to {destination.jurisdiction}",
                    rule=f"the source belongs to {', '.join(sorted(map(str, owners)))}",
                    fix="replicate to a bucket of the same jurisdiction",
                    at=path,
                )


def destinations_of(
    replication: Resource, stack: Stack
) -> Iterator[tuple[Properties, tuple[Resource, ...]]]:
    """Each enabled replication rule, with the buckets that it writes to.

    Raises:
        Undetermined: If a bucket is unknown and comes from none of this stack.
    """
    possible = replication.referenced("rules", (BUCKET,))
    unknown = 0
    for part in replication.properties.objects("rules"):
        if part.text("status") != "Enabled":
            continue
        destination = part.object("destination")
        if destination is None:
            raise Undetermined(part.at("destination"), replication.urn)
        if not destination.is_unknown("bucket"):
            yield part, stack.named(BUCKET, destination.text("bucket") or "")
            continue
        # The engine tells which resources the rules' values come from, not which value from
        # which: with more unknown values than buckets, one comes from somewhere else.
        unknown += 1
        if unknown > len(possible):
            raise Undetermined(destination.at("bucket"), replication.urn)
        yield part, possible


@stack_rule(
    id="residency-keys",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.HIGH,
    frameworks=FRAMEWORKS,
    types=(*DATA, TOPIC, REPLICA_KEY, BUCKET_ENCRYPTION, BUCKET_REPLICATION),
)
def keys_belong_to_the_jurisdiction_of_the_data(
    resource: Resource, stack: Stack
) -> Iterator[Violation]:
    """Data is encrypted with a key of its own jurisdiction, and keys replicate only within it.

    Why: who holds the key reads the data, and where its copies lie the data can be opened.
    Good: a key with the jurisdiction tag of what it encrypts
    Bad: the key of ``us`` on a table of ``eu``
    Fix: use the key of the data's own jurisdiction, and tag both alike.
    """
    owner = _owner(resource, stack)
    # What names no jurisdiction is another rule's to refuse, unless it is a copy or a carrier.
    if owner is None and resource.type not in CARRIERS:
        return
    for name in _KEY_PROPERTIES:
        for key in resource.referenced(name, KEYS):
            if key.jurisdiction != owner:
                yield Violation(
                    found=f"{key.name} belongs to {key.jurisdiction or 'no jurisdiction'}",
                    rule=f"keys for data of {owner or 'no jurisdiction'} belong there too",
                    fix="use the key of the data's own jurisdiction, and tag both alike",
                    at=name,
                )
    if resource.type == REPLICA_KEY and not resource.referenced("primaryKeyArn", KEYS):
        primary = region_of(resource.properties.text("primaryKeyArn") or "")
        if owner is None or not lies_in(primary, owner):
            yield _outside(
                f"it copies a key of {primary}", owner or "no jurisdiction", "primaryKeyArn"
            )


def _owner(resource: Resource, stack: Stack) -> str | None:
    """The jurisdiction of a resource; of a bucket's settings, which have no tags, the bucket's."""
    if resource.type not in {BUCKET_ENCRYPTION, BUCKET_REPLICATION}:
        return resource.jurisdiction
    buckets = stack.targets(resource, "bucket", BUCKET)
    return buckets[0].jurisdiction if buckets else None


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
    endpoints_lead_to_services_of_their_jurisdiction,
    copies_of_objects_stay_in_their_jurisdiction,
    keys_belong_to_the_jurisdiction_of_the_data,
)
