"""What pulumi-aws says about a resource type: its inputs, its outputs, which are required.

Read from the installed SDK's classes, so that the twin knows exactly the properties that a
program can name, and no list of ours can fall behind.
"""

import collections.abc
import functools
import importlib
import threading
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import pulumi

from holdfast.errors import UnsupportedResourceError


@dataclass(frozen=True, slots=True)
class Shape:
    """The type of one property.

    Attributes:
        kind: ``text``, ``number``, ``integer``, ``flag``, ``list``, ``map``, ``object`` or
            ``any``.
        required: Whether it must be given (an input) or is always there (an output).
        item: Shape of the members of a list or map.
        members: Shapes by name of an object's properties, in Pulumi's spelling.
    """

    kind: str
    required: bool = False
    item: "Shape | None" = None
    members: Mapping[str, "Shape"] | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """The inputs and outputs of a resource type, by name in Pulumi's spelling."""

    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]


_PULUMI_NAMES = {"Output": pulumi.Output, "T": type(None), "property": property}
"""Names that the SDK's own aliases quote without importing them into its modules."""

_LOADING = threading.Lock()

_SCALARS = {str: "text", int: "integer", float: "number", bool: "flag"}


def python_class(token: str) -> type:
    """The SDK's class of a resource type.

    Raises:
        UnsupportedResourceError: If the installed pulumi-aws has no such type.
    """
    package, _, rest = token.partition(":")
    module, _, name = rest.partition(":")
    folder = module.partition("/")[0]
    path = f"pulumi_{package}" if folder == "index" else f"pulumi_{package}.{folder}"
    try:
        # The SDK loads its modules lazily, and threads that ask at once see half of one.
        with _LOADING:
            return cast("type", getattr(importlib.import_module(path), name))
    except (ImportError, AttributeError) as error:
        raise UnsupportedResourceError(
            f"{token} is no resource type of the installed pulumi-aws: {error}"
        ) from error


@functools.cache
def schema_of(token: str) -> Schema:
    """The inputs and outputs of a resource type.

    Raises:
        UnsupportedResourceError: If the installed pulumi-aws has no such type.
    """
    resource = python_class(token)
    module = importlib.import_module(resource.__module__)
    # The generator lists a module's argument class first; its name is not always <Type>Args.
    arguments = cast("type", getattr(module, cast("Sequence[str]", module.__all__)[0]))
    return Schema(inputs=_members(arguments), outputs=_members(resource))


def _members(cls: type) -> dict[str, Shape]:
    found: dict[str, Shape] = {}
    for attribute in vars(cls).values():
        if not isinstance(attribute, property):
            continue
        getter = attribute.fget
        name = getattr(getter, "_pulumi_name", None)
        if getter is None or not isinstance(name, str):
            continue
        scope = vars(importlib.import_module(cls.__module__))
        # The SDK quotes its nested types; hints resolve in the module that declares them.
        hints = typing.get_type_hints(getter, scope, _PULUMI_NAMES)
        found[name] = _shape(hints["return"])
    return found


def _shape(hint: object) -> Shape:
    """A type hint of the SDK as a shape, seen through Input, Output and Optional."""
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin is pulumi.Output or origin is collections.abc.Awaitable:
        return _shape(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return _union(arguments)
    if isinstance(origin, type):
        return _collection(origin, arguments)
    if isinstance(hint, type) and hint in _SCALARS:
        return Shape(_SCALARS[hint], required=True)
    if isinstance(hint, type) and hint.__module__.startswith("pulumi_"):
        return Shape("object", required=True, members=_members(hint))
    return Shape("any", required=True)


def _collection(origin: type, arguments: Sequence[object]) -> Shape:
    if issubclass(origin, Mapping):
        return Shape("map", required=True, item=_shape(arguments[1]))
    if issubclass(origin, Sequence):
        return Shape("list", required=True, item=_shape(arguments[0]))
    return Shape("any", required=True)


def _union(arguments: Sequence[object]) -> Shape:
    present = [argument for argument in arguments if argument is not type(None)]
    dictionaries = [one for one in present if not typing.is_typeddict(one)]
    best = _shape(dictionaries[0]) if dictionaries else Shape("any", required=True)
    # Input[Optional[X]] hides the None one level down, in the Awaitable and the Output.
    optional = len(present) < len(arguments) or not best.required
    return Shape(best.kind, required=not optional, item=best.item, members=best.members)
