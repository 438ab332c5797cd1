"""Edits that lead data out of its jurisdiction."""

from typing import Final

from tests.policies.shipped import Harm, setting

RESIDENCY_EDITS: Final[tuple[Harm, ...]] = (
    Harm(
        name="the EU's coordination table has its replica in London",
        edit=setting(
            "aws:dynamodb/table:Table::eu-coordination*", "replicas.0.regionName", "eu-west-2"
        ),
        rule="residency-replica",
        at="eu-coordination*",
    ),
)
