"""Serving an ASGI application on one loopback address, with hypercorn."""

import asyncio
import importlib
from typing import Any

from holdfast.twin.region.emulator import Asgi

_BACKLOG = 512
_KEEP_ALIVE_S = 75


async def serve(app: Asgi, host: str, port: int, stop: asyncio.Event) -> None:
    """Serves until ``stop`` is set.

    Raises:
        OSError: If the port is in use.
    """
    config: Any = importlib.import_module("hypercorn.config").Config()
    config.bind = [f"{host}:{port}"]
    config.backlog = _BACKLOG
    config.keep_alive_timeout = _KEEP_ALIVE_S
    config.graceful_timeout = 0.2
    config.loglevel = "WARNING"
    config.accesslog = None
    hypercorn_serve: Any = importlib.import_module("hypercorn.asyncio").serve
    await hypercorn_serve(app, config, shutdown_trigger=stop.wait, mode="asgi")
