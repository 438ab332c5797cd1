"""The store on a PostgreSQL table, for sites without AWS. Needs ``holdfast[postgresql]``.

Guarantees:
    All that the port asks, one statement and one round trip per call, on the server that the
    connection string names. The row is locked while its condition is judged, so that two writers
    of one key follow each other. A statement that has not ended in time is ended by the server
    too, so that it cannot be applied long after its caller has given up.

Does not guarantee:
    Anything across a failover to a standby that lacked the last commits: tokens may shrink then.
    Use synchronous replication (``synchronous_standby_names`` and ``remote_apply`` or ``on``), or
    a managed service that has it. An answer while the server is down: calls end as ``RETRY`` (no
    connection, so nothing was sent) or ``UNKNOWN``. That a look-up of the server's name ends in
    time. Anything after a fork: make the store in the process that uses it.

Costs:
    A transaction per call, refused ones included; one connection per concurrent call, at most
    ``max_connections``, kept open.
"""

from holdfast.coordination.stores.postgresql_codec import MAX_REPETITIONS, PostgreSqlCodec
from holdfast.coordination.stores.postgresql_line import Answer, Line, ServerError
from holdfast.coordination.stores.store import Outcome, Reply, Request
from holdfast.errors import StoreUnavailableError

DEFAULT_TABLE = "holdfast_coordination"
DEFAULT_TIMEOUT_MS = 1_000
_EXISTS = frozenset({"23505", "42710", "42P07"})
_REPEATED = Reply(Outcome.RETRY, reason="the row was deleted and made again under every attempt")


class PostgreSqlStore:
    """A :class:`~holdfast.coordination.stores.store.ConditionalStore` on one table.

    Args:
        connection: libpq connection string or URI. ``target_session_attrs`` is ``read-write``
            unless it says otherwise, so that a standby is never asked.
        table: Name of the table; its owner makes it with :meth:`create`.
        timeout_ms: Longest wait for a connection, and for an answer.
        max_connections: Most calls at the same time; more wait for one to end.

    Raises:
        ConfigurationError: If the connection string, the name or a number cannot be.
    """

    def __init__(
        self,
        connection: str,
        *,
        table: str = DEFAULT_TABLE,
        timeout_ms: int = DEFAULT_TIMEOUT_MS,
        max_connections: int = 4,
    ) -> None:
        self._codec = PostgreSqlCodec(table)
        self._line = Line(connection, timeout_ms, max_connections)

    def create(self) -> None:
        """Makes the table where it does not exist. Needs the right to create tables.

        Raises:
            ConfigurationError: If the role may not.
            StoreUnavailableError: If the server cannot be reached.
        """
        _created(self._codec, self._line.exchange(self._codec.creation()))

    def verify(self) -> None:
        """Refuses a server that can forget what it has acknowledged, and a missing table.

        Raises:
            ConfigurationError: If it is a standby, commits before it has written, or lacks the
                table.
            StoreUnavailableError: If it cannot be reached.
        """
        _verified(self._codec, self._line.exchange(self._codec.inspection()))

    def call(self, request: Request) -> Reply:
        """Sends one request once.

        Args:
            request: What to do.

        Raises:
            ConfigurationError: If the server can never carry it out.
        """
        statement = self._codec.statement(request)
        for _ in range(MAX_REPETITIONS):
            reply = _reply(self._codec, request, self._line.exchange(statement))
            if reply is not None:
                return reply
        return _REPEATED

    def close(self) -> None:
        """Closes the connections that are not in use. The store opens new ones when it is used."""
        self._line.close()


class AsyncPostgreSqlStore:
    """The same for asyncio. Arguments as of :class:`PostgreSqlStore`.

    Args:
        connection: libpq connection string or URI.
        table: Name of the table.
        timeout_ms: Longest wait for a connection, and for an answer.
        max_connections: Most calls at the same time; more wait for one to end.
    """

    def __init__(
        self,
        connection: str,
        *,
        table: str = DEFAULT_TABLE,
        timeout_ms: int = DEFAULT_TIMEOUT_MS,
        max_connections: int = 4,
    ) -> None:
        self._codec = PostgreSqlCodec(table)
        self._line = Line(connection, timeout_ms, max_connections)

    async def create(self) -> None:
        """As :meth:`PostgreSqlStore.create`."""
        _created(self._codec, await self._line.exchange_async(self._codec.creation()))

    async def verify(self) -> None:
        """As :meth:`PostgreSqlStore.verify`."""
        _verified(self._codec, await self._line.exchange_async(self._codec.inspection()))

    async def call(self, request: Request) -> Reply:
        """Sends one request once.

        Args:
            request: What to do.

        Raises:
            ConfigurationError: If the server can never carry it out.
        """
        statement = self._codec.statement(request)
        for _ in range(MAX_REPETITIONS):
            reply = _reply(self._codec, request, await self._line.exchange_async(statement))
            if reply is not None:
                return reply
        return _REPEATED

    def close(self) -> None:
        """Closes the connections that are not in use."""
        self._line.close()


def _reply(codec: PostgreSqlCodec, request: Request, answer: Answer) -> Reply | None:
    if isinstance(answer, ServerError):
        return codec.failed(answer.sqlstate, answer.message)
    return answer if isinstance(answer, Reply) else codec.reply(request, answer.row)


def _created(codec: PostgreSqlCodec, answer: Answer) -> None:
    # Two that create the same table at the same time: one of them is told that it exists.
    if isinstance(answer, ServerError) and answer.sqlstate in _EXISTS:
        return
    _settled(codec, answer)


def _verified(codec: PostgreSqlCodec, answer: Answer) -> None:
    codec.check_inspection(_settled(codec, answer))


def _settled(codec: PostgreSqlCodec, answer: Answer) -> tuple[bytes | None, ...]:
    """The row of an answer; an exception if there is none because the server failed."""
    if isinstance(answer, ServerError):
        answer = codec.failed(answer.sqlstate, answer.message)
    if isinstance(answer, Reply):
        raise StoreUnavailableError(
            f"The PostgreSQL server of table {codec.table_name} gave no answer: {answer.reason}."
        )
    return answer.row or ()
