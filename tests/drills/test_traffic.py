"""The open loop against servers that answer, refuse, hang and die."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import pytest

from holdfast.drills.application import ORCHESTRATOR
from holdfast.drills.history import Outcome, Request
from holdfast.drills.target import Destination
from holdfast.drills.traffic import Traffic
from holdfast.drills.workload import User, Workload
from holdfast.errors import TwinError

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
SOMEBODY = User(
    name="us-00", tenant="acme", jurisdiction="us", hostname="us.example.org", location="new-york"
)


class FixedResolver:
    def __init__(self, port: int | None) -> None:
        self.port = port

    async def resolve(self, hostname: str, location: str) -> Destination:
        assert (hostname, location) == ("us.example.org", "new-york")
        if self.port is None:
            raise TwinError("no answer")
        return Destination("127.0.0.1", self.port, "us-east-1")

    def close(self) -> None:
        """Holds nothing."""


def a_workload(*, timeout_s: float = 30) -> Workload:
    """Ten requests in half a second."""
    return Workload(rate_per_s=20, timeout_s=timeout_s, in_flight=2000)


def send(
    workload: Workload,
    behaviour: Behaviour | None,
    *,
    resolves: bool = True,
    behind_s: float = 0,
) -> list[Request]:
    """Sends a workload to a server that behaves like this, and returns what became of it."""
    recorded: list[Request] = []

    async def everything() -> None:
        port: int | None = None
        server: asyncio.Server | None = None
        if behaviour is not None:
            server = await asyncio.start_server(behaviour, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
        began_s = time.monotonic()
        traffic = Traffic(
            workload=workload,
            submission=ORCHESTRATOR.submit,
            duration_s=0.5,
            resolvers={SOMEBODY.name: FixedResolver(port if resolves else None)},
            record=recorded.append,
            clock=lambda: time.monotonic() - began_s + behind_s,
        )
        await traffic.run([SOMEBODY])
        if server is not None:
            server.close()

    asyncio.run(everything())
    return recorded


def answers(status: int) -> Behaviour:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        assert request.startswith(b"POST /v1/tasks HTTP/1.1\r\n")
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        writer.close()

    return answer


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def hangs_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def outcomes(requests: Sequence[Request]) -> set[tuple[Outcome, str | None]]:
    return {(request.outcome, request.reason) for request in requests}


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        (202, Outcome.OK, None),
        (421, Outcome.REFUSED, "http-421"),
        (503, Outcome.FAILED, "http-503"),
    ],
)
def test_an_answer_becomes_an_outcome(status: int, outcome: Outcome, reason: str | None) -> None:
    requests = send(a_workload(), answers(status))
    assert outcomes(requests) == {(outcome, reason)}
    assert len(requests) == 10
    assert all(request.region == "us-east-1" for request in requests)
    assert all(request.bytes_sent > 100 for request in requests)


def test_no_answer_is_waited_for_before_the_next_request() -> None:
    all_are_here = asyncio.Event()
    here: list[asyncio.StreamWriter] = []

    async def answers_ten_at_a_time(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        here.append(writer)
        if len(here) == 10:
            all_are_here.set()
        await all_are_here.wait()
        await answers(202)(reader, writer)

    requests = send(a_workload(timeout_s=5), answers_ten_at_a_time)
    assert outcomes(requests) == {(Outcome.OK, None)}
    assert sorted(request.due_s for request in requests) == pytest.approx(
        [number / 20 for number in range(10)]
    )


def test_a_server_that_hangs_has_failed_and_its_bytes_are_counted_all_the_same() -> None:
    requests = send(a_workload(timeout_s=0.4), hangs)
    assert outcomes(requests) == {(Outcome.FAILED, "timeout")}
    assert all(request.bytes_sent > 100 for request in requests)


def test_an_answer_to_a_client_that_asked_too_late_is_no_success() -> None:
    requests = send(a_workload(timeout_s=0.5), answers(202), behind_s=2)
    assert outcomes(requests) == {(Outcome.FAILED, "timeout")}
    assert all(1.5 < request.sent_s - request.due_s < 10 for request in requests)


def test_a_server_that_hangs_up_has_failed() -> None:
    requests = send(a_workload(), hangs_up)
    assert {request.outcome for request in requests} == {Outcome.FAILED}


def test_a_name_without_an_address_has_failed_and_nothing_was_sent() -> None:
    requests = send(a_workload(), None)
    assert outcomes(requests) == {(Outcome.FAILED, "no-address")}
    assert all(request.bytes_sent == 0 and request.region is None for request in requests)


def test_a_request_beyond_the_bound_fails_at_once_and_is_not_left_out() -> None:
    workload = a_workload(timeout_s=2)
    # The workload refuses such a bound itself; here it stands for a client that is too slow.
    object.__setattr__(workload, "in_flight", 3)
    requests = send(workload, hangs)
    assert len(requests) == 10
    assert (Outcome.FAILED, "too-many-in-flight") in outcomes(requests)
