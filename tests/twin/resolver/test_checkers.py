"""The checkers at work: they probe at their interval, and only what the zone data names."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.twin.events import EventLog, read
from holdfast.twin.resolver.checkers import HealthService
from holdfast.twin.resolver.zones import HealthCheck

CHECK = HealthCheck(
    id="web",
    type="HTTP",
    host="lb.example.com",
    interval_s=1,
    threshold=1,
    regions=("us-east-1", "eu-west-1", "ap-southeast-1"),
)


class Endpoint:
    """A web server whose health a test sets."""

    def __init__(self) -> None:
        self.healthy = True
        self.probes = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.probes += 1
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" if self.healthy else b"HTTP/1.1 503 No\r\n\r\n")
        await writer.drain()
        writer.close()

    def locate(self, check: HealthCheck, region: str) -> tuple[str, int] | str:
        if check.host == "nowhere":
            return f"nowhere from {region}"
        return "127.0.0.1", self.port


def scenario(
    tmp_path: Path, body: Callable[[HealthService, Endpoint], Awaitable[None]]
) -> list[str]:
    """Runs a body with checkers and an endpoint; the kinds of the events that came of it."""

    async def run() -> None:
        endpoint = Endpoint()
        server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
        endpoint.port = server.sockets[0].getsockname()[1]
        events = EventLog(tmp_path)
        service = HealthService(endpoint.locate, events)
        try:
            await body(service, endpoint)
        finally:
            await service.close()
            events.close()
            server.close()

    asyncio.run(run())
    return [event.kind for event in read(tmp_path)]


async def until(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - looks at what no event is set for
            await asyncio.sleep(0.02)


@pytest.mark.slow
def test_an_endpoint_that_fails_and_recovers_is_noticed_both_times(tmp_path: Path) -> None:
    async def body(service: HealthService, endpoint: Endpoint) -> None:
        service.take_over({"web": CHECK})
        assert service.verdicts == {"web": True}
        endpoint.healthy = False
        await until(lambda: not service.verdicts["web"])
        (status,) = service.statuses()
        assert (status.healthy_checkers, status.checkers) == (0, 3)
        assert status.last_problem == "status 503"
        assert status.changed_s is not None
        endpoint.healthy = True
        await until(lambda: service.verdicts["web"])

    assert scenario(tmp_path, body) == ["health-check-unhealthy", "health-check-healthy"]


@pytest.mark.slow
def test_each_checker_probes_once_an_interval(tmp_path: Path) -> None:
    async def body(service: HealthService, endpoint: Endpoint) -> None:
        service.take_over({"web": CHECK})
        began_s = time.monotonic()
        await asyncio.sleep(2.2)
        expected = 3 * (time.monotonic() - began_s)
        assert endpoint.probes <= expected + 2
        # What is due has been begun, but may not have arrived.
        await asyncio.sleep(0.25)
        assert endpoint.probes >= expected - 2

    assert scenario(tmp_path, body) == []


@pytest.mark.slow
def test_what_is_disabled_refused_or_gone_is_not_probed(tmp_path: Path) -> None:
    async def body(service: HealthService, endpoint: Endpoint) -> None:
        refused = replace(CHECK, id="alarm", type="CLOUDWATCH_METRIC", refusal="by alarm")
        service.take_over({"web": replace(CHECK, disabled=True), "alarm": refused})
        await asyncio.sleep(1.2)
        service.take_over({"web": CHECK})
        service.take_over({})
        await asyncio.sleep(0.5)
        assert endpoint.probes == 0
        assert service.statuses() == ()

    assert scenario(tmp_path, body) == []


@pytest.mark.slow
def test_a_change_of_timing_keeps_what_the_checkers_think(tmp_path: Path) -> None:
    async def body(service: HealthService, endpoint: Endpoint) -> None:
        endpoint.healthy = False
        service.take_over({"web": CHECK})
        await until(lambda: not service.verdicts["web"])
        service.take_over({"web": replace(CHECK, threshold=3)})
        assert service.verdicts == {"web": False}
        service.take_over({"web": replace(CHECK, path="/other")})
        assert service.verdicts == {"web": True}

    assert scenario(tmp_path, body)[0] == "health-check-unhealthy"


@pytest.mark.slow
def test_an_endpoint_that_is_nowhere_is_unhealthy_with_the_reason(tmp_path: Path) -> None:
    async def body(service: HealthService, endpoint: Endpoint) -> None:
        service.take_over({"web": replace(CHECK, host="nowhere")})
        await until(lambda: not service.verdicts["web"])
        assert "nowhere from" in service.statuses()[0].last_problem
        assert endpoint.probes == 0

    scenario(tmp_path, body)


def test_a_calculated_check_is_judged_without_probes(tmp_path: Path) -> None:
    async def body(service: HealthService, endpoint: Endpoint) -> None:
        children = HealthCheck(id="sum", type="CALCULATED", children=("web",), child_threshold=1)
        service.take_over({"web": CHECK, "sum": children})
        assert service.verdicts == {"web": True, "sum": True}
        assert [status.target for status in service.statuses()] == [
            "1 of web",
            "HTTP lb.example.com:80/",
        ]
        assert endpoint.probes == 0

    scenario(tmp_path, body)
