"""What a region's AWS endpoint does with a request before, instead of, or after the emulator."""

import json
import re
import uuid
from http import HTTPStatus
from typing import cast

from holdfast.twin.region import data
from holdfast.twin.region.buckets import Buckets
from holdfast.twin.region.cache import Cache
from holdfast.twin.region.data import DataPlane
from holdfast.twin.region.door import STRANGERS_BYTES, Door, longest, refusal, too_long
from holdfast.twin.region.dynamo import Request, failure
from holdfast.twin.region.emulator import Emulator, Reply
from holdfast.twin.region.incoming import Denied, Incoming, Message, Receive, Scope, Send
from holdfast.twin.region.keys import Keys
from holdfast.twin.region.operations import Asked
from holdfast.twin.region.refusals import dropped_by_emulator
from holdfast.twin.region.tables import ControlPlane

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_READING = re.compile(
    "Describe|List|Get|BatchGet|Head|Query|Scan|Search|Lookup|Simulate|Assume|Encrypt|Decrypt"
    "|ReEncrypt|GenerateDataKey|GenerateRandom|Sign|Verify"
)
_STREAMING = frozenset(
    {
        "PutMetricData", "PutLogEvents", "PutEvents", "Publish", "PublishBatch", "SendMessage",
        "SendMessageBatch", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch", "PutRecord",
        "PutRecords",
    }
)  # fmt: skip
"""Calls so frequent that a save for each would cost more than the calls."""


class Gateway:
    """The ASGI application of a region."""

    def __init__(
        self,
        door: Door,
        emulator: Emulator,
        *,
        data_plane: DataPlane,
        tables: ControlPlane,
        buckets: Buckets,
        cache: Cache,
        keys: Keys,
    ) -> None:
        self._door = door
        self._emulator = emulator
        self._data = data_plane
        self._tables = tables
        self._buckets = buckets
        self._cache = cache
        self._keys = keys

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request. Anything but HTTP is nobody's."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await _respond(send, await self._reply(Incoming.of(scope), receive))

    async def _reply(self, request: Incoming, receive: Receive) -> Reply:
        try:
            claim = self._door.claim(request)
        except Denied as denied:
            # Read and forgotten, so that the answer is not lost in a connection that is reset.
            await _body(receive, STRANGERS_BYTES)
            return refusal(request, denied)
        body = await _body(receive, longest(claim))
        if body is None:
            return too_long(request, longest(claim))
        try:
            return await self._answer(request, self._door.admit(request, claim, body), body)
        except Denied as denied:
            return refusal(request, denied)

    async def _answer(self, request: Incoming, asked: Asked, body: bytes) -> Reply:
        if asked.service.handler == "dynamodb":
            return await self._dynamo(asked.operation, body)
        reply = await self._other(request, asked, body)
        if reply.status < HTTPStatus.BAD_REQUEST and request.method not in _SAFE_METHODS:
            self._save(asked)
        return reply

    def _save(self, asked: Asked) -> None:
        """Makes what a call has changed durable before it is answered."""
        if _READING.match(asked.operation):
            return
        if asked.operation not in _STREAMING:
            self._emulator.save(asked.service.handler)
        self._emulator.save_soon()

    async def _other(self, request: Incoming, asked: Asked, body: bytes) -> Reply:
        """The answer of a service other than DynamoDB."""
        service, operation = asked.service, asked.operation
        if service.protocol == "json":
            parameters = _json_object(body)
            if parameters is None:
                return failure("SerializationException", "The request is not a JSON object")
            dropped = dropped_by_emulator(service.name, operation, parameters)
            if dropped is not None:
                return failure("ValidationException", dropped)
            if service.handler == "kms":
                return await self._keys.answer(operation, parameters, request, body)
        if service.handler == "elasticache":
            return await self._cache.answer(operation, request, body)
        if operation == "PutBucketReplication":
            refused_rules = await self._buckets.check_rules(body)
            if refused_rules is not None:
                return refused_rules
        return await self._emulator.forward(service.handler, request, body)

    async def _dynamo(self, operation: str, body: bytes) -> Reply:
        request = _json_object(body)
        if request is None:
            return failure("SerializationException", "The request is not a JSON object")
        if operation in data.OPERATIONS:
            reply = await self._data.handle(operation, request)
        else:
            reply = await self._tables.handle(operation, request)
            if reply.status == HTTPStatus.OK and not _READING.match(operation):
                self._emulator.save("dynamodb")
        reply.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        return reply


def _json_object(body: bytes) -> Request | None:
    try:
        parsed: object = json.loads(body or b"{}")
    except ValueError:
        return None
    return cast("Request", parsed) if isinstance(parsed, dict) else None


async def _body(receive: Receive, limit_bytes: int) -> bytes | None:
    """A request's body; None when it is longer than allowed, and the rest stays unread."""
    parts: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(bytes(message.get("body", b"")))
        length += len(parts[-1])
        if length > limit_bytes:
            return None
        if not message.get("more_body"):
            break
    return b"".join(parts)


async def _respond(send: Send, reply: Reply) -> None:
    headers = {name.lower(): value for name, value in reply.headers.items()}
    if reply.body:
        headers["content-length"] = str(len(reply.body))
    start: Message = {
        "type": "http.response.start",
        "status": int(reply.status),
        "headers": [(name.encode(), _bytes(value)) for name, value in headers.items()],
    }
    await send(start)
    await send({"type": "http.response.body", "body": reply.body, "more_body": False})


def _bytes(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


async def _lifespan(receive: Receive, send: Send) -> None:
    """The server starts and stops the layers itself, and ministack's listeners stay closed."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return
