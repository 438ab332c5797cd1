"""The checkers at work: probes every health check at its own interval and keeps the verdicts.

A check whose endpoint changes starts over, as a new one; one whose timing changes keeps what
its checkers think.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from holdfast.twin.events import EventLog
from holdfast.twin.resolver.health import ProbedHealth, verdicts
from holdfast.twin.resolver.probe import Target, probe
from holdfast.twin.resolver.zones import PROBED_TYPES, HealthCheck
from holdfast.twin.status import HealthCheckStatus

log = logging.getLogger(__name__)

Locate = Callable[[HealthCheck, str], tuple[str, int] | str]
"""Where a check's endpoint is for a checker in a region, or why it is nowhere."""


@dataclass(slots=True)
class _Probed:
    health: ProbedHealth
    tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])
    last_problem: str = ""


class HealthService:
    """Runs the checkers of all health checks.

    Args:
        locate: Where to probe.
        events: Told when a verdict changes.
    """

    def __init__(self, locate: Locate, events: EventLog) -> None:
        self._locate = locate
        self._events = events
        self._checks: Mapping[str, HealthCheck] = {}
        self._probed: dict[str, _Probed] = {}
        self._changed_s: dict[str, float] = {}
        self.verdicts: dict[str, bool] = {}

    def take_over(self, checks: Mapping[str, HealthCheck]) -> None:
        """Probes these checks from now on, and no others."""
        wanted = {
            name: check
            for name, check in checks.items()
            if check.type in PROBED_TYPES and not check.refusal
        }
        for name in sorted(set(self._probed) - set(wanted)):
            self._forget(name)
        for name, check in wanted.items():
            known = self._probed.get(name)
            if known is None or known.health.check != check:
                self._probe_anew(name, check, known)
        self._checks = dict(checks)
        self._judge()

    def statuses(self) -> tuple[HealthCheckStatus, ...]:
        """What has been found out about each check, sorted by id."""
        return tuple(self._status(name) for name in sorted(self.verdicts))

    async def close(self) -> None:
        """Probes no more."""
        tasks = [task for probed in self._probed.values() for task in probed.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, name: str) -> None:
        for task in self._probed.pop(name).tasks:
            task.cancel()
        self._changed_s.pop(name, None)

    def _probe_anew(self, name: str, check: HealthCheck, known: _Probed | None) -> None:
        probed = _Probed(ProbedHealth(check))
        if known is not None:
            for task in known.tasks:
                task.cancel()
            if _same_endpoint(known.health.check, check):
                probed.health.checkers = known.health.checkers
                probed.last_problem = known.last_problem
        self._probed[name] = probed
        if not check.disabled:
            probed.tasks = [
                asyncio.create_task(self._check_from(probed, checker))
                for checker in range(len(probed.health.checkers))
            ]

    async def _check_from(self, probed: _Probed, checker: int) -> None:
        """Probes from one checker at a fixed rate until it is cancelled."""
        check = probed.health.check
        loop = asyncio.get_running_loop()
        next_s = loop.time() + probed.health.first_probe_s(checker)
        while True:
            await asyncio.sleep(next_s - loop.time())
            next_s += check.interval_s
            problem = await self._probe(check, probed.health.checkers[checker].region)
            if problem:
                probed.last_problem = problem
            probed.health.observe(checker, passed=not problem)
            self._judge()

    async def _probe(self, check: HealthCheck, region: str) -> str:
        place = self._locate(check, region)
        if isinstance(place, str):
            return place
        address, port = place
        return await probe(
            Target(
                type=check.type,
                address=address,
                port=port,
                host=check.host or address,
                path=check.path,
                search=check.search,
                user_agent=(
                    f"Amazon-Route53-Health-Check-Service (ref {check.id}; "
                    "report http://amzn.to/1vsZADi)"
                ),
            )
        )

    def _judge(self) -> None:
        """Notes every verdict that has changed."""
        before = self.verdicts
        self.verdicts = verdicts(
            self._checks, {name: probed.health for name, probed in self._probed.items()}
        )
        for name, healthy in self.verdicts.items():
            if name in before and before[name] is not healthy:
                self._changed_s[name] = time.monotonic()
                status = self._status(name)
                self._events.add(
                    "health-check-healthy" if healthy else "health-check-unhealthy",
                    "",
                    f"{name} {status.target}: {status.healthy_checkers} of {status.checkers} "
                    f"checkers pass{f' ({status.last_problem})' if not healthy else ''}",
                )

    def _status(self, name: str) -> HealthCheckStatus:
        probed = self._probed.get(name)
        return HealthCheckStatus(
            id=name,
            target=_describe(self._checks[name]),
            healthy=self.verdicts[name],
            healthy_checkers=probed.health.healthy_checkers if probed else 0,
            checkers=len(probed.health.checkers) if probed else 0,
            last_problem=probed.last_problem if probed else "",
            changed_s=self._changed_s.get(name),
        )


def _describe(check: HealthCheck) -> str:
    if check.type == "CALCULATED":
        return f"{check.child_threshold} of {', '.join(check.children)}"
    path = "" if check.type == "TCP" else check.path
    return f"{check.type} {check.host or check.address}:{check.port}{path}"


def _same_endpoint(a: HealthCheck, b: HealthCheck) -> bool:
    """Whether two configurations differ in their timing and counting only."""

    def endpoint(check: HealthCheck) -> HealthCheck:
        return replace(check, interval_s=30, threshold=3, inverted=False, disabled=False)

    return endpoint(a) == endpoint(b)
