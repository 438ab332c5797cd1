"""Which tables this region takes part in, as a replica, a witness, or alone.

A *group* is a table with all its replicas. A table without replicas is a group of one. Groups
are known by an id that no later table of the same name shares, so that a late message about a
deleted table can never touch its successor.

Guarantees:
    Groups are durable before a method returns.

Does not guarantee:
    That every member of a group agrees on it at every moment: a region that was down while a
    replica was removed learns of it once it is back.
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, cast

from holdfast.twin.region.store import Store


class Consistency(StrEnum):
    """How the copies of a table are kept in step."""

    LOCAL = "local"
    EVENTUAL = "eventual"
    STRONG = "strong"


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A table and its replicas.

    Attributes:
        gid: Unique over all time.
        name: The table's name, the same in every region.
        consistency: How its copies are kept in step.
        replicas: Regions with a copy, sorted.
        witness: Region that votes without a copy.
        settings: What a replica was asked to have for itself, by region, as in UpdateTable.
    """

    gid: str
    name: str
    consistency: Consistency
    replicas: tuple[str, ...]
    witness: str | None = None
    settings: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    @property
    def voters(self) -> tuple[str, ...]:
        """Regions that vote on a strongly consistent table's items."""
        return (*self.replicas, self.witness) if self.witness else self.replicas

    def others(self, region: str) -> tuple[str, ...]:
        """The replicas in regions other than ``region``."""
        return tuple(replica for replica in self.replicas if replica != region)

    def to_json(self) -> str:
        """The group as a JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Group":
        """The group in its JSON."""
        raw = cast("dict[str, Any]", json.loads(text))
        raw["consistency"] = Consistency(raw["consistency"])
        raw["replicas"] = tuple(raw["replicas"])
        return cls(**raw)


def new_gid() -> str:
    """An id that no other table ever had."""
    return uuid.uuid4().hex


class Groups:
    """The groups of this region."""

    def __init__(self, store: Store, region: str) -> None:
        self._store = store
        self._region = region
        self._by_gid: dict[str, Group] = {}
        self._by_name: dict[str, Group] = {}
        for body in store.groups():
            self._keep(Group.from_json(body))

    def __iter__(self) -> Iterator[Group]:
        return iter(list(self._by_gid.values()))

    def named(self, name: str) -> Group | None:
        """The group whose copy is this region's table ``name``. A witness has no table."""
        return self._by_name.get(name)

    def get(self, gid: str) -> Group | None:
        """A group by its id, witnessed ones included."""
        return self._by_gid.get(gid)

    def put(self, group: Group) -> None:
        """Adds or replaces a group."""
        self._store.put_group(group.gid, group.name, group.to_json())
        self._keep(group)

    def drop(self, group: Group) -> None:
        """Forgets a group, with its items and votes."""
        self._store.drop_group(group.gid)
        self._by_gid.pop(group.gid, None)
        if self._by_name.get(group.name) is not None and (
            self._by_name[group.name].gid == group.gid
        ):
            del self._by_name[group.name]

    def _keep(self, group: Group) -> None:
        self._by_gid[group.gid] = group
        if self._region in group.replicas:
            self._by_name[group.name] = group
