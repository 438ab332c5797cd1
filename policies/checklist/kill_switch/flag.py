"""Where the flag is, what it is made of, and who is there to trip it."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

from holdfast.contract.flag import FLAG_ATTRIBUTES
from policies.core.kinds import ROLE, TABLE, TABLE_ITEM
from policies.core.properties import Undetermined
from policies.core.stores import replica_regions
from policies.core.subjects import Resource, Stack
from policies.iam.documents import entries

FRAMEWORKS: Final = ("EU AI Act Art. 14", "NIST AI RMF MANAGE 2.4")
FLAG: Final = "kill"
"""Key of the flag's item."""

COMPONENT: Final = "kill-switch"
"""Component tag of the switch's role, topics and alarms."""


def flag_tables(stack: Stack) -> Iterator[tuple[str, Resource]]:
    """The table that holds the flag, by jurisdiction."""
    for item in stack.of_type(TABLE_ITEM):
        if not is_flag(item):
            continue
        for table in stack.targets(item, "tableName", TABLE):
            here = item.region in {table.region, *replica_regions(table)}
            if here and table.jurisdiction is not None:
                yield table.jurisdiction, table


def responders(stack: Stack) -> tuple[Resource, ...]:
    """The roles that are there to trip a switch."""
    return tuple(role for role in stack.of_type(ROLE) if role.component == COMPONENT)


def is_flag(item: Resource) -> bool:
    """Whether an item of a table is the flag."""
    key = item.properties.text("hashKey")
    if key is None:
        raise Undetermined("hashKey", item.urn)
    return entries(attributes(item).get(key)).get("S") == FLAG


def attributes(item: Resource) -> Mapping[str, object]:
    """The attributes of an item by name."""
    try:
        return entries(json.loads(item.properties.text("item") or ""))
    except ValueError as error:
        raise Undetermined("item", item.urn) from error


def written_by_tripping(stack: Stack) -> set[str]:
    """What is written when somebody trips the switch: the flag's key, and all that it says."""
    flags = (item for item in stack.of_type(TABLE_ITEM) if is_flag(item))
    return {*FLAG_ATTRIBUTES, *(name for item in flags for name in attributes(item))}
