"""The election protocol on top of one lease: terms, resignation and a clean end. Pure.

Guarantees:
    A process runs at most one term's work at a time, even across terms: it stands for election
    again only after the work of its last term has returned. The lease is kept alive until that
    work has returned, and only then released.

Does not guarantee:
    That work which never returns gives way. Its lease is lost to others, its writes are fenced,
    but this process will not lead again.
"""

from dataclasses import dataclass

from holdfast.coordination.leases.lease_core import (
    Action,
    LeaseCore,
    Phase,
    Released,
    Started,
    Stopped,
    StopReason,
)
from holdfast.coordination.stores.store import Reply

_GIVE_WAY_PERIODS = 2


@dataclass(frozen=True, slots=True)
class Finished:
    """The process has left the election for good."""


class ElectionCore:
    """One candidate. Driven exactly like :class:`LeaseCore`, and it passes its actions on.

    Args:
        lease: The lease to stand for.
        retry_ms: How often candidates look. One that resigned lets the others look first.
    """

    def __init__(self, lease: LeaseCore, *, retry_ms: int) -> None:
        self._lease = lease
        self._retry_ms = retry_ms
        self._working = False
        self._told = False
        self._stopping = False
        self._finished = False
        self._campaign_ms: int | None = None

    @property
    def due_ms(self) -> int | None:
        """When :meth:`on_tick` must be called next; None while only an event can change it."""
        due_ms, campaign_ms = self._lease.due_ms, self._campaign_ms
        if due_ms is None or campaign_ms is None:
            return campaign_ms if due_ms is None else due_ms
        return min(due_ms, campaign_ms)

    def start(self, now_ms: int) -> list[Action | Finished]:
        """Stands for election.

        Args:
            now_ms: The time.
        """
        return self._follow(now_ms, self._lease.campaign(now_ms))

    def on_tick(self, now_ms: int) -> list[Action | Finished]:
        """What to do now that time has passed.

        Args:
            now_ms: The time.
        """
        actions = self._lease.on_tick(now_ms)
        if self._campaign_ms is not None and now_ms >= self._campaign_ms:
            self._campaign_ms = None
            actions += self._lease.campaign(now_ms)
        return self._follow(now_ms, actions)

    def on_reply(self, now_ms: int, reply: Reply) -> list[Action | Finished]:
        """What to do now that the request in flight has ended.

        Args:
            now_ms: The time.
            reply: How it ended.
        """
        return self._follow(now_ms, self._lease.on_reply(now_ms, reply))

    def on_work_ended(self, now_ms: int) -> list[Action | Finished]:
        """What to do now that the work of the last term has returned.

        Args:
            now_ms: The time.
        """
        self._working = False
        actions = self._lease.on_tick(now_ms)
        if self._lease.phase is Phase.HOLDING or self._stopping:
            actions += self._lease.leave(now_ms)
        elif self._lease.phase is Phase.IDLE:
            actions += self._lease.campaign(now_ms)
        return self._follow(now_ms, actions)

    def stop(self, now_ms: int) -> list[Action | Finished]:
        """Leaves the election, once the work of the current term has returned.

        Args:
            now_ms: The time.
        """
        actions = self._lease.on_tick(now_ms)
        if self._stopping:
            return self._follow(now_ms, actions)
        self._stopping = True
        self._campaign_ms = None
        token = self._lease.token
        if not self._working:
            actions += self._lease.leave(now_ms)
        elif token is not None:
            actions.append(Stopped(token, StopReason.ASKED))
        return self._follow(now_ms, actions)

    def _follow(self, now_ms: int, actions: list[Action]) -> list[Action | Finished]:
        followed: list[Action | Finished] = []
        for action in actions:
            if isinstance(action, Stopped):
                if self._told:
                    continue
                self._told = True
            followed.append(action)
            if isinstance(action, Started):
                self._working, self._told = True, False
            if isinstance(action, Released) and not self._finished:
                self._finished = self._stopping
                if self._stopping:
                    followed.append(Finished())
                else:
                    self._campaign_ms = now_ms + _GIVE_WAY_PERIODS * self._retry_ms
        return followed
