"""Values as they travel between Pulumi and AWS: JSON, plus one mark for "not known yet".

Guarantees:
    ``Doc`` answers with a value of the asked type or raises naming the key; it never coerces
    a wrong type into a right one.

Does not guarantee:
    That a document is complete. Absent and null are the same thing here, as they are to
    Pulumi.
"""

import base64
import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, cast

from holdfast.errors import TwinError

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"
"""Anything that JSON can say. Never mutated once made."""

Object: TypeAlias = Mapping[str, Json]
"""A JSON object: inputs, outputs, the state of a resource."""

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the Pulumi SDK writes in a preview for a value that only the deployment will know."""


def is_unknown(value: Json) -> bool:
    """Whether a value, or any part of it, is not known yet."""
    if isinstance(value, str):
        return value == UNKNOWN
    if isinstance(value, Mapping):
        return any(is_unknown(item) for item in value.values())
    if isinstance(value, Sequence):
        return any(is_unknown(item) for item in value)
    return False


def as_json(value: object) -> Json:
    """A value from an AWS client as plain JSON.

    Times become RFC 3339 text in UTC, bytes become base64 text.

    Raises:
        TwinError: For a value that JSON has no place for.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value)
        return {str(key): as_json(item) for key, item in members.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in cast("Sequence[object]", value)]
    if hasattr(value, "read"):
        return None  # A streamed body; nothing here reads one by this way.
    raise TwinError(
        f"a value of type {type(value).__name__} cannot be kept in the state of a stack; "
        "allowed are text, numbers, booleans, lists, maps, times and bytes"
    )


def compact(**members: object) -> dict[str, object]:
    """The members that are there. AWS tells an absent parameter from a null one."""
    return {key: value for key, value in members.items() if value is not None}


class Doc:
    """A read-only, typed view of a JSON object.

    A member that is not known yet is there (``in``), and has no value.
    """

    __slots__ = ("_members",)

    def __init__(self, members: Object | None = None) -> None:
        self._members: Object = members or {}

    def __contains__(self, key: str) -> bool:
        return self._members.get(key) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __bool__(self) -> bool:
        return bool(self._members)

    def __repr__(self) -> str:
        return f"Doc({dict(self._members)!r})"

    @property
    def members(self) -> Object:
        """The object itself."""
        return self._members

    def raw(self, key: str) -> Json:
        """The member as it is, or None."""
        return self._members.get(key)

    def text(self, key: str) -> str:
        """A member that must be there and be text."""
        value = self.maybe_text(key)
        if value is None:
            raise self._wrong(key, "text", None)
        return value

    def maybe_text(self, key: str) -> str | None:
        """A member that is text or absent."""
        value = self._known(key)
        if value is None or isinstance(value, str):
            return value
        raise self._wrong(key, "text", value)

    def number(self, key: str) -> int:
        """A member that must be there and be a whole number."""
        value = self.maybe_number(key)
        if value is None:
            raise self._wrong(key, "a whole number", None)
        return value

    def maybe_number(self, key: str) -> int | None:
        """A member that is a whole number or absent. 5.0 counts as 5."""
        value = self._known(key)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and value == int(value):
            return int(value)
        raise self._wrong(key, "a whole number", value)

    def maybe_real(self, key: str) -> float | None:
        """A member that is any number or absent."""
        value = self._known(key)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        raise self._wrong(key, "a number", value)

    def flag(self, key: str) -> bool:
        """A boolean member; absent counts as false."""
        return self.maybe_flag(key) or False

    def maybe_flag(self, key: str) -> bool | None:
        """A member that is a boolean or absent."""
        value = self._known(key)
        if value is None or isinstance(value, bool):
            return value
        raise self._wrong(key, "true or false", value)

    def doc(self, key: str) -> "Doc":
        """A member that is an object; absent counts as empty."""
        value = self._known(key)
        if value is None:
            return Doc()
        if isinstance(value, Mapping):
            return Doc(value)
        raise self._wrong(key, "an object", value)

    def docs(self, key: str) -> "list[Doc]":
        """A member that is a list of objects; absent counts as empty."""
        found: list[Doc] = []
        for item in self.items(key):
            if not isinstance(item, Mapping):
                raise self._wrong(key, "a list of objects", item)
            found.append(Doc(item))
        return found

    def texts(self, key: str) -> list[str]:
        """A member that is a list of texts; absent counts as empty."""
        found: list[str] = []
        for item in self.items(key):
            if not isinstance(item, str):
                raise self._wrong(key, "a list of texts", item)
            found.append(item)
        return found

    def items(self, key: str) -> Sequence[Json]:
        """A member that is a list; absent counts as empty."""
        value = self._known(key)
        if value is None:
            return ()
        if isinstance(value, Sequence) and not isinstance(value, str):
            return value
        raise self._wrong(key, "a list", value)

    def table(self, key: str) -> dict[str, str]:
        """A member that maps texts to texts; absent counts as empty."""
        found: dict[str, str] = {}
        for name, item in self.doc(key).members.items():
            if not isinstance(item, str):
                raise self._wrong(key, "a map of texts", item)
            found[name] = item
        return found

    def with_members(self, **members: Json) -> "Doc":
        """A copy with some members set."""
        return Doc({**self._members, **members})

    def _known(self, key: str) -> Json:
        value = self._members.get(key)
        return None if value == UNKNOWN else value

    def _wrong(self, key: str, wanted: str, given: Json) -> TwinError:
        have = ", ".join(sorted(self._members)) or "nothing"
        return TwinError(f"{key} should be {wanted} and is {given!r}; the object holds {have}")


def pairs(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """A map of tags as the list of pairs that most AWS services take."""
    return [{key: name, value: tags[name]} for name in sorted(tags)]


def from_pairs(tags: Iterable[Doc], key: str = "Key", value: str = "Value") -> dict[str, str]:
    """A list of pairs as the map of tags that Pulumi shows.

    Tags of AWS's own (``aws:`` prefix) are left out, as the AWS provider leaves them out.
    """
    found = {tag.text(key): tag.maybe_text(value) or "" for tag in tags}
    return {name: found[name] for name in sorted(found) if not name.startswith("aws:")}


def document(text: str | None) -> Json:
    """A JSON text as the value it stands for, or the text itself where it is none."""
    if text is None:
        return None
    try:
        return cast("Json", json.loads(text))
    except ValueError:
        return text
