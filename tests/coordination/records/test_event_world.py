"""Events and their outbox in a hostile world: nothing is lost, doubled, or ended by a zombie."""

# Mutants are changes to the inside of a protocol.
# pyright: reportPrivateUsage=false

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest

from holdfast.coordination.drivers.program import Program
from holdfast.coordination.leases.fence import Fence
from holdfast.coordination.leases.lease_core import Action, LeaseCore, Send
from holdfast.coordination.records.idempotency_core import EventRecord
from holdfast.coordination.records.outbox import Message, Outgoing, _without
from holdfast.coordination.records.versioned_core import VersionedCore
from holdfast.coordination.stores.store import Always, Condition, Delete, Outcome, Reply, Update
from holdfast.errors import ConflictError, LeaseLostError
from holdfast.testing import Process
from tests.coordination.leases.lease_mutants import ComparesWallClocks, NeverTakesOver
from tests.coordination.records.event_world import (
    ALL_HANDLED,
    ALL_SENT,
    CAUSED,
    NO_STALE_EFFECT,
    ONCE_PER_CLAIM,
    ONE_RESULT,
    ONLY_ITS_OWN,
    RECORD_STAYS,
    REPLACED,
    WHOLE_LEASE,
    EventParts,
    SendMessage,
    State,
    relay,
    simulate_events,
)

SEEDS = 100
# A lost message takes a loss of the network within the second of its sending: one world in thirty.
FEW_SEEDS = 200


def test_no_promise_is_broken_in_a_hundred_worlds() -> None:
    broken = {
        verdict.seed: verdict.broken[0]
        for verdict in map(simulate_events, range(SEEDS))
        if verdict.broken
    }
    assert broken == {}


@pytest.mark.slow
@pytest.mark.gate
def test_no_promise_is_broken_in_a_thousand_worlds() -> None:
    assert [seed for seed in range(SEEDS, 1_000) if simulate_events(seed).broken] == []


def test_the_worlds_are_hostile_enough_to_be_worth_surviving() -> None:
    verdicts = [simulate_events(seed) for seed in range(50)]
    assert sum(verdict.steals for verdict in verdicts) > 20
    assert sum(verdict.fenced for verdict in verdicts) > 5
    assert sum(verdict.replayed for verdict in verdicts) > 100
    assert sum(verdict.doubled for verdict in verdicts) > 20
    faults = {entry.what for each in verdicts for entry in each.history if entry.who == "fault"}
    assert faults == {
        "pause",
        "crash",
        "cut",
        "loss and delay",
        "doubling",
        "late",
        "region loss",
        "conflicts",
    }


def test_a_seed_replays_exactly() -> None:
    assert simulate_events(7) == simulate_events(7)


class CompletesUnconditionally(EventRecord):
    """Powertools: the result is written whoever owns the record by now."""

    def complete(self, token: int, result: str) -> Program[None]:
        program = super().complete(token, result)
        step = next(program)
        try:
            while True:
                if isinstance(step, Update):
                    step = replace(step, when=Always())
                step = program.send((yield step))
        except StopIteration:
            return


class ForgivesItself(EventRecord):
    """A run that was taken over tells its delivery that all is well."""

    def complete(self, token: int, result: str) -> Program[None]:
        with contextlib.suppress(LeaseLostError):
            yield from super().complete(token, result)


class _DeletesUnconditionally(LeaseCore):
    """Powertools: a run that failed deletes the record, whoever's it is by now."""

    def _release(self, now_ms: int) -> list[Action]:
        actions = super()._release(now_ms)
        # A lease sends updates only; the mutant's whole point is that it does not.
        request = cast("Update", Delete(key=self._key, when=Always()))
        return [Send(request) if isinstance(each, Send) else each for each in actions]


class _ReleasesUnconditionally(LeaseCore):
    """A run that failed frees the record, whoever's it is by now."""

    def _release(self, now_ms: int) -> list[Action]:
        return [
            Send(replace(each.request, when=Always())) if isinstance(each, Send) else each
            for each in super()._release(now_ms)
        ]


class _RunsAgain(LeaseCore):
    """A claim that does not look whether there is a result."""

    _only_if: Condition | None

    def _acquisition(self, now_ms: int, nonce: str) -> Update:
        self._only_if = None
        return super()._acquisition(now_ms, nonce)


def _core(kind: type[LeaseCore]) -> EventParts:
    """Handlers whose leases are of another kind."""

    def turn(record: EventRecord, process: Process) -> None:
        record.core.__class__ = kind
        if isinstance(record.core, ComparesWallClocks):
            record.core.wall_ms = process.wall_ms

    return EventParts(break_core=turn)


class _Repeats(VersionedCore[Outgoing[State]]):
    """A change whose reply was lost is made again."""

    def update(
        self,
        key: str,
        change: Callable[[Outgoing[State] | None], Outgoing[State]],
        fence: Fence | None,
    ) -> Program[Outgoing[State]]:
        for attempt in range(10):
            item = yield from self._look(key)
            value = change(None if item is None else self._schema.read(key, item))
            reply = yield self._write(key, item, self._new_nonce(), value, fence)
            if reply.outcome is Outcome.APPLIED:
                return value
            yield self._pause(attempt)
        raise ConflictError(key)


def _no_fence(_token: int) -> Fence | None:
    return None


def _sends_first(
    core: VersionedCore[Outgoing[State]], key: str, send: SendMessage
) -> Program[None]:
    """A message goes out, and whoever sent it trusts that the change will follow."""
    event = key.partition("/")[2]
    yield from send(Message(body=event, id=event))
    yield from relay(core, key, send)


def _takes_out_first(
    core: VersionedCore[Outgoing[State]], key: str, send: SendMessage
) -> Program[None]:
    """A relay that takes messages out of the record before it has sent them."""
    found = yield from core.read(key)
    if found is not None and found.messages:
        yield from core.update(key, _without([message.id for message in found.messages]), None)
        for message in found.messages:
            yield from send(message)


def _believes(core: VersionedCore[Outgoing[State]], key: str, send: SendMessage) -> Program[None]:
    """A relay that takes a message without an answer for sent."""

    def hopeful(message: Message) -> Program[bool]:
        sending = send(message)
        yield next(sending)
        reply = yield sending.send(Reply(Outcome.APPLIED))
        return reply.outcome is not Outcome.RETRY

    yield from relay(core, key, hopeful)


@pytest.mark.slow
@pytest.mark.gate
@pytest.mark.parametrize(
    ("parts", "promises"),
    [
        pytest.param(parts, promises, id=name)
        for name, parts, promises in (
            (
                "completes unconditionally",
                EventParts(record=CompletesUnconditionally),
                {ONLY_ITS_OWN, ONE_RESULT},
            ),
            ("deletes unconditionally", _core(_DeletesUnconditionally), {RECORD_STAYS}),
            ("releases unconditionally", _core(_ReleasesUnconditionally), {ONLY_ITS_OWN}),
            ("claims by the wall clock", _core(ComparesWallClocks), {WHOLE_LEASE}),
            ("forgets the owner", _core(NeverTakesOver), {REPLACED}),
            ("runs again", _core(_RunsAgain), {ONE_RESULT}),
            ("no fence", EventParts(fence=_no_fence), {NO_STALE_EFFECT}),
            ("repeats", EventParts(state=_Repeats), {ONCE_PER_CLAIM}),
            ("forgives itself", EventParts(record=ForgivesItself), {ALL_HANDLED}),
            ("sends first", EventParts(relay=_sends_first), {CAUSED}),
            ("takes out first", EventParts(relay=_takes_out_first), {ALL_SENT}),
            ("believes", EventParts(relay=_believes), {ALL_SENT}),
        )
    ],
)
def test_a_mutant_is_caught_within_a_few_seeds(parts: EventParts, promises: set[str]) -> None:
    for seed in range(FEW_SEEDS):
        if broken := simulate_events(seed, parts).broken:
            assert broken[0][0] in promises, broken[0]
            return
    pytest.fail(f"it survived {FEW_SEEDS} seeds")
