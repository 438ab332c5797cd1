"""The open loop at work: resolves, connects, asks, and notes how each request ended.

Every request has a connection of its own and one try; why stands in
:class:`holdfast.drills.workload.Workload`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from holdfast.drills.application import Submission
from holdfast.drills.history import Outcome, Request
from holdfast.drills.target import Destination, Resolver
from holdfast.drills.workload import Arrival, User, Workload, jurisdictions_of
from holdfast.errors import HoldfastError

_ANSWER_LIMIT = 64 * 1024
_STATUS_PARTS = 2


class _Reached:
    """How far one request has come, so that a timeout can say what it interrupted."""

    def __init__(self, sent_s: float) -> None:
        self.sent_s = sent_s
        self.region: str | None = None
        self.bytes_sent = 0


class Traffic:
    """Sends a workload.

    Args:
        workload: How much to send.
        submission: What to send.
        duration_s: How long.
        resolvers: By user.
        record: Told of every request once it has ended.
        clock: Seconds since the start of the drill.
    """

    def __init__(
        self,
        *,
        workload: Workload,
        submission: Submission,
        duration_s: float,
        resolvers: Mapping[str, Resolver],
        record: Callable[[Request], None],
        clock: Callable[[], float],
    ) -> None:
        self._workload = workload
        self._submission = submission
        self._duration_s = duration_s
        self._resolvers = resolvers
        self._record = record
        self._clock = clock
        self._in_flight = 0

    async def run(self, people: Sequence[User]) -> None:
        """Sends every arrival when it is due, and returns when the last has ended."""
        most = self._workload.in_flight * jurisdictions_of(people)
        async with asyncio.TaskGroup() as group:
            for arrival in self._workload.arrivals(people, self._duration_s):
                await asyncio.sleep(arrival.due_s - self._clock())
                if self._in_flight >= most:
                    reached = _Reached(self._clock())
                    self._note(arrival, reached, Outcome.FAILED, "too-many-in-flight")
                    continue
                self._in_flight += 1
                group.create_task(self._send(arrival))

    async def _send(self, arrival: Arrival) -> None:
        reached = _Reached(self._clock())
        # A user's patience began when the request was due. A client that was too slow to send it
        # must not find a platform that has recovered meanwhile, and call that a success.
        late_s = reached.sent_s - arrival.due_s
        try:
            async with asyncio.timeout(self._workload.timeout_s - late_s):
                status = await self._ask(arrival, reached)
        except TimeoutError:
            self._note(arrival, reached, Outcome.FAILED, "timeout")
        except HoldfastError:
            self._note(arrival, reached, Outcome.FAILED, "no-address")
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            self._note(arrival, reached, Outcome.FAILED, type(error).__name__)
        else:
            outcome = self._submission.outcome(status)
            reason = None if outcome is Outcome.OK else f"http-{status}"
            self._note(arrival, reached, outcome, reason)
        finally:
            self._in_flight -= 1

    async def _ask(self, arrival: Arrival, reached: _Reached) -> int:
        user = arrival.user
        where = await self._resolvers[user.name].resolve(user.hostname, user.location)
        body = self._submission.of(user.tenant, arrival.task)
        return await _post(where, user.hostname, self._submission.path, body, reached)

    def _note(
        self, arrival: Arrival, reached: _Reached, outcome: Outcome, reason: str | None
    ) -> None:
        user = arrival.user
        self._record(
            Request(
                user=user.name,
                tenant=user.tenant,
                jurisdiction=user.jurisdiction,
                location=user.location,
                task=arrival.task,
                due_s=arrival.due_s,
                sent_s=reached.sent_s,
                end_s=self._clock(),
                region=reached.region,
                outcome=outcome,
                reason=reason,
                bytes_sent=reached.bytes_sent,
            )
        )


async def _post(
    where: Destination, hostname: str, path: str, body: bytes, reached: _Reached
) -> int:
    """Submits a task on a connection of its own and returns the status of the answer.

    Raises:
        OSError: If the connection fails.
        ValueError: If the answer is no HTTP.
    """
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {hostname}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    reader, writer = await asyncio.open_connection(where.host, where.port, limit=_ANSWER_LIMIT)
    try:
        reached.region = where.region
        writer.write(head + body)
        reached.bytes_sent = len(head) + len(body)
        await writer.drain()
        status = (await reader.readline()).split(b" ")
        await reader.read(_ANSWER_LIMIT)
    finally:
        writer.close()
    if len(status) < _STATUS_PARTS or not status[1].isdigit():
        raise ValueError("the answer is no HTTP")
    return int(status[1])
