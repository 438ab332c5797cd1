"""ministack inside this process: how it is set up, called, and written to disk.

Guarantees:
    ``save`` replaces a service's file whole or not at all, so that a kill in the middle leaves
    the previous one. A file that cannot be read, as after a crash of the machine, is an error:
    ministack alone would go on without what was in it, and its tables would count as deleted.

Does not guarantee:
    ministack's own background machinery: its lifespan is not run, so listeners that it would
    open beside HTTP (SFTP, MQTT) stay closed. Their services' APIs answer all the same.
"""

import asyncio
import importlib
import json
import logging
import os
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http import HTTPStatus
from types import ModuleType
from typing import Any, cast
from urllib.parse import parse_qs

from holdfast.twin.region.amendments import amend_on_load
from holdfast.twin.region.config import ACCOUNT, ServerConfig
from holdfast.twin.region.incoming import SIGNATURE_PARAMETERS, Denied, Incoming
from holdfast.twin.region.store import damaged
from holdfast.twin.region.wire_models import WireModel, aws_service_names, wire_model

_log = logging.getLogger(__name__)

_SAVE_S = 1.0
_STATE_FOLDER = "emulator"


@dataclass(slots=True)
class Reply:
    """An HTTP answer.

    Attributes:
        status: HTTP status code.
        headers: Name to value.
        body: The whole body.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none."""
        try:
            parsed: object = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}

    @property
    def error_type(self) -> str:
        """The AWS error's name without its namespace; "" for a success."""
        if self.status < HTTPStatus.BAD_REQUEST:
            return ""
        return str(self.json().get("__type", "")).rsplit("#", 1)[-1]


def internal(module: ModuleType, name: str) -> Any:  # noqa: ANN401 -- ministack has no types
    """Something private of a ministack module. Its version is pinned exactly for this."""
    return module.__dict__[name]


def prepare_environment(config: ServerConfig) -> None:
    """Tells ministack, before it is imported, who it is and where its files are."""
    os.environ.update(
        {
            "MINISTACK_HOST": config.host,
            "BIND_HOST": config.host,
            "GATEWAY_PORT": str(config.api_port),
            "MINISTACK_REGION": config.region,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "AWS_DEFAULT_REGION": config.region,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(config.state_dir / _STATE_FOLDER),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(config.state_dir / "objects"),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            # No container is ever started for a twin, even where Docker is installed.
            "DOCKER_HOST": f"unix://{config.state_dir}/no-docker.sock",
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
        }
    )


def _is_aws_service_name(name: str) -> bool:
    """Stands in for ministack's, which would load every model that botocore has."""
    return name in aws_service_names()


class Emulator:
    """The ministack of this process."""

    def __init__(self, config: ServerConfig) -> None:
        prepare_environment(config)
        self._region = config.region
        self._state_dir = config.state_dir / _STATE_FOLDER
        self._app = importlib.import_module("ministack.app")
        self._persistence = importlib.import_module("ministack.core.persistence")
        self._responses = importlib.import_module("ministack.core.responses")
        self._responses.__dict__["_service_model"] = self._wire_model
        amend_on_load(self._app)
        router = importlib.import_module("ministack.core.router")
        router.__dict__["_is_aws_service_name"] = _is_aws_service_name
        self._app.__dict__["_MAIN_LOOP"] = asyncio.get_running_loop()
        self._saving: asyncio.TimerHandle | None = None

    def _wire_model(self, service: str) -> WireModel | None:
        """Stands in for ministack's look into botocore."""
        names = cast("dict[str, str]", internal(self._responses, "_BOTOCORE_NAME"))
        return wire_model(names.get(service, service))

    def service(self, name: str) -> ModuleType:
        """A service's module, imported on first use."""
        return cast("ModuleType", internal(self._app, "_get_module")(name))

    def scope(self, region: str | None = None) -> AbstractContextManager[None]:
        """Makes the code inside act for the twin's account in ``region`` (default: this one)."""
        scope = self._responses.__dict__["request_scope"](ACCOUNT, region or self._region)
        return cast("AbstractContextManager[None]", scope)

    def restore(self) -> None:
        """Loads what was saved. Once, before the first request.

        Raises:
            TwinError: If a file is there and cannot be read.
        """
        load = internal(self._app, "load_state")

        def whole(service: str) -> object:
            found = load(service)
            file = self._state_dir / f"{service}.json"
            if found is None and file.exists():
                raise damaged(file)
            return found

        self._app.__dict__["load_state"] = whole
        with self.scope():
            internal(self._app, "_load_persisted_state")()

    def save(self, service: str | None = None) -> None:
        """Writes a service's state to disk, or every loaded service's."""
        everything = internal(self._app, "_build_persistence_save_dict")()
        registry = cast("dict[str, dict[str, Any]]", self._app.__dict__["SERVICE_REGISTRY"])
        aliases = cast("dict[str, str]", self._app.__dict__["SERVICE_NAME_ALIASES"])
        known = registry.get(aliases.get(service or "", service or ""))
        chosen = everything
        if known is not None:
            names = (known.get("state_key", known["module"]), *known.get("sub_modules", ()))
            chosen = {name: everything[name] for name in names if name in everything}
        with self.scope():
            self._persistence.__dict__["save_all"](chosen)

    def save_soon(self) -> None:
        """Writes every loaded service's state within a second or so.

        A call to one service may have changed another, which ``save`` of the first misses.
        """
        if self._saving is None:
            self._saving = asyncio.get_running_loop().call_later(_SAVE_S, self._save_now)

    def _save_now(self) -> None:
        self._saving = None
        self.save()

    def dump(self, value: object) -> str:
        """JSON of a piece of ministack's state, bytes included."""
        default = internal(self._persistence, "_json_default")
        return json.dumps(value, default=default, separators=(",", ":"))

    def load(self, text: str) -> Any:  # noqa: ANN401 -- the inverse of ``dump``
        """A piece of ministack's state from its JSON."""
        return json.loads(text, object_hook=internal(self._persistence, "_json_object_hook"))

    async def forward(self, service: str, request: Incoming, body: bytes) -> Reply:
        """Has ministack's handler of one service answer a request.

        Only the handler: the application around it has doors of its own (for administrators, for
        load balancers' names, for browsers), and none of them exists here.

        Raises:
            Denied: If the body is not what the headers say.
        """
        headers = dict(request.headers)
        unpacked = self._unpacked(service, headers, body)
        handler = cast("_Handler", self._app.__dict__["SERVICE_HANDLERS"][service])
        query = parse_qs(request.query, keep_blank_values=True)
        # A URL's signature has been verified; ministack would ask for a key that it gave out.
        query = {name: query[name] for name in query.keys() - SIGNATURE_PARAMETERS}
        with self.scope():
            try:
                answer = await handler(request.method, request.path, headers, unpacked, query)
            except Exception:  # noqa: BLE001 -- ministack's own application answers 500 too
                _log.exception("the emulator failed at a request to %s", service)
                return Reply(HTTPStatus.INTERNAL_SERVER_ERROR, {}, b"")
            if service == "s3" and request.method == "HEAD":
                answer = self._head(request, headers, query, answer)
        return self._reply(service, answer)

    def _unpacked(self, service: str, headers: dict[str, str], body: bytes) -> bytes:
        """The body without its packing; the headers lose what spoke of it."""
        if service != "s3":
            return cast("bytes", internal(self._app, "_decompress_request_body")(body, headers))
        try:
            return cast("bytes", internal(self._app, "_decode_aws_chunked_body")(body, headers))
        except internal(self._app, "_IncompleteRequestBody") as error:
            raise Denied("IncompleteBody", str(error), HTTPStatus.BAD_REQUEST) from error

    def _head(
        self,
        request: Incoming,
        headers: dict[str, str],
        query: Mapping[str, list[str]],
        answer: "_Answer",
    ) -> "_Answer":
        """Headers of a HEAD as S3 gives them, where it is one of an object or bucket."""
        module = self.service("s3")
        standard = internal(module, "is_standard_object_request")
        if not standard(request.method, request.path, headers, query):
            return answer
        return cast(
            "_Answer", internal(module, "format_head_response")(request.path, headers, answer)
        )

    def _reply(self, service: str, answer: "_Answer") -> Reply:
        status, headers, content = answer
        internal(self._responses, "fix_error_content_type")(service, status, headers)
        internal(self._responses, "fix_success_content_type")(service, status, headers)
        given = {name: str(value) for name, value in headers.items()}
        number = str(uuid.uuid4())
        given.update({"x-amzn-requestid": number, "x-amz-request-id": number})
        return Reply(status, given, content.encode() if isinstance(content, str) else content)


_Answer = tuple[int, dict[str, object], bytes | str]
_Handler = Callable[[str, str, dict[str, str], bytes, Mapping[str, list[str]]], Awaitable[_Answer]]
