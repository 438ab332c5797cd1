"""The running resolver: what health checks may probe, and what it keeps when Route 53 is lost."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.twin.addresses import claim_plan
from holdfast.twin.credentials import Credentials
from holdfast.twin.dns_client import DnsClient
from holdfast.twin.events import EventLog, read
from holdfast.twin.plan import TwinPlan
from holdfast.twin.resolver import service as resolver_service
from holdfast.twin.resolver.service import ResolverService
from holdfast.twin.resolver.zone_reader import UnreadableError, ZoneReader
from holdfast.twin.resolver.zones import HealthCheck, ZoneData
from tests.twin.resolver.zone_maker import SERVING, load_balancer, per_jurisdiction


class ControlPlane:
    """Stands in for Route 53: answers with what a test sets, or not at all."""

    def __init__(self) -> None:
        self.data: ZoneData | None = None
        self.reads = 0

    async def read(self) -> ZoneData:
        self.reads += 1
        if self.data is None:
            raise UnreadableError("it is lost")
        return self.data

    async def was_read(self) -> None:
        """Waits until what is set now has been taken over."""
        until = self.reads + 2
        async with asyncio.timeout(30):
            while self.reads < until:  # noqa: ASYNC110 - looks at what no event is set for
                await asyncio.sleep(0.005)


Body = Callable[[ResolverService, ControlPlane, TwinPlan], Awaitable[None]]


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Body], list[str]]:
    """Runs a body with a resolver; the kinds of the events that came of it."""

    def run(body: Body) -> list[str]:
        async def running() -> None:
            control = ControlPlane()
            monkeypatch.setattr(resolver_service, "READ_INTERVAL_S", 0.01)
            monkeypatch.setattr(ZoneReader, "read", control.read)
            claimed = claim_plan(SERVING, dns_port=None, previous=None)
            events = EventLog(tmp_path)
            service = ResolverService(claimed, Credentials("id", "key"), events)
            await service.start()
            try:
                await body(service, control, claimed.plan)
            finally:
                await service.close()
                claimed.release()
                events.close()

        asyncio.run(running())
        return [event.kind for event in read(tmp_path)]

    return run


async def region_for(plan: TwinPlan, name: str, location: str) -> str:
    answer = await DnsClient((plan.dns_host, plan.dns_port)).aresolve(name, location)
    return next(name for name, at in plan.regions.items() if at.address == answer.address)


def test_the_last_configuration_stays_in_force_while_the_control_plane_is_lost(
    scenario: Callable[[Body], list[str]],
) -> None:
    async def body(service: ResolverService, control: ControlPlane, plan: TwinPlan) -> None:
        await control.was_read()
        assert service.status().age_s is None
        control.data = per_jurisdiction()
        await control.was_read()
        assert await region_for(plan, "eu.example.com", "dublin") == "eu-west-1"
        control.data = None
        await control.was_read()
        assert await region_for(plan, "eu.example.com", "dublin") == "eu-west-1"
        assert service.status().serial == 1
        control.data = per_jurisdiction()
        await control.was_read()
        assert service.status().serial == 1
        control.data = ZoneData()
        await control.was_read()
        assert service.status().serial == 2
        assert service.health_statuses() == ()

    assert scenario(body) == [
        "dns-changed",
        "dns-control-plane-lost",
        "dns-control-plane-back",
        "dns-changed",
    ]


def located(service: ResolverService, check: HealthCheck) -> tuple[str, int] | str:
    return service.locate(check, "us-west-1")


def test_a_load_balancer_is_probed_on_the_ingress_port_whatever_port_is_named(
    scenario: Callable[[Body], list[str]],
) -> None:
    async def body(service: ResolverService, control: ControlPlane, plan: TwinPlan) -> None:
        control.data = per_jurisdiction()
        await control.was_read()
        direct = HealthCheck(id="a", type="HTTPS", host=load_balancer("eu-west-1"), port=443)
        place = plan.regions["eu-west-1"]
        assert located(service, direct) == (place.address, plan.ingress_port)
        through_a_name = replace(direct, host="us.example.com")
        assert located(service, through_a_name) == (
            plan.regions["us-west-2"].address,
            plan.ingress_port,
        )
        by_address = replace(direct, host="", address=place.address, port=8443)
        assert located(service, by_address) == (place.address, 8443)

    scenario(body)


@pytest.mark.parametrize(
    ("host", "address", "reason"),
    [
        ("", "192.0.2.1", "192.0.2.1 is not an address of the twin"),
        ("", "127.0.0.1", "127.0.0.1 is not an address of the twin"),
        ("", "no address", "no address is not an address of the twin"),
        ("example.org", "", "example.org has no address in the twin (REFUSED)"),
        (load_balancer("ap-south-1"), "", "has no address in the twin (REFUSED)"),
    ],
)
def test_nothing_outside_the_twin_is_ever_probed(
    scenario: Callable[[Body], list[str]], host: str, address: str, reason: str
) -> None:
    async def body(service: ResolverService, _control: ControlPlane, _plan: TwinPlan) -> None:
        check = HealthCheck(id="a", type="HTTP", host=host, address=address)
        assert reason in str(located(service, check))

    scenario(body)
