"""Connections to one PostgreSQL server: one statement each at a time, none waited for too long.

libpq's own interface is used rather than a cursor, because a lease needs what a cursor does not
tell: whether a statement was sent at all, and an end to waiting that the server has no say in.
"""

import asyncio
import re
import select
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

from psycopg import OperationalError, ProgrammingError, conninfo, pq

from holdfast.coordination.stores.postgresql_codec import Statement
from holdfast.coordination.stores.store import Outcome, Reply
from holdfast.errors import ConfigurationError

_MS_PER_S = 1000
_DEFAULTS = {"application_name": "holdfast", "target_session_attrs": "read-write"}
_BUSY = Reply(Outcome.RETRY, reason="all connections are busy")
_READ_ONLY = "25006"
# libpq tells no code for a connection that was refused. What stands here is what a server whose
# messages are English says of one that will never be made; of another's, no more is known than
# that there is no connection.
_NEVER = re.compile(
    r"does not exist|authentication failed|no password supplied|no pg_hba\.conf entry"
    r"|is not permitted to log in|permission denied for database"
)
_REFUSED = "28000"
_SERVER_PERCENT = 80
_BAD_RESULTS = frozenset({pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE})
_UNDER_WAY = frozenset({pq.PollingStatus.READING, pq.PollingStatus.WRITING})
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rows:
    """A statement was carried out.

    Attributes:
        row: The first row of its result, as text; None if it has none.
    """

    row: tuple[bytes | None, ...] | None


@dataclass(frozen=True, slots=True)
class ServerError:
    """The server refused a statement.

    Attributes:
        sqlstate: The five characters of the error.
        message: The server's message.
    """

    sqlstate: str
    message: str


Answer = Rows | ServerError | Reply
"""What came of a statement; a ``Reply`` where the server gave no answer."""


@dataclass(frozen=True, slots=True)
class _Wait:
    """A socket that must become readable, or writable, before the next step."""

    socket: int
    reading: bool


_Steps = Generator[_Wait, None, T]


class _LateError(Exception):
    """An exchange did not end in time."""


class Line:
    """Sends statements to one server.

    Args:
        connection: libpq connection string or URI.
        timeout_ms: Longest wait for a connection, and for an answer.
        max_connections: Most statements at the same time; more wait for one to end.

    Raises:
        ConfigurationError: If the connection string or a number cannot be.
    """

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

    def exchange(self, statement: Statement) -> Answer:
        """Sends a statement once.

        Args:
            statement: Which.
        """
        deadline_s = time.monotonic() + self._timeout_s
        if not self._slots.acquire(timeout=self._timeout_s):
            return _BUSY
        connection: pq.abc.PGconn | None = None
        try:
            connection = self._take() or _drive(_connect(self._conninfo), deadline_s)
            answer = _drive(_execute(connection, statement), deadline_s)
        except (OperationalError, _LateError) as error:
            return _lost(connection, error)
        else:
            self._put_back(connection, answer)
            return answer
        finally:
            self._slots.release()

    async def exchange_async(self, statement: Statement) -> Answer:
        """Sends a statement once, without blocking the event loop.

        Args:
            statement: Which.
        """
        deadline_s = time.monotonic() + self._timeout_s
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._tasks.acquire()
        except TimeoutError:
            return _BUSY
        connection: pq.abc.PGconn | None = None
        try:
            connection = self._take() or await self._open(deadline_s)
            answer = await _drive_async(_execute(connection, statement), deadline_s)
        except (OperationalError, _LateError) as error:
            return _lost(connection, error)
        except asyncio.CancelledError:
            # The answer would be taken for that of the next statement.
            if connection is not None:
                connection.finish()
            raise
        else:
            self._put_back(connection, answer)
            return answer
        finally:
            self._tasks.release()

    def close(self) -> None:
        """Closes the connections that are not in use."""
        while (connection := self._take()) is not None:
            connection.finish()

    async def _open(self, deadline_s: float) -> "pq.abc.PGconn":
        """Opens a connection on another thread: libpq looks names up without letting go."""
        opening = asyncio.ensure_future(
            asyncio.to_thread(_drive, _connect(self._conninfo), deadline_s)
        )
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_discard)
            raise

    def _take(self) -> "pq.abc.PGconn | None":
        with self._mutex:
            while self._idle:
                connection = self._idle.pop()
                if _usable(connection):
                    return connection
                connection.finish()
        return None

    def _put_back(self, connection: "pq.abc.PGconn", answer: Rows | ServerError) -> None:
        # A server that has become a standby keeps its connections; a new one finds the primary.
        demoted = isinstance(answer, ServerError) and answer.sqlstate == _READ_ONLY
        if demoted or connection.status != pq.ConnStatus.OK:
            connection.finish()
            return
        with self._mutex:
            self._idle.append(connection)


def _conninfo(connection: str, timeout_ms: int) -> bytes:
    try:
        told = conninfo.conninfo_to_dict(connection)
        # The server gives up a little sooner than the caller: its word is certain, silence is not.
        limit_ms = max(1, timeout_ms * _SERVER_PERCENT // 100)
        limits = f"-c statement_timeout={limit_ms} -c lock_timeout={limit_ms}"
        told["options"] = f"{told.get('options') or ''} {limits}".strip()
        return conninfo.make_conninfo("", **{**_DEFAULTS, **told}).encode()
    except ProgrammingError as error:
        raise ConfigurationError(
            f"The PostgreSQL connection string cannot be read ({error}). Use "
            "postgresql://user@host/database or `host=... dbname=...`."
        ) from error


def _usable(connection: "pq.abc.PGconn") -> bool:
    """Whether nothing has arrived meanwhile: to one that waits, a server only says goodbye."""
    if connection.status != pq.ConnStatus.OK:
        return False
    poll = select.poll()
    poll.register(connection.socket, select.POLLIN)
    return not poll.poll(0)


def _lost(connection: "pq.abc.PGconn | None", error: Exception) -> ServerError | Reply:
    """What is known without an answer. Without a connection, nothing was sent."""
    if connection is None:
        if _NEVER.search(str(error)):
            return ServerError(_REFUSED, str(error))
        return Reply(Outcome.RETRY, reason=f"no connection: {error}")
    connection.finish()
    return Reply(Outcome.UNKNOWN, reason=str(error))


def _discard(opening: "asyncio.Future[pq.abc.PGconn]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().finish()


def _connect(info: bytes) -> "_Steps[pq.abc.PGconn]":
    connection = pq.PGconn.connect_start(info)
    status = pq.PollingStatus.WRITING
    try:
        while connection.status != pq.ConnStatus.BAD and status in _UNDER_WAY:
            # Read anew each time: libpq tries one address after the other.
            yield _Wait(connection.socket, reading=status == pq.PollingStatus.READING)
            status = pq.PollingStatus(connection.connect_poll())
    except BaseException:
        connection.finish()
        raise
    if status != pq.PollingStatus.OK:
        message = connection.get_error_message().strip()
        connection.finish()
        raise OperationalError(message)
    connection.nonblocking = 1
    return connection


def _execute(connection: "pq.abc.PGconn", statement: Statement) -> _Steps[Rows | ServerError]:
    connection.send_query_params(statement.sql, statement.parameters)
    while connection.flush():
        yield _Wait(connection.socket, reading=False)
    answer: Rows | ServerError | None = None
    while True:
        while connection.is_busy():
            yield _Wait(connection.socket, reading=True)
            connection.consume_input()
        result = connection.get_result()
        if result is None:
            break
        answer = answer or _answer(result)
    if answer is None:
        raise OperationalError(connection.get_error_message().strip())
    return answer


def _answer(result: "pq.abc.PGresult") -> Rows | ServerError:
    if result.status in _BAD_RESULTS:
        sqlstate = result.error_field(pq.DiagnosticField.SQLSTATE)
        if sqlstate is None:
            # libpq's own error, not the server's: the connection broke.
            raise OperationalError(result.get_error_message().strip())
        message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b""
        return ServerError(sqlstate.decode(), message.decode(errors="replace"))
    if result.ntuples == 0:
        return Rows(None)
    return Rows(tuple(result.get_value(0, column) for column in range(result.nfields)))


def _drive(steps: _Steps[T], deadline_s: float) -> T:
    """Runs an exchange on the calling thread."""
    try:
        while True:
            wait = next(steps)
            poll = select.poll()
            poll.register(wait.socket, select.POLLIN if wait.reading else select.POLLOUT)
            if not poll.poll(_left_s(deadline_s) * _MS_PER_S):
                steps.throw(_LateError("no answer in time"))
    except StopIteration as end:
        result: T = end.value
        return result


async def _drive_async(steps: _Steps[T], deadline_s: float) -> T:
    """Runs an exchange in the calling task."""
    loop = asyncio.get_running_loop()
    try:
        while True:
            wait = next(steps)
            ready = asyncio.Event()
            add, remove = (
                (loop.add_reader, loop.remove_reader)
                if wait.reading
                else (loop.add_writer, loop.remove_writer)
            )
            add(wait.socket, ready.set)
            try:
                async with asyncio.timeout(_left_s(deadline_s)):
                    await ready.wait()
            except TimeoutError:
                steps.throw(_LateError("no answer in time"))
            finally:
                remove(wait.socket)
    except StopIteration as end:
        result: T = end.value
        return result


def _left_s(deadline_s: float) -> float:
    return max(0.0, deadline_s - time.monotonic())
