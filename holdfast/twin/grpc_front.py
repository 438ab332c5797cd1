"""The provider over gRPC, so that a real Pulumi engine can attach to it.

Guarantees:
    The server listens on loopback only and ends with its context manager. An error of ours
    reaches the engine as its own sentence, without a traceback.
"""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Awaitable, Iterator
from typing import TypeVar

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from pulumi.provider.experimental.provider import Provider
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime import proto
from pulumi.runtime.proto import provider_pb2_grpc

from holdfast.errors import HoldfastError, TwinError

T = TypeVar("T")

VERSION = "7.51.1"
"""Version of the AWS provider that the twin stands in for."""

_START_S = 30
_STOP_S = 5
_MESSAGE_BYTES = 400 * 1024 * 1024
"""The engine's own limit for one message."""

_Context = grpc.aio.ServicerContext[object, object]


class TwinServicer(ProviderServicer):
    """The SDK's servicer, with what it lacks: ``Attach``, and errors that are one sentence."""

    def __init__(self, provider: Provider) -> None:
        super().__init__([], VERSION, provider, engine_address="")

    async def Attach(self, request: object, context: object) -> empty_pb2.Empty:  # noqa: N802
        """The engine says where it listens. Nothing here calls it back."""
        del request, context
        return empty_pb2.Empty()

    async def Check(  # noqa: N802 - gRPC names its methods so
        self, request: proto.CheckRequest, context: _Context
    ) -> proto.CheckResponse:
        """See ``TwinProvider.check``."""
        return await _one_sentence(super().Check(request, context), context)

    async def Diff(  # noqa: N802
        self, request: proto.DiffRequest, context: _Context
    ) -> proto.DiffResponse:
        """See ``TwinProvider.diff``."""
        return await _one_sentence(super().Diff(request, context), context)

    async def Create(  # noqa: N802
        self, request: proto.CreateRequest, context: _Context
    ) -> proto.CreateResponse:
        """See ``TwinProvider.create``."""
        return await _one_sentence(super().Create(request, context), context)

    async def Read(  # noqa: N802
        self, request: proto.ReadRequest, context: _Context
    ) -> proto.ReadResponse:
        """See ``TwinProvider.read``."""
        return await _one_sentence(super().Read(request, context), context)

    async def Update(  # noqa: N802
        self, request: proto.UpdateRequest, context: _Context
    ) -> proto.UpdateResponse:
        """See ``TwinProvider.update``."""
        return await _one_sentence(super().Update(request, context), context)

    async def Delete(  # noqa: N802
        self, request: proto.DeleteRequest, context: _Context
    ) -> empty_pb2.Empty:
        """See ``TwinProvider.delete``."""
        return await _one_sentence(super().Delete(request, context), context)

    async def Invoke(  # noqa: N802
        self, request: proto.InvokeRequest, context: _Context
    ) -> proto.InvokeResponse:
        """See ``TwinProvider.invoke``."""
        return await _one_sentence(super().Invoke(request, context), context)


async def _one_sentence(answer: Awaitable[T], context: _Context) -> T:
    """An answer, or our error's own text: the SDK adds a traceback that helps nobody."""
    try:
        return await answer
    except Exception as error:
        cause = error if isinstance(error, HoldfastError) else error.__context__
        if isinstance(cause, HoldfastError):
            await context.abort(grpc.StatusCode.UNKNOWN, str(cause))
        raise


@contextlib.contextmanager
def serve(provider: Provider) -> Iterator[int]:
    """Serves a provider on a free loopback port while the context lasts; yields the port.

    Raises:
        TwinError: If the server does not start.
    """
    started: concurrent.futures.Future[int] = concurrent.futures.Future()
    stopping = threading.Event()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        server = grpc.aio.server(options=[("grpc.max_receive_message_length", _MESSAGE_BYTES)])
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(TwinServicer(provider), server)
        try:
            port = server.add_insecure_port("127.0.0.1:0")
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
