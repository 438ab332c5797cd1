"""ElastiCache with the region's one Valkey behind it.

Guarantees:
    A replication group's endpoint is a Valkey that answers, and demands the group's tokens
    (AuthToken) from the moment that the call which set them returns. Where there is no group
    nobody is let in but the twin itself, and with a token nobody may do what ElastiCache forbids
    (CONFIG, MODULE and their like).

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

from holdfast.twin.region.config import ACCOUNT, TWIN_USER
from holdfast.twin.region.emulator import Emulator, Reply, internal
from holdfast.twin.region.incoming import Incoming

_log = logging.getLogger(__name__)
_VERSION = "2015-02-02"
_ANSWER_S = 2.0
_RETRY_S = 0.5
_RETRIES = 120
_OTHER_CACHES = ("CreateCacheCluster", "CreateServerlessCache", "CreateGlobalReplicationGroup")
_OPEN = "Without a token every user of this machine could read and write it: set AuthToken."
_FORBIDDEN = [
    "acl|setuser",
    "acl|deluser",
    "acl|load",
    "acl|save",
    "bgrewriteaof",
    "bgsave",
    "config",
    "debug",
    "failover",
    "migrate",
    "module",
    "psync",
    "replicaof",
    "save",
    "shutdown",
    "slaveof",
    "sync",
]
"""ElastiCache's restricted commands (User Guide, "Supported and restricted commands")."""

_CHANGES = ("CreateReplicationGroup", "ModifyReplicationGroup", "DeleteReplicationGroup")


class ValkeyError(Exception):
    """The region's Valkey did not do what it was told."""


class Cache:
    """The region's ElastiCache."""

    def __init__(
        self, emulator: Emulator, region: str, valkey: tuple[str, int], password: str
    ) -> None:
        self._emulator = emulator
        self._region = region
        self._host, self._port = valkey
        self._password = password
        self._module = emulator.service("elasticache")
        self._module.__dict__["_spawn_redis_container"] = self._endpoint
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Tells Valkey the tokens that were in force when this server ended."""
        if self._groups():
            self._task = asyncio.get_running_loop().create_task(self._apply_again())

    async def stop(self) -> None:
        """Ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def answer(self, action: str, request: Incoming, body: bytes) -> Reply:
        """The answer to an ElastiCache request."""
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        refusal = self._refusal(action, form)
        if refusal is not None:
            return refusal
        reply = await self._emulator.forward("elasticache", request, body)
        if action not in _CHANGES or reply.status >= HTTPStatus.BAD_REQUEST:
            return reply
        try:
            await self._apply()
        except (ValkeyError, OSError, TimeoutError) as error:
            return _error(
                "InternalFailure",
                f"{action} was recorded, but the region's Valkey did not take the tokens over: "
                f"{error}",
                HTTPStatus.INTERNAL_SERVER_ERROR,
            )
        return reply

    def _refusal(self, action: str, form: dict[str, str]) -> Reply | None:
        reason = None
        if action in _OTHER_CACHES:
            reason = (
                f"The twin does not reproduce {action}: it has one Valkey per region. Use "
                "CreateReplicationGroup with Engine=valkey."
            )
        elif action == "ModifyReplicationGroup":
            if form.get("AuthTokenUpdateStrategy") == "DELETE":
                reason = f"AuthTokenUpdateStrategy is DELETE. {_OPEN}"
        elif action == "CreateReplicationGroup":
            reason = self._cannot_create(form)
        return None if reason is None else _error("InvalidParameterValue", reason)

    def _cannot_create(self, form: dict[str, str]) -> str | None:
        if form.get("Engine") != "valkey":
            return (
                f"The twin runs Valkey, and Engine is {form.get('Engine', 'redis (the default)')}. "
                "Set Engine=valkey."
            )
        if "AuthToken" not in form:
            return f"AuthToken is missing. {_OPEN}"
        if int(form.get("NumNodeGroups", "1")) > 1:
            return (
                f"NumNodeGroups is {form['NumNodeGroups']}; the twin has one Valkey per region, "
                "so it must be 1."
            )
        taken = [name for name in self._groups() if name != form.get("ReplicationGroupId")]
        if taken:
            return (
                f"The twin has one Valkey per region, and {taken[0]} has that of {self._region}: "
                f"{form.get('ReplicationGroupId')} cannot be made beside it."
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
                await self._apply()
            except (ValkeyError, OSError, TimeoutError) as error:
                _log.info("Valkey at %s:%s: %s", self._host, self._port, error)
                await asyncio.sleep(_RETRY_S)
            else:
                return
        _log.error("Valkey at %s:%s never took its tokens over", self._host, self._port)

    async def _apply(self) -> None:
        """Makes the default user's passwords the tokens in force."""
        tokens = self._tokens()
        state = ("on", *(f">{token}" for token in tokens)) if tokens else ("off",)
        rights = ("resetkeys", "~*", "&*", "+@all", *(f"-{command}" for command in _FORBIDDEN))
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await asyncio.open_connection(self._host, self._port)
            try:
                await _command(reader, writer, "AUTH", TWIN_USER, self._password)
                await _command(
                    reader, writer, "ACL", "SETUSER", "default", "resetpass", *state, *rights
                )
                await _command(reader, writer, "CONFIG", "REWRITE")
            finally:
                writer.close()


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
