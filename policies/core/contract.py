"""The contract that a stack exports, as rules read it.

The stack's output ``platform`` holds it value by value, so a preview knows all of it but what only
the provider can answer. What is read there is what the runtime will believe.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from policies.core.properties import Properties, Undetermined
from policies.core.subjects import Resource, Stack

STACK: Final = "pulumi:pulumi:Stack"
OUTPUT: Final = "platform"
"""Name of the stack's output."""


@dataclass(frozen=True, kw_only=True)
class Contract:
    """One exported contract.

    Attributes:
        urn: The stack itself, which is where violations of the contract are reported.
        properties: Field by field, under the names of ``holdfast.contract``; paths begin with
            ``platform``.
    """

    urn: str
    properties: Properties

    def jurisdictions(self) -> Iterator[tuple[str, Properties]]:
        """Every jurisdiction by its short name, sorted."""
        yield from parts_of(self.properties, "jurisdictions")


def contract_of(stack: Stack) -> Contract | None:
    """The contract that a stack exports; None where it exports none.

    Raises:
        Undetermined: If all of it is unknown.
    """
    for root in stack.of_type(STACK):
        exported = root.properties.object(OUTPUT)
        if exported is not None:
            return Contract(urn=root.urn, properties=exported)
    return None


def parts_of(properties: Properties, name: str) -> Iterator[tuple[str, Properties]]:
    """The objects of a mapping by their keys, sorted; none where it is not given.

    Raises:
        Undetermined: If the mapping, or one of its objects, is unknown.
    """
    mapping = properties.object(name)
    if mapping is None:
        return
    for key in sorted(mapping.copy()):
        part = mapping.object(key)
        if part is not None:
            yield key, part


def regions_of(stack: Stack) -> Iterator[tuple[str, Properties]]:
    """What the contract says of each serving region, by its name; nothing without a contract."""
    contract = contract_of(stack)
    for _, jurisdiction in () if contract is None else contract.jurisdictions():
        yield from parts_of(jurisdiction, "regions")


def ingress_of(stack: Stack, region: str) -> Properties | None:
    """What the contract says of where a region takes requests, if it serves."""
    for name, part in regions_of(stack):
        if name == region:
            return part.object("ingress")
    return None


def rto_s(stack: Stack) -> float | None:
    """Seconds within which the contract promises that users are served again."""
    contract = contract_of(stack)
    objectives = None if contract is None else contract.properties.object("objectives")
    return None if objectives is None else objectives.number("rto_s")


def environment_of(stack: Stack) -> str | None:
    """The environment that a stack's contract names; None where most of its tags name another."""
    try:
        contract = contract_of(stack)
        said = None if contract is None else contract.properties.text("environment")
    except Undetermined:
        return None
    usual = tagged_environment(stack)
    # A contract that calls production something else would open what production keeps shut.
    return said if usual in {said, None} else None


def tagged_environment(stack: Stack) -> str | None:
    """The environment that most of a stack's tags name; None where none does."""
    tags = [tag for resource in stack.resources if (tag := tag_of(resource))]
    return max(sorted(set(tags)), key=tags.count, default=None)


def tag_of(resource: Resource) -> str | None:
    """The environment that a resource's tag names; None where it has none that is known."""
    try:
        return resource.environment
    except Undetermined:
        return None
