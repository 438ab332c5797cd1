"""The switch that stops every agent of a jurisdiction.

One strongly consistent item: ``state`` (``armed`` or ``tripped``), ``epoch`` (raised with every
change), ``by`` and ``reason``. Anyone with the out-of-band role may trip it; arming it, the first
time or again, needs the epoch that the operator has looked at. Nothing else arms it: a deployment
makes an item that says nothing.

Guarantees:
    An action that begins more than ``max_age_ms`` after a trip was acknowledged is refused, in
    every region. An item that is absent or malformed counts as tripped, so deleting it arms
    nothing. So does one that is unreadable, unless the caller has declared otherwise for an
    environment that allows it; prod never does.

Does not guarantee:
    That an action which has begun is interrupted: long work checks again between its steps, or
    watches.

Costs:
    At most one strongly consistent read per process and ``max_age_ms``, and none while idle.
"""

import asyncio
import threading
from collections.abc import Callable

from holdfast.contract import Environment, Platform
from holdfast.control.kill_core import KillCore, KillState, WhenUnreadable, check_promise
from holdfast.coordination.drivers.clock import Clock
from holdfast.coordination.drivers.program import run, run_async
from holdfast.coordination.stores.store import AsyncConditionalStore, ConditionalStore
from holdfast.errors import KilledError

DEFAULT_KEY = "kill"
DEFAULT_MAX_AGE_MS = 1_000
_MS_PER_S = 1000


class KillSwitch:
    """The switch, for threads.

    Args:
        store: Where its item lives.
        key: Key of its item.
        environment: Decides what may be declared.
        max_age_ms: How old the state that an action relies on may be, counted from the sending
            of the read.
        when_unreadable: What an unreadable switch means here.
        clock: What the age is counted on.

    Raises:
        ConfigurationError: If the age is not positive, or prod would go on unread.
    """

    def __init__(
        self,
        *,
        store: ConditionalStore,
        environment: Environment,
        key: str = DEFAULT_KEY,
        max_age_ms: int = DEFAULT_MAX_AGE_MS,
        when_unreadable: WhenUnreadable = WhenUnreadable.STOP,
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._core = KillCore(
            key=key,
            environment=environment,
            max_age_ms=max_age_ms,
            when_unreadable=when_unreadable,
            clock=clock,
        )

    @classmethod
    def of(
        cls,
        platform: Platform,
        jurisdiction: str,
        store: ConditionalStore,
        *,
        max_age_ms: int = DEFAULT_MAX_AGE_MS,
    ) -> "KillSwitch":
        """The switch of a jurisdiction, as its contract describes it; stops when unreadable.

        Args:
            platform: The contract.
            jurisdiction: Whose switch.
            store: The store on the switch's table.
            max_age_ms: How old the state that an action relies on may be.

        Raises:
            ConfigurationError: If there is no such jurisdiction, or the age would break the
                platform's promise on how fast a kill works.
        """
        check_promise(platform, jurisdiction, max_age_ms)
        return cls(
            store=store,
            environment=platform.environment,
            key=platform.jurisdictions[jurisdiction].kill_switch.key,
            max_age_ms=max_age_ms,
        )

    def check(self) -> int:
        """Returns the switch's epoch if acting is allowed.

        Raises:
            KilledError: If the switch is tripped, or counts as tripped.
        """
        return run(self._core.check(), self._store)

    def state(self) -> KillState:
        """What the switch says now; always asks the store.

        Raises:
            StoreUnavailableError: If it cannot be read.
        """
        return run(self._core.state(), self._store)

    def trip(self, *, by: str, reason: str) -> KillState:
        """Stops every agent of the jurisdiction. Tripping a tripped switch is no error.

        Args:
            by: Who does it.
            reason: Why.

        Raises:
            StoreUnavailableError: If it is unknown whether it worked. Repeat it.
        """
        return run(self._core.trip(by, reason), self._store)

    def arm(self, *, by: str, reason: str, epoch: int) -> KillState:
        """Allows acting again.

        Args:
            by: Who does it.
            reason: Why.
            epoch: The epoch that was looked at before deciding so; 0 for a switch never set.

        Raises:
            ConditionFailedError: If the switch has changed since.
            StoreUnavailableError: If it is unknown whether it worked.
        """
        return run(self._core.arm(by, reason, epoch), self._store)

    def watch(self, on_killed: Callable[[KilledError], None], stop: threading.Event) -> None:
        """Looks every ``max_age_ms`` until the switch is tripped, or until told to stop.

        Args:
            on_killed: Called once, on this thread, when acting is no longer allowed.
            stop: Ends the watch.
        """
        while not stop.is_set():
            try:
                self.check()
            except KilledError as error:
                on_killed(error)
                return
            stop.wait(self._core.max_age_ms / _MS_PER_S)


class AsyncKillSwitch:
    """The switch, for asyncio. Arguments and errors as of :class:`KillSwitch`.

    Args:
        store: Where its item lives.
        key: Key of its item.
        environment: Decides what may be declared.
        max_age_ms: How old the state that an action relies on may be.
        when_unreadable: What an unreadable switch means here.
        clock: What the age is counted on.

    Raises:
        ConfigurationError: If the age is not positive, or prod would go on unread.
    """

    def __init__(
        self,
        *,
        store: AsyncConditionalStore,
        environment: Environment,
        key: str = DEFAULT_KEY,
        max_age_ms: int = DEFAULT_MAX_AGE_MS,
        when_unreadable: WhenUnreadable = WhenUnreadable.STOP,
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._core = KillCore(
            key=key,
            environment=environment,
            max_age_ms=max_age_ms,
            when_unreadable=when_unreadable,
            clock=clock,
        )

    @classmethod
    def of(
        cls,
        platform: Platform,
        jurisdiction: str,
        store: AsyncConditionalStore,
        *,
        max_age_ms: int = DEFAULT_MAX_AGE_MS,
    ) -> "AsyncKillSwitch":
        """The switch of a jurisdiction, as its contract describes it; stops when unreadable.

        Args:
            platform: The contract.
            jurisdiction: Whose switch.
            store: The store on the switch's table.
            max_age_ms: How old the state that an action relies on may be.

        Raises:
            ConfigurationError: If there is no such jurisdiction, or the age would break the
                platform's promise on how fast a kill works.
        """
        check_promise(platform, jurisdiction, max_age_ms)
        return cls(
            store=store,
            environment=platform.environment,
            key=platform.jurisdictions[jurisdiction].kill_switch.key,
            max_age_ms=max_age_ms,
        )

    async def check(self) -> int:
        """Returns the switch's epoch if acting is allowed.

        Raises:
            KilledError: If the switch is tripped, or counts as tripped.
        """
        return await run_async(self._core.check(), self._store)

    async def state(self) -> KillState:
        """What the switch says now; always asks the store.

        Raises:
            StoreUnavailableError: If it cannot be read.
        """
        return await run_async(self._core.state(), self._store)

    async def trip(self, *, by: str, reason: str) -> KillState:
        """Stops every agent of the jurisdiction. Tripping a tripped switch is no error.

        Args:
            by: Who does it.
            reason: Why.

        Raises:
            StoreUnavailableError: If it is unknown whether it worked. Repeat it.
        """
        return await run_async(self._core.trip(by, reason), self._store)

    async def arm(self, *, by: str, reason: str, epoch: int) -> KillState:
        """Allows acting again.

        Args:
            by: Who does it.
            reason: Why.
            epoch: The epoch that was looked at before deciding so; 0 for a switch never set.

        Raises:
            ConditionFailedError: If the switch has changed since.
            StoreUnavailableError: If it is unknown whether it worked.
        """
        return await run_async(self._core.arm(by, reason, epoch), self._store)

    async def watch(self) -> KilledError:
        """Looks every ``max_age_ms``; returns once acting is no longer allowed. Cancel to end."""
        while True:
            try:
                await self.check()
            except KilledError as error:
                return error
            await asyncio.sleep(self._core.max_age_ms / _MS_PER_S)
