"""The supervisor's control port: who may speak, what may be asked, and how it is answered.

The protocol is that of ``holdfast.twin.rpc``. A connection of another user is closed unread, where
the kernel tells whose it is. A request without the twin's token is refused, whatever it asks for,
and its connection ends; so does that of anything which speaks another protocol.
"""

import asyncio
import hmac
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import cast

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from holdfast.errors import TwinError
from holdfast.neighbours import is_strange_connection
from holdfast.twin.rpc import LINE_LIMIT_BYTES, JsonObject, RpcError, decode, encode

log = logging.getLogger(__name__)

Handler = Callable[[JsonObject], Awaitable[JsonObject]]


class SpawnRequest(BaseModel):
    """What ``spawn`` needs. See ``Twin.spawn``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    region: str
    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path


def text_of(request: Mapping[str, JsonValue], field: str) -> str:
    """A field of a request that must be text.

    Raises:
        TwinError: If it is missing or something else.
    """
    value = request.get(field)
    if not isinstance(value, str):
        raise TwinError(f"the request needs {field!r} as text, not {value!r}")
    return value


class ControlServer:
    """Answers control requests on a socket that already listens.

    Args:
        listener: The socket.
        token: What a request must carry.
        handlers: By operation. A handler raises ``TwinError`` to refuse.
    """

    def __init__(
        self, listener: socket.socket, token: str, handlers: Mapping[str, Handler]
    ) -> None:
        self._listener = listener
        self._token = token
        self._handlers = handlers
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Takes requests from now on."""
        self._server = await asyncio.start_server(
            self._serve, sock=self._listener, limit=LINE_LIMIT_BYTES
        )

    def close(self) -> None:
        """Takes no more connections."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = cast("socket.socket", writer.get_extra_info("socket"))
        try:
            # Another user's line is not even read; nor is the second of whoever lacks the token.
            known = not is_strange_connection(connection)
            while known and (line := await reader.readline()):
                request = decode(line)
                known = self._knows(request)
                writer.write(encode(await self._answer(request) if known else _refused(request)))
                await writer.drain()
        except RpcError as error:
            log.info("a control connection did not speak the protocol: %s", error)
        except (OSError, ValueError) as error:
            log.info("a control connection ended: %s", error)
        finally:
            writer.close()

    def _knows(self, request: JsonObject) -> bool:
        """Whether a request carries the token."""
        token = request.get("token")
        return isinstance(token, str) and hmac.compare_digest(token.encode(), self._token.encode())

    async def _answer(self, request: JsonObject) -> JsonObject:
        number = request.get("id")
        try:
            reply = await self._handle(request)
        except (TwinError, RpcError) as error:
            return {"id": number, "ok": False, "error": str(error)}
        except ValidationError as error:
            return {"id": number, "ok": False, "error": f"the request is malformed: {error}"}
        except OSError as error:
            log.exception("the request %s failed", request.get("op"))
            place = f"{error.filename}: " if error.filename else ""
            told = f"{place}{error.strerror or error}"
            return {"id": number, "ok": False, "error": f"the twin is refused something: {told}"}
        except Exception as error:
            # The twin outlives a defect in one request; its caller and the log hear of it.
            log.exception("the request %s failed", request.get("op"))
            return {"id": number, "ok": False, "error": f"the supervisor failed: {error!r}"}
        return {"id": number, "ok": True, **reply}

    async def _handle(self, request: JsonObject) -> JsonObject:
        operation = text_of(request, "op")
        handler = self._handlers.get(operation)
        if handler is None:
            raise TwinError(
                f"no operation {operation!r}; there are {', '.join(sorted(self._handlers))}"
            )
        return await handler(request)


def _refused(request: JsonObject) -> JsonObject:
    error = "the request does not carry this twin's token; read its twin.json"
    return {"id": request.get("id"), "ok": False, "error": error}
