"""Effects that go out if and only if the change that caused them was made.

The messages to send stand in the record that they belong to, written by the same
compare-and-swap, so there is nothing between the two that could fail. A relay sends them and takes
them out of the record afterwards; receivers drop what they have seen (:class:`Once`).

Guarantees:
    Every message of an applied change is sent at least once, if :meth:`Outbox.relay` is called
    until it returns 0, in the order of the changes to its record as long as one relay at a time
    runs. Messages that a crash has left in any record are found by :meth:`Outbox.relay_all`. No
    message of a change that was not applied is ever sent.

Does not guarantee:
    That a message is sent once: a relay may crash between sending and taking out. Its id stays
    the same, which is what receivers tell repetitions by. Any order between records.

Costs:
    A relay costs a read, and where it sends something another read and one write, however many
    messages that is. To find what a crash has left costs a listing besides, so relay each change
    right after it was made, and let a leader look for the rest now and then.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypedDict, TypeVar, cast

from holdfast.coordination.drivers.kind import (
    awaitable,
    check_coroutine,
    check_plain,
    returned_plainly,
)
from holdfast.coordination.leases.fence import Fence
from holdfast.coordination.leases.lease import random_nonce
from holdfast.coordination.records.versioned import AsyncVersionedState, VersionedState
from holdfast.coordination.records.versioned_core import BEFORE, PENDING, Retry, Schema
from holdfast.coordination.stores.listing import (
    DEFAULT_MAX_RECORDS,
    AsyncListing,
    Listing,
    Search,
    check_bound,
)
from holdfast.coordination.stores.store import AsyncConditionalStore, ConditionalStore
from holdfast.errors import ConfigurationError, CoordinationError

_SEND = "`send` of an outbox"
T = TypeVar("T")
MAX_PENDING = 100
"""Messages that one record may hold, so that a relay that is down is noticed. All of them have to
fit into one item: 400 KB on DynamoDB."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message to be sent.

    Attributes:
        body: What it says.
        id: What receivers tell repetitions by.
    """

    body: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing(Generic[T]):
    """What a change makes: the new value, and the messages that it causes.

    Attributes:
        value: The new value.
        messages: They; ids are given to those without.
    """

    value: T
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Relayed:
    """What a run over many records did.

    Attributes:
        sent: How many messages were sent of records whose messages all were.
        failed: By record, why the rest of its messages were not. They stay for the next run.
        resume_after: Where the next run begins; None if this one came to the end.
    """

    sent: int
    failed: Mapping[str, Exception]
    resume_after: str | None


class _Written(TypedDict):
    value: str
    pending: list[list[str]]


def with_outbox(schema: Schema[T]) -> Schema[Outgoing[T]]:
    """The schema of a record that holds messages beside its value.

    Args:
        schema: Of the value alone. Its versions and upgraders stay those of the value.
    """

    def encode(outgoing: Outgoing[T]) -> str:
        pending = [[message.id, message.body] for message in outgoing.messages]
        return json.dumps({"value": schema.encode(outgoing.value), "pending": pending})

    def decode(body: str) -> Outgoing[T]:
        written = _parts(body)
        messages = tuple(Message(body=body, id=name) for name, body in written["pending"])
        return Outgoing(schema.decode(written["value"]), messages)

    def lifted(upgrade: Callable[[str], str]) -> Callable[[str], str]:
        def upgrade_value(body: str) -> str:
            written = _parts(body)
            return json.dumps({**written, "value": upgrade(written["value"])})

        return upgrade_value

    upgraders = {version: lifted(upgrade) for version, upgrade in schema.upgraders.items()}
    return Schema(
        version=schema.version,
        encode=encode,
        decode=decode,
        upgraders=upgraders,
        pending=lambda outgoing: len(outgoing.messages),
    )


class Outbox(Generic[T]):
    """Records with messages, for threads.

    Args:
        store: Where they live.
        schema: How their values are written down.
        retry: How often a change is tried.
        new_nonce: Source of message ids.
    """

    def __init__(
        self,
        *,
        store: ConditionalStore,
        schema: Schema[T],
        retry: Retry | None = None,
        new_nonce: Callable[[], str] = random_nonce,
    ) -> None:
        self._state = VersionedState(store=store, schema=with_outbox(schema), retry=retry)
        self._new_nonce = new_nonce

    def read(self, key: str) -> T | None:
        """A record's value, without its messages.

        Args:
            key: Which record.

        Raises:
            CoordinationError: As :meth:`VersionedState.read`.
        """
        found = self._state.read(key)
        return None if found is None else found.value

    def update(
        self,
        key: str,
        change: Callable[[T | None], Outgoing[T]],
        *,
        fence: Fence | None = None,
    ) -> T:
        """Changes a record and, in the same write, notes the messages that this causes.

        Args:
            key: Which record.
            change: Makes the new value and the messages of the old value.
            fence: The caller's token, if it acts under a lease.

        Raises:
            CoordinationError: As :meth:`VersionedState.update`, or too many messages wait to be
                sent.
            ConfigurationError: If one change makes too many messages, or the record is none of an
                outbox.
        """
        changed = self._state.update(key, _noting(key, change, self._new_nonce), fence=fence)
        return changed.value

    def relay(self, key: str, send: Callable[[Message], object]) -> int:
        """Sends a record's messages, oldest first, and takes out those that were sent.

        Args:
            key: Which record.
            send: Sends one message and returns once it is safe with the receiver's queue.

        Returns:
            How many messages were sent.

        Raises:
            CoordinationError: As :meth:`VersionedState.update`.
            ConfigurationError: If ``send`` is of the other kind of function; nothing is taken out.
            Exception: Whatever ``send`` raises; what was sent before is taken out.
        """
        check_plain(_SEND, send, "AsyncOutbox")
        found = self._state.read(key)
        sent: list[str] = []
        try:
            for message in found.messages if found else ():
                returned_plainly(_SEND, send(message), "AsyncOutbox")
                sent.append(message.id)
        finally:
            if sent:
                self._state.update(key, _without(sent))
        return len(sent)

    def relay_all(
        self,
        listing: Listing,
        send: Callable[[Message], object],
        *,
        prefix: str,
        after: str | None = None,
        max_records: int = DEFAULT_MAX_RECORDS,
    ) -> Relayed:
        """Relays every record that holds messages, whoever left them, a bounded number at a time.

        Args:
            listing: Names the records.
            send: As of :meth:`relay`. What it raises holds up no other record.
            prefix: What the keys of this outbox, and of nothing else, begin with.
            after: ``resume_after`` of the run before, or None to begin anew.
            max_records: Most records to look at.

        Raises:
            ConfigurationError: If the prefix is empty, the bound is not positive, or the records
                can never be listed.
            StoreUnavailableError: If they cannot be listed now.
        """
        page = listing.page(_search(prefix, after, max_records))
        sent, failed = 0, dict[str, Exception]()
        for key in page.keys:
            try:
                sent += self.relay(key, send)
            except Exception as error:  # noqa: BLE001 -- whatever `send` raises; told to the caller
                failed[key] = error
        return Relayed(sent, failed, page.resume_after)


class AsyncOutbox(Generic[T]):
    """Records with messages, for asyncio. Arguments and errors as of :class:`Outbox`.

    Args:
        store: Where they live.
        schema: How their values are written down.
        retry: How often a change is tried.
        new_nonce: Source of message ids.
    """

    def __init__(
        self,
        *,
        store: AsyncConditionalStore,
        schema: Schema[T],
        retry: Retry | None = None,
        new_nonce: Callable[[], str] = random_nonce,
    ) -> None:
        self._state = AsyncVersionedState(store=store, schema=with_outbox(schema), retry=retry)
        self._new_nonce = new_nonce

    async def read(self, key: str) -> T | None:
        """A record's value, without its messages.

        Args:
            key: Which record.

        Raises:
            CoordinationError: As :meth:`VersionedState.read`.
        """
        found = await self._state.read(key)
        return None if found is None else found.value

    async def update(
        self,
        key: str,
        change: Callable[[T | None], Outgoing[T]],
        *,
        fence: Fence | None = None,
    ) -> T:
        """Changes a record and, in the same write, notes the messages that this causes.

        Args:
            key: Which record.
            change: Makes the new value and the messages of the old value.
            fence: The caller's token, if it acts under a lease.

        Raises:
            CoordinationError: As :meth:`VersionedState.update`, or too many messages wait to be
                sent.
            ConfigurationError: If one change makes too many messages, or the record is none of an
                outbox.
        """
        noting = _noting(key, change, self._new_nonce)
        return (await self._state.update(key, noting, fence=fence)).value

    async def relay(self, key: str, send: Callable[[Message], Awaitable[None]]) -> int:
        """Sends a record's messages, oldest first, and takes out those that were sent.

        Args:
            key: Which record.
            send: Sends one message and returns once it is safe with the receiver's queue.

        Returns:
            How many messages were sent.

        Raises:
            CoordinationError: As :meth:`VersionedState.update`.
            ConfigurationError: If ``send`` is of the other kind of function; nothing is taken out.
            Exception: Whatever ``send`` raises; what was sent before is taken out.
        """
        check_coroutine(_SEND, send, "Outbox")
        found = await self._state.read(key)
        sent: list[str] = []
        try:
            for message in found.messages if found else ():
                await awaitable(_SEND, send(message), "Outbox")
                sent.append(message.id)
        finally:
            if sent:
                await self._state.update(key, _without(sent))
        return len(sent)

    async def relay_all(
        self,
        listing: AsyncListing,
        send: Callable[[Message], Awaitable[None]],
        *,
        prefix: str,
        after: str | None = None,
        max_records: int = DEFAULT_MAX_RECORDS,
    ) -> Relayed:
        """Relays every record that holds messages, whoever left them, a bounded number at a time.

        Args:
            listing: Names the records.
            send: As of :meth:`relay`. What it raises holds up no other record.
            prefix: What the keys of this outbox, and of nothing else, begin with.
            after: ``resume_after`` of the run before, or None to begin anew.
            max_records: Most records to look at.

        Raises:
            ConfigurationError: If the prefix is empty, the bound is not positive, or the records
                can never be listed.
            StoreUnavailableError: If they cannot be listed now.
        """
        page = await listing.page(_search(prefix, after, max_records))
        sent, failed = 0, dict[str, Exception]()
        for key in page.keys:
            try:
                sent += await self.relay(key, send)
            except Exception as error:  # noqa: BLE001 -- whatever `send` raises; told to the caller
                failed[key] = error
        return Relayed(sent, failed, page.resume_after)


def _search(prefix: str, after: str | None, max_records: int) -> Search:
    if not prefix:
        raise ConfigurationError(
            "prefix='' of an outbox is empty; it must be what the keys of its records, and no "
            "others, begin with."
        )
    check_bound(max_records)
    return Search(
        prefix=prefix, attribute=PENDING, at_most=MAX_PENDING, after=after, limit=max_records
    )


def _noting(
    key: str, change: Callable[[T | None], Outgoing[T]], new_nonce: Callable[[], str]
) -> Callable[[Outgoing[T] | None], Outgoing[T]]:
    def noted(before: Outgoing[T] | None) -> Outgoing[T]:
        after = returned_plainly(
            f"The change to record {key}", change(None if before is None else before.value), BEFORE
        )
        added = tuple(
            message if message.id else replace(message, id=new_nonce())
            for message in after.messages
        )
        if len(added) > MAX_PENDING:
            raise ConfigurationError(
                f"A change to record {key} makes {len(added)} messages; at most {MAX_PENDING} are "
                "allowed. Split the change, or send one message that says where the others are."
            )
        pending = (*(before.messages if before else ()), *added)
        if len(pending) > MAX_PENDING:
            raise CoordinationError(
                f"Record {key} would hold {len(pending)} messages that nobody has sent; at most "
                f"{MAX_PENDING} are allowed. Call relay() for it, or find out why it fails."
            )
        return Outgoing(after.value, pending)

    return noted


def _without(sent: list[str]) -> Callable[[Outgoing[T] | None], Outgoing[T]]:
    def taken_out(before: Outgoing[T] | None) -> Outgoing[T]:
        if before is None:
            raise ConfigurationError(
                "A record disappeared while its messages were sent. Nothing here deletes records; "
                "let nothing else do it."
            )
        kept = tuple(message for message in before.messages if message.id not in sent)
        return Outgoing(before.value, kept)

    return taken_out


def _parts(body: str) -> _Written:
    try:
        written: object = json.loads(body)
    except ValueError:
        written = None
    if not isinstance(written, dict) or written.keys() != _Written.__annotations__.keys():
        raise ConfigurationError(
            f"A record holds {body[:40]!r}, which no outbox has written. Keep records with "
            "messages under keys of their own, or bring the old ones over first."
        )
    return cast("_Written", written)
