"""Strongly consistent items: the driver of ``consensus`` and the local copy that it feeds.

Guarantees:
    ``change`` and ``refresh`` are linearizable per item. The local copy only moves forward,
    and holds nothing but committed values.

Does not guarantee:
    That the local copy is current without a ``refresh``; a replica that missed an
    announcement catches up within a second or two of being able to. Progress without a majority.
"""

import asyncio
import random
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from holdfast.twin.region.acceptor import Acceptor, vote_from
from holdfast.twin.region.consensus import (
    NO_BALLOT,
    Action,
    Backoff,
    Ballot,
    Committed,
    Evaluate,
    Failure,
    GaveUp,
    Item,
    Lead,
    Proposer,
    Register,
    Round,
    SendAccept,
    SendPrepare,
    Slot,
    Vote,
    agreed,
)
from holdfast.twin.region.dynamo import Dynamo
from holdfast.twin.region.groups import Consistency, Group, Groups
from holdfast.twin.region.peers import Fields, Links, RefusedError, replies
from holdfast.twin.region.store import (
    Store,
    StoredItem,
    ballot_from,
    ballot_to,
    register_from,
    register_to,
)

A = TypeVar("A")
_LEADS_KEPT = 4096
_BACKOFF_BASE_S = 0.005
_BACKOFF_LIMIT_S = 0.1
_CHANGE_TIMEOUT_S = 5.0
_PATIENCE_S = 0.2
_REFRESH_PARALLEL = 16


class NoQuorumError(Exception):
    """Fewer than two of the three regions answered, or an outcome stayed unknown."""


class ConflictError(Exception):
    """Other regions kept winning. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Evaluated(Generic[A]):
    """What a change makes of an item.

    Attributes:
        item: The item afterwards.
        changed: Whether there is anything to write.
        answer: What to tell the caller, if this is what is agreed on.
    """

    item: Item | None
    changed: bool
    answer: A


Apply = Callable[[Item | None], Evaluated[A]]
"""A change, applied to the current item. Called again when another region came first; it must not
raise, because an earlier attempt may yet be committed."""


@dataclass(slots=True)
class _Answer:
    voter: str
    asked: Round
    ballot: Ballot
    vote: Vote | None


class StrongItems:
    """This region's part in all strongly consistent tables."""

    def __init__(
        self, region: str, store: Store, groups: Groups, dynamo: Dynamo, links: Links
    ) -> None:
        self.acceptor = Acceptor(store, groups)
        self._region = region
        self._store = store
        self._groups = groups
        self._dynamo = dynamo
        self._links = links
        self._counter = store.highest_counter()
        self._leads: OrderedDict[tuple[str, str], Lead] = OrderedDict()
        self._locks: dict[tuple[str, str], tuple[asyncio.Lock, list[None]]] = {}

    # Changes

    async def change(self, group: Group, key: str, apply: Apply[A]) -> A:
        """Changes one item, exactly as ``apply`` says, and returns its answer.

        Raises:
            NoQuorumError: If it may or may not have been carried out.
            ConflictError: If it was not.
        """
        try:
            async with asyncio.timeout(_CHANGE_TIMEOUT_S), self._alone(group.gid, key):
                answers: list[A] = []
                outcome = await self._propose(group, key, apply, answers)
        except TimeoutError:
            raise NoQuorumError from None
        if isinstance(outcome, Committed):
            return answers[outcome.evaluation]
        if outcome.reason is Failure.CONFLICT:
            raise ConflictError
        raise NoQuorumError

    def forget(self, gid: str) -> None:
        """Gives up what was promised for a table whose votes are gone.

        The table may become strongly consistent again under the same id; a promise from before
        would be honoured by its empty acceptors, and bring an old item back.
        """
        for known in [known for known in self._leads if known[0] == gid]:
            del self._leads[known]

    async def _propose(
        self, group: Group, key: str, apply: Apply[A], answers: list[A]
    ) -> Committed | GaveUp:
        lead = self._leads.pop((group.gid, key), None)
        seen = self.acceptor.slot(group.gid, key).promised.counter
        proposer = Proposer(
            region=self._region,
            acceptors=group.voters,
            operation=secrets.token_hex(6),
            counter=max(self._counter, seen),
            lead=lead,
        )
        try:
            outcome = await self._drive(group, key, proposer, apply, answers)
        finally:
            self._counter = max(self._counter, proposer.counter)
        if isinstance(outcome, Committed):
            self._commit(group, key, outcome)
        return outcome

    def _commit(self, group: Group, key: str, outcome: Committed) -> None:
        if outcome.lead is not None:
            self._leads[group.gid, key] = outcome.lead
            if len(self._leads) > _LEADS_KEPT:
                self._leads.popitem(last=False)
        self.learn(group, key, outcome.ballot, outcome.register)
        for peer in group.others(self._region):
            fields: Fields = {"gid": group.gid, "key": key, "ballot": ballot_to(outcome.ballot)}
            if peer not in outcome.granted_by:
                fields["register"] = register_to(outcome.register)
            self._links.post(peer, "learn", fields, resource=group.name)

    async def _drive(
        self,
        group: Group,
        key: str,
        proposer: Proposer,
        apply: Apply[A],
        answers: list[A],
    ) -> Committed | GaveUp:
        votes: asyncio.Queue[_Answer] = asyncio.Queue()
        action: Action | None = proposer.start()
        while True:
            match action:
                case Committed() | GaveUp():
                    return action
                case Evaluate(register):
                    evaluated = apply(register.item)
                    answers.append(evaluated.answer)
                    action = proposer.on_evaluated(evaluated.item, changed=evaluated.changed)
                    continue
                case Backoff(attempt):
                    limit_s = min(_BACKOFF_BASE_S * 2**attempt, _BACKOFF_LIMIT_S)
                    await asyncio.sleep(random.uniform(0, limit_s))  # noqa: S311 -- jitter
                    action = proposer.resume()
                    continue
                case SendPrepare() | SendAccept():
                    self._ask(group, key, action, votes)
                case None:
                    pass
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    answer = await votes.get()
            except TimeoutError:
                action = proposer.on_impatience()
                continue
            if answer.vote is None:
                action = proposer.on_lost(answer.voter, answer.asked, answer.ballot)
            else:
                action = proposer.on_vote(answer.voter, answer.asked, answer.ballot, answer.vote)

    def _ask(
        self,
        group: Group,
        key: str,
        request: SendPrepare | SendAccept,
        votes: asyncio.Queue[_Answer],
    ) -> None:
        ballot = request.ballot
        fields: Fields = {"gid": group.gid, "key": key, "ballot": ballot_to(ballot)}
        if isinstance(request, SendPrepare):
            asked = Round.PREPARE
        else:
            asked = Round.ACCEPT
            fields["register"] = register_to(request.register)
            fields["following"] = ballot_to(request.following)
        for voter in group.voters:
            if voter == self._region:
                continue
            future = self._links.request(voter, asked.value, fields, resource=group.name)

            def report(done: asyncio.Future[Fields], voter: str = voter) -> None:
                lost = done.cancelled() or done.exception() is not None
                vote = None if lost else vote_from(done.result())
                votes.put_nowait(_Answer(voter, asked, ballot, vote))

            future.add_done_callback(report)
        if isinstance(request, SendPrepare):
            own = self.acceptor.prepare(group.gid, key, ballot)
        else:
            own = self.acceptor.accept(group.gid, key, ballot, request.register, request.following)
        votes.put_nowait(_Answer(self._region, asked, ballot, own))

    @asynccontextmanager
    async def _alone(self, gid: str, key: str) -> AsyncGenerator[None, None]:
        """One change of a key at a time in this region; others duel only across regions."""
        lock, users = self._locks.setdefault((gid, key), (asyncio.Lock(), []))
        users.append(None)
        try:
            async with lock:
                yield
        finally:
            users.pop()
            if not users:
                del self._locks[gid, key]

    # Reads

    async def refresh(self, group: Group, keys: Iterable[str]) -> None:
        """Brings the local copies up to everything committed before the call.

        Raises:
            NoQuorumError: If that cannot be known.
            ConflictError: If writers elsewhere kept interfering.
        """
        gate = asyncio.Semaphore(_REFRESH_PARALLEL)

        async def one(key: str) -> None:
            async with gate:
                await self._refresh_one(group, key)

        wanted = list(keys)
        if len(wanted) == 1:
            await self._refresh_one(group, wanted[0])
            return
        outcomes = await asyncio.gather(*map(one, wanted), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def refresh_range(self, group: Group, prefix: str) -> None:
        """As ``refresh``, for every key that begins with ``prefix``.

        Raises:
            NoQuorumError: If that cannot be known.
            ConflictError: If writers elsewhere kept interfering.
        """
        theirs = await self._any_digest(group, prefix)
        ours = self._store.ballots(group.gid, prefix)
        stale = [
            key
            for key in ours.keys() | theirs.keys()
            if ours.get(key) != theirs.get(key) or self._store.version(group.gid, key) < ours[key]
        ]
        await self.refresh(group, stale)

    async def _any_digest(self, group: Group, prefix: str) -> dict[str, Ballot]:
        fields = {"gid": group.gid, "prefix": prefix}
        async for reply in replies(self._ask_others(group, "digest", fields)):
            return {key: ballot_from(raw) for key, raw in reply["ballots"].items()}
        raise NoQuorumError

    def _ask_others(self, group: Group, op: str, fields: Fields) -> list[asyncio.Future[Fields]]:
        return [
            self._links.request(voter, op, fields, resource=group.name)
            for voter in group.voters
            if voter != self._region
        ]

    async def _refresh_one(self, group: Group, key: str) -> None:
        found = await self._read_majority(group, key)
        if found is None:
            await self.change(group, key, lambda item: Evaluated(item, changed=False, answer=None))
        else:
            self.learn(group, key, found.accepted, found.register)

    async def _read_majority(self, group: Group, key: str) -> Slot | None:
        own = self.acceptor.slot(group.gid, key)
        fields = {"gid": group.gid, "key": key, "known": ballot_to(own.accepted)}
        slots = [own]
        async for reply in replies(self._ask_others(group, "read", fields), patience_s=_PATIENCE_S):
            register = register_from(reply["register"]) if "register" in reply else own.register
            slots.append(Slot(NO_BALLOT, ballot_from(reply["accepted"]), register))
            found = agreed(slots, len(group.voters))
            if found is not None:
                return found
        return None

    # The local copy

    def learn(self, group: Group, key: str, ballot: Ballot, register: Register) -> None:
        """Takes over a committed value, unless the local copy is newer."""
        if ballot <= self._store.version(group.gid, key):
            return
        self._store.put_item(group.gid, StoredItem(key, ballot, register.item))
        table = self._dynamo.table(group.name)
        if table is not None and self._region in group.replicas:
            self._dynamo.apply(table, key, register.item)

    def on_learn(self, message: Fields) -> Fields:
        """``learn {gid, key, ballot, register?}``: a peer announces what is committed.

        Without the value it is the one that this region itself accepted at that ballot.
        """
        group = self._groups.get(str(message["gid"]))
        if group is None or group.consistency is not Consistency.STRONG:
            raise RefusedError("this region has no part in that table")
        ballot = ballot_from(message["ballot"])
        if "register" in message:
            self.learn(group, message["key"], ballot, register_from(message["register"]))
        else:
            slot = self.acceptor.slot(group.gid, message["key"])
            if slot.accepted == ballot:
                self.learn(group, message["key"], ballot, slot.register)
        return {}

    # Catching up

    async def catch_up(self, group: Group, peer: str, after: int) -> int:
        """Takes over what ``peer`` has voted on since ``after``; returns where to go on.

        Raises:
            UnreachableError: If the peer does not answer.
            RefusedError: If it has no part in the table any more.
            NoQuorumError: If a value cannot be confirmed.
            ConflictError: If writers elsewhere kept interfering.
        """
        more = group.consistency is Consistency.STRONG
        while more:
            reply = await self._links.request(
                peer, "changes", {"gid": group.gid, "after": after}, resource=group.name
            )
            stale = [
                key
                for key, ballot in reply["changes"]
                if self._store.version(group.gid, key) < ballot_from(ballot)
            ]
            await self.refresh(group, stale)
            after = int(reply["after"])
            more = bool(reply["more"])
        return after
