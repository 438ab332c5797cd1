"""The policy pack's process: started, spoken to within bounds, and always reaped.

Guarantees:
    The process has ended when the context is left, whatever happened inside, and (where the
    system can) with this process, even when that is killed. Every wait is bounded. A pack that
    does not start, or that ends early, raises with what it printed. It may print as much as it
    likes: that goes to files, not to a pipe that nobody reads.
"""

import os
import subprocess
import time
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2

from holdfast.errors import PolicyRunError
from holdfast.graph.loopback import DIRECT, environment_without_proxy
from holdfast.orphans import tied

_MAX_MESSAGE_BYTES = 400 * 1024 * 1024
_STOP_S = 2.0
_LOOK_EVERY_S = 0.01
_LINE_BYTES = 4096


class PackProcess:
    """A pack that has been started, and is waited for when it is first needed.

    Attributes:
        path: The pack's directory.
    """

    def __init__(
        self,
        path: Path,
        process: "subprocess.Popen[bytes]",
        printed: IO[bytes],
        log: IO[bytes],
        deadline: float,
    ) -> None:
        self.path = path
        self._process = process
        self._printed = printed
        self._log = log
        self._deadline = deadline

    @cached_property
    def channel(self) -> grpc.Channel:
        """Connection to the pack.

        Raises:
            PolicyRunError: If it was not ready in time.
        """
        port = self._port()
        options = [("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES), DIRECT]
        return grpc.insecure_channel(f"127.0.0.1:{port}", options=options)

    def explain(self, what: str) -> PolicyRunError:
        """An error that says what went wrong, and what the pack printed meanwhile."""
        state = self._process.poll()
        ended = "" if state is None else f" It ended with exit code {state}."
        return PolicyRunError(f"{what}{ended}{_tail(self._log)}")

    def _port(self) -> int:
        """The first line that a pack prints is its port."""
        while True:
            ended = self._process.poll() is not None
            line, newline, _ = os.pread(self._printed.fileno(), _LINE_BYTES, 0).partition(b"\n")
            if newline:
                break
            if ended or time.monotonic() > self._deadline:
                why = "ended before it was ready" if ended else "was not ready in time"
                raise PolicyRunError(
                    f"the policy pack {self.path} {why}. Allowed is a pack that prints its port "
                    f"first; run `python -m pulumi.policy 127.0.0.1:1 {self.path}` to see why."
                    f"{_tail(self._log)}"
                )
            time.sleep(_LOOK_EVERY_S)
        text = line.decode("utf-8", "replace").strip()
        if not text.isdigit():
            raise PolicyRunError(
                f"the policy pack {self.path} printed {text!r} before its port. Allowed is "
                f"nothing; remove the print."
            )
        return int(text)

    def close(self) -> None:
        """Closes the connection and ends the process."""
        if "channel" in self.__dict__:
            self.channel.close()
        _reap(self._process)


@contextmanager
def started(path: Path, environment: Mapping[str, str], timeout_s: float) -> Generator[PackProcess]:
    """Starts a policy pack and ends it again. Does not wait for it to be ready.

    Args:
        path: Directory that holds ``PulumiPolicy.yaml``.
        environment: Variables for it, besides this process's own.
        timeout_s: How long it may take to be ready.

    Raises:
        PolicyRunError: If there is no pack.
    """
    if not (path / "PulumiPolicy.yaml").is_file():
        raise PolicyRunError(
            f"{path} holds no PulumiPolicy.yaml. Allowed is the directory of a Python policy "
            f"pack; pass that directory."
        )
    with _engine() as address, TemporaryFile() as printed, TemporaryFile() as log:
        argv = tied("pulumi.policy", address, str(path))
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=log,
            # What rules say of themselves are docstrings, which a 2 here would take away.
            env={**environment_without_proxy(), "PYTHONOPTIMIZE": "", **environment},
            start_new_session=True,
        )
        pack = PackProcess(path, process, printed, log, time.monotonic() + timeout_s)
        try:
            yield pack
        finally:
            pack.close()


def _reap(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(log: IO[bytes], size: int = 2000) -> str:
    log.seek(0, os.SEEK_END)
    log.seek(max(0, log.tell() - size))
    text = log.read().decode("utf-8", "replace").strip()
    return f" It printed:\n{text}" if text else ""


@contextmanager
def _engine() -> Generator[str]:
    """Serves the few calls that a pack may make to the engine: log messages.

    Yields:
        Its address on loopback.
    """
    handlers = {
        "Log": grpc.unary_unary_rpc_method_handler(
            _ignore,
            request_deserializer=engine_pb2.LogRequest.FromString,
            response_serializer=empty_pb2.Empty.SerializeToString,
        )
    }
    with ThreadPoolExecutor(max_workers=1) as executor:
        server = grpc.server(executor)
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("pulumirpc.Engine", handlers),)
        )
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(None).wait(_STOP_S)


def _ignore(_request: engine_pb2.LogRequest, _context: grpc.ServicerContext) -> empty_pb2.Empty:
    return empty_pb2.Empty()
