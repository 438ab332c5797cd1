"""JSON lines over loopback TCP: one request a line, one reply a line.

A request is ``{"id": ..., "op": ..., "token": ..., ...}``, its reply ``{"id": ..., "ok":
true, ...}`` or ``{"id": ..., "ok": false, "error": TEXT}``.

Guarantees:
    A call ends after ``timeout_s``, whatever the other end does.

Does not guarantee:
    That an operation whose call timed out has not happened.
"""

import asyncio
import json
import socket
import time
from collections.abc import Mapping

from pydantic import JsonValue, TypeAdapter, ValidationError

LINE_LIMIT_BYTES = 16 * 1024 * 1024
"""Longest line that either side accepts."""

JsonObject = dict[str, JsonValue]
_OBJECT = TypeAdapter(JsonObject)


class RpcError(Exception):
    """The other end could not be reached, did not answer in time, or refused."""


class RefusedError(RpcError):
    """The other end answered, and said no.

    Attributes:
        reply: The whole refusal.
    """

    def __init__(self, reply: JsonObject) -> None:
        self.reply = reply
        super().__init__(str(reply.get("error", "refused without a reason")))


def encode(message: Mapping[str, JsonValue]) -> bytes:
    """One message as one line."""
    return json.dumps(dict(message), separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> JsonObject:
    """The message in a line.

    Raises:
        RpcError: If the line is not a JSON object.
    """
    try:
        return _OBJECT.validate_json(line)
    except ValidationError as error:
        raise RpcError(f"not a line of JSON with an object in it: {line[:80]!r}") from error


def accepted(reply: JsonObject) -> JsonObject:
    """The reply itself, when it is not a refusal.

    Raises:
        RefusedError: If it is.
    """
    if reply.get("ok") is not True:
        raise RefusedError(reply)
    return reply


def call(host: str, port: int, message: Mapping[str, JsonValue], *, timeout_s: float) -> JsonObject:
    """Sends one request over a connection of its own and waits for the reply.

    Raises:
        RefusedError: If the other end says no.
        RpcError: If it cannot be reached or does not answer in time.
    """
    deadline_s = time.monotonic() + timeout_s
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.sendall(encode({"id": 1, **message}))
            received = bytearray()
            while not received.endswith(b"\n"):
                remaining_s = deadline_s - time.monotonic()
                if remaining_s <= 0:
                    raise TimeoutError(f"no answer within {timeout_s:g} s")
                connection.settimeout(remaining_s)
                chunk = connection.recv(65536)
                if not chunk or len(received) > LINE_LIMIT_BYTES:
                    raise ConnectionError("the connection ended before the reply")
                received += chunk
    except OSError as error:
        raise RpcError(f"{host}:{port}: {error}") from error
    return accepted(decode(bytes(received)))


async def acall(
    host: str, port: int, message: Mapping[str, JsonValue], *, timeout_s: float
) -> JsonObject:
    """As ``call``, without blocking the event loop.

    Raises:
        RefusedError: If the other end says no.
        RpcError: If it cannot be reached or does not answer in time.
    """
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port, limit=LINE_LIMIT_BYTES)
            try:
                writer.write(encode({"id": 1, **message}))
                line = await reader.readline()
            finally:
                writer.close()
    except TimeoutError as error:
        raise RpcError(f"{host}:{port}: no answer within {timeout_s:g} s") from error
    except (OSError, ValueError) as error:
        raise RpcError(f"{host}:{port}: {error}") from error
    if not line:
        raise RpcError(f"{host}:{port}: the connection ended before the reply")
    return accepted(decode(line))
