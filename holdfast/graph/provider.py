"""What answers registrations: the port between a running program and a cloud.

``holdfast.graph.run`` takes a ``Provider`` as its argument. The preview provider makes nothing;
a deploying one makes each resource before it answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from holdfast.graph.model import Options, Source
from holdfast.graph.values import Unknown, Value


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """One custom resource that the program asks for. Components never reach a provider.

    Attributes:
        urn: The engine's name for it.
        type: Type token, such as ``aws:dynamodb/table:Table``.
        name: Logical name.
        inputs: What the program asks for. Never unknown outside previews.
        parent: URN of the parent.
        dependencies: URNs that exist by now, sorted.
        property_dependencies: The same by input property; only properties that have some.
        options: Resource options, after inheritance and transforms.
        provider: URN of the provider resource that manages it.
        region: Region it is placed in; see ``Node.region``.
        read_id: Physical id to read, when the program only looks the resource up.
        source: Where the program asks for it.
        provider_inputs: What that provider resource is configured with.
    """

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Value]
    parent: str | None
    dependencies: tuple[str, ...]
    property_dependencies: Mapping[str, tuple[str, ...]]
    options: Options
    provider: str
    region: str | None
    read_id: str | None
    source: Source | None
    provider_inputs: Mapping[str, Value] = field(default_factory=dict[str, Value])


@dataclass(frozen=True, kw_only=True, slots=True)
class Realised:
    """A provider's answer.

    Attributes:
        id: Physical id, ``UNKNOWN`` in a preview of something that does not exist yet.
        outputs: All properties, inputs included. In a preview, a declared output that is not
            among them is unknown to the program; otherwise it is None.
    """

    id: str | Unknown
    outputs: Mapping[str, Value]


class Provider(Protocol):
    """Answers a program's registrations and function calls.

    Both methods are called from worker threads, several at a time. A ``HoldfastError`` that
    they raise reaches the caller of ``run`` unchanged; anything else becomes a ``GraphError``
    that names the resource and its place in the program.
    """

    def register(self, registration: Registration) -> Realised:
        """Makes, updates or finds one resource. Everything it depends on exists by now."""
        ...

    def invoke(
        self, token: str, args: Mapping[str, Value], *, region: str | None
    ) -> Mapping[str, Value]:
        """Calls a function such as ``aws:index/getRegion:getRegion``.

        Args:
            token: Which function.
            args: Its arguments, all known and without secret wrappers.
            region: Region it is asked in: its own ``region``, else its provider's, else the
                stack's configuration.

        Returns:
            Its results by name.
        """
        ...
