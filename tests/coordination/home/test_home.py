"""Leases in one region's table: only at home, and never with a token that was seen before."""

import asyncio
import threading
import time
from collections.abc import Mapping

import pytest

from holdfast.coordination import (
    AsyncMemoryStore,
    Delete,
    Fence,
    Get,
    Item,
    Lease,
    LeaseTiming,
    Lock,
    MemoryStore,
    Outcome,
    Put,
    Reply,
    Request,
    StopReason,
    Update,
)
from holdfast.coordination.drivers import program
from holdfast.coordination.drivers.program import run
from holdfast.coordination.home import home_core
from holdfast.coordination.home.home import AsyncHomeStore, HomeStore, move_home, move_home_async
from holdfast.coordination.home.home_core import (
    TOKENS_PER_EPOCH,
    Home,
    HomeCore,
    Move,
    longest_ms,
    plan_move,
    read_audit,
    read_home,
)
from holdfast.coordination.leases.election import Election
from holdfast.coordination.stores.store import Absent, Always, AtMost, Equals
from holdfast.errors import ConditionFailedError, ConfigurationError, StoreUnavailableError
from tests.coordination.fakes import ManualClock

FAST = LeaseTiming(lease_ms=600, renew_ms=100, retry_ms=50, margin_ms=120)
MAX_AGE_MS = 200
IRELAND, FRANKFURT = "eu-west-1", "eu-central-1"


class Table(MemoryStore):
    """A region's table that can be lost, be throttled, and lose its replies."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = False
        self.deaf = False
        self.loses_replies = 0
        self.puts_off = 0
        self.requests = 0

    def call(self, request: Request) -> Reply:
        self.requests += 1
        if self.lost or (self.deaf and not isinstance(request, Get)):
            return Reply(Outcome.UNKNOWN, reason="no answer")
        if self.puts_off:
            self.puts_off -= 1
            return Reply(Outcome.RETRY, reason="throttled")
        reply = super().call(request)
        if self.loses_replies and not isinstance(request, Get):
            self.loses_replies -= 1
            return Reply(Outcome.UNKNOWN, reason="reply lost")
        return reply


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "_PAUSE_MS", 1)


@pytest.fixture
def tables() -> dict[str, Table]:
    return {IRELAND: Table(), FRANKFURT: Table()}


def _move(tables: dict[str, Table], to: str, *, abandon: bool = False) -> Home:
    return move_home(
        tables,
        to=to,
        by="ada",
        reason="rehearsal",
        timing=FAST,
        max_age_ms=MAX_AGE_MS,
        abandon=abandon,
    )


def _home(table: Table, region: str) -> HomeStore:
    return HomeStore(table, region=region, max_age_ms=MAX_AGE_MS)


def _token(store: HomeStore) -> int:
    with Lock(store=store, key="leader", owner="x", wait_s=2, timing=FAST) as lease:
        return lease.token


def test_a_table_in_which_nothing_was_declared_holds_no_lease(tables: dict[str, Table]) -> None:
    with pytest.raises(ConfigurationError, match=f"table of {IRELAND}, so it may hold no leases"):
        _token(_home(tables[IRELAND], IRELAND))


@pytest.mark.parametrize("key", ["home", "home/2"])
def test_a_lease_does_not_take_the_place_of_a_declaration(
    tables: dict[str, Table], key: str
) -> None:
    declared = _move(tables, IRELAND)
    store = _home(tables[IRELAND], IRELAND)
    with (
        pytest.raises(ConfigurationError, match=f"Key {key} is kept for the declaration"),
        Lock(store=store, key=key, owner="x", wait_s=0, keeps_trying=True, timing=FAST),
    ):
        pytest.fail("held")
    assert tables[IRELAND].call(Get(key)).item == tables[FRANKFURT].call(Get(key)).item
    assert run(read_home(), tables[IRELAND]) == declared
    away = _home(tables[FRANKFURT], FRANKFURT)
    assert away.call(Get("homely")).outcome is Outcome.RETRY


def test_only_the_declared_home_holds_leases(tables: dict[str, Table]) -> None:
    declared = _move(tables, IRELAND)
    assert (declared.region, declared.origin, declared.confirmed) == (IRELAND, "", True)
    assert _token(_home(tables[IRELAND], IRELAND)) > 0
    away = _home(tables[FRANKFURT], FRANKFURT)
    refused = away.call(Update(key="leader", when=Always(), add={"token": 1}))
    assert refused.outcome is Outcome.RETRY
    assert refused.reason == f"{IRELAND} is home since epoch {declared.epoch}, not {FRANKFURT}"
    assert tables[FRANKFURT].call(Get("leader")).item is None


def _tokens(tables: dict[str, Table]) -> list[int]:
    """Tokens of a lease that is taken twice in each of four homes."""
    tokens: list[int] = []
    for region in (IRELAND, FRANKFURT, IRELAND, FRANKFURT):
        _move(tables, region)
        store = _home(tables[region], region)
        tokens += [_token(store), _token(store)]
    return tokens


def test_tokens_grow_through_every_move_there_and_back(tables: dict[str, Table]) -> None:
    tokens = _tokens(tables)
    assert tokens == sorted(set(tokens))


def test_tokens_without_the_epoch_in_them_are_noticed(
    tables: dict[str, Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    def bare(item: Item | None, _epoch: int) -> Item | None:
        return item

    monkeypatch.setattr(home_core, "_shown", bare)

    def same(token: int, _epoch: int) -> int:
        return token

    monkeypatch.setattr(home_core, "_raw", same)
    tokens = _tokens(tables)
    assert tokens != sorted(set(tokens))


def test_a_move_waits_for_every_lease_of_the_old_home(tables: dict[str, Table]) -> None:
    _move(tables, IRELAND)
    ended_s: list[float] = []
    begun_s: list[float] = []
    started = threading.Event()

    def lead(lease: Lease) -> None:
        started.set()
        while not lease.wait(1):
            pass
        ended_s.append(time.monotonic())

    def follow(_lease: Lease) -> None:
        begun_s.append(time.monotonic())

    reasons: list[StopReason] = []
    old = Election(store=_home(tables[IRELAND], IRELAND), key="leader", owner="old", timing=FAST)
    new = Election(
        store=_home(tables[FRANKFURT], FRANKFURT), key="leader", owner="new", timing=FAST
    )
    threads = [
        threading.Thread(target=old.run, args=(lead, reasons.append)),
        threading.Thread(target=new.run, args=(follow,)),
    ]
    for thread in threads:
        thread.start()
    assert started.wait(5)
    _move(tables, FRANKFURT)
    deadline = time.monotonic() + 5
    while not begun_s and time.monotonic() < deadline:
        time.sleep(0.01)
    old.stop()
    new.stop()
    for thread in threads:
        thread.join(10)
    assert reasons == [StopReason.LOST_CONTACT]
    assert ended_s[0] < begun_s[0]


def test_every_move_leaves_a_record_of_who_and_why(tables: dict[str, Table]) -> None:
    first = _move(tables, IRELAND)
    second = _move(tables, FRANKFURT)
    for table in tables.values():
        assert run(read_audit(first.epoch), table) == first
        assert run(read_audit(second.epoch), table) == second
        assert run(read_home(), table) == second
    assert (second.origin, second.by, second.reason) == (IRELAND, "ada", "rehearsal")
    with pytest.raises(ConfigurationError, match=f"{FRANKFURT} is home already, since epoch"):
        _move(tables, FRANKFURT)
    with pytest.raises(ConfigurationError, match=r"to=mars is no region of the group"):
        _move(tables, "mars")
    for by, reason in (("", "drill"), ("ada", " ")):
        with pytest.raises(ConfigurationError, match="must say who made it and why"):
            move_home(tables, to=IRELAND, by=by, reason=reason)


@pytest.mark.parametrize("abandon", [False, True])
def test_a_home_that_was_throttled_for_a_moment_is_neither_lost_nor_abandoned(
    tables: dict[str, Table], *, abandon: bool
) -> None:
    _move(tables, IRELAND)
    tables[IRELAND].puts_off = 4
    moved = _move(tables, FRANKFURT, abandon=abandon)
    assert moved.confirmed
    assert run(read_home(), tables[IRELAND]) == moved


def test_a_lost_home_is_abandoned_only_on_demand_and_learns_of_it_later(
    tables: dict[str, Table],
) -> None:
    _move(tables, IRELAND)
    stale = _token(_home(tables[IRELAND], IRELAND))
    tables[IRELAND].lost = True
    with pytest.raises(StoreUnavailableError, match=f"{IRELAND} cannot be asked, .*abandon=True"):
        _move(tables, FRANKFURT)
    assert not _move(tables, FRANKFURT, abandon=True).confirmed
    token = _token(_home(tables[FRANKFURT], FRANKFURT))
    tables[IRELAND].lost = False
    # The old home does not know yet, but nothing that it grants passes a fence any more.
    zombie = _token(_home(tables[IRELAND], IRELAND))
    assert stale < zombie < token
    ledger = MemoryStore()
    ledger.call(Fence(token).guard(Put(key="ledger", when=Always(), item={})))
    late = Fence(zombie).guard(Update(key="ledger", when=Always(), add={"n": 1}))
    assert ledger.call(late).outcome is Outcome.REFUSED
    told = _move(tables, FRANKFURT)
    assert run(read_home(), tables[IRELAND]) == told
    away = _home(tables[IRELAND], IRELAND)
    assert away.call(Get("leader")).outcome is Outcome.RETRY


def _plan(declared: Mapping[str, Home | None], to: str, *, lost: str | None = None) -> Move:
    silent = StoreUnavailableError("no answer")
    return plan_move(
        {name: silent if name == lost else home for name, home in declared.items()},
        to=to,
        by="bob",
        reason="too",
        at="",
        wait_ms=0,
        abandon=lost is not None,
        nonce="bob's",
    )


def test_a_region_that_cannot_be_asked_does_not_become_home_even_on_demand(
    tables: dict[str, Table],
) -> None:
    _move(tables, IRELAND)
    tables[FRANKFURT].lost = True
    for abandon in (False, True):
        with pytest.raises(StoreUnavailableError, match=f"to={FRANKFURT} cannot be asked, and"):
            _move(tables, FRANKFURT, abandon=abandon)


def test_two_who_abandon_each_other_declare_different_epochs() -> None:
    regions = (IRELAND, FRANKFURT, "eu-south-1")
    first = _plan(dict.fromkeys(regions, None), "eu-south-1").home
    declared: dict[str, Home | None] = dict.fromkeys(regions, first)
    epochs = {
        _plan(declared, IRELAND, lost=FRANKFURT).home.epoch,
        _plan(declared, FRANKFURT, lost=IRELAND).home.epoch,
        first.epoch,
    }
    assert len(epochs) == 3
    with pytest.raises(ConfigurationError, match="is home already"):
        _plan(declared, "eu-south-1", lost=IRELAND)


def test_a_move_whose_replies_are_lost_recognises_its_own_writes(
    tables: dict[str, Table],
) -> None:
    for table in tables.values():
        table.loses_replies = 3
    home = _move(tables, IRELAND)
    assert run(read_home(), tables[FRANKFURT]) == home == run(read_home(), tables[IRELAND])


def test_a_move_that_failed_half_way_is_completed_by_repeating_it(
    tables: dict[str, Table],
) -> None:
    _move(tables, IRELAND)
    tables[FRANKFURT].deaf = True
    with pytest.raises(StoreUnavailableError, match="could not be written"):
        _move(tables, FRANKFURT)
    tables[FRANKFURT].deaf = False
    # Between the two, nobody is home.
    for region, table in tables.items():
        assert _home(table, region).call(Get("leader")).outcome is Outcome.RETRY
    home = _move(tables, FRANKFURT)
    assert _token(_home(tables[FRANKFURT], FRANKFURT)) > home.epoch * TOKENS_PER_EPOCH


def test_somebody_who_moved_it_meanwhile_is_named(tables: dict[str, Table]) -> None:
    _move(tables, IRELAND)
    late = _plan({region: run(read_home(), table) for region, table in tables.items()}, FRANKFURT)
    _move(tables, FRANKFURT)
    (_, first), *_ = late.steps
    with pytest.raises(ConditionFailedError, match=r"by='ada'.*decide anew"):
        run(first, tables[IRELAND])


def test_a_plan_made_before_the_first_home_was_declared_is_refused(
    tables: dict[str, Table],
) -> None:
    late = _plan(dict.fromkeys(tables, None), FRANKFURT)
    first = _move(tables, IRELAND)
    assert late.home.epoch > first.epoch
    (_, step), *_ = late.steps
    # It would wait for nothing, because it knows of no home: two would lead.
    with pytest.raises(ConditionFailedError, match=rf"region='{IRELAND}'"):
        run(step, tables[IRELAND])


def test_a_home_is_not_confirmed_while_a_region_that_was_given_up_is_silent() -> None:
    regions = (IRELAND, FRANKFURT, "eu-south-1")
    first = _plan(dict.fromkeys(regions, None), IRELAND).home
    half = _plan(dict.fromkeys(regions, first), FRANKFURT, lost=IRELAND).home
    declared = {IRELAND: first, FRANKFURT: first, "eu-south-1": half}
    repeated = _plan(declared, FRANKFURT, lost=IRELAND).home
    # The region of the latest declaration answers, but the one that granted leases does not.
    assert (repeated.origin, repeated.confirmed) == (FRANKFURT, False)
    assert _plan(declared, FRANKFURT).home.confirmed


@pytest.mark.parametrize("lease_ms", [1, 999, 10_000])
@pytest.mark.parametrize("max_age_ms", [1, 10_000, 3_600_000])
def test_a_fast_clock_outwaits_the_leases_of_a_slow_one(lease_ms: int, max_age_ms: int) -> None:
    waited_ms = longest_ms(lease_ms=lease_ms, max_age_ms=max_age_ms) / 1.02
    assert waited_ms >= (lease_ms + max_age_ms) / 0.98 > (lease_ms + max_age_ms) / 1.02


def test_a_declaration_without_its_audit_record_gets_it_with_the_next_move(
    tables: dict[str, Table],
) -> None:
    first = _move(tables, IRELAND)
    for table in tables.values():
        table.call(Delete(key=f"home/{first.epoch}", when=Always()))
    _move(tables, FRANKFURT)
    for table in tables.values():
        assert run(read_audit(first.epoch), table) == first


def _core(epoch: int, clock: ManualClock | None = None) -> tuple[HomeCore, Table]:
    table = Table()
    table.call(
        Put(key="home", when=Always(), item={"home": IRELAND, "epoch": epoch, "confirmed": True})
    )
    return HomeCore(region=IRELAND, max_age_ms=1_000, clock=clock or ManualClock()), table


def test_a_writer_of_an_earlier_epoch_is_refused_by_the_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = ManualClock()
    early, table = _core(4, clock)
    write = Update(key="leader", when=Always(), add={"token": 1})
    assert run(early.call(write), table).item == {"token": 4 * TOKENS_PER_EPOCH + 1}
    table.call(Put(key="home", when=Always(), item={"home": IRELAND, "epoch": 6}))
    late = HomeCore(region=IRELAND, max_age_ms=1_000, clock=clock)
    assert run(late.call(write), table).item == {"token": 6 * TOKENS_PER_EPOCH + 2}
    assert run(early.call(write), table).outcome is Outcome.REFUSED
    # The refusal told it to look at the declaration again.
    assert run(early.call(write), table).item == {"token": 6 * TOKENS_PER_EPOCH + 3}

    def unguarded(request: Request, epoch: int) -> Request:
        del epoch
        return request

    monkeypatch.setattr(home_core, "_guarded", unguarded)
    mutant, table = _core(4, clock)
    run(mutant.call(write), table)
    table.call(Update(key="leader", when=Always(), assign={"home_epoch": 6}))
    assert run(mutant.call(write), table).outcome is Outcome.APPLIED


def test_a_token_of_another_epoch_matches_nothing() -> None:
    core, table = _core(3)
    old, now, next_ = (epoch * TOKENS_PER_EPOCH + 1 for epoch in (2, 3, 4))
    run(core.call(Update(key="leader", when=Absent("token"), add={"token": 1})), table)
    for condition, expected in (
        (Equals("token", now), Outcome.APPLIED),
        (Equals("token", old), Outcome.REFUSED),
        (Equals("token", next_), Outcome.REFUSED),
        (AtMost("token", now), Outcome.APPLIED),
        (AtMost("token", old), Outcome.REFUSED),
        (AtMost("token", next_), Outcome.APPLIED),
    ):
        write = Update(key="leader", when=condition, assign={"n": 1})
        assert run(core.call(write), table).outcome is expected, condition
    put = Put(key="leader", when=Equals("token", now), item={"token": now, "a": "b"})
    assert run(core.call(put), table).item == put.item
    assert table.call(Get("leader")).item == {"token": 1, "a": "b", "home_epoch": 3}


def test_a_declaration_is_read_once_per_age() -> None:
    clock = ManualClock()
    core, table = _core(1, clock)
    table.requests = 0
    for _ in range(5):
        run(core.call(Get("leader")), table)
    assert table.requests == 6
    clock.advance(1_000)
    run(core.call(Get("leader")), table)
    assert table.requests == 8
    with pytest.raises(ConfigurationError, match="max_age_ms=0 is not positive"):
        HomeCore(region=IRELAND, max_age_ms=0, clock=clock)


def test_a_declaration_that_cannot_be_read_sends_nothing() -> None:
    core, table = _core(1)
    table.lost = True
    reply = run(core.call(Update(key="leader", when=Always())), table)
    assert reply.outcome is Outcome.RETRY
    assert table.requests == 2
    with pytest.raises(StoreUnavailableError, match="could not be read"):
        run(read_home(), table)
    with pytest.raises(StoreUnavailableError, match="audit record could not be read"):
        run(read_audit(1), table)


def test_a_lease_that_used_up_its_tokens_is_refused() -> None:
    core, table = _core(1)
    table.call(Put(key="leader", when=Always(), item={"token": TOKENS_PER_EPOCH}))
    with pytest.raises(ConfigurationError, match="Use another key"):
        run(core.call(Get("leader")), table)


def test_asyncio_moves_and_keeps_leases_alike() -> None:
    async def story() -> None:
        tables = {IRELAND: AsyncMemoryStore(), FRANKFURT: AsyncMemoryStore()}
        moved = [
            await move_home_async(
                tables, to=region, by="ada", reason="drill", timing=FAST, max_age_ms=MAX_AGE_MS
            )
            for region in (IRELAND, FRANKFURT)
        ]
        assert moved[0].epoch < moved[1].epoch
        home = AsyncHomeStore(tables[FRANKFURT], region=FRANKFURT)
        away = AsyncHomeStore(tables[IRELAND], region=IRELAND)
        assert (await home.call(Get("a"))).outcome is Outcome.APPLIED
        assert (await away.call(Get("a"))).outcome is Outcome.RETRY

    asyncio.run(story())


def test_asyncio_abandons_a_lost_home_on_demand_alone() -> None:
    async def story() -> None:
        lost = Table()
        lost.lost = True
        tables = {IRELAND: AsyncMemoryStore(lost), FRANKFURT: AsyncMemoryStore()}

        async def move(*, abandon: bool) -> Home:
            return await move_home_async(
                tables, to=FRANKFURT, by="ada", reason="drill", max_age_ms=1, abandon=abandon
            )

        with pytest.raises(StoreUnavailableError, match=f"{IRELAND} cannot be asked"):
            await move(abandon=False)
        assert not (await move(abandon=True)).confirmed

    asyncio.run(story())


def test_a_move_that_waits_for_nothing_has_two_homes_for_a_while(
    tables: dict[str, Table],
) -> None:
    _move(tables, IRELAND)
    old = _home(tables[IRELAND], IRELAND)
    assert old.call(Get("leader")).outcome is Outcome.APPLIED
    declared = {region: run(read_home(), table) for region, table in tables.items()}
    for region, step in _plan(declared, FRANKFURT).steps:
        run(step, tables[region or IRELAND])
    new = _home(tables[FRANKFURT], FRANKFURT)
    assert old.call(Get("leader")).outcome is new.call(Get("leader")).outcome is Outcome.APPLIED
