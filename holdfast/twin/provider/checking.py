"""Inputs against what pulumi-aws declares, and against what the twin refuses."""

from collections.abc import Iterator, Mapping

from holdfast.twin.provider.schema import Shape
from holdfast.twin.provider.spec import Failure, Fate, ResourceType
from holdfast.twin.provider.values import UNKNOWN, Json, Object, is_unknown

_KINDS: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int, float),
    "number": (int, float),
    "flag": (bool,),
    "list": (list, tuple),
    "map": (Mapping,),
    "object": (Mapping,),
}
_WORDS = {"text": "text", "integer": "a whole number", "number": "a number", "flag": "a boolean"}


def refusals(kind: ResourceType, inputs: Object) -> Iterator[Failure]:
    """What of the inputs AWS would take and the twin does not."""
    for path, rule in kind.properties.items():
        if rule.fate is not Fate.REFUSED:
            continue
        for value in _values_at(inputs, path.split(".")):
            may_be_harmless = value in rule.harmless or (rule.harmless and is_unknown(value))
            if value and not may_be_harmless:
                yield Failure(
                    path,
                    f"is {value!r}, which the twin does not reproduce: {rule.reason}",
                    unsupported=True,
                )


def _values_at(value: Json, path: list[str]) -> Iterator[Json]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _values_at(item, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping):
        yield from _values_at(value.get(path[0]), path[1:])


def shape_failures(value: Object, shapes: Mapping[str, Shape], path: str) -> Iterator[Failure]:
    """Properties that do not exist, or are of a wrong type; ``path`` is where the object is."""
    for key, item in value.items():
        at = f"{path}.{key}" if path else key
        shape = shapes.get(key)
        if shape is None:
            known = ", ".join(sorted(shapes))
            yield Failure(at, f"is no property here; allowed are {known}")
        else:
            yield from _value_failures(item, shape, at)


def _value_failures(value: Json, shape: Shape, path: str) -> Iterator[Failure]:
    if value is None or value == UNKNOWN or shape.kind == "any":
        return
    if not _fits(value, shape.kind):
        yield Failure(path, f"is {value!r}; it must be {_WORDS.get(shape.kind, f'a {shape.kind}')}")
    elif isinstance(value, Mapping):
        yield from _object_failures(value, shape, path)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _value_failures(item, shape.item or Shape("any"), f"{path}[{index}]")


def _object_failures(value: Object, shape: Shape, path: str) -> Iterator[Failure]:
    if shape.members is None:  # A map: its keys are the program's own.
        for key, item in value.items():
            yield from _value_failures(item, shape.item or Shape("any"), f"{path}.{key}")
        return
    yield from shape_failures(value, shape.members, path)
    for key, member in shape.members.items():
        if member.required and value.get(key) is None:
            yield Failure(f"{path}.{key}", "is missing")


def _fits(value: Json, kind: str) -> bool:
    """Whether a value is of a shape's kind. True and false are no numbers, 5.0 is whole."""
    if kind in ("integer", "number") and isinstance(value, bool):
        return False
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _KINDS[kind])
