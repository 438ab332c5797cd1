import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import cast

import pytest
import trustme

from agents.orchestrator import service
from agents.orchestrator.desk import Desk, QueueFullError, Task
from agents.orchestrator.service import BODY_LIMIT, Front, Service
from holdfast.contract import Environment
from holdfast.control import KillSwitch, Residency
from holdfast.coordination import MemoryStore
from holdfast.errors import ConflictError, StoreUnavailableError
from tests.drills.test_mutants import PLATFORM


class FakeDesk:
    """Accepts, or raises what it is told to."""

    def __init__(self) -> None:
        self.healthy = True
        self.accepted: list[str] = []
        self.trouble: Exception | None = None

    def accept(self, tenant: str, task_id: str, payload: str) -> Task:
        if self.trouble is not None:
            raise self.trouble
        assert payload
        self.accepted.append(f"{tenant}/{task_id}")
        return Task(tenant, task_id, 1)


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def kill() -> KillSwitch:
    switch = KillSwitch(store=MemoryStore(), environment=Environment.PROD, max_age_ms=1)
    switch.arm(by="test", reason="start", epoch=0)
    return switch


@pytest.fixture
def front(desk: FakeDesk, kill: KillSwitch) -> Front:
    return Front(
        region="us-west-1",
        health_path="/healthz",
        desk=cast("Desk", desk),
        residency=Residency(PLATFORM, "us-west-1"),
        kill=kill,
    )


def submit(front: Front, **changes: str) -> HTTPStatus:
    body = {"tenant": "acme", "id": "t1", "payload": "do it", **changes}
    return front.post("/v1/tasks", json.dumps(body).encode()).status


def test_a_task_of_a_tenant_at_home_is_accepted(front: Front, desk: FakeDesk) -> None:
    assert submit(front) is HTTPStatus.ACCEPTED
    assert desk.accepted == ["acme/t1"]


def test_a_tenant_of_another_jurisdiction_is_told_where_to_go(front: Front, desk: FakeDesk) -> None:
    body = json.dumps({"tenant": "initech", "id": "t1", "payload": "do it"}).encode()
    answer = front.post("/v1/tasks", body)
    assert answer.status is HTTPStatus.MISDIRECTED_REQUEST
    assert "eu.agents.example.org" in answer.body["message"]
    assert desk.accepted == []


def test_a_stranger_is_refused(front: Front) -> None:
    assert submit(front, tenant="nobody") is HTTPStatus.FORBIDDEN


def test_nothing_is_accepted_while_the_kill_switch_is_tripped(
    front: Front, kill: KillSwitch, desk: FakeDesk
) -> None:
    kill.trip(by="oncall", reason="test")
    threading.Event().wait(0.01)
    assert submit(front) is HTTPStatus.FORBIDDEN
    assert desk.accepted == []


@pytest.mark.parametrize(
    ("trouble", "status"),
    [
        (ConflictError("other payload"), HTTPStatus.CONFLICT),
        (QueueFullError("full"), HTTPStatus.SERVICE_UNAVAILABLE),
        (StoreUnavailableError("no quorum"), HTTPStatus.SERVICE_UNAVAILABLE),
    ],
)
def test_what_goes_wrong_at_the_desk_has_a_status(
    front: Front, desk: FakeDesk, trouble: Exception, status: HTTPStatus
) -> None:
    desk.trouble = trouble
    assert submit(front) is status


@pytest.mark.parametrize(
    "changes", [{"id": "with space"}, {"id": ""}, {"tenant": "a/b"}, {"payload": "x" * 5000}]
)
def test_a_malformed_task_is_refused(front: Front, changes: dict[str, str]) -> None:
    assert submit(front, **changes) is HTTPStatus.BAD_REQUEST


def test_health_follows_the_store(front: Front, desk: FakeDesk) -> None:
    assert front.get("/healthz").status is HTTPStatus.OK
    desk.healthy = False
    assert front.get("/healthz").status is HTTPStatus.SERVICE_UNAVAILABLE
    assert front.get("/elsewhere").status is HTTPStatus.NOT_FOUND


@pytest.fixture
def port(front: Front) -> Iterator[int]:
    server = Service(address="127.0.0.1", port=0, front=front)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_connection_ends_with_the_answer(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while chunk := line.recv(4096):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"Connection: close" in answer


def test_a_task_is_submitted_over_http(port: int, desk: FakeDesk) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    line.request("POST", "/v1/tasks", json.dumps({"tenant": "acme", "id": "a", "payload": "p"}))
    answer = line.getresponse()
    assert answer.status == HTTPStatus.ACCEPTED
    assert json.loads(answer.read())["region"] == "us-west-1"
    line.close()
    assert desk.accepted == ["acme/a"]


@pytest.mark.parametrize(
    ("length", "status"),
    [
        ("", HTTPStatus.LENGTH_REQUIRED),
        ("x", HTTPStatus.LENGTH_REQUIRED),
        (str(BODY_LIMIT + 1), HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    ],
)
def test_a_body_without_a_usable_length_is_not_read(
    port: int, length: str, status: HTTPStatus
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        header = f"Content-Length: {length}\r\n" if length else ""
        line.sendall(f"POST /v1/tasks HTTP/1.1\r\nHost: x\r\n{header}\r\n".encode())
        assert f" {status.value} " in line.recv(4096).decode()


def test_no_name_server_is_asked_for_the_address(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(name: str) -> str:
        raise AssertionError(f"asked for the name of {name}")

    monkeypatch.setattr(socket, "getfqdn", unreachable)
    with Service(address="127.0.0.1", port=0, front=front) as server:
        assert server.server_name == "127.0.0.1"
        assert server.server_port == server.server_address[1]


def test_several_processes_may_share_the_port(front: Front) -> None:
    first = Service(address="127.0.0.1", port=0, front=front)
    second = Service(address="127.0.0.1", port=first.server_address[1], front=front)
    first.server_close()
    second.server_close()


def test_a_connection_that_has_waited_too_long_is_closed_unanswered(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PATIENCE_S", 0)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        assert line.recv(100) == b""


def test_a_mistake_of_ours_is_answered_and_logged(
    port: int, desk: FakeDesk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.trouble = RuntimeError("a bug")
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    line.request("POST", "/v1/tasks", json.dumps({"tenant": "acme", "id": "a", "payload": "p"}))
    assert line.getresponse().status == HTTPStatus.INTERNAL_SERVER_ERROR
    line.close()
    assert "a bug" in caplog.text


def test_a_client_that_goes_away_harms_nobody(port: int) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
            line.sendall(b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
    again = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    again.request("GET", "/healthz")
    assert again.getresponse().status == HTTPStatus.OK
    again.close()


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())


@pytest.fixture
def secured(front: Front, authority: trustme.CA, tmp_path: Path) -> Iterator[int]:
    file = tmp_path / "both.pem"
    certificate = authority.issue_cert("us.agents.example.org")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(file))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    serving = Service(address="127.0.0.1", port=0, front=front, tls=tls)
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    yield serving.server_port
    serving.shutdown()
    thread.join()
    serving.server_close()


def test_users_who_check_the_hostname_are_served_over_tls(
    secured: int, authority: trustme.CA, desk: FakeDesk
) -> None:
    client = trusting(authority)
    body = json.dumps({"tenant": "acme", "id": "t1", "payload": "p" * 4096}).encode()
    asked = f"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with (
        socket.create_connection(("127.0.0.1", secured), timeout=5) as line,
        client.wrap_socket(line, server_hostname="us.agents.example.org") as private,
    ):
        private.sendall(asked + body)
        answer = http.client.HTTPResponse(private)
        answer.begin()
        assert answer.status == HTTPStatus.ACCEPTED
    assert desk.accepted == ["acme/t1"]
    with (
        pytest.raises(ssl.SSLCertVerificationError),
        socket.create_connection(("127.0.0.1", secured), timeout=5) as line,
    ):
        client.wrap_socket(line, server_hostname="eu.agents.example.org")


def test_who_speaks_no_tls_is_not_answered_and_keeps_nobody_waiting(
    secured: int, authority: trustme.CA
) -> None:
    client = trusting(authority)
    with socket.create_connection(("127.0.0.1", secured), timeout=5):
        plain = http.client.HTTPConnection("127.0.0.1", secured, timeout=5)
        plain.request("GET", "/healthz")
        with pytest.raises((http.client.BadStatusLine, ConnectionError)):
            plain.getresponse()
        plain.close()
        with (
            socket.create_connection(("127.0.0.1", secured), timeout=5) as line,
            client.wrap_socket(line, server_hostname="us.agents.example.org") as private,
        ):
            private.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert private.recv(12) == b"HTTP/1.1 200"
