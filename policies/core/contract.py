"""The contract that a stack exports, as rules read it.

The stack's output ``platform`` holds it value by value, so a preview knows all of it but what only
the provider can answer. What is read there is what the runtime will believe.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from policies.core.properties import Properties
from policies.core.subjects import Stack

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
