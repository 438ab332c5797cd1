"""Properties that an API keeps as a list of named text attributes.

Load balancing does so for most of what can be set on a load balancer or target group.
"""

from collections.abc import Mapping

from holdfast.twin.provider.values import Doc, Json

FLAG = "flag"
NUMBER = "number"
TEXT = "text"

Table = Mapping[str, tuple[str, str]]
"""By property: the attribute's name, and the type of its value."""


def to_attributes(inputs: Doc, table: Table) -> dict[str, str]:
    """The attributes that inputs ask for, as texts."""
    found: dict[str, str] = {}
    for key, (attribute, kind) in table.items():
        if key not in inputs:
            continue
        if kind == FLAG:
            found[attribute] = "true" if inputs.flag(key) else "false"
        elif kind == NUMBER:
            found[attribute] = str(inputs.number(key))
        else:
            found[attribute] = inputs.text(key)
    return found


def from_attributes(attributes: Mapping[str, str], table: Table) -> dict[str, Json]:
    """The properties that attributes stand for. Attributes that are not there are left out."""
    found: dict[str, Json] = {}
    for key, (attribute, kind) in table.items():
        text = attributes.get(attribute)
        if text is None:
            continue
        if kind == FLAG:
            found[key] = text == "true"
        elif kind == NUMBER:
            found[key] = int(text)
        else:
            found[key] = text
    return found
