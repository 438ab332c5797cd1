"""Ports for servers that tests start in processes of their own."""

import random
import socket
from contextlib import ExitStack

# Below the range from which systems take the ports of outgoing connections: one from that range
# could be lent to any client on the machine before the server has started.
_PORTS = range(20000, 32000)
_ATTEMPTS = 200


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Ports on which nobody listens, each another."""
    found: list[int] = []
    with ExitStack() as held:
        for port in random.sample(_PORTS, _ATTEMPTS):
            if len(found) == count:
                break
            probe = held.enter_context(socket.socket())
            # What a server that ended a moment ago left behind does not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                probe.listen()
            except OSError:
                continue
            found.append(port)
    assert len(found) == count, f"no {count} ports are free on {host}"
    return found
