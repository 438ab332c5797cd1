"""AWS's rules for the replicas and witness of a DynamoDB table. Pure.

The messages are AWS's where it has one (observed in 2026), and name the twin where the rule is
the twin's own.
"""

from dataclasses import dataclass, replace
from typing import Any, cast

from holdfast.twin.region.config import MRSC_REGION_SETS
from holdfast.twin.region.groups import Consistency, Group

_MRSC_REGIONS = 3
_ALONGSIDE = frozenset(
    {"TableName", "ReplicaUpdates", "MultiRegionConsistency", "GlobalTableWitnessUpdates"}
)
_REPRODUCED_SETTINGS = frozenset({"RegionName", "KMSMasterKeyId", "TableClassOverride"})
_STRONG = "global tables with MultiRegionConsistency set to STRONG"


class RuleError(Exception):
    """The request breaks a rule of AWS's, or asks for what the twin lacks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What an UpdateTable does to a table's group.

    Attributes:
        before: The group as it is.
        after: The group as it will be.
        added: Regions that join, as replicas or as the witness.
        removed: Regions that leave.
        updated: Whether a replica's own settings change.
    """

    before: Group
    after: Group
    added: tuple[str, ...]
    removed: tuple[str, ...]
    region: str

    @property
    def kept(self) -> tuple[str, ...]:
        """Other replicas that stay, and have to hear of the change."""
        return tuple(
            peer for peer in self.after.others(self.region) if peer in self.before.replicas
        )

    @property
    def becomes_strong(self) -> bool:
        """Whether this makes the table strongly consistent."""
        return self.after.consistency is Consistency.STRONG is not self.before.consistency

    @property
    def starts_stream(self) -> bool:
        """Eventually consistent replicas are fed from the table's stream, so it is turned on."""
        return self.after.consistency is Consistency.EVENTUAL


@dataclass(frozen=True, slots=True)
class _Asked:
    creates: dict[str, dict[str, Any]]
    updates: dict[str, dict[str, Any]]
    deletes: tuple[str, ...]
    witness_creates: tuple[str, ...]
    witness_deletes: tuple[str, ...]
    consistency: str | None


def plan_update(
    request: dict[str, Any],
    *,
    group: Group,
    region: str,
    regions: frozenset[str],
    is_empty: bool,
    has_local_index: bool,
    has_ttl: bool,
) -> Plan:
    """What an UpdateTable with ``ReplicaUpdates`` comes to.

    Raises:
        RuleError: If AWS would refuse it, or the twin has to.
    """
    asked = _read(request, region, regions)
    if group.consistency is Consistency.STRONG:
        after = _change_strong(asked, group, region)
    elif asked.consistency == "STRONG":
        after = _create_strong(asked, group, region)
        _check_can_be_strong(is_empty=is_empty, has_local_index=has_local_index, has_ttl=has_ttl)
    else:
        after = _change_eventual(asked, group)
    before_members, after_members = set(group.voters), set(after.voters)
    return Plan(
        before=group,
        after=after,
        added=tuple(sorted(after_members - before_members)),
        removed=tuple(sorted(before_members - after_members)),
        region=region,
    )


def _read(request: dict[str, Any], region: str, regions: frozenset[str]) -> _Asked:
    if not request.keys() <= _ALONGSIDE:
        raise RuleError(
            "Requests that modify replicas or witnesses must not also modify other fields"
        )
    witnesses = cast("list[dict[str, Any]]", request.get("GlobalTableWitnessUpdates") or [])
    if len(witnesses) > 1:
        raise RuleError(
            "1 validation error detected: Value at 'globalTableWitnessUpdates' failed to satisfy "
            "constraint: Member must have length less than or equal to 1"
        )
    replicas = cast("list[dict[str, Any]]", request["ReplicaUpdates"])
    asked = _Asked(
        creates=_settings(replicas, "Create"),
        updates=_settings(replicas, "Update"),
        deletes=tuple(_settings(replicas, "Delete")),
        witness_creates=tuple(_settings(witnesses, "Create")),
        witness_deletes=tuple(_settings(witnesses, "Delete")),
        consistency=request.get("MultiRegionConsistency"),
    )
    named = [*asked.creates, *asked.updates, *asked.deletes]
    if (
        len(named) != len(replicas)
        or len(set(named)) != len(named)
        or (set(named) & {*asked.witness_creates, *asked.witness_deletes})
    ):
        raise RuleError("Cannot target multiple regions with the same action")
    if region in named:
        raise RuleError(
            "Cannot add, delete, or update the local region through ReplicaUpdates. Use "
            "CreateTable, DeleteTable, or UpdateTable as required."
        )
    unknown = sorted({*named, *asked.witness_creates, *asked.witness_deletes} - regions)
    if unknown:
        raise RuleError(
            f"The twin has no region {', '.join(unknown)}; it has {', '.join(sorted(regions))}. "
            "Start it with every region that the stack names."
        )
    return asked


def _settings(updates: list[dict[str, Any]], action: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for update in updates:
        settings = update.get(action)
        if settings is None:
            continue
        dropped = sorted(settings.keys() - _REPRODUCED_SETTINGS)
        if dropped:
            raise RuleError(
                f"The twin does not reproduce {', '.join(dropped)} of a replica. Leave it out."
            )
        region = str(settings["RegionName"])
        found[region] = {name: value for name, value in settings.items() if name != "RegionName"}
    return found


def _create_strong(asked: _Asked, group: Group, region: str) -> Group:
    if group.consistency is Consistency.EVENTUAL:
        raise RuleError("MultiRegionConsistency parameter is unsupported on existing global table")
    if asked.deletes or asked.updates:
        raise RuleError(
            "Only Replica Create actions are supported when MultiRegionConsistency parameter is "
            "provided."
        )
    if region in asked.witness_creates:
        raise RuleError(
            "Cannot add a witness in the same region as an existing replica when creating a "
            "global table with MultiRegionConsistency set to STRONG."
        )
    if 1 + len(asked.creates) + len(asked.witness_creates) != _MRSC_REGIONS:
        raise RuleError(f"Unsupported replica count for {_STRONG}.")
    members = {region, *asked.creates, *asked.witness_creates}
    home = next((regions for regions in MRSC_REGION_SETS if region in regions), frozenset[str]())
    outside = sorted(members - home)
    if outside:
        raise RuleError(f"Unsupported Region(s) specified for {_STRONG}: [{', '.join(outside)}].")
    return replace(
        group,
        consistency=Consistency.STRONG,
        replicas=tuple(sorted({region, *asked.creates})),
        witness=asked.witness_creates[0] if asked.witness_creates else None,
        settings={name: own for name, own in asked.creates.items() if own},
    )


def _check_can_be_strong(*, is_empty: bool, has_local_index: bool, has_ttl: bool) -> None:
    if not is_empty:
        raise RuleError(f"The table must be empty to become one of {_STRONG}.")
    if has_local_index:
        raise RuleError(f"Local secondary indexes are not supported on {_STRONG}.")
    if has_ttl:
        raise RuleError(f"Time to live is not supported on {_STRONG}. Disable it first.")


def _change_strong(asked: _Asked, group: Group, region: str) -> Group:
    if asked.consistency is not None:
        raise RuleError(
            "MultiRegionConsistency parameter is unsupported on existing global table"
            if asked.creates
            else "Only Replica Create actions are supported when MultiRegionConsistency parameter "
            "is provided."
        )
    if asked.creates or asked.witness_creates:
        raise RuleError("Cannot add replicas to a global table with strong MultiRegionConsistency")
    _check_members(asked, group)
    if not asked.deletes:
        return _with_settings(group, asked.updates)
    strangers = [name for name in asked.witness_deletes if name != group.witness]
    if strangers:
        raise RuleError(
            "One or more witnesses were not part of the global table. Please retry the request "
            f"without these witnesses: [{', '.join(strangers)}]."
        )
    if group.witness and not asked.witness_deletes:
        raise RuleError("Update table delete operation does not include all witnesses.")
    if set(asked.deletes) != set(group.others(region)):
        raise RuleError(f"Deletion of only one table replica is not supported for {_STRONG}.")
    return replace(
        group,
        consistency=Consistency.LOCAL,
        replicas=(region,),
        witness=None,
        settings={},
    )


def _change_eventual(asked: _Asked, group: Group) -> Group:
    if asked.witness_creates or asked.witness_deletes:
        raise RuleError(
            "MultiRegionConsistency must be set as STRONG when GlobalTableWitnessUpdates "
            "parameter is present."
        )
    if asked.consistency is not None and group.consistency is Consistency.EVENTUAL:
        raise RuleError("MultiRegionConsistency parameter is unsupported on existing global table")
    if len(asked.creates) + len(asked.deletes) > 1:
        raise RuleError(
            "Update table operation with more than one create or delete replica actions not allowed"
        )
    for name in asked.creates:
        if name in group.replicas:
            raise RuleError(
                f"Failed to create a the new replica of table with name: '{group.name}' because "
                "one or more replicas already existed as tables."
            )
    _check_members(asked, group)
    replicas = (set(group.replicas) | asked.creates.keys()) - set(asked.deletes)
    changed = _with_settings(group, {**asked.creates, **asked.updates})
    return replace(
        changed,
        consistency=Consistency.EVENTUAL if len(replicas) > 1 else Consistency.LOCAL,
        replicas=tuple(sorted(replicas)),
        settings={name: own for name, own in changed.settings.items() if own and name in replicas},
    )


def _check_members(asked: _Asked, group: Group) -> None:
    if not {*asked.updates, *asked.deletes} <= set(group.replicas):
        raise RuleError(
            "Replica specified in the Replica Update or Replica Delete action of the request was "
            "not found."
        )


def _with_settings(group: Group, updates: dict[str, dict[str, Any]]) -> Group:
    settings = dict(group.settings)
    for name, own in updates.items():
        settings[name] = {**settings.get(name, {}), **own}
    return replace(group, settings=settings)
