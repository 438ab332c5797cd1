"""One probe of a health checker passes and fails as Route 53's does."""

import asyncio
import socket
from contextlib import closing

import pytest

from holdfast.twin.resolver import probe as probe_module
from holdfast.twin.resolver.probe import Target, probe

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def outcome(*reply: bytes, kind: str = "HTTP", search: str = "") -> tuple[str, bytes]:
    """What a probe of a server says, and what it asked the server."""
    asked = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if kind != "TCP":
            asked.extend(await reader.readuntil(b"\r\n\r\n"))
        for piece in reply:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.002)
        writer.close()

    async def scenario() -> str:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            said = await probe(target(server.sockets[0].getsockname()[1], kind, search))
            # Lets the server close its side.
            await asyncio.sleep(0.02)
            return said

    return asyncio.run(scenario()), bytes(asked)


def target(port: int, kind: str = "HTTP", search: str = "") -> Target:
    return Target(kind, "127.0.0.1", port, "lb.example.com", "/healthz", search, "checker")


def test_a_status_from_200_to_399_passes_and_no_other_does() -> None:
    for status, passes in ((200, True), (204, True), (302, True), (399, True)):
        problem, _ = outcome(f"HTTP/1.1 {status} X\r\n\r\n".encode())
        assert (problem == "") is passes
    for status in (101, 400, 404, 500, 503):
        assert outcome(f"HTTP/1.1 {status} X\r\n\r\n".encode())[0] == f"status {status}"


def test_the_request_names_the_host_and_the_path() -> None:
    _, asked = outcome(OK)
    assert asked.startswith(b"GET /healthz HTTP/1.1\r\nHost: lb.example.com\r\n")


@pytest.mark.parametrize("reply", [b"220 smtp.example.com ESMTP\r\n", b"\r\n", b""])
def test_an_answer_that_is_not_http_fails(reply: bytes) -> None:
    assert outcome(reply)[0] == "the answer is not HTTP"


def test_a_string_match_searches_the_beginning_of_the_body() -> None:
    kind = "HTTP_STR_MATCH"
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    assert outcome(head, b"all is ", b"well", kind=kind, search="is well")[0] == ""
    assert "not in the first" in outcome(head, b"all is lost", kind=kind, search="well")[0]
    late = b"x" * 5118 + b"well"
    assert "not in the first" in outcome(head, late, kind=kind, search="well")[0]


def test_a_closed_port_fails_at_once() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    assert asyncio.run(probe(target(port))) == "no connection: Connection refused"
    assert asyncio.run(probe(target(port, "TCP"))) == "no connection: Connection refused"


def test_tcp_needs_a_connection_and_nothing_more() -> None:
    assert outcome(kind="TCP")[0] == ""


def test_a_frozen_process_that_still_listens_fails_after_the_status_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probe_module, "HTTP_STATUS_TIMEOUT_S", 0.2)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        problem = asyncio.run(probe(target(server.getsockname()[1])))
    assert problem == "no status within 0.2 s"


def test_a_frozen_process_whose_queue_is_full_fails_after_the_connection_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probe_module, "HTTP_CONNECT_TIMEOUT_S", 0.2)
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as server:
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.settimeout(0)
            client.connect_ex(server.getsockname())
        assert asyncio.run(probe(target(server.getsockname()[1]))) == "no connection within 0.2 s"
        for client in waiting:
            client.close()


def test_the_timeouts_are_route_53s() -> None:
    assert probe_module.HTTP_CONNECT_TIMEOUT_S == 4.0
    assert probe_module.HTTP_STATUS_TIMEOUT_S == 2.0
    assert probe_module.TCP_CONNECT_TIMEOUT_S == 10.0
