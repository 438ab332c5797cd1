"""A resource's properties as rules read them: only when asked, and never guessed.

Guarantees:
    Reading a value that is unknown before deployment raises ``Undetermined`` with its path.
    A property of another type than the rule expects is undetermined too, never "no".

Does not guarantee:
    That a property name exists; tests compare every name that a rule reads with the SDK.
"""

import builtins
from collections.abc import Iterator
from typing import Final

from google.protobuf import struct_pb2

_UNKNOWN: Final = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string, and any value from the Python SDK
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
_SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a type tag


class Undetermined(Exception):  # noqa: N818 - an answer of a rule, not a failure
    """A rule needs a value that cannot be known before deployment.

    Attributes:
        path: Path of the property, such as ``replicas[0].kmsKeyArn``.
        owner: URN of the resource, where it is known.
    """

    def __init__(self, path: str, owner: str = "") -> None:
        super().__init__(path)
        self.path = path
        self.owner = owner


class Properties:
    """The properties of one resource, or of an object inside them.

    Attributes:
        path: Where it lies in the resource; empty for the resource itself.
        owner: URN of the resource, once that is known.
    """

    def __init__(self, struct: struct_pb2.Struct, path: str = "", owner: str = "") -> None:
        self._struct = struct
        self.path = path
        self.owner = owner

    def __bool__(self) -> bool:
        return bool(self._struct.fields)

    def __contains__(self, name: str) -> bool:
        return self._field(name) is not None

    def is_of(self, other: "Properties") -> bool:
        """Whether both read the very same message."""
        return self._struct is other._struct  # noqa: SLF001 - of its own class

    def copy(self) -> dict[str, None]:
        """Names without values; the SDK copies a policy's configuration, of which we have none."""
        return dict.fromkeys(self._struct.fields)

    def at(self, name: str) -> str:
        """The path of a property."""
        return f"{self.path}.{name}" if self.path else name

    def is_unknown(self, name: str) -> bool:
        """Whether a property is given, but not known before deployment."""
        field = self._field(name)
        return field is not None and _is_unknown(field)

    def is_given(self, name: str) -> bool:
        """Whether a property is given and is, or may turn out to be, more than an empty list."""
        field = self._field(name)
        if field is None:
            return False
        return field.WhichOneof("kind") != "list_value" or bool(field.list_value.values)

    def text(self, name: str) -> str | None:
        """A text, or None where it is not given."""
        field = self._known(name)
        if field is None:
            return None
        if field.WhichOneof("kind") != "string_value":
            raise Undetermined(self.at(name), self.owner)
        return field.string_value

    def flag(self, name: str) -> bool | None:
        """A boolean, or None where it is not given."""
        field = self._known(name)
        if field is None:
            return None
        if field.WhichOneof("kind") != "bool_value":
            raise Undetermined(self.at(name), self.owner)
        return field.bool_value

    def number(self, name: str) -> float | None:
        """A number, or None where it is not given."""
        field = self._known(name)
        if field is None:
            return None
        if field.WhichOneof("kind") != "number_value":
            raise Undetermined(self.at(name), self.owner)
        return field.number_value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, empty where it is not given."""
        return tuple(self._text(path, item) for path, item in self._items(name))

    def names(self, name: str) -> tuple[str | None, ...]:
        """One text or a list of them, empty where it is not given; None for each unknown one."""
        field = self._field(name)
        if field is None:
            return ()
        items = field.list_value.values if field.WhichOneof("kind") == "list_value" else (field,)
        return tuple(
            None if _is_unknown(item) else self._text(self.at(name), item)
            for item in map(_unwrapped, items)
        )

    def object(self, name: str) -> "Properties | None":
        """An object, or None where it is not given."""
        field = self._known(name)
        return None if field is None else self._object(self.at(name), field)

    def objects(self, name: str) -> "tuple[Properties, ...]":
        """A list of objects, empty where it is not given."""
        return tuple(self._object(path, item) for path, item in self._items(name))

    def given(self) -> tuple[str, ...]:
        """Names of what is given, whatever it is, sorted."""
        return tuple(sorted(name for name in self._struct.fields if name in self))

    def is_empty(self, name: str) -> bool:
        """Whether a property is given as a list or an object with nothing in it."""
        field = self._field(name)
        if field is None:
            return False
        kind = field.WhichOneof("kind")
        if kind == "list_value":
            return not field.list_value.values
        return kind == "struct_value" and not field.struct_value.fields

    def parts(self, name: str) -> "tuple[Properties, ...]":
        """The object, or the objects of a list, that a property is."""
        field = self._known(name)
        if field is None:
            return ()
        if field.WhichOneof("kind") == "list_value":
            return self.objects(name)
        return (self._object(self.at(name), field),)

    def plain(self, name: str) -> builtins.object:
        """A value of any kind, in Python's own types; None where it is not given.

        Raises:
            Undetermined: If any part of it is unknown.
        """
        self.settle(name)
        field = self._field(name)
        return None if field is None else _plain(field)

    def all_texts(self) -> Iterator[tuple[str, str]]:
        """Every known text at any depth, with its path."""
        for name, value in self._struct.fields.items():
            for path, field in _parts(self.at(name), value):
                if field.WhichOneof("kind") == "string_value" and not _is_unknown(field):
                    yield path, field.string_value

    def settle(self, name: str) -> None:
        """Makes sure that a property is known at every depth, where it is given.

        Raises:
            Undetermined: If any part of it is unknown.
        """
        for path, field in _parts(self.at(name), self._struct.fields.get(name)):
            if _is_unknown(field):
                raise Undetermined(path, self.owner)

    def _field(self, name: str) -> struct_pb2.Value | None:
        if name not in self._struct.fields:
            return None
        field = _unwrapped(self._struct.fields[name])
        return None if field.WhichOneof("kind") in {None, "null_value"} else field

    def _known(self, name: str) -> struct_pb2.Value | None:
        field = self._field(name)
        if field is not None and _is_unknown(field):
            raise Undetermined(self.at(name), self.owner)
        return field

    def _items(self, name: str) -> Iterator[tuple[str, struct_pb2.Value]]:
        field = self._known(name)
        if field is None:
            return
        if field.WhichOneof("kind") != "list_value":
            raise Undetermined(self.at(name), self.owner)
        for index, item in enumerate(field.list_value.values):
            yield f"{self.at(name)}[{index}]", _unwrapped(item)

    def _text(self, path: str, field: struct_pb2.Value) -> str:
        if field.WhichOneof("kind") != "string_value" or _is_unknown(field):
            raise Undetermined(path, self.owner)
        return field.string_value

    def _object(self, path: str, field: struct_pb2.Value) -> "Properties":
        if field.WhichOneof("kind") != "struct_value":
            raise Undetermined(path, self.owner)
        return Properties(field.struct_value, path, self.owner)


def _plain(field: struct_pb2.Value) -> object:
    field = _unwrapped(field)
    kind = field.WhichOneof("kind")
    if kind == "list_value":
        return [_plain(item) for item in field.list_value.values]
    if kind == "struct_value":
        return {name: _plain(item) for name, item in field.struct_value.fields.items()}
    if kind == "bool_value":
        return field.bool_value
    if kind == "number_value":
        return field.number_value
    return None if kind in {None, "null_value"} else field.string_value


def _unwrapped(field: struct_pb2.Value) -> struct_pb2.Value:
    return field.struct_value.fields["value"] if _is_secret(field) else field


def _is_secret(field: struct_pb2.Value) -> bool:
    if field.WhichOneof("kind") != "struct_value":
        return False
    fields = field.struct_value.fields
    return _SIGNATURE_KEY in fields and fields[_SIGNATURE_KEY].string_value == _SECRET


def _is_unknown(field: struct_pb2.Value) -> bool:
    return field.WhichOneof("kind") == "string_value" and field.string_value in _UNKNOWN


def _parts(path: str, field: struct_pb2.Value | None) -> Iterator[tuple[str, struct_pb2.Value]]:
    """The values that a value is made of, at any depth, each with its path."""
    if field is None:
        return
    field = _unwrapped(field)
    kind = field.WhichOneof("kind")
    if kind == "list_value":
        for index, item in enumerate(field.list_value.values):
            yield from _parts(f"{path}[{index}]", item)
    elif kind == "struct_value":
        for name, item in field.struct_value.fields.items():
            yield from _parts(f"{path}.{name}", item)
    else:
        yield path, field
