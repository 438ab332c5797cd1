"""The way between processes and stores: slow, lossy, out of order, and sometimes cut.

Does not guarantee:
    Order: each message takes its own time.
"""

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.coordination.stores.store import Outcome, Reply, Request
from holdfast.testing.linearizability import Operation
from holdfast.testing.store import SimulatedStore
from holdfast.testing.world import Process, World

_UNKNOWN = Reply(Outcome.UNKNOWN, reason="no reply in time")


@dataclass(slots=True)
class Conditions:
    """What the network is like at the moment. Change it while the world runs.

    Attributes:
        delay_ms: Shortest and longest way of a message.
        lost: Share of messages that never arrive, 0 to 1.
        doubled: Share of requests that arrive a second time, 0 to 1: half of them soon, because
            the client repeats what got no reply and hears the second one, half of them late.
        late: Share of requests that arrive only after their caller has given up, 0 to 1.
        late_ms: How much later a late or second one may arrive.
        timeout_ms: How long a caller waits for a reply, in true time.
    """

    delay_ms: tuple[int, int] = (1, 40)
    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    late_ms: int = 10_000
    timeout_ms: int = 1_000


class Network:
    """Carries requests to a store and replies back.

    Args:
        world: Where it lies.
        conditions: What it is like; the caller may keep and change it.
    """

    def __init__(self, world: World, conditions: Conditions | None = None) -> None:
        self._world = world
        self.conditions = conditions or Conditions()
        self._no_requests: set[str] = set()
        self._no_replies: set[str] = set()
        self.operations: list[Operation] = []
        """Every arrival and every call that was given up, for ``explain_history``."""

    def cut(self, process: Process, *, requests: bool = True, replies: bool = True) -> None:
        """Cuts a process off from all stores, in one direction or both.

        Args:
            process: Which.
            requests: Whether its requests are lost.
            replies: Whether the replies to it are lost, although its requests are carried out.
        """
        if requests:
            self._no_requests.add(process.name)
        if replies:
            self._no_replies.add(process.name)
        self._world.note("network", "cut", f"{process.name} {requests=} {replies=}")

    def heal(self, process: Process) -> None:
        """Ends a cut.

        Args:
            process: Which.
        """
        self._no_requests.discard(process.name)
        self._no_replies.discard(process.name)
        self._world.note("network", "healed", process.name)

    def call(
        self,
        process: Process,
        store: SimulatedStore,
        request: Request,
        on_reply: Callable[[Reply], None],
    ) -> None:
        """Sends a request. The process gets exactly one reply, ``UNKNOWN`` after the timeout.

        Args:
            process: Who calls.
            store: What is called.
            request: What it should do.
            on_reply: Called in the process with the reply.
        """
        world, conditions, incarnation = self._world, self.conditions, process.incarnation
        called_ms = world.now_ms
        deadline_ms = called_ms + conditions.timeout_ms

        def answer(at_ms: int, reply: Reply) -> None:
            world.at(at_ms, lambda: process.deliver(incarnation, lambda: on_reply(reply)))

        def end(at_ms: int, reply: Reply) -> None:
            self._record(process, called_ms, at_ms, request, reply)
            answer(at_ms, reply)

        def arrive() -> None:
            reply = store.call(process.region, request)
            back_ms = world.now_ms + self._way_ms()
            if back_ms > deadline_ms or self._loses(process, self._no_replies):
                end(deadline_ms, _UNKNOWN)
            else:
                end(back_ms, reply)

        def arrive_unheard() -> None:
            self._record(process, called_ms, None, request, None)
            store.call(process.region, request)

        if self._loses(process, self._no_requests):
            end(deadline_ms, _UNKNOWN)
            return
        there_ms = self._way_ms()
        if conditions.late and world.random.random() < conditions.late:
            there_ms = conditions.timeout_ms + 1 + self._late_ms()
        if conditions.doubled and (drawn := world.random.random()) < conditions.doubled:
            soon = 2 * drawn < conditions.doubled
            world.after(there_ms if soon else self._late_ms(), arrive_unheard)
            there_ms += self._way_ms() if soon else 0
        if there_ms <= conditions.timeout_ms:
            world.after(there_ms, arrive)
        else:
            answer(deadline_ms, _UNKNOWN)
            world.after(there_ms, arrive_unheard)

    def _record(
        self,
        process: Process,
        called_ms: int,
        returned_ms: int | None,
        request: Request,
        reply: Reply | None,
    ) -> None:
        self.operations.append(Operation(process.name, called_ms, returned_ms, request, reply))

    def _loses(self, process: Process, cut: set[str]) -> bool:
        if process.name in cut:
            return True
        lost = self.conditions.lost
        return bool(lost) and self._world.random.random() < lost

    def _way_ms(self) -> int:
        low, high = self.conditions.delay_ms
        return low + int(self._world.random.random() * (high - low + 1))

    def _late_ms(self) -> int:
        return int(self._world.random.random() * self.conditions.late_ms)
