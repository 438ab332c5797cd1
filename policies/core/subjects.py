"""Resources and stacks as rules see them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from policies.core.arns import region_of
from policies.core.kinds import BUCKET
from policies.core.properties import Properties, Undetermined

JURISDICTION_TAG: Final = "holdfast:jurisdiction"
COMPONENT_TAG: Final = "holdfast:component"
ENVIRONMENT_TAG: Final = "holdfast:environment"


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

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """Resources of some types, sorted by URN."""
        return tuple(resource for resource in self.resources if resource.type in types)

    def named(self, token: str, name: str) -> tuple[Resource, ...]:
        """The resources of a type with a physical name, or with an ARN that ends in it."""
        return tuple(other for other in self.of_type(token) if _is_named(other, name))

    def targets(self, resource: Resource, at: str, token: str) -> tuple[Resource, ...]:
        """The resources that a property points to.

        Args:
            resource: The one that points.
            at: Top-level property that points, by names or ARNs.
            token: Type of what it points to.

        Returns:
            For each name that is known, those of that name; for each that is unknown before
            deployment, those that the engine computes the property from.

        Raises:
            Undetermined: If a name is unknown and comes from no resource of that type.
        """
        found: list[Resource] = []
        for name in resource.properties.names(at):
            if name is not None:
                found += self.named(token, name)
            elif others := resource.referenced(at, (token,)):
                found += others
            else:
                raise Undetermined(at, resource.urn)
        return tuple(found)


def _is_named(other: Resource, known: str) -> bool:
    key = "bucket" if other.type == BUCKET else "name"
    if other.properties.is_unknown(key):
        return False
    name = known.rpartition(":")[2].rpartition("/")[2]
    region = region_of(known)
    return other.properties.text(key) == name and (not region or other.region == region)
