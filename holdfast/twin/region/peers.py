"""The links between regions: JSON lines over TCP, with delay, cuts, and a book of bytes.

A request is ``{"id", "op", "token", "from", "resource", ...}``, its reply ``{"id", "ok", ...}``
with ``"error"`` where ``ok`` is false. The supervisor uses the same port, without ``from``. A
connection of another user is closed unread, where the kernel tells; one without the token, after
its first line.

Guarantees:
    Messages of one connection arrive in order. A request ends: with a reply, with the loss of
    the connection, or when its time is up. Bytes are counted where they are sent, for each
    resource and peer, whether or not they arrive.

Does not guarantee:
    That a request whose reply was lost was not carried out.
"""

import asyncio
import contextlib
import hmac
import json
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from typing import Any, cast

from holdfast.neighbours import is_strange_connection
from holdfast.twin.region.config import ServerConfig

Fields = dict[str, Any]
"""A message's fields, as parsed from JSON."""

_log = logging.getLogger(__name__)

LINE_LIMIT_BYTES = 64 * 1024 * 1024
_BUFFER_LIMIT_BYTES = 8 * 1024 * 1024
_QUEUE_LIMIT = 1000
REQUEST_TIMEOUT_S = 2.0


class UnreachableError(Exception):
    """The peer did not answer: dead, cut off, paused, or too slow."""


class RefusedError(Exception):
    """The peer answered, and said no."""


class _Link:
    """The outgoing connection to one peer, made when it is needed."""

    def __init__(self, links: "Links", peer: str, host: str, port: int) -> None:
        self._links = links
        self._peer = peer
        self._host = host
        self._port = port
        self._writer: asyncio.StreamWriter | None = None
        self._opening: asyncio.Task[None] | None = None
        self._next_id = 0
        self._waiting: dict[int, asyncio.Future[Fields]] = {}
        self._queued: list[bytes] = []

    def request(self, message: Fields, timeout_s: float) -> asyncio.Future[Fields]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Fields] = loop.create_future()
        self._next_id += 1
        number = self._next_id
        self._waiting[number] = future
        timer = loop.call_later(timeout_s, self._expire, number, timeout_s)
        future.add_done_callback(lambda done: self._forget(number, timer, done))
        line = _encode({**message, "id": number})
        self._links.count(message.get("resource"), self._peer, len(line))
        if not self._links.is_cut(self._peer):
            self._links.later(self._send, line)
        return future

    def close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
        self._lose("this server is stopping")

    def _forget(
        self, number: int, timer: asyncio.TimerHandle, done: asyncio.Future[Fields]
    ) -> None:
        timer.cancel()
        self._waiting.pop(number, None)
        # A majority may have been enough for whoever asked: nobody need look at this one.
        _ = done.cancelled() or done.exception()

    def _expire(self, number: int, timeout_s: float) -> None:
        future = self._waiting.get(number)
        if future is not None and not future.done():
            future.set_exception(UnreachableError(f"{self._peer}: no answer in {timeout_s:g} s"))

    def _send(self, line: bytes) -> None:
        if self._writer is None:
            if len(self._queued) >= _QUEUE_LIMIT:
                self._lose(f"{self._peer} takes no connection")
            self._queued.append(line)
            if self._opening is None or self._opening.done():
                self._opening = asyncio.get_running_loop().create_task(self._open())
        elif self._writer.transport.get_write_buffer_size() > _BUFFER_LIMIT_BYTES:
            # A paused peer reads nothing. What would be lost is sent again by its owner.
            self._lose(f"{self._peer} reads nothing")
        else:
            self._writer.write(line)

    async def _open(self) -> None:
        try:
            reader, writer = await asyncio.open_connection(
                self._host, self._port, limit=LINE_LIMIT_BYTES
            )
        except OSError as error:
            self._lose(f"{self._peer}: {error}")
            return
        self._writer = writer
        for line in self._queued:
            writer.write(line)
        self._queued = []
        with contextlib.suppress(OSError, ValueError):
            while line := await reader.readline():
                self._on_reply(line)
        if self._writer is writer:
            self._lose(f"{self._peer} closed the connection")

    def _on_reply(self, line: bytes) -> None:
        if self._links.is_cut(self._peer):
            return
        message = cast("Fields", json.loads(line))
        future = self._waiting.get(message["id"])
        if future is None or future.done():
            return
        if message.get("ok") is True:
            future.set_result(message)
        else:
            future.set_exception(RefusedError(str(message.get("error", ""))))

    def _lose(self, reason: str) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        self._writer = None
        self._queued = []
        self.give_up(reason)

    def give_up(self, reason: str) -> None:
        for future in list(self._waiting.values()):
            if not future.done():
                future.set_exception(UnreachableError(reason))


Handler = Callable[[Fields], Awaitable[Fields] | Fields]


class Links:
    """This region's end of all its links.

    Args:
        config: Where the peers are.
        handle: Answers a request; raises ``RefusedError`` to refuse it.
    """

    def __init__(self, config: ServerConfig, handle: Handler) -> None:
        self._config = config
        self._handle = handle
        self._cut = set(config.cut)
        self._links = {
            peer: _Link(self, peer, host, port) for peer, (host, port) in config.peers.items()
        }
        self._server: asyncio.Server | None = None
        self._incoming: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sent: Counter[tuple[str, str]] = Counter()

    async def listen(self) -> None:
        """Opens the peer port.

        Raises:
            OSError: If it is in use.
        """
        self._server = await asyncio.start_server(
            self._serve, self._config.host, self._config.peer_port, limit=LINE_LIMIT_BYTES
        )

    async def close(self) -> None:
        """Ends every connection."""
        if self._server is not None:
            self._server.close()
        for link in self._links.values():
            link.close()
        for writer in list(self._incoming):
            writer.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._serving, return_exceptions=True)

    # Outgoing

    def request(
        self,
        peer: str,
        op: str,
        fields: Mapping[str, object],
        *,
        resource: str | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> asyncio.Future[Fields]:
        """Asks a peer. The future fails with ``UnreachableError`` or ``RefusedError``."""
        message: Fields = {
            "op": op,
            "token": self._config.token,
            "from": self._config.region,
            "resource": resource,
            **fields,
        }
        link = self._links.get(peer)
        if link is None:
            lost: asyncio.Future[Fields] = asyncio.get_running_loop().create_future()
            lost.set_exception(UnreachableError(f"{peer} is not a region of this twin"))
            _ = lost.exception()
            return lost
        return link.request(message, timeout_s)

    def post(
        self, peer: str, op: str, fields: Mapping[str, object], *, resource: str | None = None
    ) -> None:
        """Tells a peer, and does not care whether it hears."""
        self.request(peer, op, fields, resource=resource)

    # Faults and books

    def cut(self, peer: str) -> None:
        """From now on nothing passes between this region and ``peer``: no refusal, silence."""
        self._cut.add(peer)

    def heal(self, peer: str) -> None:
        """Ends a cut. Requests that it swallowed end as unanswered."""
        self._cut.discard(peer)
        if peer in self._links:
            self._links[peer].give_up("the link was cut")

    def is_cut(self, peer: str) -> bool:
        """Whether the link to ``peer`` is cut."""
        return peer in self._cut

    @property
    def peers(self) -> tuple[str, ...]:
        """Every other region of the twin."""
        return tuple(self._links)

    @property
    def cuts(self) -> tuple[str, ...]:
        """Peers whose link is cut."""
        return tuple(sorted(self._cut))

    def count(self, resource: object, peer: str, sent_bytes: int) -> None:
        """Books what is sent to a peer."""
        if isinstance(resource, str) and resource:
            self._sent[resource, peer] += sent_bytes

    @property
    def sent(self) -> list[dict[str, object]]:
        """Bytes sent since the start, for each resource and peer."""
        return [
            {"resource": resource, "peer": peer, "sent_bytes": sent_bytes}
            for (resource, peer), sent_bytes in sorted(self._sent.items())
        ]

    def later(self, send: Callable[[bytes], None], line: bytes) -> None:
        """Sends after the one-way delay. Equal delays keep the order."""
        delay_ms = self._config.peer_delay_ms
        if delay_ms:
            asyncio.get_running_loop().call_later(delay_ms / 1000, send, line)
        else:
            send(line)

    # Incoming

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if is_strange_connection(writer.get_extra_info("socket")):
            writer.transport.abort()
            return
        self._incoming.add(writer)
        serving = asyncio.current_task()
        if serving is not None:
            self._serving.add(serving)
            serving.add_done_callback(self._serving.discard)
        try:
            while line := await reader.readline():
                message = cast("Fields", json.loads(line))
                if not self._knows(message):
                    self._answer({}, writer, {"ok": False, "error": "wrong token"})
                    await writer.drain()
                    break
                self._on_request(message, writer)
        except (OSError, ValueError):
            pass
        finally:
            self._incoming.discard(writer)
            writer.transport.abort()

    def _knows(self, message: object) -> bool:
        token = cast("Fields", message).get("token") if isinstance(message, dict) else None
        return isinstance(token, str) and hmac.compare_digest(
            token.encode(), self._config.token.encode()
        )

    def _on_request(self, message: Fields, writer: asyncio.StreamWriter) -> None:
        peer = message.get("from")
        if isinstance(peer, str) and self.is_cut(peer):
            return
        try:
            outcome = self._handle(message)
        except RefusedError as error:
            self._answer(message, writer, {"ok": False, "error": str(error)})
            return
        except Exception as error:  # noqa: BLE001 -- one bad request must not end the link
            _log.exception("the request %s failed", message.get("op"))
            self._answer(message, writer, {"ok": False, "error": repr(error)})
            return
        if isinstance(outcome, dict):
            self._answer(message, writer, {"ok": True, **outcome})
            return
        task = asyncio.get_running_loop().create_task(self._finish(message, writer, outcome))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish(
        self, message: Fields, writer: asyncio.StreamWriter, outcome: Awaitable[Fields]
    ) -> None:
        try:
            reply: Fields = {"ok": True, **await outcome}
        except (RefusedError, UnreachableError) as error:
            reply = {"ok": False, "error": str(error)}
        except Exception as error:  # noqa: BLE001 -- one bad request must not end the link
            _log.exception("the request %s failed", message.get("op"))
            reply = {"ok": False, "error": repr(error)}
        self._answer(message, writer, reply)

    def _answer(self, message: Fields, writer: asyncio.StreamWriter, reply: Fields) -> None:
        line = _encode({**reply, "id": message.get("id")})
        peer = message.get("from")
        if not isinstance(peer, str):
            writer.write(line)
            return
        self.count(message.get("resource"), peer, len(line))
        if not self.is_cut(peer):
            self.later(writer.write, line)


def _encode(message: Fields) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


async def replies(
    asked: Iterable[asyncio.Future[Fields]], *, patience_s: float | None = None
) -> AsyncGenerator[Fields, None]:
    """The replies of the peers that gave one, as they come in.

    After the first reply it waits for each further one no longer than ``patience_s``.
    """
    waiting = list(asked)
    arrived: asyncio.Queue[asyncio.Future[Fields]] = asyncio.Queue()
    for future in waiting:
        future.add_done_callback(arrived.put_nowait)
    limit_s: float | None = None
    for _ in waiting:
        try:
            async with asyncio.timeout(limit_s):
                done = await arrived.get()
        except TimeoutError:
            return
        if not done.cancelled() and done.exception() is None:
            limit_s = patience_s
            yield done.result()
