"""Carries a drill out: users, faults and observers side by side, everything into one history.

Guarantees:
    Nothing is broken before the steady state was seen. Whatever ends the rehearsal, all that it
    started in this process has ended with it.

Does not guarantee:
    That a call to the target which hangs is interrupted: each has its own time limit.
"""

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from holdfast.drills.application import Agents
from holdfast.drills.audit import Audit
from holdfast.drills.drill import Drill
from holdfast.drills.history import (
    AnyEvent,
    Evidence,
    Fault,
    Health,
    History,
    Leader,
    Memory,
    Outcome,
    Plan,
    Request,
    StaleWrite,
    Store,
)
from holdfast.drills.progress import Progress
from holdfast.drills.target import Injection, Resolver, Target
from holdfast.drills.traffic import Traffic
from holdfast.drills.workload import User
from holdfast.errors import DrillError, HoldfastError

T = TypeVar("T")

THREADS = 16
SAMPLE_S = 0.5
AUDIT_AFTER_S = 4.0
DRAIN_S = 15.0
MISSED_LOOKS = 4
_S_PER_MINUTE = 60


class Rehearsal:
    """One run of one drill.

    Args:
        drill: What to do.
        plan: The same, with what the platform promises.
        target: What to do it to.
        agents: What runs on it.
        people: The users.
        progress: Who is told.
    """

    def __init__(
        self,
        *,
        drill: type[Drill],
        plan: Plan,
        target: Target,
        agents: Agents,
        people: Sequence[User],
        progress: Progress,
    ) -> None:
        self._drill = drill
        self._plan = plan
        self._target = target
        self._agents = agents
        self._people = people
        self._progress = progress
        self._events: list[AnyEvent] = []
        self._origin_s = 0.0
        self._first_minute = 0
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="drill")

    @property
    def history(self) -> History:
        """What was observed so far."""
        return History(self._plan, tuple(self._events))

    def run(self) -> History:
        """Carries the drill out and returns what was observed.

        Raises:
            DrillError: If the platform is not in a steady state, or cannot be read.
            HoldfastError: If the target fails.
        """
        resolvers = {user.name: self._target.resolver() for user in self._people}
        try:
            with _cancelled_by_interrupts():
                asyncio.run(self._all(resolvers))
        except BaseExceptionGroup as group:
            expected = group.subgroup(HoldfastError)
            if expected is None:
                raise
            raise _first(expected) from group
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)
            for resolver in resolvers.values():
                resolver.close()
        return self.history

    async def _all(self, resolvers: dict[str, Resolver]) -> None:
        audit = Audit(self._target, self._plan, self._agents, self._clock)
        self._origin_s = time.monotonic()
        self._first_minute = int(time.time()) // _S_PER_MINUTE
        traffic = Traffic(
            workload=self._drill.workload,
            submission=self._agents.submit,
            duration_s=self._plan.duration_s,
            resolvers=resolvers,
            record=self._events.append,
            clock=self._clock,
        )
        async with asyncio.TaskGroup() as group:
            watchers = [
                group.create_task(self._watch_leaders(audit)),
                group.create_task(self._watch_platform()),
            ]
            async with asyncio.TaskGroup() as work:
                work.create_task(traffic.run(self._people))
                work.create_task(self._faults(audit))
            for watcher in watchers:
                watcher.cancel()
        await self._settle(audit)

    def _clock(self) -> float:
        return time.monotonic() - self._origin_s

    async def _thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def _faults(self, audit: Audit) -> None:
        plan = self._plan
        await asyncio.sleep(plan.lost_at_s - self._clock())
        self._expect_steady_state()
        # The count of the region that is lost is lost with it.
        sent = await self._thread(self._target.transfers)
        self._events.extend(transfer for transfer in sent if transfer.source == plan.lost_region)
        self._progress.happened(self._clock(), f"{plan.lost_region} is taken away")
        self._note_fault("kill", await self._thread(partial(self._target.kill, plan.lost_region)))
        await asyncio.sleep(AUDIT_AFTER_S)
        await self._audit_the_loss(audit)
        await asyncio.sleep(plan.back_at_s - self._clock())
        self._progress.happened(self._clock(), f"{plan.lost_region} is brought back")
        restored = await self._thread(partial(self._target.restore, plan.lost_region))
        self._note_fault("restore", restored)
        self._progress.happened(self._clock(), f"{plan.lost_region} runs again")

    def _expect_steady_state(self) -> None:
        now_s = self._clock()
        for condition in self._drill.steady_state:
            try:
                trouble = condition.trouble(self.history, now_s)
            except Exception as error:
                raise DrillError(
                    f"The steady state {type(condition).__name__} fails by itself: "
                    f"{type(error).__name__}: {error}. Nothing was broken; correct it."
                ) from error
            if trouble is not None:
                raise DrillError(
                    f"The platform was not in a steady state when the drill was about to break "
                    f"it: {trouble}. Nothing was broken; look into the agents' logs, or give the "
                    "machine some rest, and run the drill again."
                )

    def _note_fault(self, action: str, injection: Injection) -> None:
        fault = Fault(
            action="kill" if action == "kill" else "restore",
            region=self._plan.lost_region,
            start_s=injection.start_s - self._origin_s,
            done_s=injection.done_s - self._origin_s,
        )
        self._events.append(fault)

    async def _audit_the_loss(self, audit: Audit) -> None:
        """Reads in a survivor what the lost region had acknowledged, while it is gone."""
        acknowledged = [
            request for request in self._acknowledged() if request.region == self._plan.lost_region
        ]
        for store in self._stores():
            reads = await self._thread(partial(audit.read_back, acknowledged, store))
            self._events.extend(reads)
            there = sum(read.visible for read in reads)
            self._progress.happened(
                self._clock(), f"{there} of {len(reads)} acknowledged writes in the {store} store"
            )

    def _stores(self) -> list[Store]:
        """The kinds of tables in which accepted tasks leave a mark."""
        marks = {Store.COORDINATION: Evidence.COORDINATION, Store.STATE: Evidence.STATE}
        return [store for store in Store if marks[store] in self._plan.evidence]

    def _acknowledged(self) -> list[Request]:
        return [
            event
            for event in self._events
            if isinstance(event, Request) and event.outcome is Outcome.OK
        ]

    async def _watch_leaders(self, audit: Audit) -> None:
        last: dict[str, Leader] = {}
        while True:
            for name in self._plan.territories:
                seen = await self._thread(partial(audit.leader, name))
                if seen is None:
                    continue
                self._events.append(seen)
                before = last.get(name)
                if before is not None and before.region != seen.region:
                    self._progress.happened(
                        seen.at_s,
                        f"{seen.region or 'nobody'} leads {name.upper()} (token {seen.token})",
                    )
                last[name] = seen
            await asyncio.sleep(SAMPLE_S)

    async def _watch_platform(self) -> None:
        before: dict[str, bool] = {}
        missed = 0
        while True:
            try:
                seen = await self._thread(self._target.observe)
            except HoldfastError as error:
                missed += 1
                if missed == MISSED_LOOKS:
                    raise DrillError(
                        f"The target could not be observed {missed} times in a row: {error}"
                    ) from error
                await asyncio.sleep(SAMPLE_S)
                continue
            missed = 0
            now_s = self._clock()
            for region, healthy in seen.healthy.items():
                if before.get(region) == healthy:
                    continue
                changed_s = seen.changed_s.get(region)
                at_s = now_s if changed_s is None else max(0.0, changed_s - self._origin_s)
                self._events.append(Health(at_s=at_s, region=region, healthy=healthy))
                if region in before:
                    state = "healthy" if healthy else "unhealthy"
                    self._progress.happened(at_s, f"routing sees {region} as {state}")
                before[region] = healthy
            self._events.append(Memory(at_s=now_s, pss_bytes=seen.memory_bytes))
            self._progress.update(self.history, now_s)
            await asyncio.sleep(SAMPLE_S)

    async def _settle(self, audit: Audit) -> None:
        """Waits until what was acknowledged has been done, then reads what there is."""
        self._progress.phase("audit", "reading back what users were told")
        acknowledged = self._acknowledged()
        tenants = sorted({(user.jurisdiction, user.tenant) for user in self._people})
        waiting = {request.task for request in acknowledged}
        if self._agents.effects is None:
            waiting.clear()
        give_up_s = self._clock() + DRAIN_S
        while True:
            minutes = range(self._first_minute, int(time.time()) // _S_PER_MINUTE + 1)
            effects = await self._thread(partial(audit.ledgers, tenants, minutes))
            if waiting <= {effect.task for effect in effects} or self._clock() > give_up_s:
                break
            await asyncio.sleep(SAMPLE_S)
        self._events.extend(effects)
        self._events.extend(await self._read_all_back(audit, acknowledged))
        self._events.extend(await self._thread(self._target.transfers))
        self._events.extend(self._stale_writes())

    async def _read_all_back(self, audit: Audit, acknowledged: Sequence[Request]) -> list[AnyEvent]:
        """Every acknowledged write of the jurisdiction that lost a region, once more."""
        ours = [one for one in acknowledged if one.jurisdiction == self._plan.affected]
        shares = [ours[start :: THREADS // 4] for start in range(THREADS // 4)]
        reads = await asyncio.gather(
            *(self._thread(partial(audit.read_back, share, Store.COORDINATION)) for share in shares)
        )
        return [read for share in reads for read in share]

    def _stale_writes(self) -> list[StaleWrite]:
        region, log = self._plan.lost_region, self._agents.log
        if log is None:
            return []
        return [
            StaleWrite(
                region=region, task=str(line.get(log.task)), token=_whole(line.get(log.token))
            )
            for line in self._target.agent_log(region)
            if line.get(log.event) == log.stale_write
        ]


@contextmanager
def _cancelled_by_interrupts() -> Generator[None]:
    """Lets asyncio hear Ctrl-C, which then cancels its tasks one by one.

    asyncio takes the signal over from Python's own handler only. Any other raises inside whichever
    task happens to run, and asyncio prints that task's end as a mistake of ours.
    """
    before = signal.getsignal(signal.SIGINT)
    heard = threading.current_thread() is threading.main_thread() and callable(before)
    if heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if heard:
            signal.signal(signal.SIGINT, before)


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _first(group: BaseExceptionGroup[HoldfastError]) -> HoldfastError:
    """The first error of a group: tasks that run side by side fail together."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
