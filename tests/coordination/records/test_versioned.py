"""Compare-and-swap that neither loses nor repeats a change, in quiet and in a hostile world."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from holdfast.coordination import (
    AsyncMemoryStore,
    AsyncVersionedState,
    Fence,
    Get,
    Item,
    MemoryStore,
    Outcome,
    Reply,
    Request,
    Retry,
    Schema,
    VersionedState,
)
from holdfast.coordination.drivers.program import Pause, Program
from holdfast.coordination.records.versioned_core import REMEMBERED, VersionedCore
from holdfast.coordination.stores.store import Always, Update, text
from holdfast.errors import (
    ConfigurationError,
    ConflictError,
    HoldfastError,
    LeaseLostError,
    StoreUnavailableError,
)
from holdfast.testing import Conditions, Network, Process, World, explain_history, run_simulated
from holdfast.testing.election import REGIONS, strong_store

NUMBER: Schema[int] = Schema(version=1, encode=str, decode=int)


def add_one(value: int | None) -> int:
    return (value or 0) + 1


def test_a_record_begins_as_none_and_keeps_what_it_is_given() -> None:
    state = VersionedState(store=MemoryStore(), schema=NUMBER)
    assert state.read("n") is None
    assert state.update("n", add_one) == 1
    assert state.update("n", add_one) == 2
    assert state.read("n") == 2


def test_a_change_that_nobody_awaits_is_refused_and_not_written() -> None:
    async def change(value: int | None) -> int:
        return add_one(value)

    words: Schema[object] = Schema(version=1, encode=str, decode=str)
    state = VersionedState(store=MemoryStore(), schema=words)
    with pytest.raises(ConfigurationError, match=r"change to record n .*awaited before the update"):
        state.update("n", change)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert state.read("n") is None


def test_no_change_is_lost_between_threads() -> None:
    store = MemoryStore()

    def work() -> None:
        state = VersionedState(store=store, schema=NUMBER, retry=Retry(attempts=500, most_ms=5))
        for _ in range(20):
            state.update("n", add_one)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert VersionedState(store=store, schema=NUMBER).read("n") == 120


def test_tasks_have_the_same_records() -> None:
    async def story() -> int | None:
        state = AsyncVersionedState(store=AsyncMemoryStore(), schema=NUMBER)
        await asyncio.gather(*(state.update("n", add_one) for _ in range(5)))
        return await state.read("n")

    assert asyncio.run(story()) == 5


def test_rivals_that_never_rest_are_a_conflict_in_the_end() -> None:
    store = MemoryStore()
    rival = VersionedState(store=store, schema=NUMBER)

    def change(value: int | None) -> int:
        rival.update("n", add_one)
        return value or 0

    state = VersionedState(store=store, schema=NUMBER, retry=Retry(attempts=3, most_ms=1))
    with pytest.raises(ConflictError, match="before each of 3 attempts"):
        state.update("n", change)


def _pauses_ms(core: VersionedCore[int], outcome: Outcome) -> list[int]:
    """How long a change waits between its attempts, if each of them ends like this."""
    program, pauses = core.update("n", add_one, None), list[int]()
    step = next(program)
    try:
        while True:
            if isinstance(step, Pause):
                pauses.append(step.wait_ms)
                step = program.send(Reply(Outcome.APPLIED))
            elif isinstance(step, Get):
                step = program.send(Reply(Outcome.APPLIED))
            else:
                step = program.send(Reply(outcome))
    except (ConflictError, StoreUnavailableError):
        return pauses


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.RETRY, Outcome.UNKNOWN])
def test_the_pauses_between_attempts_double_up_to_a_bound_and_are_drawn(outcome: Outcome) -> None:
    retry = Retry(attempts=6, first_ms=20, most_ms=100)
    longest = VersionedCore(schema=NUMBER, retry=retry, draw=lambda: 0.99)
    assert _pauses_ms(longest, outcome) == [20, 40, 80, 100, 100, 100]
    shortest = VersionedCore(schema=NUMBER, retry=retry, draw=lambda: 0.0)
    assert set(_pauses_ms(shortest, outcome)) == {1}


class PutsOff(MemoryStore):
    """A store that is throttled, or in conflict with another region, for so many writes."""

    def __init__(self, writes: int) -> None:
        super().__init__()
        self._writes = writes

    def call(self, request: Request) -> Reply:
        if self._writes and not isinstance(request, Get):
            self._writes -= 1
            return Reply(Outcome.RETRY, reason="ReplicatedWriteConflictException")
        return super().call(request)


def test_a_write_in_conflict_with_another_region_is_tried_again() -> None:
    state = VersionedState(store=PutsOff(9), schema=NUMBER, retry=Retry(most_ms=1))
    assert state.update("n", add_one) == 1


def test_a_store_that_raises_for_want_of_an_answer_is_asked_again() -> None:
    class Raises(MemoryStore):
        calls = 0

        def call(self, request: Request) -> Reply:
            reply = super().call(request)
            self.calls += 1
            if self.calls in (1, 3):
                raise StoreUnavailableError("no answer")
            return reply

    store = Raises()
    # The read once more; the write, which was applied, only recognised.
    assert VersionedState(store=store, schema=NUMBER, retry=Retry(most_ms=1)).update("n", add_one)
    assert store.calls == 4
    assert VersionedState(store=store, schema=NUMBER).read("n") == 1


def test_a_store_that_puts_off_every_write_is_not_blamed_on_rivals() -> None:
    state = VersionedState(store=PutsOff(99), schema=NUMBER, retry=Retry(attempts=3, most_ms=1))
    with pytest.raises(
        StoreUnavailableError, match=r"n was not changed: .* 3 attempts: ReplicatedWriteConflict"
    ):
        state.update("n", add_one)


class Hesitates(MemoryStore):
    """A store that answers the next write with silence; told to, it carries it out later."""

    def __init__(self, *, late: bool) -> None:
        super().__init__()
        self.late = late
        self.loses_next = False
        self._held: Request | None = None

    def call(self, request: Request) -> Reply:
        if isinstance(request, Update):
            if self.loses_next:
                self.loses_next, self._held = False, request if self.late else None
                return Reply(Outcome.UNKNOWN, reason="silence")
            held, self._held = self._held, None
            if held is not None:
                super().call(held)
        return super().call(request)


def test_a_living_leader_goes_on_after_a_dropped_request() -> None:
    store = Hesitates(late=False)
    state = VersionedState(store=store, schema=NUMBER)
    state.update("n", add_one, fence=Fence(5))
    store.loses_next = True
    assert state.update("n", add_one, fence=Fence(5)) == 2


def test_what_is_returned_is_what_was_stored_though_an_earlier_attempt_comes_late() -> None:
    store = Hesitates(late=True)
    state = VersionedState(store=store, schema=NUMBER)
    state.update("n", add_one)
    store.loses_next = True
    computed = iter((10, 20, 30))
    assert state.update("n", lambda _: next(computed)) == 10
    assert state.read("n") == 10


def test_a_stale_holder_cannot_change_a_fenced_record() -> None:
    state = VersionedState(store=MemoryStore(), schema=NUMBER)
    state.update("n", add_one, fence=Fence(2))
    with pytest.raises(LeaseLostError, match="written with token 2; this writer's is 1"):
        state.update("n", add_one, fence=Fence(1))
    assert state.update("n", add_one, fence=Fence(2)) == 2


def _named(body: str) -> str:
    return json.dumps({"count": int(body)})


NEWER: Schema[dict[str, int]] = Schema(
    version=2, encode=json.dumps, decode=json.loads, upgraders={1: _named}
)


def test_an_older_record_is_brought_up_to_date_and_then_refused_by_the_older_release() -> None:
    store = MemoryStore()
    old = VersionedState(store=store, schema=NUMBER)
    new = VersionedState(store=store, schema=NEWER)
    old.update("n", add_one)
    assert new.read("n") == {"count": 1}
    assert old.read("n") == 1
    new.update("n", lambda value: value or {})
    with pytest.raises(ConfigurationError, match="has schema 2; this program understands 1 to 1"):
        old.read("n")
    with pytest.raises(ConfigurationError, match="has schema 2; this program understands 1 to 1"):
        old.update("n", add_one)
    assert new.read("n") == {"count": 1}


def test_a_record_too_old_for_any_upgrader_is_refused() -> None:
    store = MemoryStore()
    VersionedState(store=store, schema=NUMBER).update("n", add_one)
    newest = Schema[int](version=3, encode=str, decode=int, upgraders={2: str})
    with pytest.raises(ConfigurationError, match="has schema 1; this program understands 2 to 3"):
        VersionedState(store=store, schema=newest).read("n")


@pytest.mark.parametrize(
    ("version", "upgraders"), [(0, {}), (3, {1: _named}), (2, {1: _named, 2: _named})]
)
def test_a_schema_that_cannot_work_is_refused(
    version: int, upgraders: dict[int, Callable[[str], str]]
) -> None:
    with pytest.raises(ConfigurationError, match="schema"):
        Schema(version=version, encode=str, decode=int, upgraders=upgraders)


@pytest.mark.parametrize("name", ["attempts", "first_ms", "most_ms"])
def test_a_retry_without_an_attempt_or_a_pause_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}=0"):
        Retry(**{name: 0})


class LosesReplies(MemoryStore):
    """Applies writes and says nothing, as often as it is told."""

    def __init__(self, lost: int, between: Callable[[MemoryStore], None]) -> None:
        super().__init__()
        self._lost = lost
        self._between = between

    def call(self, request: Request) -> Reply:
        reply = super().call(request)
        if self._lost and not isinstance(request, Get):
            self._lost -= 1
            self._between(self)
            return Reply(Outcome.UNKNOWN, reason="lost")
        return reply


def _others(count: int) -> Callable[[MemoryStore], None]:
    def write(store: MemoryStore) -> None:
        quiet = MemoryStore.call

        class Direct:
            def call(self, request: Request) -> Reply:
                return quiet(store, request)

        rival = VersionedState(store=Direct(), schema=NUMBER)
        for _ in range(count):
            rival.update("n", add_one)

    return write


@pytest.mark.parametrize("others", [0, 1, REMEMBERED])
def test_a_change_whose_reply_was_lost_is_not_repeated_even_after_changes_by_others(
    others: int,
) -> None:
    store = LosesReplies(1, _others(others))
    state = VersionedState(store=store, schema=NUMBER, retry=Retry(most_ms=1))
    assert state.update("n", add_one) == 1
    assert state.read("n") == 1 + others


def test_what_nobody_can_know_any_more_is_said_to_be_unknown() -> None:
    store = LosesReplies(1, _others(REMEMBERED + 1))
    state = VersionedState(store=store, schema=NUMBER, retry=Retry(most_ms=1))
    with pytest.raises(StoreUnavailableError, match="unknown whether record n was changed"):
        state.update("n", add_one)


class RepeatsItself(VersionedCore[int]):
    """Mutant: a lost reply is taken for a lost write."""

    def update(
        self, key: str, change: Callable[[int | None], int], fence: Fence | None
    ) -> Program[int]:
        for _ in range(10):
            got = yield Get(key)
            if got.outcome is not Outcome.APPLIED:
                continue
            item = got.item
            value = change(None if item is None else int(text(item, "body") or "0"))
            reply = yield self._write(key, item, self._new_nonce(), value, fence)
            if reply.outcome is Outcome.APPLIED:
                return value
            yield Pause(50)
        raise ConflictError(key)


class WritesBlindly(VersionedCore[int]):
    """Mutant: reads, changes and writes, whatever has happened in between."""

    def _write(
        self, key: str, item: Item | None, nonce: str, value: int, fence: Fence | None
    ) -> Update:
        return replace(super()._write(key, item, nonce, value, fence), when=Always())


def _count_in_a_hostile_world(
    seed: int, make: Callable[[Callable[[], str], Callable[[], float]], VersionedCore[int]]
) -> str | None:
    """Processes add one at a time; None, or what went wrong."""
    world = World(seed)
    rng = world.random
    network = Network(world, Conditions(delay_ms=(1, 60), lost=0.15, doubled=0.2))
    store = strong_store(world, lambda _key, _old, _new: None)
    store.conflicts = 0.1
    sure, unsure = [0], [0]
    for name in range(4):
        process = Process(world, f"p{name}", REGIONS[name % 2])
        core = make(lambda: f"{rng.getrandbits(64):x}", rng.random)
        turns: Iterator[int] = iter(range(8))

        def again(
            core: VersionedCore[int] = core,
            process: Process = process,
            turns: Iterator[int] = turns,
        ) -> None:
            if next(turns, None) is None:
                return

            def ended(result: int | HoldfastError) -> None:
                if isinstance(result, StoreUnavailableError):
                    unsure[0] += 1
                elif not isinstance(result, HoldfastError):
                    sure[0] += 1
                again(core, process, turns)

            run_simulated(core.update("n", add_one, None), process, network, store, ended)

        again()
    world.run(10_000_000)
    count = int(text(store.item("n"), "body") or "0")
    if not sure[0] <= count <= sure[0] + unsure[0]:
        return f"seed {seed}: {sure[0]} changes returned, {unsure[0]} unknown, {count} happened"
    return explain_history(network.operations)


def _real(new_nonce: Callable[[], str], draw: Callable[[], float]) -> VersionedCore[int]:
    return VersionedCore(schema=NUMBER, new_nonce=new_nonce, draw=draw)


def test_every_change_that_returned_happened_once_in_hundreds_of_hostile_worlds() -> None:
    wrong = [_count_in_a_hostile_world(seed, _real) for seed in range(300)]
    assert [each for each in wrong if each] == []


@pytest.mark.parametrize("mutant", [RepeatsItself, WritesBlindly])
def test_a_change_that_is_repeated_or_lost_is_caught(mutant: type[VersionedCore[int]]) -> None:
    def broken(new_nonce: Callable[[], str], draw: Callable[[], float]) -> VersionedCore[int]:
        return mutant(schema=NUMBER, new_nonce=new_nonce, draw=draw)

    assert any(_count_in_a_hostile_world(seed, broken) for seed in range(20))
