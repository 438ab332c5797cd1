"""The control port answers those who hold the token, and outlives what they ask."""

import asyncio
import errno
import os
import socket
from pathlib import Path

import pytest
from pydantic import JsonValue

from holdfast.errors import TwinError
from holdfast.twin.rpc import JsonObject, RefusedError, acall
from holdfast.twin.supervisor.control import ControlServer, SpawnRequest, text_of


async def echo(request: JsonObject) -> JsonObject:
    return {"said": request["say"]}


async def refuse(_request: JsonObject) -> JsonObject:
    raise TwinError("not today")


async def fail(_request: JsonObject) -> JsonObject:
    raise RuntimeError("a defect")


async def lack(_request: JsonObject) -> JsonObject:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def malformed(request: JsonObject) -> JsonObject:
    SpawnRequest.model_validate(request)
    return {}


def ask(*requests: dict[str, JsonValue]) -> list[JsonObject | str]:
    """The replies to requests over connections of their own; refusals as text."""

    async def scenario() -> list[JsonObject | str]:
        listener = socket.create_server(("127.0.0.1", 0))
        host, port = listener.getsockname()
        handlers = {
            "echo": echo,
            "refuse": refuse,
            "fail": fail,
            "lack": lack,
            "malformed": malformed,
        }
        server = ControlServer(listener, "token", handlers)
        await server.start()
        replies: list[JsonObject | str] = []
        for request in requests:
            try:
                replies.append(await acall(host, port, request, timeout_s=5))
            except RefusedError as error:
                replies.append(str(error))
        server.close()
        await asyncio.sleep(0.02)
        return replies

    return asyncio.run(scenario())


@pytest.mark.parametrize("token", [None, "", "tokem", 7, "token\u00e9"])
def test_a_request_without_the_token_is_refused(token: JsonValue) -> None:
    (reply,) = ask({"op": "echo", "say": "x", "token": token})
    assert isinstance(reply, str)
    assert "does not carry this twin's token" in reply


def test_a_request_with_the_token_is_answered() -> None:
    assert ask({"op": "echo", "say": "x", "token": "token"}) == [{"id": 1, "ok": True, "said": "x"}]


def test_every_kind_of_failure_is_told_and_the_server_goes_on() -> None:
    replies = ask(
        {"op": "refuse", "token": "token"},
        {"op": "fail", "token": "token"},
        {"op": "malformed", "token": "token"},
        {"op": "unheard-of", "token": "token"},
        {"token": "token"},
        {"op": "lack", "token": "token"},
        {"op": "echo", "say": 1, "token": "token"},
    )
    assert replies[0] == "not today"
    assert replies[1] == "the supervisor failed: RuntimeError('a defect')"
    assert "the request is malformed" in str(replies[2])
    assert "no operation 'unheard-of'; there are echo, fail" in str(replies[3])
    assert "needs 'op' as text" in str(replies[4])
    assert replies[5] == "the twin is refused something: No space left on device"
    assert isinstance(replies[6], dict)


def test_a_field_that_must_be_text_is_checked() -> None:
    assert text_of({"region": "x"}, "region") == "x"
    with pytest.raises(TwinError, match="needs 'region' as text, not 7"):
        text_of({"region": 7}, "region")


def test_a_spawn_request_is_read_whole() -> None:
    request = SpawnRequest.model_validate(
        {"op": "spawn", "region": "r", "name": "n", "argv": ["a"], "env": {"K": "v"}, "cwd": "/x"}
    )
    assert (request.argv, request.cwd) == (("a",), Path("/x"))
