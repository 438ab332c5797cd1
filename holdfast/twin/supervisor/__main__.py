"""The process that owns a twin: ``python -m holdfast.twin.supervisor --state-dir DIR ...``.

It starts a region server and a Valkey for every region, serves DNS and the control port, and
ends everything on SIGTERM, SIGINT, a ``stop`` request, or the end of its starter before that
said ``keep`` (see ``holdfast.twin.launch``).

Guarantees:
    One supervisor per state directory, by a lock that ends with the process.
    Every process it started ends with it, even when it is killed (Linux).

Standard output has a line ``{"up": REGION}`` for each region that has come up, and ends with
``{"ready": RECORD}`` or ``{"error": TEXT, "kind": NAME}``.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from holdfast.errors import TwinError
from holdfast.twin.addresses import Claimed, claim_plan
from holdfast.twin.credentials import Credentials
from holdfast.twin.events import BEGINNING, EventLog
from holdfast.twin.locations import REGIONS
from holdfast.twin.lock import Lock, Stage, take
from holdfast.twin.plan import PRIVATE_UMASK, TWIN_FILE, TwinPlan, TwinRecord
from holdfast.twin.processes import ProcessIdentity
from holdfast.twin.region_config import GLOBAL_REGION
from holdfast.twin.resolver.service import ResolverService
from holdfast.twin.room import raise_open_files
from holdfast.twin.status import RegionState
from holdfast.twin.supervisor.agents import Agents
from holdfast.twin.supervisor.children import Children
from holdfast.twin.supervisor.control import ControlServer
from holdfast.twin.supervisor.operations import Operations
from holdfast.twin.supervisor.regions import RegionSettings, RegionUnit

AGENT_GRACE_S = 2.0
SERVER_GRACE_S = 5.0
KEEP = b"keep"

log = logging.getLogger("holdfast.twin.supervisor")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The command line."""

    state_dir: Path
    regions: tuple[str, ...]
    dns_port: int | None
    lag_ms: int
    peer_delay_ms: int


def parse(argv: Sequence[str]) -> Options:
    """The options in a command line; regions checked, and us-east-1 among them.

    Raises:
        TwinError: If a region is unknown.
    """
    parser = argparse.ArgumentParser(prog="holdfast.twin.supervisor")
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--region", action="append", default=[])
    parser.add_argument("--dns-port", type=int)
    parser.add_argument("--lag-ms", type=int, default=500)
    parser.add_argument("--peer-delay-ms", type=int, default=5)
    given = parser.parse_args(argv)
    unknown = sorted(set(given.region) - set(REGIONS))
    if unknown:
        raise TwinError(
            f"no AWS region is called {', '.join(unknown)}; the twin knows "
            f"{', '.join(sorted(REGIONS))}. Correct the regions of the stack."
        )
    return Options(
        state_dir=given.state_dir,
        regions=tuple(sorted({*given.region, GLOBAL_REGION})),
        dns_port=given.dns_port,
        lag_ms=given.lag_ms,
        peer_delay_ms=given.peer_delay_ms,
    )


class Supervisor:
    """Brings a twin up, serves it, and takes it down."""

    def __init__(self, options: Options, lock: Lock, claimed: Claimed, events: EventLog) -> None:
        self._options = options
        self._lock = lock
        self._claimed = claimed
        self._events = events
        self._token = secrets.token_hex(32)
        self._credentials = Credentials.new()
        self._children = Children((lock.descriptor,))
        self._agents = Agents(
            options.state_dir, claimed.plan, self._credentials, self._children, events
        )
        settings = RegionSettings(
            state_dir=options.state_dir,
            plan=claimed.plan,
            token=self._token,
            credentials=self._credentials,
            valkey_password=secrets.token_hex(32),
            lag_ms=options.lag_ms,
            peer_delay_ms=options.peer_delay_ms,
        )
        self._regions = {
            name: RegionUnit(name, settings, self._children, events) for name in options.regions
        }
        self._resolver = ResolverService(claimed, self._credentials, events)
        self._ending = asyncio.Event()
        operations = Operations(
            state_dir=options.state_dir,
            plan=claimed.plan,
            regions=self._regions,
            agents=self._agents,
            events=events,
            resolver=self._resolver,
            children=self._children,
            on_stop=self._ending.set,
        )
        self._operations = operations
        self._control = ControlServer(claimed.control, self._token, operations.handlers())

    async def run(self) -> None:
        """Lives from the first process to the last.

        Raises:
            TwinError: If the twin does not become ready.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ending.set)
        self._children.watch(loop)
        loop.add_reader(sys.stdin.fileno(), self._hear_starter)
        ending = asyncio.create_task(self._ending.wait())
        starting = asyncio.create_task(self._bring_up())
        ready = False
        try:
            await asyncio.wait({starting, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not self._ending.is_set():
                starting.result()
                ready = True
                self._announce()
                await ending
        finally:
            for task in (starting, ending):
                task.cancel()
            await asyncio.gather(starting, ending, return_exceptions=True)
            await self._take_down(orderly=ready)

    def _hear_starter(self) -> None:
        """Ends the twin when its starter is gone without having said to keep it."""
        said = os.read(sys.stdin.fileno(), 64)
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        if not said.startswith(KEEP):
            log.info("the starter has ended or given up")
            self._ending.set()

    async def _bring_up(self) -> None:
        self._events.add(BEGINNING, "", f"regions {', '.join(self._regions)}")
        await self._resolver.start()
        await asyncio.gather(*map(_start, self._regions.values()))
        await self._control.start()
        self._operations.start()

    def _announce(self) -> None:
        identity = ProcessIdentity.of(os.getpid())
        record = TwinRecord(
            pid=os.getpid(),
            started=identity.started if identity else "",
            token=self._token,
            credentials=self._credentials,
            plan=self._claimed.plan,
        )
        record.save(self._options.state_dir)
        self._lock.note(Stage.RUNNING)
        self._events.add("twin-ready")
        _say({"ready": record.model_dump(mode="json")})
        _say_no_more()

    async def _take_down(self, *, orderly: bool) -> None:
        """Ends every process and closes every port; the state stays."""
        self._lock.note(Stage.STOPPING)
        self._events.add("twin-stopping")
        self._control.close()
        self._operations.close()
        await self._resolver.close()
        for unit in self._regions.values():
            if unit.state is not RegionState.UP:
                # What is stopped or half started cannot end politely, and must not hold up
                # the rest.
                unit.kill()
            unit.let_go()
        if orderly:
            self._agents.kill_frozen()
            await self._children.end(self._agents.children(), grace_s=AGENT_GRACE_S)
        await self._children.end_all(grace_s=SERVER_GRACE_S if orderly else 0.0)
        (self._options.state_dir / TWIN_FILE).unlink(missing_ok=True)
        self._claimed.release()
        self._events.add("twin-stopped")
        self._events.close()


async def _start(unit: RegionUnit) -> None:
    await unit.start()
    _say({"up": unit.name})


def _say(message: Mapping[str, object]) -> None:
    """One line for the starter."""
    # One that has gone is noticed by the end of its pipe, not by this.
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def _say_no_more() -> None:
    """Ends standard output, which nothing may be added to later."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _supervise(options: Options) -> None:
    # Secrets, tokens and what agents say lie in the directory in the clear: whoever starts the
    # twin, and whatever their own umask is, nothing in it is anybody else's to read.
    os.umask(PRIVATE_UMASK)
    raise_open_files()
    # Never released: it is free when this process and all that it started have ended.
    lock = take(options.state_dir)
    options.state_dir.chmod(0o700)
    lock.note(Stage.STARTING)
    (options.state_dir / TWIN_FILE).unlink(missing_ok=True)
    claimed = claim_plan(
        options.regions, dns_port=options.dns_port, previous=TwinPlan.load(options.state_dir)
    )
    claimed.plan.save(options.state_dir)
    supervisor = Supervisor(options, lock, claimed, EventLog(options.state_dir))
    asyncio.run(supervisor.run())


def main(argv: Sequence[str]) -> int:
    """Runs a supervisor to its end; 0 when it was asked to end, 1 when it could not start."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        _supervise(parse(argv))
    except (TwinError, OSError) as error:
        # The sentence says it all; a traceback would only push it out of sight.
        log.error("%s", error)  # noqa: TRY400
        kind = TwinError if isinstance(error, OSError) else type(error)
        _say({"error": str(error), "kind": kind.__name__})
        _say_no_more()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
