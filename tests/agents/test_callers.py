"""On the twin the service answers its owner's processes, and no web page."""

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from agents.orchestrator import callers as module
from agents.orchestrator.callers import Callers
from agents.orchestrator.service import Front, Service
from tests.agents.test_service import FakeDesk, desk, front, kill

__all__ = ["desk", "front", "kill"]

HOST = "us.agents.example"
JSON = {"Host": HOST, "Content-Type": "application/json"}
TASK = json.dumps({"tenant": "acme", "id": "a", "payload": "p"})


@pytest.fixture
def port(front: Front) -> Iterator[int]:
    callers = Callers(frozenset({HOST, "127.0.0.1"}))
    server = Service(address="127.0.0.1", port=0, front=front, callers=callers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (JSON, HTTPStatus.ACCEPTED),
        ({**JSON, "Host": f"{HOST}:8443"}, HTTPStatus.ACCEPTED),
        ({**JSON, "Origin": "null"}, HTTPStatus.FORBIDDEN),
        ({**JSON, "origin": f"http://{HOST}"}, HTTPStatus.FORBIDDEN),
        ({**JSON, "Host": "rebound.example"}, HTTPStatus.FORBIDDEN),
        ({**JSON, "Content-Type": "text/plain"}, HTTPStatus.FORBIDDEN),
        ({"Host": HOST}, HTTPStatus.FORBIDDEN),
    ],
)
def test_a_task_is_taken_from_a_client_of_the_platform_and_from_no_page(
    port: int,
    desk: FakeDesk,
    headers: dict[str, str],
    status: HTTPStatus,
) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    line.request("POST", "/v1/tasks", TASK, headers)
    assert line.getresponse().status == status
    line.close()
    assert desk.accepted == (["acme/a"] if status is HTTPStatus.ACCEPTED else [])


def test_a_page_is_not_told_of_the_services_health_either(port: int) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    line.request("GET", "/healthz", headers={"Host": "127.0.0.1", "Origin": "http://x"})
    assert line.getresponse().status == HTTPStatus.FORBIDDEN
    line.close()


def test_another_users_connection_ends_unread(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_strange(_connection: socket.socket) -> bool:
        return True

    monkeypatch.setattr(module, "is_strange_connection", is_strange)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(f"GET /healthz HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        with contextlib.suppress(ConnectionResetError):
            assert line.recv(100) == b""
