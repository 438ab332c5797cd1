"""Regions are broken and mended in the right order, each time with the same result.

The region servers are fakes that speak the control protocol and note what they are asked;
the processes, signals and Valkeys are real.
"""

import asyncio
import json
import os
import signal
import stat
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.errors import TwinError
from holdfast.twin.addresses import claim_plan
from holdfast.twin.events import EventLog
from holdfast.twin.plan import TwinPlan
from holdfast.twin.region.config import TWIN_USER
from holdfast.twin.status import AgentState, RegionState
from holdfast.twin.supervisor.agents import Agents
from holdfast.twin.supervisor.children import Children
from holdfast.twin.supervisor.faults import Faults
from holdfast.twin.supervisor.regions import RegionSettings, RegionUnit
from tests.twin.test_plan import KEY

pytestmark = pytest.mark.slow

FAKE = (sys.executable, str(Path(__file__).with_name("fake_region.py")))
WEST, EAST = "us-west-2", "us-east-1"
TICKER = "import time\nwhile True: print(time.monotonic(), flush=True); time.sleep(0.01)"


@dataclass
class World:
    """Two regions with fake servers, and all that breaks and mends them."""

    state_dir: Path
    plan: TwinPlan
    regions: dict[str, RegionUnit]
    agents: Agents
    faults: Faults

    def spawn(self, name: str, code: str = TICKER, region: str = EAST) -> int:
        return self.agents.spawn(region, name, [sys.executable, "-c", code], {}, self.state_dir)

    def asked(self, region: str) -> list[dict[str, object]]:
        path = self.state_dir / "regions" / region / "asked.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]

    def ticks(self, name: str) -> int:
        path = self.state_dir / "logs" / "agents" / f"{name}.log"
        return len(path.read_text().splitlines()) if path.exists() else 0


def scenario(state_dir: Path, body: Callable[[World], Awaitable[None]]) -> None:
    async def run() -> None:
        claimed = claim_plan((EAST, WEST), dns_port=None, previous=None)
        events = EventLog(state_dir)
        children = Children()
        children.watch(asyncio.get_running_loop())
        agents = Agents(state_dir, claimed.plan, KEY, children, events)
        settings = RegionSettings(
            state_dir=state_dir,
            plan=claimed.plan,
            token="t",
            credentials=KEY,
            valkey_password="v",
            lag_ms=1,
            peer_delay_ms=1,
            server_argv=FAKE,
        )
        regions = {name: RegionUnit(name, settings, children, events) for name in (EAST, WEST)}
        world = World(state_dir, claimed.plan, regions, agents, Faults(regions, agents, events))
        try:
            await asyncio.gather(*(unit.start() for unit in regions.values()))
            await body(world)
        finally:
            for unit in regions.values():
                unit.kill()
            await children.end_all(grace_s=0)
            claimed.release()
            events.close()
            asyncio.get_running_loop().remove_signal_handler(signal.SIGCHLD)

    asyncio.run(run())


async def until(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - looks at what no event is set for
            await asyncio.sleep(0.01)


async def is_still(world: World, name: str) -> bool:
    """Whether an agent prints nothing more, beyond what was already on its way."""
    await asyncio.sleep(0.05)
    before = world.ticks(name)
    await asyncio.sleep(0.2)
    return world.ticks(name) == before


async def runs_on(world: World, name: str) -> None:
    """Waits for an agent to print more."""
    before = world.ticks(name)
    await until(lambda: world.ticks(name) > before)


def test_a_killed_region_is_a_black_hole_and_comes_back_in_order(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        world.spawn("ticker")
        await until(lambda: world.ticks("ticker") > 3)
        unit = world.regions[EAST]
        servers = [unit.server, unit.valkey]

        report = world.faults.kill(EAST)
        assert [event.kind for event in report.events] == ["region-kill", "region-down"]
        assert unit.state.value == "down"
        assert all(child is not None and child.wait(5) == -signal.SIGKILL for child in servers)
        assert await is_still(world, "ticker")
        assert world.agents.statuses()[0].state is AgentState.FROZEN

        report = await world.faults.restore(EAST)
        assert [event.kind for event in report.events] == [
            "region-restore",
            "server-up",
            "caught-up",
            "valkey-up",
            "region-restored",
        ]
        assert [event.monotonic_s for event in report.events] == sorted(
            event.monotonic_s for event in report.events
        )
        assert unit.state is RegionState.UP
        await runs_on(world, "ticker")

    scenario(tmp_path, body)


def test_the_agents_of_other_regions_run_on(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        world.spawn("other", region=WEST)
        await until(lambda: world.ticks("other") > 0)
        world.faults.kill(EAST)
        await runs_on(world, "other")

    scenario(tmp_path, body)


def test_a_paused_region_loses_nothing(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        unit = world.regions[EAST]
        pids = [child.pid for child in (unit.server, unit.valkey) if child]
        world.spawn("ticker")
        await until(lambda: world.ticks("ticker") > 0)
        assert world.faults.pause(EAST).changed
        assert await is_still(world, "ticker")
        assert (await world.faults.resume(EAST)).changed
        assert [child.pid for child in (unit.server, unit.valkey) if child] == pids
        await runs_on(world, "ticker")

    scenario(tmp_path, body)


def test_every_fault_may_be_repeated(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        faults = world.faults
        assert [faults.pause(EAST).changed for _ in range(2)] == [True, False]
        assert [(await faults.resume(EAST)).changed for _ in range(2)] == [True, False]
        assert [(await faults.cut(EAST, WEST)).changed for _ in range(2)] == [True, False]
        assert not (await faults.cut(WEST, EAST)).changed
        assert [(await faults.heal(WEST, EAST)).changed for _ in range(2)] == [True, False]
        assert [faults.kill(EAST).changed for _ in range(2)] == [True, False]
        assert [(await faults.restore(EAST)).changed for _ in range(2)] == [True, False]

    scenario(tmp_path, body)


def test_a_fault_that_cannot_be_is_refused_with_the_fix(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        faults = world.faults
        with pytest.raises(TwinError, match="no region 'mars-1'; it has us-east-1, us-west-2"):
            faults.kill("mars-1")
        with pytest.raises(TwinError, match="no link to itself"):
            await faults.cut(EAST, EAST)
        faults.pause(EAST)
        with pytest.raises(TwinError, match=r"it is paused\. Use resume"):
            await faults.restore(EAST)
        faults.kill(EAST)
        with pytest.raises(TwinError, match=r"it is down\. Use restore"):
            await faults.resume(EAST)
        with pytest.raises(TwinError, match=r"it is down\. Only a region that is up"):
            faults.pause(EAST)

    scenario(tmp_path, body)


def test_links_that_were_cut_meanwhile_are_cut_when_a_region_returns(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        world.faults.kill(EAST)
        await world.faults.cut(EAST, WEST)
        await world.faults.restore(EAST)
        assert world.asked(WEST)[-1]["op"] == "cut"
        catch_up = [asked for asked in world.asked(EAST) if asked["op"] == "catch_up"]
        assert catch_up[0]["cut"] == [WEST]

        world.faults.pause(EAST)
        await world.faults.heal(EAST, WEST)
        await world.faults.resume(EAST)
        assert (world.asked(EAST)[-1]["op"], world.asked(EAST)[-1]["peer"]) == ("heal", WEST)

    scenario(tmp_path, body)


def test_a_link_that_is_healed_while_a_region_returns_is_whole_afterwards(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        world.faults.kill(EAST)
        await world.faults.cut(EAST, WEST)
        restoring = asyncio.create_task(world.faults.restore(EAST))
        await until(lambda: world.regions[EAST].state is RegionState.RESTORING)
        await world.faults.heal(EAST, WEST)
        await restoring
        assert (world.asked(EAST)[-1]["op"], world.asked(EAST)[-1]["peer"]) == ("heal", WEST)

    scenario(tmp_path, body)


def test_a_cut_that_one_end_did_not_take_is_made_when_it_is_asked_for_again(
    tmp_path: Path,
) -> None:
    async def body(world: World) -> None:
        server = world.regions[EAST].server
        assert server is not None
        os.kill(server.pid, signal.SIGSTOP)
        with pytest.raises(TwinError, match="us-east-1 does not take cut"):
            await world.faults.cut(EAST, WEST)
        # The other end holds the link as it should be, so that nothing passes all the same.
        assert world.asked(WEST)[-1]["op"] == "cut"
        os.kill(server.pid, signal.SIGCONT)
        await world.faults.cut(EAST, WEST)
        assert world.asked(EAST)[-1]["op"] == "cut"

    scenario(tmp_path, body)


def test_a_kill_overtakes_a_resume_that_is_under_way(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        world.spawn("ticker")
        world.faults.pause(EAST)
        resuming = asyncio.create_task(world.faults.resume(EAST))
        await asyncio.sleep(0)
        assert world.regions[EAST].state is RegionState.UP
        world.faults.kill(EAST)
        with pytest.raises(TwinError, match="us-east-1"):
            await resuming
        assert world.regions[EAST].state is RegionState.DOWN
        assert await is_still(world, "ticker")
        assert (await world.faults.restore(EAST)).changed

    scenario(tmp_path, body)


def test_a_region_that_does_not_catch_up_stays_down_and_may_be_tried_again(
    tmp_path: Path,
) -> None:
    async def body(world: World) -> None:
        marker = tmp_path / "regions" / EAST / "cannot-catch-up"
        world.spawn("ticker")
        world.faults.kill(EAST)
        marker.touch()
        with pytest.raises(TwinError, match=r"did not come back: no peer answers\. It is down"):
            await world.faults.restore(EAST)
        assert world.regions[EAST].state is RegionState.DOWN
        assert world.regions[EAST].server is None
        assert await is_still(world, "ticker")
        marker.unlink()
        assert (await world.faults.restore(EAST)).changed

    scenario(tmp_path, body)


def test_a_region_that_the_machine_has_no_room_for_stays_down_and_may_be_tried_again(
    tmp_path: Path,
) -> None:
    async def body(world: World) -> None:
        config = tmp_path / "regions" / EAST / "config.json"
        world.faults.kill(EAST)
        config.unlink()
        config.mkdir()  # As on a full disk, it cannot be written.
        with pytest.raises(TwinError, match=r"did not come back: .*config\.json.*It is down"):
            await world.faults.restore(EAST)
        assert world.regions[EAST].state is RegionState.DOWN
        config.rmdir()
        assert (await world.faults.restore(EAST)).changed

    scenario(tmp_path, body)


def test_a_kill_overtakes_a_restore_that_is_under_way(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        world.spawn("ticker")
        world.faults.kill(EAST)
        restoring = asyncio.create_task(world.faults.restore(EAST))
        await until(lambda: world.regions[EAST].state is RegionState.RESTORING)
        assert world.faults.kill(EAST).changed
        with pytest.raises(TwinError, match="did not come back"):
            await restoring
        assert world.regions[EAST].state is RegionState.DOWN
        assert world.regions[EAST].server is None
        assert await is_still(world, "ticker")

    scenario(tmp_path, body)


def test_a_server_that_crashes_takes_its_region_down_with_the_reason(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        unit = world.regions[EAST]
        world.spawn("ticker")
        assert unit.server is not None
        os.kill(unit.server.pid, signal.SIGABRT)
        await until(lambda: unit.state is RegionState.DOWN)
        assert "region server ended with signal 6 (SIGABRT)" in unit.reason
        assert unit.valkey is None
        # The agents were not told; a kill freezes them, and a restore mends it all.
        await runs_on(world, "ticker")
        assert world.faults.kill(EAST).changed
        assert await is_still(world, "ticker")
        await world.faults.restore(EAST)
        await runs_on(world, "ticker")

    scenario(tmp_path, body)


def test_what_regions_keep_is_for_their_owner_only(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        assert stat.S_IMODE((world.state_dir / "regions").stat().st_mode) == 0o700

    scenario(tmp_path, body)


def test_the_password_of_a_valkey_survives_a_kill_and_its_memory_does_not(
    tmp_path: Path,
) -> None:
    async def command(world: World, *lines: str) -> list[bytes]:
        place = world.plan.regions[EAST]
        reader, writer = await asyncio.open_connection(place.address, place.valkey_port)
        replies: list[bytes] = []
        for line in lines:
            writer.write(line.encode() + b"\r\n")
            replies.append(await asyncio.wait_for(reader.readline(), 5))
        writer.close()
        return replies

    async def body(world: World) -> None:
        assert (
            await command(
                world,
                f"AUTH {TWIN_USER} v",
                "SET key value",
                "ACL SETUSER default on >secret ~* +@all",
                "CONFIG REWRITE",
            )
            == [b"+OK\r\n"] * 4
        )
        world.faults.kill(EAST)
        await world.faults.restore(EAST)
        assert (await command(world, "GET key"))[0].startswith(b"-NOAUTH")
        assert await command(world, "AUTH secret", "EXISTS key") == [b"+OK\r\n", b":0\r\n"]

    scenario(tmp_path, body)


def test_an_agent_that_exits_is_noted_and_its_name_is_free_again(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        world.spawn("brief", "print('done'); raise SystemExit(3)")
        await until(lambda: world.agents.statuses()[0].state is AgentState.EXITED)
        (status,) = world.agents.statuses()
        assert (status.exit_code, status.pid) == (3, None)
        world.spawn("brief")
        with pytest.raises(TwinError, match="an agent called brief already runs in us-east-1"):
            world.spawn("brief")

    scenario(tmp_path, body)


def test_an_agent_that_cannot_start_is_refused_with_the_reason(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        with pytest.raises(TwinError, match=r"agent gone cannot start: .*No such file"):
            world.agents.spawn(EAST, "gone", ["/no/such/program"], {}, tmp_path)
        with pytest.raises(TwinError, match=r"cannot be called '../x'"):
            world.agents.spawn(EAST, "../x", [sys.executable], {}, tmp_path)
        with pytest.raises(TwinError, match="has no command"):
            world.agents.spawn(EAST, "empty", [], {}, tmp_path)
        assert world.agents.statuses() == ()

    scenario(tmp_path, body)


def test_a_kill_reaches_every_process_at_once(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        for number in range(8):
            world.spawn(f"agent-{number}")
        await until(lambda: all(world.ticks(f"agent-{number}") > 2 for number in range(8)))
        report = world.faults.kill(EAST)
        await asyncio.sleep(1.0)
        for number in range(8):
            log = tmp_path / "logs" / "agents" / f"agent-{number}.log"
            assert float(log.read_text().split()[-1]) < report.ended_s + 0.5

    scenario(tmp_path, body)
