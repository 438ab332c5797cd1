"""Virtual time, processes with clocks of their own, and everything that can happen to them.

One seed is one world: the same seed replays the same events in the same order, whatever the
machine. Nothing here waits; a simulated hour takes as long as its events.

Guarantees:
    Events happen in order of virtual time, and ties in order of scheduling. A paused process
    does nothing until it is resumed, and then finds everything that reached it meanwhile. A
    crashed process loses all it had in memory, including what was on its way to it.

Does not guarantee:
    That time passes *within* an event: a handler runs at one instant.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass

from holdfast.errors import ConfigurationError

_PPM = 1_000_000
MAX_EVENTS = 5_000_000
"""Events after which a world is taken to run in circles."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a world's history.

    Attributes:
        at_ms: Virtual time.
        who: Process, store or fault.
        what: What happened.
        detail: To what, with what result.
    """

    at_ms: int
    who: str
    what: str
    detail: str

    def __str__(self) -> str:
        return f"{self.at_ms / 1000:10.3f} s  {self.who:<10} {self.what:<14} {self.detail}"


class World:
    """A seeded scheduler.

    Args:
        seed: Decides everything.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.history: list[Entry] = []
        self.now_ms = 0
        """True time, which no process can see."""
        self._order = 0
        self._queue: list[tuple[int, int, Callable[[], None]]] = []

    def at(self, at_ms: int, handler: Callable[[], None]) -> None:
        """Schedules an event.

        Args:
            at_ms: When; the past means now.
            handler: What.
        """
        self._order += 1
        heapq.heappush(self._queue, (max(at_ms, self.now_ms), self._order, handler))

    def after(self, delay_ms: int, handler: Callable[[], None]) -> None:
        """Schedules an event from now.

        Args:
            delay_ms: How long from now.
            handler: What.
        """
        self.at(self.now_ms + delay_ms, handler)

    def note(self, who: str, what: str, detail: str = "") -> None:
        """Writes a line of history.

        Args:
            who: Process, store or fault.
            what: What happened.
            detail: To what, with what result.
        """
        self.history.append(Entry(self.now_ms, who, what, detail))

    def run(self, until_ms: int) -> None:
        """Lets time pass.

        Args:
            until_ms: Until when, in virtual time.

        Raises:
            ConfigurationError: If events keep coming without end.
        """
        queue = self._queue
        for _ in range(MAX_EVENTS):
            if not queue or queue[0][0] > until_ms:
                self.now_ms = max(self.now_ms, until_ms)
                return
            self.now_ms, _, handler = heapq.heappop(queue)
            handler()
        raise ConfigurationError(
            f"World {self.seed} had {MAX_EVENTS} events before {until_ms} ms. Something schedules "
            "itself without letting time pass."
        )


class Process:
    """A process on one machine of a world.

    Args:
        world: Where it lives.
        name: For the history.
        region: Where its machine stands.
        rate_ppm: How much faster than true time its monotonic clock runs, in parts per million.
        wall_offset_ms: How far its wall clock is off. Only code under test that compares wall
            clocks will notice.
    """

    def __init__(
        self,
        world: World,
        name: str,
        region: str,
        *,
        rate_ppm: int = 0,
        wall_offset_ms: int = 0,
    ) -> None:
        self.world = world
        self.name = name
        self.region = region
        self.wall_offset_ms = wall_offset_ms
        self.alive = True
        self.paused = False
        self.incarnation = 0
        self.running_since_ms = 0
        """When it was last resumed or restarted, in true time."""
        self.clock = ProcessClock(world, rate_ppm)
        self._backlog: list[tuple[int, Callable[[], None]]] = []

    @property
    def running(self) -> bool:
        """Whether it can do anything right now."""
        return self.alive and not self.paused

    def deliver(self, incarnation: int, handler: Callable[[], None]) -> None:
        """Has the process handle something now, or once it is resumed, or never.

        Args:
            incarnation: Which life of the process it is meant for.
            handler: What.
        """
        if not self.alive or incarnation != self.incarnation:
            return
        if self.paused:
            self._backlog.append((incarnation, handler))
            return
        handler()

    def wake_at(self, local_ms: int, handler: Callable[[], None]) -> None:
        """Schedules an event by the process's own clock.

        Args:
            local_ms: When, on its clock.
            handler: What.
        """
        incarnation = self.incarnation
        self.world.at(self.clock.true_ms(local_ms), lambda: self.deliver(incarnation, handler))

    def wake_after(self, delay_ms: int, handler: Callable[[], None]) -> None:
        """Schedules an event from now by the process's own clock.

        Args:
            delay_ms: How long from now, on its clock.
            handler: What.
        """
        self.wake_at(self.clock.now_ms() + delay_ms, handler)

    def wall_ms(self) -> int:
        """The process's wall clock, right or wrong."""
        return self.world.now_ms + self.wall_offset_ms

    def pause(self, *, clock_too: bool = False) -> None:
        """Freezes the process, as SIGSTOP or a suspended machine does.

        Args:
            clock_too: Whether its clock will not know of it, as that of a virtual machine that
                is moved, or restored from a snapshot. That breaks what leases rely on.
        """
        if self.running:
            self.paused = True
            if clock_too:
                self.clock.stop()
            self.world.note(self.name, "paused")

    def resume(self) -> None:
        """Lets a frozen process go on, with all that reached it meanwhile."""
        if not (self.alive and self.paused):
            return
        self.paused = False
        self.running_since_ms = self.world.now_ms
        self.clock.go_on()
        self.world.note(self.name, "resumed")
        backlog, self._backlog = self._backlog, []
        for incarnation, handler in backlog:
            self.deliver(incarnation, handler)

    def crash(self) -> None:
        """Ends the process without a word, as SIGKILL does."""
        if self.alive:
            self.alive = self.paused = False
            self.clock.go_on()
            self.incarnation += 1
            self._backlog.clear()
            self.world.note(self.name, "crashed")

    def restart(self) -> None:
        """Brings a crashed process back, with an empty memory."""
        if not self.alive:
            self.alive = True
            self.running_since_ms = self.world.now_ms
            self.world.note(self.name, "restarted")


class ProcessClock:
    """A monotonic clock that runs at its own rate.

    Args:
        world: Whose time it follows.
        rate_ppm: How much faster, in parts per million.
    """

    def __init__(self, world: World, rate_ppm: int) -> None:
        self._world = world
        self._factor = _PPM + rate_ppm
        self._shift_ms = 0
        self._stopped_ms: int | None = None

    def now_ms(self) -> int:
        """Milliseconds since the world began, as this clock counts them."""
        if self._stopped_ms is not None:
            return self._stopped_ms
        return self._world.now_ms * self._factor // _PPM + self._shift_ms

    def true_ms(self, local_ms: int) -> int:
        """The earliest true time at which this clock will show a time, if it runs on as it does.

        Args:
            local_ms: What it will show.
        """
        return -(-(local_ms - self._shift_ms) * _PPM // self._factor)

    def leap(self, by_ms: int) -> None:
        """Goes ahead all at once, which breaks what leases rely on.

        Timers that are set already fire at the true time that they were set for.

        Args:
            by_ms: How far.
        """
        self._shift_ms += by_ms

    def stop(self) -> None:
        """Shows the same time until it goes on."""
        self._stopped_ms = self.now_ms()

    def go_on(self) -> None:
        """Goes on from the time at which it stopped, if it did."""
        if self._stopped_ms is not None:
            stopped_ms, self._stopped_ms = self._stopped_ms, None
            self._shift_ms += stopped_ms - self.now_ms()
