"""JSON lines over TCP: every call ends, and every refusal says why."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.twin.rpc import JsonObject, RefusedError, RpcError, acall, call, decode, encode


@contextmanager
def server(*replies: bytes, then_hangs: bool = False) -> Generator[tuple[str, int]]:
    """Answers one connection with the given pieces, and may hold it until the test is over."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                for reply in replies:
                    connection.sendall(reply)
                    time.sleep(0.01)
                if then_hangs:
                    over.wait(60)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            over.set()
            thread.join()


def test_a_reply_that_arrives_in_pieces_is_put_together() -> None:
    with server(b'{"id":1,', b'"ok":true,"x":2}\n') as (host, port):
        assert call(host, port, {"op": "hello"}, timeout_s=5)["x"] == 2
    with server(b'{"id":1,', b'"ok":true,"x":2}\n') as (host, port):
        assert asyncio.run(acall(host, port, {"op": "hello"}, timeout_s=5))["x"] == 2


def test_a_refusal_carries_its_reason() -> None:
    with (
        server(b'{"id":1,"ok":false,"error":"no such region"}\n') as (host, port),
        pytest.raises(RefusedError, match="no such region") as refused,
    ):
        call(host, port, {"op": "kill"}, timeout_s=5)
    assert refused.value.reply["id"] == 1


@pytest.mark.parametrize("replies", [(), (b'{"id":1,"ok":tr',), (b"no json\n",), (b"[1]\n",)])
def test_an_answer_that_is_none_is_an_error(replies: tuple[bytes, ...]) -> None:
    with server(*replies) as (host, port), pytest.raises(RpcError):
        call(host, port, {"op": "hello"}, timeout_s=5)
    with server(*replies) as (host, port), pytest.raises(RpcError):
        asyncio.run(acall(host, port, {"op": "hello"}, timeout_s=5))


def call_asynchronously(
    host: str, port: int, message: JsonObject, *, timeout_s: float
) -> JsonObject:
    return asyncio.run(acall(host, port, message, timeout_s=timeout_s))


@pytest.mark.parametrize("one_call", [call, call_asynchronously])
def test_a_silent_server_does_not_hold_the_caller(one_call: Callable[..., JsonObject]) -> None:
    with server(then_hangs=True) as (host, port):
        began_s = time.monotonic()
        with pytest.raises(RpcError):
            one_call(host, port, {"op": "hello"}, timeout_s=0.2)
        # A call without an end of its own would last as long as the server.
        assert time.monotonic() - began_s < 30


def test_nobody_there_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
    with pytest.raises(RpcError):
        call(host, port, {"op": "hello"}, timeout_s=1)
    with pytest.raises(RpcError):
        asyncio.run(acall(host, port, {"op": "hello"}, timeout_s=1))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(message=st.dictionaries(st.text(), JSON, max_size=3))
def test_every_message_is_one_line_and_comes_back_as_it_was(message: dict[str, object]) -> None:
    line = encode(message)  # type: ignore[arg-type]
    assert line.count(b"\n") == 1
    assert decode(line) == message
