"""Starts the supervisor so that an interrupted start leaves nothing behind.

The supervisor holds one end of a pipe from its starter. Until the starter says ``keep``, the
end of that pipe ends the supervisor and everything it owns; a twin that is not detached is
never told to keep, so it ends with its starter. The starting itself happens in a thread of its
own, because Ctrl-C is raised in the main thread only, and so can fall between no two of its
steps.
"""

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from holdfast import errors
from holdfast.errors import TwinError
from holdfast.twin.environment import base_environment
from holdfast.twin.plan import TwinRecord
from holdfast.twin.processes import described, last_lines, open_private
from holdfast.twin.room import expect_room

READY_TIMEOUT_S = 90.0
GIVE_UP_TIMEOUT_S = 15.0
POLL_S = 0.05
KEEP = b"keep\n"
_UP = b'{"up":'
SUPERVISOR_LOG = Path("logs") / "supervisor.log"


@dataclass(frozen=True, kw_only=True, slots=True)
class LaunchOptions:
    """How to start a twin; see ``Twin.start``.

    Attributes:
        state_dir: Absolute path of its directory.
        regions: AWS names.
        dns_port: Port on 127.0.0.1 for the resolver, or None for any.
        lag_ms: Replication lag.
        peer_delay_ms: Delay of one message between regions.
        detached: Whether it outlives its starter.
    """

    state_dir: Path
    regions: tuple[str, ...]
    dns_port: int | None
    lag_ms: int
    peer_delay_ms: int
    detached: bool

    def argv(self) -> list[str]:
        """The supervisor's command line."""
        argv = [sys.executable, "-P", "-m", "holdfast.twin.supervisor"]
        argv += ["--state-dir", str(self.state_dir)]
        for region in self.regions:
            argv += ["--region", region]
        if self.dns_port is not None:
            argv += ["--dns-port", str(self.dns_port)]
        return [*argv, "--lag-ms", str(self.lag_ms), "--peer-delay-ms", str(self.peer_delay_ms)]


@dataclass(slots=True)
class Launched:
    """A supervisor that is ready, and the pipe it watches."""

    record: TwinRecord
    process: "subprocess.Popen[bytes]"
    pipe: IO[bytes] | None

    def keep(self) -> None:
        """Lets the supervisor outlive its starter from now on."""
        if self.pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                self.pipe.write(KEEP)
            self.release()

    def release(self) -> None:
        """Closes the pipe: a supervisor that was not told to keep ends."""
        if self.pipe is not None:
            self.pipe.close()
            self.pipe = None


class _Starter:
    """One attempt to start a supervisor, in a thread of its own."""

    def __init__(self, options: LaunchOptions, on_region: Callable[[str], None]) -> None:
        self._options = options
        self._on_region = on_region
        self._cancelled = threading.Event()
        # Not Thread.join: in Python 3.11, a Ctrl-C in it makes a running thread look ended.
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="twin-start")
        self._launched: Launched | None = None
        self._error: BaseException | None = None

    def run(self) -> Launched:
        """Starts the supervisor and waits until it is ready."""
        try:
            self._thread.start()
            self._done.wait()
            return self._commit(self._outcome())
        except BaseException:
            self._cancelled.set()
            # Whether the thread has begun is not known when the interrupt fell into start();
            # one that begins from here on sees the cancellation before it does anything.
            if self._thread.ident is not None:
                self._done.wait(GIVE_UP_TIMEOUT_S)
            if self._launched is not None:
                _end(self._launched.process)
            raise

    def _outcome(self) -> Launched:
        if self._error is not None:
            raise self._error
        if self._launched is None:
            raise TwinError("the start of the twin was cancelled; start it again")
        return self._launched

    def _commit(self, launched: Launched) -> Launched:
        """Hands the twin over. From here on it is the caller's to stop."""
        # Reaps the supervisor whenever it ends, so that it leaves no zombie.
        threading.Thread(target=launched.process.wait, name="twin-reaper", daemon=True).start()
        launched.pipe = launched.process.stdin
        if self._options.detached:
            launched.keep()
        return launched

    def _run(self) -> None:
        try:
            self._start()
        finally:
            self._done.set()

    def _start(self) -> None:
        process: subprocess.Popen[bytes] | None = None
        try:
            if self._cancelled.is_set():
                return
            process = self._popen()
            record = self._await_ready(process)
            if record is not None:
                self._launched = Launched(record, process, None)
                return
        except BaseException as error:  # noqa: BLE001 - raised again in the starting thread
            self._error = error
        if process is not None:
            _end(process)

    def _popen(self) -> "subprocess.Popen[bytes]":
        options = self._options
        log = options.state_dir / SUPERVISOR_LOG
        try:
            options.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            log.parent.mkdir(mode=0o700, exist_ok=True)
            with open_private(log) as output:
                return subprocess.Popen(
                    options.argv(),
                    env=base_environment(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=output,
                    bufsize=0,
                    # Ctrl-C in a terminal goes to its foreground group: not to the twin.
                    start_new_session=True,
                )
        except OSError as error:
            raise TwinError(
                f"the twin cannot start in {options.state_dir}: {error}. "
                "Name a --state-dir that can be written."
            ) from error

    def _await_ready(self, process: "subprocess.Popen[bytes]") -> TwinRecord | None:
        """The record of the ready twin; None when the start was cancelled meanwhile."""
        answer = _Answer(process, self._on_region)
        deadline_s = time.monotonic() + READY_TIMEOUT_S
        while not answer.done.wait(POLL_S):
            if self._cancelled.is_set():
                return None
            if time.monotonic() > deadline_s:
                raise TwinError(
                    f"the twin in {self._options.state_dir} was not ready within "
                    f"{READY_TIMEOUT_S:.0f} s; its last words: {self._last_words()}. "
                    "Start it with fewer regions or on a machine that is less busy."
                )
        return self._record_in(answer.line, process)

    def _record_in(self, line: bytes, process: "subprocess.Popen[bytes]") -> TwinRecord:
        if not line.endswith(b"\n"):
            code = process.wait(GIVE_UP_TIMEOUT_S)
            if code == 0:
                raise TwinError(
                    f"the twin in {self._options.state_dir} was told to end while it started, by "
                    "`holdfast twin down` for example. Start it again."
                )
            raise TwinError(
                f"the twin's supervisor ended with {described(code)} before it was ready; "
                f"its last words: {self._last_words()}."
            )
        message: dict[str, object] = json.loads(line)
        if "error" in message:
            process.wait(GIVE_UP_TIMEOUT_S)
            kind = getattr(errors, str(message["kind"]), TwinError)
            raise kind(str(message["error"]))
        return TwinRecord.model_validate(message["ready"])

    def _last_words(self) -> str:
        log = self._options.state_dir / SUPERVISOR_LOG
        return f"{last_lines(log) or 'none'} (in {log})"


class _Answer:
    """Reads a supervisor's last line in a thread, so that the wait for it can be cut short."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", on_region: Callable[[str], None]
    ) -> None:
        self.line = b""
        self.done = threading.Event()
        self._output = process.stdout
        self._on_region = on_region
        threading.Thread(target=self._read, name="twin-start-read", daemon=True).start()

    def _read(self) -> None:
        try:
            if self._output is not None:
                while (line := self._output.readline()).startswith(_UP):
                    self._on_region(str(json.loads(line)["up"]))
                self.line = line
                self._output.close()
        finally:
            self.done.set()


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ends a supervisor that nobody will use, and waits until it is gone."""
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(GIVE_UP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def launch(options: LaunchOptions, on_region: Callable[[str], None]) -> Launched:
    """Starts a supervisor and waits until its twin is ready.

    Args:
        options: How.
        on_region: Told of each region that has come up, from another thread.

    Raises:
        PortInUseError: If a requested port is taken.
        TwinError: If there is no room for it, a twin runs there already, or this one does not
            become ready.
    """
    expect_room(options.state_dir, region_count=len(options.regions))
    return _Starter(options, on_region).run()
