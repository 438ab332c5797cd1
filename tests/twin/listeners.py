"""Every socket on which a process of a twin takes something, found by asking the kernel."""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TCP_LISTENS = "0A"
_UDP_OPEN = "07"


@dataclass(frozen=True, order=True)
class Listener:
    """An address that is listened on, and the process that does."""

    kind: str
    host: str
    port: int
    pid: int


def tree(root: int) -> list[int]:
    """A process and everything that descends from it."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def listeners(root: int) -> list[Listener]:
    """Where a process and its descendants take connections and datagrams."""
    owners = {inode: pid for pid in tree(root) for inode in _sockets(pid)}
    found = {
        Listener(table.rstrip("6"), host, port, owners[inode])
        for table, state in (("tcp", _TCP_LISTENS), ("tcp6", _TCP_LISTENS), ("udp", _UDP_OPEN),
                             ("udp6", _UDP_OPEN))
        for host, port, inode in _rows(table, state)
        if inode in owners
    }  # fmt: skip
    found |= {
        Listener("unix", path, 0, owners[inode]) for path, inode in _unix() if inode in owners
    }
    return sorted(found)


def _sockets(pid: int) -> Iterator[str]:
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return
    for descriptor in descriptors:
        try:
            found = re.fullmatch(r"socket:\[(\d+)\]", str(descriptor.readlink()))
        except OSError:
            continue
        if found:
            yield found[1]


def _rows(table: str, state: str) -> Iterator[tuple[str, int, str]]:
    for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
        fields = line.split()
        # A datagram socket that is connected to somebody hears nobody else.
        if fields[3] != state or not fields[2].endswith(":0000"):
            continue
        address, _, port = fields[1].rpartition(":")
        words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
        family = socket.AF_INET6 if len(words) > 1 else socket.AF_INET
        yield socket.inet_ntop(family, b"".join(words)), int(port, 16), fields[9]


def _unix() -> Iterator[tuple[str, str]]:
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "00010000":
            yield fields[7] if len(fields) > 7 else "", fields[6]
