"""What can be done to the regions of a running twin, and undone.

Guarantees:
    ``kill`` and ``pause`` reach every process of a region within one turn of the event loop.
    Each is idempotent: what already is so is left so, and reported as unchanged.
"""

import asyncio
from collections.abc import Mapping

from holdfast.errors import TwinError
from holdfast.twin.events import EventLog
from holdfast.twin.rpc import RpcError
from holdfast.twin.status import FaultReport, RegionState, TwinEvent
from holdfast.twin.supervisor.agents import Agents
from holdfast.twin.supervisor.regions import RegionUnit


class Faults:
    """Breaks and mends regions and the links between them."""

    def __init__(self, regions: Mapping[str, RegionUnit], agents: Agents, events: EventLog) -> None:
        self._regions = regions
        self._agents = agents
        self._events = events

    def region(self, name: str) -> RegionUnit:
        """A region of the twin.

        Raises:
            TwinError: If there is none of that name.
        """
        if name not in self._regions:
            raise TwinError(
                f"the twin has no region {name!r}; it has {', '.join(sorted(self._regions))}"
            )
        return self._regions[name]

    def kill(self, name: str) -> FaultReport:
        """Ends a region's servers and freezes its agents."""
        unit = self.region(name)
        # A crashed region's agents still run: killing it freezes them as well.
        if unit.state is RegionState.DOWN and not self._agents.any_runs(name):
            return self._unchanged(name, "is down")
        begun = self._events.add("region-kill", name)
        frozen = self._agents.freeze(name)
        unit.kill()
        done = self._events.add("region-down", name, f"{frozen} agents frozen")
        return FaultReport(changed=True, events=(begun, done))

    def pause(self, name: str) -> FaultReport:
        """Stops every process of a region."""
        unit = self.region(name)
        if unit.state is RegionState.PAUSED:
            return self._unchanged(name, "is paused")
        self._must_be(unit, RegionState.UP, "pause", "Only a region that is up can be paused.")
        begun = self._events.add("region-pause", name)
        frozen = self._agents.freeze(name)
        unit.pause()
        done = self._events.add("region-paused", name, f"{frozen} agents frozen")
        return FaultReport(changed=True, events=(begun, done))

    async def resume(self, name: str) -> FaultReport:
        """Lets a paused region run on: servers, then links as they now are, then agents."""
        unit = self.region(name)
        if unit.state is RegionState.UP:
            return self._unchanged(name, "is up")
        self._must_be(unit, RegionState.PAUSED, "resume", "Use restore for a region that is down.")
        begun = self._events.add("region-resume", name)
        unit.resume()
        try:
            await unit.tell_links()
        except RpcError as error:
            self._not_overtaken(unit, "resume")
            unit.pause()
            raise TwinError(
                f"region {name} does not answer after it was resumed: {error}. It is paused "
                f"again; look into {unit.server_log}."
            ) from error
        self._not_overtaken(unit, "resume")
        thawed = self._agents.thaw(name)
        done = self._events.add("region-resumed", name, f"{thawed} agents run on")
        return FaultReport(changed=True, events=(begun, done))

    async def restore(self, name: str) -> FaultReport:
        """Brings a region back that is down: its servers, what they missed, then its agents."""
        unit = self.region(name)
        if unit.state is RegionState.UP:
            return self._unchanged(name, "is up")
        self._must_be(unit, RegionState.DOWN, "restore", "Use resume for a region that is paused.")
        steps: list[TwinEvent] = [self._events.add("region-restore", name)]
        await unit.bring_back(steps)
        thawed = self._agents.thaw(name)
        unit.back()
        steps.append(self._events.add("region-restored", name, f"{thawed} agents run on"))
        return FaultReport(changed=True, events=tuple(steps))

    async def cut(self, a: str, b: str) -> FaultReport:
        """Cuts the link between two regions."""
        return await self._link(a, b, cut=True)

    async def heal(self, a: str, b: str) -> FaultReport:
        """Mends the link between two regions."""
        return await self._link(a, b, cut=False)

    async def _link(self, a: str, b: str, *, cut: bool) -> FaultReport:
        ends = (self.region(a), self.region(b))
        if a == b:
            raise TwinError(f"{a} has no link to itself. Name two regions.")
        op, done_kind = ("cut", "link-cut") if cut else ("heal", "link-healed")
        if (b in ends[0].cut_from) is cut:
            # Told all the same: an earlier attempt may have reached one end only.
            await _tell_both(ends, op)
            return self._unchanged(a, f"link to {b} is {'cut' if cut else 'whole'}")
        begun = self._events.add(f"link-{op}", a, b)
        for unit, peer in zip(ends, (b, a), strict=True):
            (unit.cut_from.add if cut else unit.cut_from.discard)(peer)
        await _tell_both(ends, op)
        done = self._events.add(done_kind, a, b)
        return FaultReport(changed=True, events=(begun, done))

    def _not_overtaken(self, unit: RegionUnit, op: str) -> None:
        """A kill, a pause or a crash may have come while the region was asked."""
        if unit.state is not RegionState.UP:
            raise TwinError(
                f"the {op} of region {unit.name} was overtaken: it is {unit.state.value} now."
            )

    def _unchanged(self, region: str, detail: str) -> FaultReport:
        event = self._events.add("nothing-to-do", region, detail)
        return FaultReport(changed=False, events=(event,))

    def _must_be(self, unit: RegionUnit, state: RegionState, op: str, fix: str) -> None:
        if unit.state is not state:
            raise TwinError(f"cannot {op} region {unit.name}: it is {unit.state.value}. {fix}")


async def _tell_both(ends: tuple[RegionUnit, RegionUnit], op: str) -> None:
    a, b = ends
    problems = await asyncio.gather(_tell(a, op, b.name), _tell(b, op, a.name))
    if any(problems):
        raise TwinError(f"{' '.join(filter(None, problems))} Try {op} again.")


async def _tell(unit: RegionUnit, op: str, peer: str) -> str:
    """Tells one end of a link; "" or what went wrong."""
    # One that is paused or down is told when it comes back; the other end holds the link as it
    # should be meanwhile.
    if unit.state is not RegionState.UP:
        return ""
    try:
        await unit.ask(op, peer=peer)
    except RpcError as error:
        return f"region {unit.name} does not take {op}: {error}."
    return ""
