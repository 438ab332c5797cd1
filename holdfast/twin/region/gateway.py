"""What a region's AWS endpoint does with a request before, instead of, or after the emulator."""

import json
import re
import uuid
from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qs

from holdfast.twin.region import data
from holdfast.twin.region.buckets import Buckets
from holdfast.twin.region.cache import Cache
from holdfast.twin.region.data import DataPlane
from holdfast.twin.region.dynamo import Request, failure
from holdfast.twin.region.emulator import Emulator, Message, Receive, Reply, Scope, Send
from holdfast.twin.region.keys import Keys
from holdfast.twin.region.refusals import refusal
from holdfast.twin.region.tables import ControlPlane

_DYNAMO_TARGET = "DynamoDB_20120810."
_CREDENTIAL = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/aws4_request")
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
        region: str,
        emulator: Emulator,
        *,
        data_plane: DataPlane,
        tables: ControlPlane,
        buckets: Buckets,
        cache: Cache,
        keys: Keys,
    ) -> None:
        self._region = region
        self._emulator = emulator
        self._data = data_plane
        self._tables = tables
        self._buckets = buckets
        self._cache = cache
        self._keys = keys

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one connection's request."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            await self._emulator.asgi(scope, receive, send)
            return
        headers = {
            bytes(name).decode("latin-1").lower(): bytes(value).decode("latin-1")
            for name, value in scope["headers"]
        }
        body = await _body(receive)
        reply = await self._answer(scope, headers, body)
        await _respond(send, reply)

    async def _answer(self, scope: Scope, headers: dict[str, str], body: bytes) -> Reply:
        refusal = self._misdirected(headers)
        if refusal is not None:
            return refusal
        target = headers.get("x-amz-target", "")
        if target.startswith(_DYNAMO_TARGET):
            return await self._dynamo(target.removeprefix(_DYNAMO_TARGET), body)
        reply = await self._other(scope, headers, body)
        if reply.status < HTTPStatus.BAD_REQUEST and scope["method"] not in _SAFE_METHODS:
            self._save(_operation(scope, headers, body), headers)
        return reply

    def _save(self, operation: str, headers: dict[str, str]) -> None:
        """Makes what a call has changed durable before it is answered."""
        if _READING.match(operation):
            return
        if operation not in _STREAMING:
            found = _CREDENTIAL.search(headers.get("authorization", ""))
            self._emulator.save(found.group(2) if found else None)
        self._emulator.save_soon()

    async def _other(self, scope: Scope, headers: dict[str, str], body: bytes) -> Reply:
        """The answer of a service other than DynamoDB."""
        service, _, operation = headers.get("x-amz-target", "").partition(".")
        request = _json_object(body) if operation else None
        if request is not None:
            refused = refusal(service, operation, request)
            if refused is not None:
                return failure("ValidationException", refused)
            if service == "TrentService":
                return await self._keys.answer(operation, request, scope, body)
        action = self._cache.action(headers, body)
        if action is not None:
            return await self._cache.answer(action, scope, body)
        if scope["method"] == "PUT" and _is_replication_rule(scope, headers):
            refused_rules = await self._buckets.check_rules(body)
            if refused_rules is not None:
                return refused_rules
        return await self._emulator.forward(scope, body)

    def _misdirected(self, headers: dict[str, str]) -> Reply | None:
        """A request that was signed for another region has come to the wrong endpoint."""
        found = _CREDENTIAL.search(headers.get("authorization", ""))
        if found is None or found.group(1) == self._region:
            return None
        return failure(
            "InvalidSignatureException",
            f"Credential should be scoped to a valid region: the request is signed for "
            f"{found.group(1)}, and this is the endpoint of {self._region}. Global services "
            "(IAM, Route 53) answer at us-east-1's endpoint.",
            HTTPStatus.FORBIDDEN,
        )

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


def _is_replication_rule(scope: Scope, headers: dict[str, str]) -> bool:
    found = _CREDENTIAL.search(headers.get("authorization", ""))
    parameters = parse_qs(bytes(scope["query_string"]).decode(), keep_blank_values=True)
    return found is not None and found.group(2) == "s3" and "replication" in parameters


def _operation(scope: Scope, headers: dict[str, str], body: bytes) -> str:
    """The operation's name where the protocol tells it apart from the path; else ""."""
    target = headers.get("x-amz-target", "").rpartition(".")[2]
    in_path = re.search(r"/operation/(\w+)$", str(scope["path"]))
    if target or in_path:
        return target or (in_path.group(1) if in_path else "")
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        found = re.search(rb"(?:^|&)Action=(\w+)", body)
        return found.group(1).decode() if found else ""
    return ""


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(bytes(message.get("body", b"")))
        if not message.get("more_body"):
            break
    return b"".join(parts)


async def _respond(send: Send, reply: Reply) -> None:
    start: Message = {
        "type": "http.response.start",
        "status": int(reply.status),
        "headers": [
            (name.lower().encode(), value.encode("latin-1"))
            for name, value in reply.headers.items()
        ],
    }
    await send(start)
    await send({"type": "http.response.body", "body": reply.body, "more_body": False})


async def _lifespan(receive: Receive, send: Send) -> None:
    """The server starts and stops the layers itself, and ministack's listeners stay closed."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return
