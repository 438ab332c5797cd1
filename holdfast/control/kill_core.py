"""The protocol of the kill switch, for threads, tasks and the simulator alike.

What it guarantees stands in :mod:`holdfast.control.kill`.
"""

from dataclasses import dataclass
from enum import StrEnum

from holdfast.contract import Environment, Platform
from holdfast.coordination.drivers.clock import Clock, SystemClock
from holdfast.coordination.drivers.program import Program
from holdfast.coordination.stores.store import (
    Absent,
    Always,
    Condition,
    Equals,
    Get,
    Item,
    Outcome,
    Reply,
    Update,
    number,
    text,
)
from holdfast.errors import (
    ConditionFailedError,
    ConfigurationError,
    KilledError,
    StoreUnavailableError,
)

_MS_PER_S = 1000
_ARMED = "armed"
_TRIPPED = "tripped"


class WhenUnreadable(StrEnum):
    """What an unreadable switch means. One that is there and says nothing is tripped either way.

    ``STOP``: it counts as tripped. ``GO_ON``: the last known state counts, and armed if there is
    none; never in prod.
    """

    STOP = "stop"
    GO_ON = "go-on"


@dataclass(frozen=True, slots=True)
class KillState:
    """What the switch says.

    Attributes:
        tripped: Whether nothing may act.
        epoch: How often it has been changed; 0 if it has never been set.
        by: Who changed it last.
        reason: Why.
    """

    tripped: bool
    epoch: int
    by: str
    reason: str


class KillCore:
    """One process's view of the switch. Its methods are programs for threads and tasks alike.

    Args:
        key: Key of the switch's item.
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
        key: str,
        environment: Environment,
        max_age_ms: int,
        when_unreadable: WhenUnreadable,
        clock: Clock | None,
    ) -> None:
        if max_age_ms <= 0:
            raise ConfigurationError(
                f"max_age_ms={max_age_ms} is not positive. Use 1 ms or more: it is how long a "
                "tripped switch may go unnoticed."
            )
        if environment is Environment.PROD and when_unreadable is not WhenUnreadable.STOP:
            raise ConfigurationError(
                f"when_unreadable={when_unreadable} is not allowed in prod: what cannot be read "
                "may be tripped. Use WhenUnreadable.STOP."
            )
        self.key = key
        self.max_age_ms = max_age_ms
        self._when_unreadable = when_unreadable
        self._clock = clock or SystemClock()
        self._known: KillState | None = None
        self._read_ms = 0

    def check(self) -> Program[int]:
        """The epoch, if acting is allowed.

        Raises:
            KilledError: If it is not.
        """
        now_ms = self._clock.now_ms()
        state = self._known
        if state is None or now_ms - self._read_ms > self.max_age_ms:
            try:
                reply = yield Get(self.key)
            except ConfigurationError as error:
                reply = Reply(Outcome.UNKNOWN, reason=str(error))
            state = self._learn(now_ms, reply)
        if state.tripped:
            raise KilledError(
                f"The kill switch {self.key} is tripped (epoch {state.epoch}, by {state.by or '?'}"
                f": {state.reason or 'no reason given'}). Nothing may act until it is armed again."
            )
        return state.epoch

    def state(self) -> Program[KillState]:
        """What the switch says now.

        Raises:
            StoreUnavailableError: If it cannot be read.
        """
        reply = yield Get(self.key)
        if reply.outcome is not Outcome.APPLIED:
            raise StoreUnavailableError(f"Kill switch {self.key} cannot be read: {reply.reason}.")
        return _state(reply.item)

    def trip(self, by: str, reason: str) -> Program[KillState]:
        """Trips it, whatever it says.

        Args:
            by: Who does it.
            reason: Why.

        Raises:
            StoreUnavailableError: If it is unknown whether it worked.
        """
        return (yield from self._change(Always(), _TRIPPED, by, reason))

    def arm(self, by: str, reason: str, epoch: int) -> Program[KillState]:
        """Arms it, if it is still at an epoch.

        Args:
            by: Who does it.
            reason: Why.
            epoch: The epoch that was looked at; 0 for a switch never set.

        Raises:
            ConditionFailedError: If it has changed since.
            StoreUnavailableError: If it is unknown whether it worked.
        """
        when: Condition = Equals("epoch", epoch) if epoch else Absent("epoch")
        return (yield from self._change(when, _ARMED, by, reason))

    def _change(self, when: Condition, state: str, by: str, reason: str) -> Program[KillState]:
        assign: Item = {"state": state, "by": by, "reason": reason}
        request = Update(key=self.key, when=when, assign=assign, add={"epoch": 1})
        reply = yield request
        if reply.outcome is Outcome.REFUSED:
            found = _state(reply.item)
            raise ConditionFailedError(
                f"Kill switch {self.key} is at epoch {found.epoch} (tripped: {found.tripped}, by "
                f"{found.by or '?'}: {found.reason or 'no reason given'}), so it was not {state}. "
                "Look at why it changed, then repeat with that epoch."
            )
        if reply.outcome is not Outcome.APPLIED:
            raise StoreUnavailableError(
                f"Kill switch {self.key} may or may not be {state} now: {reply.reason}. Repeat it "
                "until it is acknowledged."
            )
        self._known = None
        return _state(reply.item)

    def _learn(self, sent_ms: int, reply: Reply) -> KillState:
        readable = reply.outcome is Outcome.APPLIED
        if readable and _complete(reply.item):
            # Its age counts from the sending: the state may have changed since the store looked.
            self._known, self._read_ms = _state(reply.item), sent_ms
            return self._known
        if not readable:
            if self._when_unreadable is WhenUnreadable.GO_ON:
                return self._known or KillState(tripped=False, epoch=0, by="", reason="")
            raise KilledError(
                f"The kill switch {self.key} cannot be read ({reply.reason}), which counts as "
                "tripped. Bring its table back."
            )
        # What was known of a flag that is gone says nothing of why it is gone.
        self._known = None
        raise KilledError(
            f"The kill switch {self.key} has never been armed, or somebody has deleted it (its "
            f"item is {reply.item}), which counts as tripped. Find out which, then arm it: "
            "`holdfast kill arm`."
        )


def check_promise(platform: Platform, jurisdiction: str, max_age_ms: int) -> None:
    """Refuses an age of the known state that the platform's promise leaves no time for.

    Args:
        platform: The contract.
        jurisdiction: Whose switch.
        max_age_ms: How old the state that an action relies on may be.

    Raises:
        ConfigurationError: If there is no such jurisdiction, or the age is too great.
    """
    if jurisdiction not in platform.jurisdictions:
        raise ConfigurationError(
            f"There is no jurisdiction {jurisdiction}; allowed are "
            f"{', '.join(sorted(platform.jurisdictions))}."
        )
    promised_ms = int(platform.objectives.kill_s * _MS_PER_S)
    if max_age_ms >= promised_ms:
        raise ConfigurationError(
            f"max_age_ms={max_age_ms} leaves no time to act on a kill: the platform promises "
            f"kill_s={platform.objectives.kill_s}. Use less than {promised_ms} ms."
        )


def _complete(item: Item | None) -> bool:
    if item is None:
        return False
    state, epoch = item.get("state"), item.get("epoch")
    return state in (_ARMED, _TRIPPED) and isinstance(epoch, int) and not isinstance(epoch, bool)


def _state(item: Item | None) -> KillState:
    return KillState(
        tripped=text(item, "state") != _ARMED,
        epoch=number(item, "epoch"),
        by=text(item, "by") or "",
        reason=text(item, "reason") or "",
    )
