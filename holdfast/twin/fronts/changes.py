"""What a deployment did, in one form for both fronts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.twin.provider.values import Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """The resources that a run touched, by what happened to them.

    Only resources that a provider manages are told; components are not. URNs are sorted.

    Attributes:
        created: Made.
        updated: Changed in place.
        replaced: Made anew, the old one removed.
        deleted: Removed.
        unchanged: Found as they should be.
        drifted: Only after a refresh: no longer as the state said, by URN with the names of
            the properties that differ, or nothing where the resource is gone.
        outputs: The stack's outputs, secrets opened. Empty after a preview or destroy.
    """

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    drifted: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    outputs: Mapping[str, Json] = field(default_factory=dict[str, Json])

    @property
    def count(self) -> int:
        """How many resources were made, changed, replaced or removed."""
        return sum(map(len, (self.created, self.updated, self.replaced, self.deleted)))

    def __str__(self) -> str:
        parts = [
            f"{len(urns)} {word}"
            for word, urns in (
                ("created", self.created),
                ("updated", self.updated),
                ("replaced", self.replaced),
                ("deleted", self.deleted),
                ("drifted", self.drifted),
                ("unchanged", self.unchanged),
            )
            if urns
        ]
        return ", ".join(parts) or "nothing to do"
