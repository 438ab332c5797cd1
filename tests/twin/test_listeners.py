"""No listener of a running twin serves another user of the machine, or a web page.

The listeners are found from the twin's processes, not from a list: one that is added without a
check fails here.
"""

import json
import os
import socket
import stat
import struct
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import cast

import dns.message
import h2.connection
import pytest
import redis

from holdfast.twin.client import Twin
from holdfast.twin.fronts.attach import serve
from holdfast.twin.provider.adapter import TwinProvider
from holdfast.twin.provider.cloud import Cloud
from holdfast.twin.provider.core import Provider
from holdfast.twin.rpc import encode
from holdfast.twin.session import isolated_session
from holdfast.twin.stack import FrontName, front_of, platform_of, regions_of
from tests.strangers import ONLY_ROOT, as_another
from tests.twin.listeners import Listener, listeners
from tests.twin.region.regions import eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who listens"),
]

ROOT = Path(__file__).parents[2]
STACK = "dev"
PATIENCE_S = 1.5
LIST_TABLES = (
    "POST / HTTP/1.1\r\nHost: {host}:{port}\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\n"
    "{more}Content-Length: 2\r\n\r\n{{}}"
)
SIGNED_BY_ANOTHER = (
    "Content-Type: application/x-amz-json-1.0\r\nX-Amz-Date: 20260101T000000Z\r\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, "
    f"SignedHeaders=host, Signature={'0' * 64}\r\n"
)
LAMBDA = "GET /2015-03-31/functions HTTP/1.1\r\nHost: {host}:{port}\r\n{more}\r\n"
ADMIN = "GET /_ministack/health HTTP/1.1\r\nHost: {host}:{port}\r\n{more}\r\n"
HEALTH = "GET /healthz HTTP/1.1\r\nHost: {host}:{port}\r\n{more}\r\n"
TASK = (
    "POST /v1/tasks HTTP/1.1\r\nHost: {host}:{port}\r\n{more}Content-Type: application/json\r\n"
    "Content-Length: 48\r\n\r\n"
    '{{"tenant": "acme", "id": "a", "payload": "stolen"}}'
)
QUERY = dns.message.make_query("agents.holdfast.example", "SOA").to_wire()
PROBES: tuple[Callable[[str, int], bytes], ...] = (
    lambda host, port: LIST_TABLES.format(host=host, port=port, more=SIGNED_BY_ANOTHER).encode(),
    lambda _host, _port: encode({"id": 1, "op": "status"}),
    lambda _host, _port: encode({"id": 1, "op": "status", "token": "0" * 64}),
    lambda _host, _port: b"PING\r\nINFO\r\nCONFIG GET dir\r\n",
    lambda _host, _port: struct.pack("!H", len(QUERY)) + QUERY,
)
PAGE = "Origin: http://evil.example\r\nContent-Type: text/plain\r\n"
SETTINGS = b"\0\0\x18\x04"
HTTP2_GREETING = {4, 7, 8}
"""SETTINGS, GOAWAY and WINDOW_UPDATE: how gRPC greets, and takes leave of who is none of its."""

REBOUND = {"host": "evil.example", "more": ""}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What the twin and this process take for the directory of temporary files."""
    folder = tmp_path_factory.mktemp("tmp")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", None)
        yield folder


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory, scratch: Path) -> Iterator[Twin]:
    """The dev stack, with an agent in every region that serves, under the most open umask."""
    del scratch
    home = tmp_path_factory.mktemp("home") / "twin"
    before = os.umask(0)
    try:
        with Twin.start(state_dir=home, regions=regions_of(ROOT, STACK), detached=False) as running:
            _deploy(running, home)
            yield running
    finally:
        os.umask(before)


def _deploy(twin: Twin, home: Path) -> None:
    front = front_of(
        FrontName.INPROCESS, project=ROOT, stack=STACK, twin=twin, on_line=lambda _: None
    )
    platform = platform_of(front.up())
    contract = home.parent / "platform.json"
    contract.write_text(platform.model_dump_json())
    for region in platform.regions:
        twin.spawn(
            region,
            f"agent-{region}",
            [sys.executable, "-m", "agents.orchestrator"],
            {"HOLDFAST_PLATFORM_FILE": str(contract), "PYTHONPATH": str(ROOT)},
        )
    for region in platform.regions:
        eventually(partial(_expect_served, twin, region))


@pytest.fixture(scope="module")
def engine(twin: Twin) -> Iterator[Listener]:
    """What the Pulumi engine attaches to, for as long as one of its commands lasts."""
    cloud = Cloud(twin.endpoint, credentials=twin.credentials)
    with serve(TwinProvider(Provider(cloud))) as port:
        yield Listener("tcp", "127.0.0.1", port, 0)


def _expect_served(twin: Twin, region: str) -> None:
    host, port = twin.address(region), twin.ingress_port
    assert b" 200 " in tcp(host, port, HEALTH.format(host=host, port=port, more="").encode())


def tcp(host: str, port: int, message: bytes) -> bytes:
    """What a listener has to say to a message."""
    said = b""
    try:
        with socket.create_connection((host, port), timeout=PATIENCE_S) as line:
            line.sendall(message)
            while chunk := line.recv(65536):
                said += chunk
    except OSError:
        return said
    return said


def udp(host: str, port: int, message: bytes) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(PATIENCE_S)
        line.connect((host, port))
        try:
            line.send(message)
            return line.recv(65536)
        except OSError:
            return b""


def is_refusal(said: bytes) -> bool:
    """Whether an answer tells nothing but that there is none."""
    if said.startswith(b"HTTP/"):
        status = int(said.split()[1])
        return status in {400, 403, 404, 501} and b"access-control-allow" not in said.lower()
    if said.startswith(b"{"):
        return "token" in str(json.loads(said)["error"]) and b'"ok":false' in said
    if said.startswith(SETTINGS):
        return set(_frames(said)) <= HTTP2_GREETING
    return all(line.startswith((b"-NOAUTH", b"-ERR")) for line in said.splitlines())


def _frames(said: bytes) -> Iterator[int]:
    """The types of the HTTP/2 frames in an answer."""
    while len(said) >= 9:
        yield said[3]
        said = said[9 + int.from_bytes(said[:3]) :]


def served(found: list[Listener], messages: Callable[[str, int], list[bytes]]) -> dict[str, str]:
    """What was answered with more than a refusal, by listener and message."""
    answers: dict[str, str] = {}

    def ask(place: Listener, message: bytes) -> None:
        say = tcp if place.kind == "tcp" else udp
        said = say(place.host, place.port, message)
        if not is_refusal(said):
            answers[f"{place} {message[:60]!r}"] = repr(said[:200])

    asking = [
        threading.Thread(target=ask, args=(place, message))
        for place in found
        for message in messages(place.host, place.port)
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    return answers


def test_everything_listens_on_loopback_and_nothing_without_being_known(twin: Twin) -> None:
    found = listeners(twin.pid)
    assert all(place.host.startswith("127.") for place in found), found
    plan = twin.plan
    known = {
        ("tcp", plan.control_host, plan.control_port),
        ("tcp", plan.dns_host, plan.dns_port),
        ("udp", plan.dns_host, plan.dns_port),
        ("udp", plan.control_host, 19053),  # Holds the block; nobody reads it.
    }
    for region in plan.regions.values():
        ports = (region.api_port, region.peer_port, region.valkey_port, plan.ingress_port)
        known |= {("tcp", region.address, port) for port in ports}
    assert {(place.kind, place.host, place.port) for place in found} <= known
    assert len(found) >= len(known) - 1, "the witness runs no agent; everything else listens"


@ONLY_ROOT
def test_another_user_is_served_by_nothing(twin: Twin, engine: Listener) -> None:
    found = [*listeners(twin.pid), engine]

    def messages(host: str, port: int) -> list[bytes]:
        texts = (LIST_TABLES, LAMBDA, ADMIN, HEALTH, TASK)
        plain = [text.format(host=host, port=port, more="").encode() for text in texts]
        return [*plain, *(probe(host, port) for probe in PROBES), QUERY]

    assert as_another(lambda: served(found, messages)) == {}


def test_a_web_page_is_served_by_nothing(twin: Twin, engine: Listener) -> None:
    found = [place for place in (*listeners(twin.pid), engine) if place.kind == "tcp"]

    def messages(host: str, port: int) -> list[bytes]:
        texts = (LIST_TABLES, LAMBDA, ADMIN, HEALTH, TASK, TASK.replace("application/json", "a/b"))
        from_page = [text.format(host=host, port=port, more=PAGE) for text in texts]
        rebound = [text.format(port=port, **REBOUND) for text in texts]
        preflight = f"OPTIONS / HTTP/1.1\r\nHost: {host}:{port}\r\n{PAGE}\r\n"
        return [text.encode() for text in (*from_page, *rebound, preflight)]

    assert served(found, messages) == {}


def call_engine_front(port: int) -> str:
    """The gRPC status of a call by somebody who speaks the protocol."""
    talk = h2.connection.H2Connection()
    talk.initiate_connection()
    talk.send_headers(
        1,
        [
            (":method", "POST"),
            (":scheme", "http"),
            (":authority", f"127.0.0.1:{port}"),
            (":path", "/pulumirpc.ResourceProvider/GetPluginInfo"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ],
    )
    talk.send_data(1, b"\0" * 5, end_stream=True)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(talk.data_to_send())
        while data := line.recv(65536):
            for event in talk.receive_data(data):
                headers = dict(cast("list[tuple[str, str]]", getattr(event, "headers", None) or []))
                status = {_text(name): _text(value) for name, value in headers.items()}
                if "grpc-status" in status:
                    return status["grpc-status"]
            line.sendall(talk.data_to_send())
    return ""


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


@ONLY_ROOT
def test_another_user_who_speaks_grpc_is_denied_what_the_engine_is_given(engine: Listener) -> None:
    assert call_engine_front(engine.port) == "0"
    assert as_another(lambda: call_engine_front(engine.port)) == "7"


def test_the_owner_is_served_by_all_of_them(twin: Twin) -> None:
    assert twin.status().regions
    assert udp(*twin.dns, QUERY)
    assert tcp(*twin.dns, struct.pack("!H", len(QUERY)) + QUERY)
    for name, region in twin.plan.regions.items():
        key = twin.credentials
        client = isolated_session().client(  # pyright: ignore[reportUnknownMemberType]
            "dynamodb",
            region_name=name,
            endpoint_url=twin.endpoint(name),
            aws_access_key_id=key.key_id,
            aws_secret_access_key=key.secret,
        )
        client.list_tables()
        with (
            redis.Redis(host=region.address, port=region.valkey_port) as valkey,
            pytest.raises(redis.AuthenticationError),
        ):
            valkey.ping()  # pyright: ignore[reportUnknownMemberType]


def test_what_a_twin_writes_is_its_owners_alone(twin: Twin) -> None:
    home = twin.state_dir
    found = {path: stat.S_IMODE(path.lstat().st_mode) for path in (home, *home.rglob("*"))}
    open_to_others = {str(path): oct(mode) for path, mode in found.items() if mode & 0o077}
    assert open_to_others == {}
    assert {"events.jsonl", "twin.json"} <= {path.name for path in found}
    assert any(path.match("logs/agents/*.log") for path in found)


def test_nothing_is_left_where_temporary_files_lie(twin: Twin, scratch: Path) -> None:
    del twin
    assert list(scratch.iterdir()) == []


def test_what_is_no_refusal_is_told_from_one() -> None:
    assert is_refusal(b"")
    assert is_refusal(b"HTTP/1.1 403 \r\n\r\n")
    assert is_refusal(b"-NOAUTH Authentication required.\r\n")
    assert not is_refusal(b"HTTP/1.1 200 \r\n\r\n")
    assert not is_refusal(b"HTTP/1.1 403 \r\nAccess-Control-Allow-Origin: *\r\n\r\n")
    assert not is_refusal(b"+PONG\r\n")
    assert not is_refusal(QUERY)
    assert is_refusal(SETTINGS + b"\0" * 5 + b"\0" * 24)
    assert not is_refusal(SETTINGS + b"\0" * 5 + b"\0" * 24 + b"\0\0\1\0" + b"\0" * 6)
