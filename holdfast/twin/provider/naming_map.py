"""Nested blocks whose members only differ in name between Pulumi and an AWS API."""

from collections.abc import Mapping
from typing import TypeAlias

from holdfast.twin.provider.values import Doc, Json, Object, from_pairs, pairs

TAGS = "tags"
"""Mark of a member that is a map for Pulumi and a list of pairs for the API."""

NameMap: TypeAlias = "Mapping[str, str | tuple[str, NameMap | str]]"
"""By Pulumi's name: the API's name, with the map of a nested block or the mark of tags."""


def to_api(block: Doc, names: NameMap) -> dict[str, object]:
    """A block as the API takes it. Absent members stay absent, empty ones are sent."""
    found: dict[str, object] = {}
    for key, target in names.items():
        if block.raw(key) is None:
            continue
        if isinstance(target, str):
            found[target] = block.raw(key)
            continue
        name, inner = target
        if isinstance(inner, str):
            found[name] = pairs(block.table(key))
        elif isinstance(block.raw(key), Mapping):
            found[name] = to_api(block.doc(key), inner)
        else:
            found[name] = [to_api(item, inner) for item in block.docs(key)]
    return found


def from_api(block: Doc, names: NameMap) -> Object:
    """A block as Pulumi shows it; the inverse of ``to_api``."""
    found: dict[str, Json] = {}
    for key, target in names.items():
        name = target if isinstance(target, str) else target[0]
        if block.raw(name) is None:
            continue
        if isinstance(target, str):
            found[key] = block.raw(name)
            continue
        inner = target[1]
        if isinstance(inner, str):
            found[key] = from_pairs(block.docs(name))
        elif isinstance(block.raw(name), Mapping):
            found[key] = from_api(block.doc(name), inner)
        else:
            found[key] = [from_api(item, inner) for item in block.docs(name)]
    return found
