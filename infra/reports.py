"""Turns what pydantic found into problems that name the key, the value, what is allowed, the fix.

Guarantees:
    Every error of the validation becomes one problem or, where a rule found several, several.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from collections.abc import Set as AbstractSet
from enum import StrEnum
from ipaddress import IPv4Network
from types import NoneType, UnionType
from typing import Annotated, TypeGuard, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from infra.problems import MISSING, REFUSED, Problem, listed, nearest

KEY_ALIAS = "$name"
"""Alias of a field that is handed the key its object stands under. No file may use it."""


def problems(
    error: ValidationError, root: type[BaseModel], hidden: AbstractSet[str]
) -> tuple[Problem, ...]:
    """The problems behind a failed validation, in the order of the fields.

    Args:
        error: What pydantic raised.
        root: The model that was validated.
        hidden: Keys that no file may have, and so none is advised to write.
    """
    return tuple(
        problem
        for details in error.errors(include_url=False)
        for problem in _problems_of(details, root, hidden)
    )


def unknown(key: str, given: object, allowed: Iterable[str]) -> Problem:
    """The problem with a key that no object of its kind has.

    Args:
        key: The key.
        given: The value under it.
        allowed: The keys that the object may have.
    """
    close = nearest(key, allowed)
    return Problem(
        path=(key,),
        given=given,
        wrong="is an unknown key",
        allowed=listed(allowed),
        fix=f"write {close} in place of {key}" if close else "remove the key",
    )


def _problems_of(
    details: ErrorDetails, root: type[BaseModel], hidden: AbstractSet[str]
) -> Iterator[Problem]:
    path = tuple(str(step) for step in details["loc"])
    # What pydantic adds where a key of a mapping is wrong, and not the value under it. A file may
    # have an unknown key of that spelling.
    if path and path[-1] == "[key]" and details["type"] != "extra_forbidden":
        path = path[:-1]
    if details["type"] == REFUSED:
        # What stands under an alias is handed in by us, and is the key above it to the reader.
        path = path[:-1] if path and path[-1] == KEY_ALIAS else path
        found = cast("tuple[Problem, ...]", details.get("ctx", {})["all"])
        yield from (problem.under(path) for problem in found)
    elif details["type"] == "extra_forbidden":
        model = _annotation_at(root, path[:-1])
        yield unknown(path[-1], details["input"], keys_of(model) - hidden).under(path[:-1])
    elif details["type"] == "missing":
        yield Problem(
            path=path,
            given=MISSING,
            wrong="is required",
            allowed=_expected(_annotation_at(root, path)),
            fix="add the key",
        )
    elif not _is_long_enough(details):
        yield _unfit(details, path, _expected(_annotation_at(root, path)))


def _is_long_enough(details: ErrorDetails) -> bool:
    """Whether a list is only called short because some of its items were refused themselves."""
    if details["type"] != "too_short":
        return False
    return bool(len(details["input"]) >= details.get("ctx", {})["min_length"])


def _unfit(details: ErrorDetails, path: tuple[str, ...], expected: str) -> Problem:
    given: object = details["input"]
    limits = details.get("ctx", {})
    bounds = [f"{sign} {limits[name]}" for name, sign in _BOUNDS if name in limits]
    return Problem(
        path=path,
        given=given,
        wrong=_wrong(details, given),
        allowed=f"{expected}, {bounds[0]}" if bounds else expected,
        fix=_fix(details["type"], given, expected),
    )


def _wrong(details: ErrorDetails, given: object) -> str:
    """What pydantic found, in the words of a stack file."""
    kind = details["type"]
    if kind in _NO_SUCH_TYPE:
        return f"is no {_NO_SUCH_TYPE[kind]}"
    if kind in {"too_short", "too_long"} and isinstance(given, Sized):
        return f"has {len(given)} items"
    message = details["msg"].removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _fix(kind: str, given: object, expected: str) -> str:
    """How the value given becomes one that fits, where that can be told."""
    meant = None
    if isinstance(given, str):
        if kind == "tuple_type":
            meant = json.dumps([given])
        elif kind in _NUMBERS:
            meant = given if _NUMBERS[kind].fullmatch(given) else None
        elif expected == _WORDS[IPv4Network]:
            meant = _network(given)
        else:
            meant = nearest(given, expected.split(", "))
    return f"write {meant}" if meant else "write what is allowed"


def _network(given: str) -> str | None:
    """The network that an address with a prefix length lies in, unless it is one itself."""
    try:
        network = str(IPv4Network(given, strict=False))
    except ValueError:
        return None
    return network if network != given else None


_NO_SUCH_TYPE: Mapping[str, str] = {
    "dict_type": "object",
    "float_type": "number",
    "int_from_float": "whole number",
    "int_type": "whole number",
    "mapping_type": "object",
    "model_type": "object",
    "tuple_type": "list",
}
"""What a value is not, by the type of pydantic's error."""

_NUMBERS = {
    "float_type": re.compile(r"[0-9]+(\.[0-9]+)?"),
    "int_type": re.compile(r"[0-9]+"),
}
"""Numbers that somebody put into quotation marks."""

_BOUNDS = (
    ("ge", "at least"),
    ("gt", "more than"),
    ("le", "at most"),
    ("lt", "less than"),
    ("min_length", "of length at least"),
    ("max_length", "of length at most"),
)


def _annotation_at(annotation: object, path: Sequence[str]) -> object:
    """The type of what stands at a path under a value of the given type."""
    for step in path:
        annotation = _plain(annotation)
        arguments: tuple[object, ...] = get_args(annotation)
        if _is_model(annotation):
            fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
            annotation = fields[step].annotation if step in fields else object
        elif arguments:
            # A tuple's first argument is its items' type, a mapping's last is its values'.
            annotation = arguments[0] if get_origin(annotation) is tuple else arguments[-1]
    return _plain(annotation)


def _plain(annotation: object) -> object:
    """A type without its annotations and without ``None``."""
    arguments: tuple[object, ...] = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _plain(arguments[0])
    if get_origin(annotation) is UnionType:
        return _plain(next(arm for arm in arguments if arm is not NoneType))
    return annotation


def _is_model(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_enum(annotation: object) -> TypeGuard[type[StrEnum]]:
    return isinstance(annotation, type) and issubclass(annotation, StrEnum)


def keys_of(annotation: object) -> frozenset[str]:
    """The keys that an object of a type may have; none where the type is no model."""
    if not _is_model(annotation):
        return frozenset()
    return frozenset(name for name, field in annotation.model_fields.items() if field.alias is None)


def _expected(annotation: object) -> str:
    """In words, what a value of a type looks like in a stack file."""
    if _is_enum(annotation):
        return ", ".join(member.value for member in annotation)
    if keys := keys_of(annotation):
        return f"an object with the keys {listed(keys)}"
    origin: object = get_origin(annotation)
    return _WORDS.get(origin or annotation, "another type of value")


_WORDS: Mapping[object, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    tuple: "a list",
    Mapping: "an object",
    IPv4Network: "a network such as 10.0.0.0/10",
}
