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
    connection, so nothing was sent) or ``UNKNOWN``.

Costs:
    A transaction per call, refused ones included; one connection per concurrent call, at most
    ``max_connections``, kept open.
"""

import asyncio
import selectors
import threading
import time
from collections.abc import Generator
from enum import Enum, auto

from psycopg import OperationalError, ProgrammingError, conninfo, pq

from holdfast.coordination.postgresql_codec import (
    MAX_REPETITIONS,
    PostgreSqlCodec,
    Statement,
)
from holdfast.coordination.store import Outcome, Reply, Request
from holdfast.errors import ConfigurationError, StoreUnavailableError

DEFAULT_TABLE = "holdfast_coordination"
DEFAULT_TIMEOUT_MS = 1_000
_MS_PER_S = 1000
_DEFAULTS = {"application_name": "holdfast", "target_session_attrs": "read-write"}
_REPEATED = Reply(Outcome.RETRY, reason="the row was deleted and made again under every attempt")
_BUSY = Reply(Outcome.RETRY, reason="all connections are busy")


class _For(Enum):
    """What a connection waits for."""

    READING = auto()
    WRITING = auto()


_Exchange = Generator[_For, None, pq.abc.PGresult]


class _TimeLimitError(Exception):
    """An exchange did not end in time."""


class PostgreSqlStore:
    """A :class:`~holdfast.coordination.store.ConditionalStore` on one table.

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
        self._line = _Line(connection, timeout_ms, max_connections)

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
        self._line = _Line(connection, timeout_ms, max_connections)

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


class _Line:
    """Connections to one server, each carrying one statement at a time."""

    def __init__(self, connection: str, timeout_ms: int, max_connections: int) -> None:
        for name, value in (("timeout_ms", timeout_ms), ("max_connections", max_connections)):
            if value < 1:
                raise ConfigurationError(f"{name}={value} is not positive. Use 1 or more.")
        self._timeout_s = timeout_ms / _MS_PER_S
        self._conninfo = _conninfo(connection, timeout_ms)
        self._idle: list[pq.abc.PGconn] = []
        self._mutex = threading.Lock()
        self._slots = threading.BoundedSemaphore(max_connections)
        self._tasks = asyncio.Semaphore(max_connections)

    def exchange(self, statement: Statement) -> "pq.abc.PGresult | Reply":
        """The server's result, or what is known without one."""
        deadline_s = time.monotonic() + self._timeout_s
        if not self._slots.acquire(timeout=self._timeout_s):
            return _BUSY
        connection: pq.abc.PGconn | None = None
        sent = False
        try:
            connection = self._take() or _drive(_connect(self._conninfo), deadline_s)
            sent = True
            result = _drive(_execute(connection, statement), deadline_s)
        except (OperationalError, _TimeLimitError) as error:
            return _lost(connection, error, sent=sent)
        else:
            self._put_back(connection, result)
            return result
        finally:
            self._slots.release()

    async def exchange_async(self, statement: Statement) -> "pq.abc.PGresult | Reply":
        """The same without blocking the event loop."""
        deadline_s = time.monotonic() + self._timeout_s
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._tasks.acquire()
        except TimeoutError:
            return _BUSY
        connection: pq.abc.PGconn | None = None
        sent = False
        try:
            # Opening a connection looks up names, which libpq does only in the way of threads.
            connection = self._take() or await asyncio.to_thread(
                _drive, _connect(self._conninfo), deadline_s
            )
            sent = True
            result = await _drive_async(_execute(connection, statement), connection, deadline_s)
        except (OperationalError, _TimeLimitError) as error:
            return _lost(connection, error, sent=sent)
        except asyncio.CancelledError:
            # The answer would be taken for that of the next statement.
            if connection is not None:
                connection.finish()
            raise
        else:
            self._put_back(connection, result)
            return result
        finally:
            self._tasks.release()

    def close(self) -> None:
        """Closes the connections that are not in use."""
        while (connection := self._take()) is not None:
            connection.finish()

    def _take(self) -> "pq.abc.PGconn | None":
        with self._mutex:
            return self._idle.pop() if self._idle else None

    def _put_back(self, connection: "pq.abc.PGconn", result: "pq.abc.PGresult") -> None:
        healthy = connection.status == pq.ConnStatus.OK
        # A server that has become a standby keeps its connections; a new one finds the primary.
        if not healthy or _sqlstate(result) == "25006":
            connection.finish()
            return
        with self._mutex:
            self._idle.append(connection)


def _conninfo(connection: str, timeout_ms: int) -> bytes:
    try:
        given = conninfo.conninfo_to_dict(connection)
        limits = f"-c statement_timeout={timeout_ms} -c lock_timeout={timeout_ms}"
        options = f"{given.get('options', '')} {limits}".strip()
        return conninfo.make_conninfo("", **{**_DEFAULTS, **given, "options": options}).encode()
    except ProgrammingError as error:
        raise ConfigurationError(
            f"The PostgreSQL connection string cannot be read ({error}). Use "
            "postgresql://user@host/database or `host=... dbname=...`."
        ) from error


def _connect(info: bytes) -> "Generator[_For, None, pq.abc.PGconn]":
    connection = pq.PGconn.connect_start(info)
    try:
        while connection.status != pq.ConnStatus.BAD:
            match connection.connect_poll():
                case pq.PollingStatus.OK:
                    connection.nonblocking = 1
                    opened, connection = connection, None
                    return opened
                case pq.PollingStatus.READING:
                    yield _For.READING
                case pq.PollingStatus.WRITING:
                    yield _For.WRITING
                case _:
                    break
        raise OperationalError(connection.get_error_message())
    finally:
        if connection is not None:
            connection.finish()
