"""Resources and stacks as rules see them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from policies.core.arns import region_of
from policies.core.kinds import BUCKET, LIMITER
from policies.core.properties import Properties, Undetermined

JURISDICTION_TAG: Final = "holdfast:jurisdiction"
COMPONENT_TAG: Final = "holdfast:component"
ENVIRONMENT_TAG: Final = "holdfast:environment"

_NAME_PROPERTIES: Final[Mapping[str, str]] = {
    BUCKET: "bucket",
    LIMITER: "replicationGroupId",
}
"""Where a type's physical name stands, if not in ``name``."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Resource:
    """One resource of a stack.

    Attributes:
        urn: The engine's name for it.
        type: Type token.
        name: Logical name.
        properties: Inputs, or in a rule over the whole stack what the provider made of them.
        protect: Whether the engine refuses to delete it.
        ignored: Properties whose change the engine does not carry out.
        provider: Properties of its provider, where it has one.
        references: Resources that a property is computed from, by property; filled in only
            for rules over the whole stack.
    """

    urn: str
    type: str
    name: str
    properties: Properties
    protect: bool = False
    ignored: tuple[str, ...] = ()
    provider: Properties | None = None
    references: "Mapping[str, tuple[Resource, ...]]" = field(
        default_factory=dict[str, "tuple[Resource, ...]"]
    )

    def __post_init__(self) -> None:
        # So that an unknown value can name its resource, wherever a rule reads it.
        self.properties.owner = self.urn

    @property
    def jurisdiction(self) -> str | None:
        """The jurisdiction that its tag names."""
        return self._tag(JURISDICTION_TAG)

    @property
    def component(self) -> str | None:
        """The component that its tag names."""
        return self._tag(COMPONENT_TAG)

    @property
    def environment(self) -> str | None:
        """The environment that its tag names."""
        return self._tag(ENVIRONMENT_TAG)

    @property
    def region(self) -> str:
        """Where it is placed: its own region, else its provider's. Undetermined without both."""
        own = self.properties.text("region")
        if own is not None:
            return own
        inherited = None if self.provider is None else self.provider.text("region")
        if inherited is None:
            raise Undetermined("region", self.urn)
        return inherited

    def _tag(self, name: str) -> str | None:
        tags = self.properties.object("tags")
        return None if tags is None else tags.text(name)

    def referenced(self, name: str, types: Iterable[str]) -> "tuple[Resource, ...]":
        """Resources of some types that a property is computed from, sorted by URN."""
        wanted = set(types)
        found = [other for other in self.references.get(name, ()) if other.type in wanted]
        return tuple(sorted(found, key=lambda other: other.urn))


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Every resource of a stack.

    Attributes:
        resources: Sorted by URN.
    """

    resources: tuple[Resource, ...]

    @cached_property
    def _by_type(self) -> Mapping[str, tuple[Resource, ...]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.resources:
            found.setdefault(resource.type, []).append(resource)
        return {token: tuple(resources) for token, resources in found.items()}

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str], tuple[Resource, ...]]:
        found: dict[tuple[str, str], list[Resource]] = {}
        for resource in self.resources:
            name = _physical_name(resource)
            if name is not None:
                found.setdefault((resource.type, name), []).append(resource)
        return {key: tuple(resources) for key, resources in found.items()}

    @cached_property
    def _pointing(self) -> "dict[tuple[str, ...], _Pointers]":
        """What was asked of :meth:`pointing` before, since each rule asks it of each resource."""
        return {}

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """Resources of some types, sorted by URN."""
        if len(types) == 1:
            return self._by_type.get(types[0], ())
        found = (resource for token in set(types) for resource in self._by_type.get(token, ()))
        return tuple(sorted(found, key=lambda resource: resource.urn))

    def named(self, token: str, name: str) -> tuple[Resource, ...]:
        """The resources of a type with a physical name, or with an ARN that ends in it."""
        region, last = region_of(name), name.rpartition(":")[2]
        for known in (name, last, last.rpartition("/")[2]):
            found = self._by_name.get((token, known), ())
            if found:
                return tuple(other for other in found if not region or other.region == region)
        return ()

    def pointing(
        self, resource: Resource, token: str, at: str, *among: str
    ) -> tuple[Resource, ...]:
        """The resources of a type of which a property points to a resource, sorted by URN.

        Args:
            resource: What they point to.
            token: Type of those that point.
            at: Top-level property that points, by names or ARNs.
            among: Types of what it may point to, where that is more than the resource's own.

        Raises:
            Undetermined: If one of the type points to what nobody can tell.
        """
        targets = among or (resource.type,)
        key = (token, at, *targets)
        if key not in self._pointing:
            self._pointing[key] = self._pointers(token, at, targets)
        pointers = self._pointing[key]
        if pointers.unknown is not None:
            raise pointers.unknown
        return pointers.by_urn.get(resource.urn, ())

    def _pointers(self, token: str, at: str, targets: tuple[str, ...]) -> "_Pointers":
        found: dict[str, list[Resource]] = {}
        unknown: Undetermined | None = None
        for other in self.of_type(token):
            try:
                for pointed in self.targets(other, at, *targets):
                    found.setdefault(pointed.urn, []).append(other)
            except Undetermined as error:
                unknown = unknown or error
        return _Pointers(by_urn={urn: tuple(some) for urn, some in found.items()}, unknown=unknown)

    def targets(self, resource: Resource, at: str, *tokens: str) -> tuple[Resource, ...]:
        """The resources that a property points to.

        Args:
            resource: The one that points.
            at: Top-level property that points, by names or ARNs.
            tokens: Types of what it may point to.

        Returns:
            For each name that is known, those of that name; for each that is unknown before
            deployment, those that the engine computes the property from.

        Raises:
            Undetermined: If a name is unknown and comes from no resource of those types.
        """
        found: list[Resource] = []
        for name in resource.properties.names(at):
            if name is not None:
                found += (other for token in tokens for other in self.named(token, name))
            elif others := resource.referenced(at, tokens):
                found += others
            else:
                raise Undetermined(at, resource.urn)
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class _Pointers:
    """Who points to whom by one property, and the first that points nobody knows where."""

    by_urn: Mapping[str, tuple[Resource, ...]]
    unknown: Undetermined | None


def _physical_name(resource: Resource) -> str | None:
    """The name by which others refer to it; None where it is unknown, or no text."""
    try:
        return resource.properties.text(_NAME_PROPERTIES.get(resource.type, "name"))
    except Undetermined:
        return None
