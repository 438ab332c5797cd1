"""What can be asked of a running twin: its status, faults, agents, and its end."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import JsonValue, ValidationError

from holdfast.errors import TwinError
from holdfast.twin.events import EventLog
from holdfast.twin.plan import TwinPlan
from holdfast.twin.processes import memory_bytes
from holdfast.twin.resolver.service import ResolverService
from holdfast.twin.rpc import JsonObject, RpcError
from holdfast.twin.status import (
    FaultReport,
    Pending,
    RegionState,
    RegionStatus,
    Reported,
    Sent,
    TwinStatus,
)
from holdfast.twin.supervisor.agents import Agents
from holdfast.twin.supervisor.children import Child, Children
from holdfast.twin.supervisor.control import Handler, SpawnRequest, text_of
from holdfast.twin.supervisor.faults import Faults
from holdfast.twin.supervisor.regions import RegionUnit

MEMORY_SAMPLE_S = 1.0
STATUS_TIMEOUT_S = 1.0
AGENT_GRACE_S = 2.0

log = logging.getLogger(__name__)

Row = TypeVar("Row", bound=Reported)


class Operations:
    """Answers the requests of the control port."""

    def __init__(
        self,
        *,
        state_dir: Path,
        plan: TwinPlan,
        regions: Mapping[str, RegionUnit],
        agents: Agents,
        events: EventLog,
        resolver: ResolverService,
        children: Children,
        on_stop: Callable[[], None],
    ) -> None:
        self._state_dir = state_dir
        self._plan = plan
        self._regions = regions
        self._agents = agents
        self._faults = Faults(regions, agents, events)
        self._resolver = resolver
        self._children = children
        self._on_stop = on_stop
        self._ready_s = time.monotonic()
        self._peak_bytes = 0
        self._sampler: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Counts uptime and samples memory from now on."""
        self._ready_s = time.monotonic()
        self._sampler = asyncio.create_task(self._sample_memory())

    def close(self) -> None:
        """Samples memory no longer."""
        if self._sampler is not None:
            self._sampler.cancel()

    def handlers(self) -> dict[str, Handler]:
        """One handler for each operation."""
        return {
            "hello": self._hello,
            "status": self._status,
            "spawn": self._spawn,
            "end": self._end,
            "stop": self._stop,
            "kill": self._kill,
            "pause": self._pause,
            "resume": self._resume,
            "restore": self._restore,
            "cut": self._cut,
            "heal": self._heal,
        }

    async def _hello(self, _request: JsonObject) -> JsonObject:
        return {"pid": os.getpid(), "state_dir": str(self._state_dir.resolve())}

    async def _stop(self, _request: JsonObject) -> JsonObject:
        # The answer leaves first: ending begins in a later turn of the event loop.
        asyncio.get_running_loop().call_later(0.01, self._on_stop)
        return {}

    async def _spawn(self, request: JsonObject) -> JsonObject:
        asked = SpawnRequest.model_validate(request)
        unit = self._faults.region(asked.region)
        if unit.state is not RegionState.UP:
            raise TwinError(
                f"agent {asked.name} cannot start in {unit.name}: the region is "
                f"{unit.state.value}. Bring it back first."
            )
        pid = self._agents.spawn(asked.region, asked.name, asked.argv, asked.env, asked.cwd)
        return {"pid": pid}

    async def _end(self, request: JsonObject) -> JsonObject:
        child = self._agents.running(text_of(request, "name"))
        # One that is frozen hears nothing, and could not end politely.
        await self._children.end([child], grace_s=AGENT_GRACE_S)
        return {}

    async def _kill(self, request: JsonObject) -> JsonObject:
        return _report(self._faults.kill(text_of(request, "region")))

    async def _pause(self, request: JsonObject) -> JsonObject:
        return _report(self._faults.pause(text_of(request, "region")))

    async def _resume(self, request: JsonObject) -> JsonObject:
        return _report(await self._faults.resume(text_of(request, "region")))

    async def _restore(self, request: JsonObject) -> JsonObject:
        return _report(await self._faults.restore(text_of(request, "region")))

    async def _cut(self, request: JsonObject) -> JsonObject:
        return _report(await self._faults.cut(text_of(request, "a"), text_of(request, "b")))

    async def _heal(self, request: JsonObject) -> JsonObject:
        return _report(await self._faults.heal(text_of(request, "a"), text_of(request, "b")))

    async def _status(self, _request: JsonObject) -> JsonObject:
        regions = await asyncio.gather(
            *(self._region_status(self._regions[name]) for name in sorted(self._regions))
        )
        agents = self._agents.statuses()
        total_bytes = self._measure()
        status = TwinStatus(
            supervisor_pid=os.getpid(),
            uptime_s=time.monotonic() - self._ready_s,
            ingress_port=self._plan.ingress_port,
            dns_host=self._plan.dns_host,
            dns_port=self._plan.dns_port,
            regions=tuple(regions),
            agents=agents,
            health_checks=self._resolver.health_statuses(),
            dns=self._resolver.status(),
            memory_bytes=total_bytes,
            memory_peak_bytes=self._peak_bytes,
        )
        return {"status": _json(status)}

    async def _region_status(self, unit: RegionUnit) -> RegionStatus:
        reply: JsonObject | None = None
        if unit.state is RegionState.UP:
            try:
                reply = await unit.ask("status", timeout_s=STATUS_TIMEOUT_S)
            except RpcError as error:
                log.warning("region %s does not tell its status: %s", unit.name, error)
        return RegionStatus(
            name=unit.name,
            state=unit.state,
            reason=unit.reason,
            address=unit.place.address,
            api_port=unit.place.api_port,
            valkey_port=unit.place.valkey_port,
            server_pid=_pid(unit.server),
            valkey_pid=_pid(unit.valkey),
            memory_bytes=sum(
                memory_bytes(child.pid) for child in (unit.server, unit.valkey) if child
            ),
            cut_from=tuple(sorted(unit.cut_from)),
            answers=reply is not None,
            catching_up=(reply or {}).get("catching_up") is True,
            pending=rows(Pending, reply, "pending"),
            sent=rows(Sent, reply, "sent"),
        )

    async def _sample_memory(self) -> None:
        while True:
            self._measure()
            await asyncio.sleep(MEMORY_SAMPLE_S)

    def _measure(self) -> int:
        total_bytes = sum(map(memory_bytes, (os.getpid(), *self._children.pids())))
        self._peak_bytes = max(self._peak_bytes, total_bytes)
        return total_bytes


def _pid(child: Child | None) -> int | None:
    return None if child is None else child.pid


def _json(value: Reported) -> JsonValue:
    dumped: JsonValue = value.model_dump(mode="json")
    return dumped


def _report(report: FaultReport) -> JsonObject:
    return {"report": _json(report)}


def rows(kind: type[Row], reply: JsonObject | None, field: str) -> tuple[Row, ...]:
    """The rows of a table in a region server's answer; none when it gave no answer.

    Raises:
        TwinError: If a row lacks what it must have.
    """
    rows = (reply or {}).get(field, [])
    found: list[Row] = []
    for row in rows if isinstance(rows, list) else []:
        # A server may tell more than is asked for here.
        known = {
            name: row[name] for name in kind.model_fields if isinstance(row, dict) and name in row
        }
        try:
            found.append(kind.model_validate(known))
        except ValidationError as error:
            raise TwinError(
                f"a region server tells its {field} as {row!r}, which is no {kind.__name__}: "
                f"{error}"
            ) from error
    return tuple(found)
