"""Values of a running program as the provider takes them, and back."""

from collections.abc import Mapping, Sequence

from holdfast.errors import UnsupportedResourceError
from holdfast.graph import UNKNOWN as GRAPH_UNKNOWN
from holdfast.graph import ResourceReference, Secret, Unknown, Value
from holdfast.twin.provider.values import UNKNOWN, Json


def json_of(value: Value) -> Json:
    """A program's value as JSON: secrets opened, unknowns as the SDK's sentinel.

    Raises:
        UnsupportedResourceError: For an asset or an archive.
    """
    if isinstance(value, Secret):
        return json_of(value.value)
    if isinstance(value, Unknown):
        return UNKNOWN
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, ResourceReference):
        return UNKNOWN if isinstance(value.id, Unknown) else value.id or value.urn
    if isinstance(value, Mapping):
        return {key: json_of(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [json_of(item) for item in value]
    raise UnsupportedResourceError(
        f"a property is a {type(value).__name__}; the twin takes text, numbers, booleans, lists "
        "and maps only"
    )


def value_of(value: Json) -> Value:
    """JSON as a program's value: the sentinel becomes unknown."""
    if isinstance(value, str):
        return GRAPH_UNKNOWN if value == UNKNOWN else value
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {key: value_of(item) for key, item in value.items()}
    return [value_of(item) for item in value]
