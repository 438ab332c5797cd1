"""The resolver of a running twin: reads Route 53, runs its health checks, answers DNS.

Guarantees:
    The data plane outlives the control plane, as on AWS: while us-east-1 does not answer, the
    last configuration that was read stays in force and health checks keep being probed.
    A change of records or health checks is served about a second after it was made.
"""

import asyncio
import logging
import random
import time
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from holdfast.twin.addresses import Claimed
from holdfast.twin.credentials import Credentials
from holdfast.twin.events import EventLog
from holdfast.twin.locations import LOCATIONS, Place
from holdfast.twin.region_config import GLOBAL_REGION
from holdfast.twin.resolver.answers import Reply, View
from holdfast.twin.resolver.checkers import HealthService
from holdfast.twin.resolver.front import DnsFront
from holdfast.twin.resolver.zone_reader import UnreadableError, ZoneReader
from holdfast.twin.resolver.zones import HealthCheck, ZoneData, load_balancer_region
from holdfast.twin.status import DnsStatus, HealthCheckStatus

READ_INTERVAL_S = 1.0

log = logging.getLogger(__name__)


class ResolverService:
    """Everything that concerns DNS in a running twin."""

    def __init__(self, claimed: Claimed, credentials: Credentials, events: EventLog) -> None:
        plan = claimed.plan
        control_plane = plan.regions[GLOBAL_REGION]
        self._plan = plan
        self._events = events
        self._addresses = {name: place.address for name, place in plan.regions.items()}
        self._reader = ZoneReader(control_plane.address, control_plane.api_port, credentials)
        self._front = DnsFront(claimed.dns_udp, claimed.dns_tcp, self._resolve)
        self._health = HealthService(self.locate, events)
        # Not a secret: it spreads answers of weighted records.
        self._dice = random.Random()  # noqa: S311
        self._data = ZoneData()
        self._serial = 0
        self._read_s: float | None = None
        self._stale = False
        self._polling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Answers from now on, and reads the configuration as soon as it can be read."""
        await self._front.start()
        self._polling = asyncio.create_task(self._poll())

    async def close(self) -> None:
        """Answers, probes and reads no more."""
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)
        await self._health.close()
        self._front.close()

    def status(self) -> DnsStatus:
        """What is served."""
        return DnsStatus(
            serial=self._serial,
            digest=self._data.digest,
            zones=tuple(zone.name for zone in self._data.zones),
            age_s=None if self._read_s is None else time.monotonic() - self._read_s,
            problems=self._data.problems,
        )

    def health_statuses(self) -> tuple[HealthCheckStatus, ...]:
        """What has been found out about each health check."""
        return self._health.statuses()

    def _resolve(self, name: str, kind: str, place: Place | None) -> Reply:
        view = View(self._data, self._health.verdicts, self._addresses, self._dice.random)
        return view.resolve(name, kind, place)

    async def _poll(self) -> None:
        while True:
            try:
                self._take_over(await self._reader.read())
            except UnreadableError as error:
                # Told once, not every second: it is what happens when us-east-1 is lost.
                if not self._stale and self._read_s is not None:
                    self._events.add("dns-control-plane-lost", GLOBAL_REGION, str(error))
                self._stale = True
            await asyncio.sleep(READ_INTERVAL_S)

    def _take_over(self, data: ZoneData) -> None:
        if self._stale and self._read_s is not None:
            self._events.add("dns-control-plane-back", GLOBAL_REGION)
        self._stale = False
        self._read_s = time.monotonic()
        if data != self._data:
            self._serial += 1
            self._data = data
            self._health.take_over(data.health_checks)
            self._events.add("dns-changed", "", f"serial {self._serial}")

    def locate(self, check: HealthCheck, region: str) -> tuple[str, int] | str:
        """Where a health check's endpoint is, on this machine and nowhere else.

        A load balancer takes every port on the ingress port, as the twin's stand-in for 443.
        """
        if check.address:
            if _within(check.address, self._plan.block):
                return check.address, check.port
            return f"{check.address} is not an address of the twin ({self._plan.block})"
        reply = self._resolve(check.host, "A", LOCATIONS[region])
        for records in reversed(reply.answers):
            if records.type == "A" and records.values:
                behind = load_balancer_region(records.name) or len(reply.answers) > 1
                address = records.values[0]
                if not _within(address, self._plan.block):
                    return f"{check.host} is {address}, not an address of the twin"
                return address, self._plan.ingress_port if behind else check.port
        return f"{check.host} has no address in the twin ({reply.rcode.value})"


def _within(address: str, block: str) -> bool:
    try:
        return IPv4Address(address) in IPv4Network(block)
    except AddressValueError:
        return False
