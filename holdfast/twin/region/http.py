"""Serving an ASGI application on one loopback address, with hypercorn."""

import asyncio
import importlib
import socket
from typing import Any

from holdfast.twin.region.incoming import Asgi

_BACKLOG = 512
_KEEP_ALIVE_S = 75
_KEEP_ALIVE_REQUESTS = 1_000_000_000
"""Never: a connection that ends under a client makes it repeat a write that was carried out."""

_GRACE_S = 0.2


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on; they are answered once ``serve`` runs.

    Raises:
        OSError: If the port is in use.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)  # noqa: FBT003 -- its only parameter
    return listener


async def serve(app: Asgi, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serves until ``stop`` is set, and closes the socket."""
    config: Any = importlib.import_module("hypercorn.config").Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.backlog = _BACKLOG
    config.keep_alive_timeout = _KEEP_ALIVE_S
    config.keep_alive_max_requests = _KEEP_ALIVE_REQUESTS
    config.graceful_timeout = _GRACE_S
    config.loglevel = "WARNING"
    config.accesslog = None
    hypercorn_serve: Any = importlib.import_module("hypercorn.asyncio").serve
    await hypercorn_serve(app, config, shutdown_trigger=stop.wait, mode="asgi")
