"""ElastiCache with the region's one Valkey behind it.

Guarantees:
    A replication group's endpoint is a Valkey that answers, and demands the group's tokens
    (AuthToken) from the moment that the call which set them returns.

Does not guarantee:
    TLS, more than one node, or more than one replication group in a region: what would need
    another server is refused by name.
"""

import asyncio
import logging
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from holdfast.twin.region.config import ACCOUNT
from holdfast.twin.region.emulator import Emulator, Reply, Scope, internal

_log = logging.getLogger(__name__)
_VERSION = "2015-02-02"
_ANSWER_S = 2.0
_RETRY_S = 0.5
_RETRIES = 120
_OTHER_CACHES = ("CreateCacheCluster", "CreateServerlessCache", "CreateGlobalReplicationGroup")
_CHANGES = ("CreateReplicationGroup", "ModifyReplicationGroup", "DeleteReplicationGroup")


class ValkeyError(Exception):
    """The region's Valkey did not do what it was told."""


class Cache:
    """The region's ElastiCache."""

    def __init__(self, emulator: Emulator, region: str, host: str, port: int) -> None:
        self._emulator = emulator
        self._region = region
        self._host = host
        self._port = port
        self._module = emulator.service("elasticache")
        self._module.__dict__["_spawn_redis_container"] = self._endpoint
        self._task: asyncio.Task[None] | None = None

    @staticmethod
    def action(headers: dict[str, str], body: bytes) -> str | None:
        """The ElastiCache action that a request asks for, None when it asks another service."""
        if not headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return None
        form = parse_qs(body.decode("utf-8", "replace"))
        return form["Action"][0] if form.get("Version") == [_VERSION] and "Action" in form else None

    def start(self) -> None:
        """Tells Valkey the tokens that were in force when this server ended."""
        if self._groups():
            self._task = asyncio.get_running_loop().create_task(self._apply_again())

    async def stop(self) -> None:
        """Ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def answer(self, action: str, scope: Scope, body: bytes) -> Reply:
        """The answer to an ElastiCache request."""
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        refusal = self._refusal(action, form)
        if refusal is not None:
            return refusal
        before = self._tokens()
        reply = await self._emulator.forward(scope, body)
        if action not in _CHANGES or reply.status >= HTTPStatus.BAD_REQUEST:
            return reply
        try:
            await self._apply(before)
        except (ValkeyError, OSError, TimeoutError) as error:
            return _error(
                "InternalFailure",
                f"{action} was recorded, but the region's Valkey did not take the tokens over: "
                f"{error}",
                HTTPStatus.INTERNAL_SERVER_ERROR,
            )
        return reply

    def _refusal(self, action: str, form: dict[str, str]) -> Reply | None:
        if action in _OTHER_CACHES:
            return _error(
                "InvalidParameterValue",
                f"The twin does not reproduce {action}: it has one Valkey per region. Use "
                "CreateReplicationGroup with Engine=valkey.",
            )
        if action != "CreateReplicationGroup":
            return None
        if form.get("Engine") != "valkey":
            return _error(
                "InvalidParameterValue",
                f"The twin runs Valkey, and Engine is {form.get('Engine', 'redis (the default)')}. "
                "Set Engine=valkey.",
            )
        if int(form.get("NumNodeGroups", "1")) > 1:
            return _error(
                "InvalidParameterValue",
                f"NumNodeGroups is {form['NumNodeGroups']}; the twin has one Valkey per region, "
                "so it must be 1.",
            )
        taken = [name for name in self._groups() if name != form.get("ReplicationGroupId")]
        if taken:
            return _error(
                "InvalidParameterValue",
                f"The twin has one Valkey per region, and {taken[0]} has that of {self._region}: "
                f"{form.get('ReplicationGroupId')} cannot be made beside it.",
            )
        return None

    def _groups(self) -> dict[str, dict[str, Any]]:
        groups = internal(self._module, "_replication_groups").all_items()
        return {
            name: cast("dict[str, Any]", group)
            for (account, region, name), group in groups
            if account == ACCOUNT and region == self._region
        }

    def _tokens(self) -> list[str]:
        return [token for group in self._groups().values() for token in group["_auth_tokens"]]

    def _endpoint(self, **_: object) -> tuple[str, int, None]:
        """Stands in for ministack's start of a container."""
        return self._host, self._port, None

    # Valkey

    async def _apply_again(self) -> None:
        for _ in range(_RETRIES):
            try:
                await self._apply(self._tokens())
            except (ValkeyError, OSError, TimeoutError) as error:
                _log.info("Valkey at %s:%s: %s", self._host, self._port, error)
                await asyncio.sleep(_RETRY_S)
            else:
                return
        _log.error("Valkey at %s:%s never took its tokens over", self._host, self._port)

    async def _apply(self, before: list[str]) -> None:
        """Makes the default user's passwords the tokens in force."""
        tokens = self._tokens()
        optional = any(group.get("_auth_optional") for group in self._groups().values())
        rules = ["resetpass", *(f">{token}" for token in tokens)] if tokens else ["nopass"]
        if optional:
            rules = ["resetpass", "nopass"]
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await asyncio.open_connection(self._host, self._port)
            try:
                await self._log_in(reader, writer, [*before, *tokens])
                await _command(reader, writer, "ACL", "SETUSER", "default", "on", *rules)
                await _command(reader, writer, "CONFIG", "REWRITE")
            finally:
                writer.close()

    async def _log_in(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tokens: list[str]
    ) -> None:
        for attempt in (None, *reversed(tokens)):
            try:
                if attempt is not None:
                    await _command(reader, writer, "AUTH", attempt)
                await _command(reader, writer, "PING")
            except ValkeyError:
                continue
            return
        raise ValkeyError("it knows none of the tokens")


async def _command(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *words: str) -> None:
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        data = word.encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    writer.write(b"".join(parts))
    line = await reader.readline()
    if not line.startswith(b"+"):
        raise ValkeyError(line.decode("utf-8", "replace").strip() or "it closed the connection")


def _error(code: str, message: str, status: int = HTTPStatus.BAD_REQUEST) -> Reply:
    body = (
        f'<ErrorResponse xmlns="http://elasticache.amazonaws.com/doc/{_VERSION}/"><Error>'
        f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        "</ErrorResponse>"
    ).encode()
    return Reply(status, {"Content-Type": "text/xml"}, body)
