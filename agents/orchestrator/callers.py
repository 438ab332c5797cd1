"""Whom the service answers on the twin, where its port is open to everybody on the machine.

On AWS the same port is public, and what keeps strangers out there (TLS, tokens, a firewall) is
the team's. On somebody's laptop none of that stands before it, so here only processes of the
twin's owner are answered, and no web page that has found the port.
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.contract import Platform
from holdfast.neighbours import is_strange_connection

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Callers:
    """Who is answered.

    Attributes:
        hosts: Names and addresses that requests may be meant for, in lower case.
    """

    hosts: frozenset[str]

    @classmethod
    def of(cls, platform: Platform, address: str) -> "Callers":
        """Those who mean a hostname of the platform, or the address that is listened on."""
        names = [jurisdiction.hostname for jurisdiction in platform.jurisdictions.values()]
        names += [region.ingress.hostname for region in platform.regions.values()]
        return cls(frozenset({address, *(name.lower() for name in names)}))

    def knows(self, connection: socket.socket) -> bool:
        """Whether a connection comes from a process of this user."""
        return not is_strange_connection(connection)

    def objection(self, headers: Mapping[str, str], *, with_body: bool) -> str | None:
        """Why a request is refused that comes from a web page or means somebody else."""
        given = {name.lower(): value for name, value in headers.items()}
        if "origin" in given:
            return "web pages are not served"
        host = given.get("host", "").lower()
        if host.rpartition(":")[0] not in self.hosts and host not in self.hosts:
            return f"this is not {host!r}"
        kind = given.get("content-type", "").partition(";")[0].strip().lower()
        if with_body and kind != JSON:
            return f"Content-Type must be {JSON}"
        return None
