"""The provider over gRPC, so that a real Pulumi engine can attach to it.

Guarantees:
    The server listens on loopback only, serves processes of this user and root alone (where the
    kernel tells whose they are), and ends with its context manager, so that it is there for one
    command of the engine. An error of ours reaches the engine as its own sentence, without a
    traceback.

Does not guarantee:
    That another process of the same user does not call it: PULUMI_DEBUG_PROVIDERS has no room
    for a key. Web pages cannot: a browser does not speak HTTP/2 without TLS.
"""

import asyncio
import concurrent.futures
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Protocol, TypeAlias, cast

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from pulumi.provider.experimental.provider import Provider
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime import proto
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from holdfast.errors import HoldfastError, TwinError
from holdfast.neighbours import is_stranger

VERSION = "7.51.1"
"""Version of the AWS provider that the twin stands in for."""

_HOST = "127.0.0.1"
_START_S = 30
_STOP_S = 5
_MESSAGE_BYTES = 400 * 1024 * 1024
"""The engine's own limit for one message."""


class TwinServicer(ProviderServicer):
    """The SDK's servicer, with what it lacks: ``Attach``, and errors that are one sentence."""

    def __init__(self, provider: Provider) -> None:
        super().__init__([], VERSION, provider, engine_address="")

    async def Attach(self, request: object, context: object) -> empty_pb2.Empty:  # noqa: N802
        """The engine says where it listens. Nothing here calls it back."""
        del request, context
        return empty_pb2.Empty()

    async def Handshake(  # noqa: N802
        self, request: object, context: object
    ) -> provider_pb2.ProviderHandshakeResponse:
        """What the provider can do; the same as ``Configure`` answers."""
        del request, context
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=False, accept_resources=False)

    async def Configure(self, request: object, context: object) -> proto.ConfigureResponse:  # noqa: N802
        """See ``TwinProvider.configure``."""
        answer = await self._in_one_sentence("Configure", request, context)
        return cast("proto.ConfigureResponse", answer)

    async def Check(self, request: object, context: object) -> proto.CheckResponse:  # noqa: N802 - gRPC names its methods so
        """See ``TwinProvider.check``."""
        return cast("proto.CheckResponse", await self._in_one_sentence("Check", request, context))

    async def Diff(self, request: object, context: object) -> proto.DiffResponse:  # noqa: N802
        """See ``TwinProvider.diff``."""
        return cast("proto.DiffResponse", await self._in_one_sentence("Diff", request, context))

    async def Create(self, request: object, context: object) -> proto.CreateResponse:  # noqa: N802
        """See ``TwinProvider.create``."""
        return cast("proto.CreateResponse", await self._in_one_sentence("Create", request, context))

    async def Read(self, request: object, context: object) -> proto.ReadResponse:  # noqa: N802
        """See ``TwinProvider.read``."""
        return cast("proto.ReadResponse", await self._in_one_sentence("Read", request, context))

    async def Update(self, request: object, context: object) -> proto.UpdateResponse:  # noqa: N802
        """See ``TwinProvider.update``."""
        return cast("proto.UpdateResponse", await self._in_one_sentence("Update", request, context))

    async def Invoke(self, request: object, context: object) -> proto.InvokeResponse:  # noqa: N802
        """See ``TwinProvider.invoke``."""
        return cast("proto.InvokeResponse", await self._in_one_sentence("Invoke", request, context))

    async def Delete(self, request: object, context: object) -> empty_pb2.Empty:  # noqa: N802
        """See ``TwinProvider.delete``."""
        return cast("empty_pb2.Empty", await self._in_one_sentence("Delete", request, context))

    async def _in_one_sentence(self, name: str, request: object, context: object) -> object:
        """The SDK's answer, or our error's own text: the SDK adds a traceback to it."""
        # The SDK's stubs type requests and contexts by classes that only the stubs have.
        answer = cast("Callable[[object, object], Awaitable[object]]", getattr(super(), name))
        try:
            return await answer(request, context)
        except Exception as error:
            cause = error if isinstance(error, HoldfastError) else error.__context__
            if isinstance(cause, HoldfastError):
                await cast("_Context", context).abort(grpc.StatusCode.UNKNOWN, str(cause))
            raise


class _Neighbours(grpc.aio.ServerInterceptor):
    """Serves processes of this user alone. The engine has no way to show a key.

    Everything that the engine calls has one request and one answer. What comes from elsewhere is
    not even looked up.
    """

    def __init__(self) -> None:
        self.port = 0

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[_Method | None]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "_Method":
        """The method that was called, for those who may call it."""
        handler = await continuation(handler_call_details)
        answer = getattr(handler, "unary_unary", None)

        async def guarded(request: object, context: "_Context") -> object:
            if answer is None or self._is_strange(context.peer()):
                await context.abort(grpc.StatusCode.PERMISSION_DENIED, "this is another user's")
            return await cast("_Answer", answer)(request, context)

        return grpc.unary_unary_rpc_method_handler(
            guarded,
            request_deserializer=getattr(handler, "request_deserializer", None),
            response_serializer=getattr(handler, "response_serializer", None),
        )

    def _is_strange(self, peer: str) -> bool:
        kind, _, rest = peer.partition(":")
        host, _, port = rest.rpartition(":")
        return kind != "ipv4" or is_stranger(
            socket.SOCK_STREAM, (host, int(port)), (_HOST, self.port)
        )


_Answer = Callable[[object, object], Awaitable[object]]
_Method: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class _Context(Protocol):
    def peer(self) -> str: ...
    async def abort(self, code: grpc.StatusCode, details: str) -> None: ...


@contextlib.contextmanager
def serve(provider: Provider) -> Generator[int]:
    """Serves a provider on a free loopback port while the context lasts; yields the port.

    Raises:
        TwinError: If the server does not start.
    """
    started: concurrent.futures.Future[int] = concurrent.futures.Future()
    stopping = threading.Event()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        neighbours = _Neighbours()
        server = grpc.aio.server(
            interceptors=[neighbours],
            options=[("grpc.max_receive_message_length", _MESSAGE_BYTES)],
        )
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(TwinServicer(provider), server)
        try:
            port = neighbours.port = server.add_insecure_port(f"{_HOST}:0")
            await server.start()
            started.set_result(port)
            await asyncio.to_thread(stopping.wait)
        finally:
            await server.stop(_STOP_S)

    def main() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(run())
        except BaseException as error:  # noqa: BLE001 - told to whoever waits for the start
            if not started.done():
                started.set_exception(error)
        finally:
            loop.close()

    thread = threading.Thread(target=main, name="twin-provider", daemon=True)
    thread.start()
    try:
        try:
            yield started.result(_START_S)
        except concurrent.futures.TimeoutError as error:
            raise TwinError(f"the provider's server did not start within {_START_S} s") from error
    finally:
        stopping.set()
        thread.join(_STOP_S * 2)
