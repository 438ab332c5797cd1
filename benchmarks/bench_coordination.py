"""This library's lock beside others', on one DynamoDB server, in one run.

``make bench-coordination`` runs it. The peers are installed in an environment of their own, at the
versions in ``peers.lock``; one that cannot run is named, with the reason, and left out. A
crash is a SIGKILL; an outage is every request failing for 2 s, half a lease, after which a rival
waits for two and a half leases.

Each library works in a process of its own, and all are measured in turn, round after round, so
that what else the machine does meets all of them. The takeover is counted from the holder's last
request, which is what a waiter can know of it, and averaged over crashes at different moments.
"""

import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, cast

from benchmarks.locks import LEASE_S, PEERS, WIRE, set_up
from benchmarks.peers import ROOT, NotInstalledError, install
from tests.coordination.servers import emulator, environment

OUTAGE_S = 2.0
ROUNDS = 9
WINDOW_S = 0.5
# Half a period more than whole ones, so that all have sent as often as their periods fit into it.
WAITING_S = 3.5
CRASHES_S = (2.1, 2.35, 2.6, 2.85)
"""When holders are killed, after they have begun: in every quarter of a second of a renewal."""
US = "holdfast"
LEVEL = 0.05
"""A difference that is smaller than this is noise."""


@dataclass
class Row:
    """What was measured of one library."""

    name: str
    acquire: float = 0
    release: float = 0
    tokens: str = ""
    per_s: list[float] = field(default_factory=list[float])
    silence_s: list[float] = field(default_factory=list[float])
    after_outage: str = ""
    waiting_per_s: float = 0


class Bench:
    """One library in this process: carries out what the parent asks for, line by line."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._make = PEERS[name]
        self._peer = self._make()

    def cost(self) -> dict[str, object]:
        """Requests of one acquisition and one release, and whether tokens grow."""
        tokens: list[int | None] = []
        counts: list[int] = []
        for _ in range(2):
            before = WIRE.requests
            assert self._peer.acquire("cost")
            tokens.append(self._peer.token())
            counts = [WIRE.requests - before]
            before = WIRE.requests
            self._peer.release()
            counts.append(WIRE.requests - before)
        first, second = tokens
        grow = first is not None and second is not None and second > first
        return {
            "acquire": counts[0],
            "release": counts[1],
            "tokens": "grow" if grow else "none",
        }

    def pairs(self) -> float:
        """Acquisitions and releases per second, in one window."""
        began, count = time.monotonic(), 0
        while time.monotonic() - began < WINDOW_S:
            assert self._peer.acquire("speed")
            self._peer.release()
            count += 1
        return count / (time.monotonic() - began)

    def takeover(self, crash_s: float) -> float:
        """From a killed holder's last request to the acquisition of one that waits."""
        key, waiter = f"crash {crash_s}", self._make()
        taken_s: list[float] = []

        def wait() -> None:
            if waiter.wait(key, 60):
                taken_s.append(time.monotonic())

        with Holder(self._name, key) as holder:
            thread = threading.Thread(target=wait, daemon=True)
            thread.start()
            time.sleep(crash_s)
        thread.join(60)
        if not taken_s:
            return float("inf")
        waiter.release()
        return taken_s[0] - holder.last_request_s

    def outage(self) -> str:
        """What becomes of a living holder's lock in an outage that is shorter than its lease."""
        rival = self._make()
        assert self._peer.acquire("outage")
        time.sleep(0.5)
        WIRE.cut = True
        time.sleep(OUTAGE_S)
        WIRE.cut = False
        stolen = rival.wait("outage", LEASE_S * 2.5)
        believes = self._peer.knows_it_holds()
        with suppress(Exception):
            # Whoever has it now: nothing may renew while the next library is measured.
            (rival if stolen else self._peer).release()
        said = {True: "still says held", False: "told", None: "says nothing"}[believes]
        return f"lost; holder {said}" if stolen else "kept"

    def waiting(self) -> float:
        """Requests per second of one that waits. Last of all: some cannot be stopped."""
        waiter = self._make()
        with Holder(self._name, "queue"):
            before = WIRE.requests
            threading.Thread(target=waiter.wait, args=("queue", 60), daemon=True).start()
            # Shorter than the lease, so that those who never renew still hold it.
            time.sleep(WAITING_S)
            return (WIRE.requests - before) / WAITING_S

    def serve(self) -> None:
        """Answers the parent's lines until there are no more."""
        for line in sys.stdin:
            name, *arguments = json.loads(line)
            answer = getattr(self, name)(*arguments)
            print(json.dumps(answer), flush=True)


class Holder:
    """Another process that takes a lock and keeps it until it is killed."""

    def __init__(self, name: str, key: str) -> None:
        self.last_request_s = 0.0
        """When it last sent a request, on this machine's monotonic clock."""
        self._began = threading.Event()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.bench_coordination", "hold", name, key],
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._reader.start()
        assert self._began.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line == "holds\n":
                self._began.set()
            else:
                self.last_request_s = float(line)


class PeerFailedError(Exception):
    """A library's process has ended; the message is its last word."""


class Worker:
    """The process of one library, as its parent sees it."""

    def __init__(self, name: str, python: str | Path, errors: Path) -> None:
        self._errors = errors
        with errors.open("wb") as said:
            self._process = subprocess.Popen(
                [python, "-m", "benchmarks.bench_coordination", "serve", name],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            )

    def ask(self, what: str, *arguments: float) -> object:
        """Has it measure something.

        Raises:
            PeerFailedError: If it cannot.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            print(json.dumps([what, *arguments]), file=self._process.stdin, flush=True)
        if answer := self._process.stdout.readline():
            return json.loads(answer)
        self._process.wait()
        # A traceback says last what it is about.
        said = self._errors.read_text(encoding="utf-8").splitlines()
        raise PeerFailedError(said[-1] if said else "it ended and said nothing")

    def end(self) -> None:
        """Ends it."""
        with suppress(BrokenPipeError), self._process:
            self._process.kill()


class Comparison:
    """All libraries, measured in turn. One that fails is named, ended and taken out."""

    def __init__(self, workers: dict[str, Worker]) -> None:
        self._workers = workers
        self.rows = {name: Row(name) for name in workers}

    def measure(self) -> None:
        """Measures everything."""
        for row, cost in self._each("cost"):
            for attribute, value in cast("dict[str, object]", cost).items():
                setattr(row, attribute, value)
        list(self._each("pairs"))  # A first window, to warm up.
        for _ in range(ROUNDS):
            for row, per_s in self._each("pairs"):
                row.per_s.append(cast("float", per_s))
        for crash_s in CRASHES_S:
            for row, silence_s in self._each("takeover", crash_s):
                row.silence_s.append(cast("float", silence_s))
        for row, after_outage in self._each("outage"):
            row.after_outage = cast("str", after_outage)
        for row, waiting_per_s in self._each("waiting"):
            row.waiting_per_s = cast("float", waiting_per_s)
            # It may go on asking, which would meet the next one.
            self._workers[row.name].end()

    def _each(self, what: str, *arguments: float) -> Iterator[tuple[Row, object]]:
        for name in list(self.rows):
            try:
                answer = self._workers[name].ask(what, *arguments)
            except PeerFailedError as error:
                print(f"{name} cannot run: {error}")
                self._workers[name].end()
                del self.rows[name]
            else:
                yield self.rows[name], answer


def speed(rows: dict[str, Row], name: str) -> float:
    """A library's pairs per second in terms of ours, in the same round; the median round."""
    rounds = zip(rows[name].per_s, rows[US].per_s, strict=True)
    return statistics.median(theirs / ours for theirs, ours in rounds)


WHY_BEHIND = {
    "takeover": "it asks all the time (see waiting/s) and compares dates instead of watching for "
    "a whole lease; under a lease it robs the living. Our last look is aimed at the end of the "
    "lease; what is left is how late a look sees the last renewal, half a retry on average.",
    "pairs": "it releases without asking whose lock it deletes, and nothing renews meanwhile. "
    "All of these are bound by the server: our own part is a fortieth of a pair.",
}


def behind(rows: dict[str, Row]) -> list[str]:
    """Every peer that is ahead of us somewhere, and why."""
    ours, told = rows[US], list[str]()
    mean = statistics.mean
    for name, row in rows.items():
        if mean(row.silence_s) < (1 - LEVEL) * mean(ours.silence_s):
            told.append(f"{name} takes over sooner: {WHY_BEHIND['takeover']}")
        if speed(rows, name) > 1 + LEVEL:
            told.append(f"{name} does more pairs/s: {WHY_BEHIND['pairs']}")
        for what in ("acquire", "release", "waiting_per_s"):
            if getattr(row, what) < (1 - LEVEL) * getattr(ours, what):
                told.append(f"{name} needs fewer requests ({what}); that is a defect of ours.")
    return told


def _print(rows: dict[str, Row]) -> None:
    print(
        f"{f'leases of {LEASE_S} s':22} {'acquire':>7} {'release':>7} {'waiting/s':>9} "
        f"{'pairs':>6} {'takeover':>9} {'worst':>6}  tokens  outage of {OUTAGE_S:.0f} s"
    )
    for name, row in rows.items():
        print(
            f"{name:22} {row.acquire:>7.0f} {row.release:>7.0f} {row.waiting_per_s:>9.1f} "
            f"{speed(rows, name):>6.2f} {statistics.mean(row.silence_s):>7.1f} s "
            f"{max(row.silence_s):>4.1f} s  {row.tokens:6}  {row.after_outage}"
        )
    print("acquire, release: requests. pairs: of both per second, in terms of ours.")
    print("takeover: after the last request of a holder that was killed, mean and worst.")
    for line in behind(rows):
        print(f"AHEAD OF US: {line}")


def _hold(name: str, key: str) -> None:
    set_up()
    WIRE.on_request = lambda: print(time.monotonic(), flush=True)
    assert PEERS[name]().acquire(key)
    print("holds", flush=True)
    time.sleep(120)


def _serve(name: str) -> None:
    set_up()
    logging.disable()
    Bench(name).serve()
    # Waiters that cannot be stopped end with the process.
    os._exit(0)


def main() -> None:
    """Measures every peer that can run."""
    match sys.argv[1:]:
        case ["hold", name, key]:
            _hold(name, key)
        case ["serve", name]:
            _serve(name)
        case _:
            _compare()


def _compare() -> None:
    pythons = {US: Path(sys.executable)}
    try:
        pythons |= dict.fromkeys(PEERS.keys() - {US}, install())
    except NotInstalledError as error:
        print(f"the peers cannot be installed, so there is nothing to compare with: {error}")
    with tempfile.TemporaryDirectory() as place, emulator(Path(place)) as port:
        os.environ.update(environment(port))
        workers = {
            name: Worker(name, pythons[name], Path(place, f"{name}.log"))
            for name in PEERS
            if name in pythons
        }
        comparison = Comparison(workers)
        try:
            comparison.measure()
        finally:
            for worker in workers.values():
                worker.end()
    if US not in comparison.rows:
        raise SystemExit(1)
    _print(comparison.rows)


if __name__ == "__main__":
    main()
