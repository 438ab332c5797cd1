"""Property values as Pulumi's engine sees them, as plain typed Python.

Guarantees:
    ``struct_of(values_of(s))`` is ``s`` for every struct that the SDK sends: unknowns, secrets,
    assets, archives and resource references survive the round trip.

Does not guarantee:
    The distinction between integers and floats. The wire has doubles only, so a whole number
    comes back as an ``int``, as in the SDK.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from google.protobuf import struct_pb2

# Signatures of pulumi's wire format (sdk/go/common/resource/properties.go).
_SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a type tag
_ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
_ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
_RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
_OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_UNKNOWN_SENTINEL: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Unknown(Enum):
    """The type of ``UNKNOWN``: a value that is only known once its resource exists."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN
"""A value that is only known once its resource exists. Equal to nothing but itself."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that must not be shown. Its ``repr`` hides it.

    Attributes:
        value: What is hidden.
    """

    value: "Value"

    def __repr__(self) -> str:
        return "Secret(...)"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that is a property: exactly one of the three is set.

    Attributes:
        text: Content, given inline.
        path: Path on this machine.
        uri: Address to load it from.
    """

    text: str | None = None
    path: str | None = None
    uri: str | None = None


@dataclass(frozen=True, slots=True)
class Archive:
    """A tree of files that is a property: exactly one of the three is set.

    Attributes:
        assets: Members by path.
        path: Path on this machine.
        uri: Address to load it from.
    """

    assets: "Mapping[str, Value] | None" = None
    path: str | None = None
    uri: str | None = None


@dataclass(frozen=True, slots=True)
class ResourceReference:
    """A resource that is itself a property of another.

    Attributes:
        urn: Which resource.
        id: Physical id; None for a component, ``UNKNOWN`` before it exists.
        package_version: Version of the package that defines it, or empty.
    """

    urn: str
    id: "str | Unknown | None" = None
    package_version: str = ""


Value: TypeAlias = (
    bool
    | int
    | float
    | str
    | Unknown
    | Secret
    | Asset
    | Archive
    | ResourceReference
    | Sequence["Value"]
    | Mapping[str, "Value"]
    | None
)
"""Any property value. A ``str`` is never a sequence of values: test for ``str`` first."""


def values_of(struct: struct_pb2.Struct) -> dict[str, Value]:
    """The properties of a wire struct.

    Args:
        struct: Properties by name, as in a ``RegisterResourceRequest``.

    Returns:
        A new dict of plain values that shares nothing with the struct.
    """
    return {key: value_of(value) for key, value in struct.fields.items()}


def struct_of(values: Mapping[str, Value]) -> struct_pb2.Struct:
    """The wire struct of some properties; the inverse of ``values_of``.

    Args:
        values: Properties by name.

    Returns:
        A new struct, with unknowns and secrets in the wire's own encoding.
    """
    return struct_pb2.Struct(fields={key: _wire_of(value) for key, value in values.items()})


def contains_unknown(value: Value) -> bool:
    """Whether a value is unknown, or holds an unknown at any depth."""
    return any(part is UNKNOWN for part in _parts(value))


def reveal(value: Value) -> Value:
    """The value without its secret wrappers, at any depth. Never log the result."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, Mapping):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [reveal(item) for item in value]
    return value


def _parts(value: Value) -> Iterator[Value]:
    yield value
    if isinstance(value, Secret):
        yield from _parts(value.value)
    elif isinstance(value, ResourceReference):
        yield value.id
    elif isinstance(value, Archive):
        yield from _parts(value.assets or {})
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _parts(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _parts(item)


def value_of(wire: struct_pb2.Value) -> Value:
    """One property's value; None where the wire has none."""
    match wire.WhichOneof("kind"):
        case "string_value":
            text = wire.string_value
            return UNKNOWN if text == _UNKNOWN_SENTINEL else text
        case "number_value":
            number = wire.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return wire.bool_value
        case "list_value":
            return [value_of(item) for item in wire.list_value.values]
        case "struct_value":
            return _object_of(wire.struct_value)
        case _:
            return None


def _object_of(struct: struct_pb2.Struct) -> Value:  # noqa: PLR0911 - one per type tag
    fields = struct.fields
    if _SIGNATURE_KEY not in fields:
        return values_of(struct)
    signature = fields[_SIGNATURE_KEY].string_value
    plain = {key: value_of(value) for key, value in fields.items() if key != _SIGNATURE_KEY}
    if signature == _SECRET:
        return Secret(plain.get("value"))
    if signature == _OUTPUT:
        # Dependencies travel beside the properties, so of an output only its value matters.
        inner = plain.get("value", UNKNOWN)
        return Secret(inner) if plain.get("secret") is True else inner
    if signature == _ASSET:
        return Asset(text=_text(plain, "text"), path=_text(plain, "path"), uri=_text(plain, "uri"))
    if signature == _ARCHIVE:
        assets = plain.get("assets")
        return Archive(
            assets=assets if isinstance(assets, Mapping) else None,
            path=_text(plain, "path"),
            uri=_text(plain, "uri"),
        )
    if signature == _RESOURCE:
        identity = plain.get("id")
        return ResourceReference(
            urn=_text(plain, "urn") or "",
            id=UNKNOWN if identity is UNKNOWN or identity == "" else _text(plain, "id"),
            package_version=_text(plain, "packageVersion") or "",
        )
    return {_SIGNATURE_KEY: signature, **plain}


def _text(values: Mapping[str, Value], key: str) -> str | None:
    value = values.get(key)
    return value if isinstance(value, str) else None


def _wire_of(value: Value) -> struct_pb2.Value:  # noqa: PLR0911 - one per kind
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, Unknown):
        return struct_pb2.Value(string_value=_UNKNOWN_SENTINEL)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=struct_of(value))
    if isinstance(value, Sequence):
        items = [_wire_of(item) for item in value]
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=items))
    return struct_pb2.Value(struct_value=struct_of(_signed(value)))


def _signed(value: Secret | Asset | Archive | ResourceReference) -> dict[str, Value]:
    fields: dict[str, Value]
    if isinstance(value, Secret):
        return {_SIGNATURE_KEY: _SECRET, "value": value.value}
    if isinstance(value, Asset):
        fields = {"text": value.text, "path": value.path, "uri": value.uri}
        signature = _ASSET
    elif isinstance(value, Archive):
        fields = {"assets": value.assets, "path": value.path, "uri": value.uri}
        signature = _ARCHIVE
    else:
        # The wire spells an unknown id as the empty string, and leaves a component's out.
        identity = "" if value.id is UNKNOWN else value.id
        fields = {"urn": value.urn, "id": identity, "packageVersion": value.package_version}
        signature = _RESOURCE
    present = {name: field for name, field in fields.items() if field is not None}
    return {_SIGNATURE_KEY: signature, **present}
