"""The orchestrator's HTTP interface, on the standard library alone.

``POST /v1/tasks`` with ``{"tenant", "id", "payload"}`` answers 202 once the task is safe, 400 or
413 for a body that cannot be one, 403 for a stranger or while the kill switch is tripped, 409 for
an id that was used for something else, 421 with the right hostname where the tenant's home is
elsewhere, and 503 when the task may not be safe: send it again. The health path answers 200 while
the coordination table answers, and 503 otherwise.

Every connection ends with its first answer, so that clients look the hostname up again and follow
it away from a region that is lost. Teams with their own framework keep that, or bound the age of
connections: reuse adds to the recovery time.

TLS ends here: nothing between the users and this process may read their traffic. A handshake is a
part of the request, with the same thread and the time limit of a read.

Limits: ``AT_A_TIME`` requests, ``BODY_LIMIT`` bytes, ``TIMEOUT_S`` for each read. A connection
beyond them is closed, and so is one that has waited ``PATIENCE_S`` for its turn: its user has gone,
and working for the gone is how an overload outlives its cause.
"""

import functools
import json
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.orchestrator.callers import Callers
from agents.orchestrator.desk import Desk, QueueFullError
from agents.orchestrator.log import log, log_mistake
from holdfast.control import KillSwitch, Misdirected, Residency, Serve
from holdfast.errors import ConflictError, KilledError, StoreUnavailableError

AT_A_TIME = 8
WAITING = 48
BODY_LIMIT = 64 * 1024
TIMEOUT_S = 5.0
PATIENCE_S = 4.0
TASKS_PATH = "/v1/tasks"

# What socketserver hands around; for TCP it is always the first.
_Connection: TypeAlias = socket.socket | tuple[bytes, socket.socket]


class Submission(BaseModel):
    """The body of ``POST /v1/tasks``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    tenant: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    payload: str = Field(max_length=4096)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer with a JSON body."""

    status: HTTPStatus
    body: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Front:
    """Decides what to answer. Knows HTTP's words, not its sockets.

    Attributes:
        region: Where this process runs.
        health_path: Path of the health check.
        desk: Accepts tasks.
        residency: Who may be served here.
        kill: Whether anything may be done at all.
    """

    region: str
    health_path: str
    desk: Desk
    residency: Residency
    kill: KillSwitch

    def get(self, path: str) -> Answer:
        """Answers a health check."""
        if path != self.health_path:
            return self._say(HTTPStatus.NOT_FOUND, f"there is {self.health_path} and {TASKS_PATH}")
        if self.desk.healthy:
            return self._say(HTTPStatus.OK, "serving")
        return self._say(HTTPStatus.SERVICE_UNAVAILABLE, "the coordination table does not answer")

    def post(self, path: str, body: bytes) -> Answer:
        """Answers a submission."""
        if path != TASKS_PATH:
            return self._say(HTTPStatus.NOT_FOUND, f"there is {self.health_path} and {TASKS_PATH}")
        try:
            asked = Submission.model_validate_json(body)
        except ValidationError as error:
            return self._say(HTTPStatus.BAD_REQUEST, str(error))
        match self.residency.decide(asked.tenant):
            case Serve():
                return self._accept(asked)
            case Misdirected(jurisdiction, hostname):
                return self._say(
                    HTTPStatus.MISDIRECTED_REQUEST,
                    f"{asked.tenant} has its home in {jurisdiction}: use {hostname}",
                )
            case _:
                return self._say(HTTPStatus.FORBIDDEN, f"no tenant is called {asked.tenant}")

    def _accept(self, asked: Submission) -> Answer:
        try:
            self.kill.check()
            self.desk.accept(asked.tenant, asked.id, asked.payload)
        except KilledError as error:
            return self._say(HTTPStatus.FORBIDDEN, str(error))
        except ConflictError as error:
            return self._say(HTTPStatus.CONFLICT, str(error))
        except (QueueFullError, StoreUnavailableError) as error:
            return self._say(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return self._say(HTTPStatus.ACCEPTED, "accepted", task=asked.id)

    def _say(self, status: HTTPStatus, message: str, **fields: str) -> Answer:
        return Answer(status, {"region": self.region, "message": message, **fields})


class _Handler(BaseHTTPRequestHandler):
    """One connection, one request, one answer."""

    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT_S

    def __init__(
        self,
        front: Front,
        callers: Callers | None,
        request: _Connection,
        client_address: object,
        server: HTTPServer,
    ) -> None:
        self._front = front
        self._callers = callers
        super().__init__(request, client_address, server)

    def do_GET(self) -> None:
        if not self._refused(with_body=False):
            self._send(self._front.get(self.path))

    def do_POST(self) -> None:
        if self._refused(with_body=True):
            return
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            self._send(Answer(HTTPStatus.LENGTH_REQUIRED, {"message": "say Content-Length"}))
        elif int(length) > BODY_LIMIT:
            limit = {"message": f"a body has at most {BODY_LIMIT} bytes"}
            self._send(Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, limit))
        else:
            self._send(self._posted(self.rfile.read(int(length))))

    def _refused(self, *, with_body: bool) -> bool:
        """Whether the caller is none of those who are answered, and has been told so."""
        callers = self._callers
        reason = callers and callers.objection(dict(self.headers), with_body=with_body)
        if reason:
            self._send(Answer(HTTPStatus.FORBIDDEN, {"message": reason}))
        return bool(reason)

    def _posted(self, body: bytes) -> Answer:
        try:
            return self._front.post(self.path, body)
        except Exception:  # noqa: BLE001 - a pool's thread would drop it: no answer, no line
            log_mistake("a request failed")
            return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"message": "see the service's log"})

    def _send(self, answer: Answer) -> None:
        body = json.dumps(answer.body).encode()
        self.close_connection = True
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Says nothing: the load balancer keeps the access log."""


class Service(HTTPServer):
    """Listens, and answers a bounded number of requests at a time.

    Args:
        address: Address to listen on; "" for all.
        port: TCP port, which several processes of a region may share.
        front: Decides what to answer.
        tls: What proves who answers; None for plain HTTP.
        callers: Who is answered; None for everybody.

    Raises:
        OSError: If the port is taken by somebody who does not share it.
    """

    allow_reuse_port = True
    request_queue_size = 64

    def __init__(
        self,
        *,
        address: str,
        port: int,
        front: Front,
        tls: ssl.SSLContext | None = None,
        callers: Callers | None = None,
    ) -> None:
        self._tls = tls
        self._callers = callers
        self._pool = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="http")
        self._room = threading.BoundedSemaphore(AT_A_TIME + WAITING)
        super().__init__((address, port), functools.partial(_Handler, front, callers))

    def server_bind(self) -> None:
        """Takes the address, and asks no name server what it is called, as ``HTTPServer`` would.

        Nobody answers for a loopback address, and where no name server can be reached at all the
        question takes many seconds.
        """
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def verify_request(self, request: _Connection, client_address: object) -> bool:  # noqa: ARG002
        """Whether a connection is answered at all: nothing of another user's is read."""
        return self._callers is None or (
            isinstance(request, socket.socket) and self._callers.knows(request)
        )

    def process_request(self, request: _Connection, client_address: object) -> None:
        """Hands a connection to a free thread, or closes it where too many wait."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        self._pool.submit(self._answer, request, client_address, time.monotonic())

    def _answer(self, request: _Connection, client_address: object, accepted_s: float) -> None:
        try:
            if time.monotonic() - accepted_s < PATIENCE_S:
                request = self._secured(request)
                self.finish_request(request, client_address)
        except OSError as error:
            # The client has gone, as clients of a region that was lost for a while have.
            log("a client went away", reason=str(error))
        finally:
            self.shutdown_request(request)
            self._room.release()

    def _secured(self, request: _Connection) -> _Connection:
        if self._tls is None or not isinstance(request, socket.socket):
            return request
        request.settimeout(TIMEOUT_S)
        return self._tls.wrap_socket(request, server_side=True)
