"""A stack on the twin: which regions it needs, the twin that has them, and the front that deploys.

Guarantees:
    One stack directory belongs to one front. What one deployed, the other refuses to touch, for
    neither knows what the other made.

Does not guarantee:
    That a region which a later edit of the stack adds is there: the twin is started with the
    regions that the stack names when it is brought up, and has to be restarted for more.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue

from holdfast.contract import SCHEMA_VERSION, Platform
from holdfast.errors import ContractError, TwinError
from holdfast.graph import Value, reveal, run
from holdfast.twin.client import Twin
from holdfast.twin.environment import ACCOUNT_ID
from holdfast.twin.fronts.changes import Changes
from holdfast.twin.fronts.engine import Engine
from holdfast.twin.fronts.inprocess import InProcess
from holdfast.twin.plan import write_private
from holdfast.twin.provider.cloud import Cloud
from holdfast.twin.provider.core import Provider

_REGION_KEYS = frozenset({"region", "regionName"})
_FRONT_FILE = "front"
_PROVIDERS = "pulumi:providers:"

NOT_YET = "known once deployed"
"""Stands in a contract for a text that only the provider can give."""


class FrontName(StrEnum):
    """Who runs the program and keeps the state."""

    INPROCESS = "inprocess"
    PULUMI = "pulumi"


class Front(Protocol):
    """What both fronts offer."""

    def up(self) -> Changes:
        """Creates and updates what the program says."""
        ...

    def preview(self) -> Changes:
        """What ``up`` would do."""
        ...

    def refresh(self) -> Changes:
        """Reads every resource again."""
        ...

    def destroy(self, *, forced: bool = False) -> Changes:
        """Removes every resource."""
        ...


def state_dir_of(project: Path, stack: str) -> Path:
    """Where a stack's twin keeps everything, unless the caller says otherwise."""
    return project.resolve() / ".holdfast" / "twin" / stack


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of a stack before anything of it is made.

    Attributes:
        regions: Every region that its resources name, replicas and witnesses included, sorted.
        resource_count: How many resources providers will make.
        platform: The contract that it will end in, with :data:`NOT_YET` for each text that only
            its deployment can tell; None where the program's preview does not show one.
    """

    regions: tuple[str, ...]
    resource_count: int
    platform: Platform | None


def regions_of(project: Path, stack: str) -> tuple[str, ...]:
    """Every region that a stack's resources name, replicas and witnesses included, sorted.

    Raises:
        GraphError: If the program cannot be run.
    """
    return outlook_of(project, stack).regions


def outlook_of(project: Path, stack: str) -> Outlook:
    """What a stack will be, by a preview of its program.

    Raises:
        GraphError: If the program cannot be run.
    """
    graph = run(project, stack)
    named = {node.region for node in graph.nodes if node.region is not None}
    for node in graph.nodes:
        for value in node.inputs.values():
            named.update(_regions_in(value))
    made = [
        node
        for node in graph.nodes
        if node.custom and not node.external and not node.type.startswith(_PROVIDERS)
    ]
    return Outlook(
        regions=tuple(sorted(named)),
        resource_count=len(made),
        platform=_foreseen(graph.outputs.get("platform")),
    )


def _foreseen(exported: Value) -> Platform | None:
    document = _with_placeholders(exported)
    if not isinstance(document, Mapping):
        return None
    try:
        return Platform.parse(json.dumps({"schema_version": SCHEMA_VERSION, **document}))
    except ContractError:
        # A program may only know at its end what it exports. The deployment will tell.
        return None


def _with_placeholders(value: Value) -> JsonValue:
    plain = reveal(value)
    if isinstance(plain, Mapping):
        return {key: _with_placeholders(entry) for key, entry in plain.items()}
    if isinstance(plain, Sequence) and not isinstance(plain, str):
        return [_with_placeholders(entry) for entry in plain]
    return plain if isinstance(plain, str | int | float | bool) or plain is None else NOT_YET


def _regions_in(value: Value) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, entry in value.items():
            if key in _REGION_KEYS and isinstance(entry, str):
                yield entry
            else:
                yield from _regions_in(entry)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for entry in value:
            yield from _regions_in(entry)


def front_of(
    name: FrontName, *, project: Path, stack: str, twin: Twin, on_line: Callable[[str], None]
) -> Front:
    """The front that deploys a stack to a running twin.

    Args:
        name: Which one.
        project: Directory of the project's ``Pulumi.yaml``.
        stack: Name of the stack.
        twin: Where to.
        on_line: Takes one line for each thing that happens, from any thread.

    Raises:
        TwinError: If the other front has deployed to this twin and not destroyed since.
    """
    file = twin.state_dir / _FRONT_FILE
    owner = file.read_text(encoding="utf-8") if file.exists() else name
    if owner != name:
        raise TwinError(
            f"the stack in {twin.state_dir} was deployed by the {owner} front, and {name} was "
            f"asked for. Name the same one, or `holdfast twin destroy -s {stack}` first."
        )
    write_private(file, name)
    cloud = Cloud(
        twin.endpoint, ACCOUNT_ID, credentials=twin.credentials, ingress_port=twin.ingress_port
    )
    if name is FrontName.INPROCESS:
        return InProcess(
            project=project, stack=stack, state_dir=twin.state_dir, cloud=cloud, on_line=on_line
        )
    return Engine(
        project=project,
        stack=stack,
        state_dir=twin.state_dir,
        provider=Provider(cloud),
        on_line=on_line,
    )


def front_in_use(twin: Twin) -> FrontName:
    """The front that deployed to a twin; the in-process one where none has yet."""
    file = twin.state_dir / _FRONT_FILE
    return FrontName(file.read_text(encoding="utf-8")) if file.exists() else FrontName.INPROCESS


def forget_front(twin: Twin) -> None:
    """Lets the next ``up`` choose its front anew. For after a complete destroy."""
    (twin.state_dir / _FRONT_FILE).unlink(missing_ok=True)


def platform_of(changes: Changes) -> Platform:
    """The contract that a deployment ended in.

    Raises:
        TwinError: If the stack exports no ``platform``.
        ContractError: If what it exports does not fit.
    """
    exported = changes.outputs.get("platform")
    if exported is None:
        raise TwinError(
            "the stack exports no `platform`, so nothing can run on it. Export the contract, "
            "as infra/program.py does."
        )
    return Platform.parse(json.dumps(exported))
