"""Leases in a table of one region, and the move to another region's table. Pure.

For sites without a strongly consistent table over several regions: each region has a table of its
own, and one of them is declared home. The declaration stands in every region's table under one
key: ``home``, ``epoch`` (raised with every move; no two regions ever have the same), ``origin``,
``by``, ``reason``, ``at``. Beside it, one record per move that nothing changes any more: the audit
trail.

Guarantees:
    A table grants leases only while its own declaration, read at most ``max_age_ms`` ago, names
    its region. Fencing tokens carry the epoch in their high digits, so that every token of a
    later home is greater than every token of an earlier one, also when a table becomes home
    again. A record that was written in a later epoch refuses every writer of an earlier one. A
    move that is not forced begins to grant leases in the new home only after every other region
    has confirmed that it grants no more, and after every lease that they granted has run out, by
    clocks that run up to 2 % fast or slow. Of several movers at once at most one gets through.

Does not guarantee:
    That an old home which could not be asked (``abandon=True``) has stopped: its processes may
    believe in their leases until they are told. Their writes are fenced by the epoch in their
    tokens, wherever a write of the new home has been; nothing else stops them.
"""

from dataclasses import dataclass, replace

from holdfast.coordination.drivers.clock import Clock
from holdfast.coordination.drivers.program import Pause, Program, settled
from holdfast.coordination.stores.store import (
    Absent,
    AllOf,
    AnyOf,
    AtMost,
    Condition,
    Equals,
    Get,
    Item,
    Outcome,
    Put,
    Reply,
    Request,
    Update,
    number,
    text,
)
from holdfast.errors import (
    ConditionFailedError,
    ConfigurationError,
    CoordinationError,
    StoreUnavailableError,
)

DECLARATION_KEY = "home"
TOKENS_PER_EPOCH = 2**40
"""How many terms a lease can have while one region is home."""

_EPOCH = "home_epoch"
_TOKEN = "token"  # noqa: S105 - an attribute's name
# A mover's clock that is 2 % fast against a holder's that is 2 % slow: 1.02 / 0.98.
_CLOCKS_PERCENT = 5
# Raw tokens start at 1, so that nothing equals this one.
_NEVER = -1


@dataclass(frozen=True, slots=True)
class Home:
    """A declaration.

    Attributes:
        region: Which region is home.
        epoch: Greater than that of every earlier declaration.
        origin: Which region was declared before; empty for the first.
        by: Who declared it.
        reason: Why.
        at: When, as told by whoever declared it. For humans: nothing compares it.
        confirmed: Whether every other region was told first. Where not, the region that was
            abandoned may go on granting leases of an earlier epoch until it is told.
    """

    region: str
    epoch: int
    origin: str
    by: str
    reason: str
    at: str
    confirmed: bool


def read_home() -> Program[Home | None]:
    """What a region's table declares; None if nothing was ever declared.

    Raises:
        StoreUnavailableError: If the table does not answer.
    """
    # A region that is taken for silent may be abandoned, so one lost reply is not enough.
    reply = yield from settled(Get(DECLARATION_KEY))
    if reply.outcome is not Outcome.APPLIED:
        raise StoreUnavailableError(f"The declaration of home could not be read: {reply.reason}.")
    return _home(reply.item)


def read_audit(epoch: int) -> Program[Home | None]:
    """The audit record of one move.

    Args:
        epoch: Of which.

    Raises:
        StoreUnavailableError: If the table does not answer.
    """
    reply = yield from settled(Get(f"{DECLARATION_KEY}/{epoch}"))
    if reply.outcome is not Outcome.APPLIED:
        raise StoreUnavailableError(f"The audit record could not be read: {reply.reason}.")
    return _home(reply.item)


def declare(home: Home, before: Home | None, nonce: str) -> Program[None]:
    """Writes a declaration and its audit record to one region's table.

    Args:
        home: What to declare.
        before: What the table declared when the move was planned. Its audit record is made if it
            is missing, because whoever declared it may have failed before that.
        nonce: What this move's writes are recognised by.

    Raises:
        ConditionFailedError: If the table declares anything else by now.
        StoreUnavailableError: If it is unknown whether it was written. Repeat the move.
    """
    if before is not None:
        yield from _certainly(_trail(before, nonce))
    # Not just an earlier epoch: a plan is as good as what it was made from, and a declaration
    # that nobody has looked at may lack its audit record.
    unmoved = Absent("epoch") if before is None else Equals("epoch", before.epoch)
    write = Put(key=DECLARATION_KEY, when=unmoved, item={**_item(home), "nonce": nonce})
    reply = yield from _certainly(write)
    if text(reply.item, "nonce") != nonce:
        raise ConditionFailedError(
            f"{_home(reply.item)} is declared already; this move would declare epoch {home.epoch}. "
            "Look who moved it, then decide anew."
        )
    yield from _certainly(_trail(home, nonce))


def longest_ms(*, lease_ms: int, max_age_ms: int) -> int:
    """How long leases of the old home may last after it was told, on the clock of a mover.

    Args:
        lease_ms: The longest lease in use.
        max_age_ms: The greatest age of a declaration by which the last one was granted.
    """
    return -(-(max_age_ms + lease_ms) * (100 + _CLOCKS_PERCENT) // 100)


def pause(wait_ms: int) -> Program[None]:
    """Waits.

    Args:
        wait_ms: How long.
    """
    yield Pause(wait_ms)


def _trail(home: Home, nonce: str) -> Put:
    """The audit record of a move. Nothing overwrites one."""
    item = {**_item(home), "nonce": nonce}
    return Put(key=f"{DECLARATION_KEY}/{home.epoch}", when=Absent("epoch"), item=item)


def _certainly(request: Put) -> Program[Reply]:
    """The reply to a write, once it is known what came of it."""
    reply = yield from settled(request)
    if reply.outcome in (Outcome.APPLIED, Outcome.REFUSED):
        return reply
    raise StoreUnavailableError(
        f"{request.key} could not be written: {reply.reason}. Repeat the move."
    )


class HomeCore:
    """The table of one region, as long as it is home.

    Args:
        region: Whose table it is.
        max_age_ms: How old the declaration that a request relies on may be.
        clock: What the age is counted on.

    Raises:
        ConfigurationError: If the age is not positive.
    """

    def __init__(self, *, region: str, max_age_ms: int, clock: Clock) -> None:
        if max_age_ms < 1:
            raise ConfigurationError(f"max_age_ms={max_age_ms} is not positive. Use 1 ms or more.")
        self._region = region
        self._max_age_ms = max_age_ms
        self._clock = clock
        self._known: tuple[int, Home | None] | None = None

    def call(self, request: Request) -> Program[Reply]:
        """Carries out a request if the table is home.

        Args:
            request: Which.

        Raises:
            ConfigurationError: If no home was ever declared, a lease has used up its tokens, or
                the key is that of a declaration.
        """
        if request.key.partition("/")[0] == DECLARATION_KEY:
            raise ConfigurationError(
                f"Key {request.key} is kept for the declaration of home and the record of its "
                "moves, which a lease would write over. Use another key."
            )
        home = yield from self._declared()
        if isinstance(home, Reply):
            return home
        if home.region != self._region:
            why = f"{home.region} is home since epoch {home.epoch}, not {self._region}"
            return Reply(Outcome.RETRY, reason=why)
        reply = yield _guarded(request, home.epoch)
        if number(reply.item, _EPOCH) > home.epoch:
            # Somebody knows of a later declaration; so must the next request.
            self._known = None
        return replace(reply, item=_shown(reply.item, home.epoch))

    def _declared(self) -> Program[Home | Reply]:
        sent_ms = self._clock.now_ms()
        # Read once: another thread's request may make it unknown at any time.
        known = self._known
        if known is None or sent_ms - known[0] >= self._max_age_ms:
            reply = yield Get(DECLARATION_KEY)
            if reply.outcome is not Outcome.APPLIED:
                # The request itself was not sent.
                return Reply(Outcome.RETRY, reason=f"home is unknown: {reply.reason}")
            self._known = known = (sent_ms, _home(reply.item))
        home = known[1]
        if home is None:
            raise ConfigurationError(
                f"No home was ever declared in the table of {self._region}, so it may hold no "
                "leases. Declare one with move_home()."
            )
        return home


Step = tuple[str | None, Program[None]]


@dataclass(frozen=True, slots=True)
class Move:
    """A move of home, in steps.

    Attributes:
        home: What will be declared.
        steps: Region and what to do in its table, in order; no region where none is needed. Each
            can be run once.
    """

    home: Home
    steps: tuple[Step, ...]


def plan_move(
    declared: dict[str, Home | CoordinationError | None],
    *,
    to: str,
    by: str,
    reason: str,
    at: str,
    wait_ms: int,
    abandon: bool,
    nonce: str,
) -> Move:
    """The steps of a move: the old home first, the new one last.

    Args:
        declared: What each region's table says, or why it could not be asked.
        to: The new home.
        by: Who moves it.
        reason: Why.
        at: When, for humans.
        wait_ms: How long leases of the old home may last: :func:`longest_ms`.
        abandon: Whether to go on without an old home that cannot be asked.
        nonce: What this move's writes are recognised by.

    Raises:
        ConfigurationError: If the new home is no region of the group, or is home already, or the
            record of the move would not say who made it and why.
        StoreUnavailableError: If a region that must confirm cannot be asked.
    """
    _check_wish(sorted(declared), to=to, by=by, reason=reason)
    known = [home for home in declared.values() if isinstance(home, Home)]
    latest = max(known, key=lambda home: home.epoch, default=None)
    silent = sorted(name for name, found in declared.items() if isinstance(found, Exception))
    origin = latest.region if latest else ""
    answered = [found for found in declared.values() if not isinstance(found, Exception)]
    if latest and origin == to and all(found == latest for found in answered):
        raise ConfigurationError(
            f"{to} is home already, since epoch {latest.epoch}: {latest.by}, {latest.reason}."
        )
    _check_silent(silent, to=to, abandon=abandon)
    home = Home(
        region=to,
        epoch=_next_epoch(latest.epoch if latest else 0, to, sorted(declared)),
        origin=origin,
        by=by,
        reason=reason,
        at=at,
        confirmed=not silent,
    )
    first = [origin] if origin in declared and origin not in (*silent, to) else []
    others = sorted(set(declared) - {*silent, *first, to})

    def told(region: str) -> Step:
        before = declared[region]
        return region, declare(home, before if isinstance(before, Home) else None, nonce)

    wait = (None, pause(wait_ms if origin else 0))
    return Move(home, (*map(told, (*first, *others)), wait, told(to)))


def _check_wish(regions: list[str], *, to: str, by: str, reason: str) -> None:
    """Refuses a move to nowhere, and one whose record would say nothing."""
    if to not in regions:
        raise ConfigurationError(
            f"to={to} is no region of the group ({', '.join(regions)}). Name one of them."
        )
    if not by.strip() or not reason.strip():
        raise ConfigurationError(
            f"by={by!r} and reason={reason!r}: the record of a move must say who made it and why. "
            "Name yourself, and the incident or the drill."
        )


def _check_silent(silent: list[str], *, to: str, abandon: bool) -> None:
    """Refuses a move while regions are silent that must answer."""
    if to in silent:
        raise StoreUnavailableError(
            f"to={to} cannot be asked, and a home must answer. Wait until it does, or name another "
            "region."
        )
    # One that is silent may be given up; two movers that give up each other's region may not.
    if silent and not (abandon and len(silent) == 1):
        raise StoreUnavailableError(
            f"{', '.join(silent)} cannot be asked, so leases that it has granted may live on. "
            "Wait until it answers; or, if it is lost and at most one is, pass abandon=True and "
            "rely on the fences alone."
        )


def _next_epoch(latest: int, region: str, regions: list[str]) -> int:
    """The next epoch that belongs to a region.

    Two operators who are cut off from each other and both abandon the other's region still get
    different epochs, so that the fences can tell their leaders apart.
    """
    first = latest + 1
    return first + (regions.index(region) - first) % len(regions)


def _guarded(request: Request, epoch: int) -> Request:
    """The request as it is sent: with the epoch in its condition, and tokens without theirs."""
    if isinstance(request, Get):
        return request
    not_later = AnyOf((Absent(_EPOCH), AtMost(_EPOCH, epoch)))
    when = AllOf((not_later, _raw_condition(request.when, epoch)))
    if isinstance(request, Put):
        return replace(request, when=when, item={**_raw_item(request.item, epoch), _EPOCH: epoch})
    if isinstance(request, Update):
        assign = {**_raw_item(request.assign, epoch), _EPOCH: epoch}
        return replace(request, when=when, assign=assign)
    return replace(request, when=when)


def _raw_condition(condition: Condition, epoch: int) -> Condition:
    match condition:
        case Equals("token", int(value)):
            return Equals(_TOKEN, _raw(value, epoch))
        case AtMost("token", bound):
            of_epoch, raw = divmod(bound, TOKENS_PER_EPOCH)
            later = TOKENS_PER_EPOCH if of_epoch > epoch else _NEVER
            return AtMost(_TOKEN, raw if of_epoch == epoch else later)
        case AllOf(conditions):
            return AllOf(tuple(_raw_condition(each, epoch) for each in conditions))
        case AnyOf(conditions):
            return AnyOf(tuple(_raw_condition(each, epoch) for each in conditions))
        case _:
            return condition


def _raw(token: int, epoch: int) -> int:
    """A token as it stands in the table; what nothing equals for one of another epoch."""
    of_epoch, raw = divmod(token, TOKENS_PER_EPOCH)
    return raw if of_epoch == epoch else _NEVER


def _raw_item(item: Item, epoch: int) -> Item:
    return {**item, _TOKEN: _raw(number(item, _TOKEN), epoch)} if _TOKEN in item else item


def _shown(item: Item | None, epoch: int) -> Item | None:
    """An item as the protocols see it: without the epoch, and with it in the token."""
    if item is None:
        return None
    shown = {name: value for name, value in item.items() if name != _EPOCH}
    if _TOKEN in shown:
        raw = number(shown, _TOKEN)
        if raw >= TOKENS_PER_EPOCH:
            raise ConfigurationError(
                f"A lease has had {raw} terms; at most {TOKENS_PER_EPOCH} fit into one epoch. "
                "Use another key."
            )
        shown[_TOKEN] = epoch * TOKENS_PER_EPOCH + raw
    return shown


def _item(home: Home) -> Item:
    return {
        "home": home.region,
        "epoch": home.epoch,
        "origin": home.origin,
        "by": home.by,
        "reason": home.reason,
        "at": home.at,
        "confirmed": home.confirmed,
    }


def _home(item: Item | None) -> Home | None:
    if item is None:
        return None
    return Home(
        region=text(item, "home") or "",
        epoch=number(item, "epoch"),
        origin=text(item, "origin") or "",
        by=text(item, "by") or "",
        reason=text(item, "reason") or "",
        at=text(item, "at") or "",
        confirmed=item.get("confirmed") is True,
    )
