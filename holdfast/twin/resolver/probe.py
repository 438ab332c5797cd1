"""One probe of a health checker: connect, ask, look at the answer.

Timeouts are Route 53's (Developer Guide, "How Amazon Route 53 determines whether a health
check is healthy"): HTTP and HTTPS connect within 4 s and answer with a status of 200 to 399
within 2 s after that; for a string match the text is in the first 5,120 bytes of a body that
arrives within another 2 s; TCP connects within 10 s.

Limits:
    HTTPS is probed as plain HTTP: nothing in the twin holds a certificate.
"""

import asyncio
import os
from dataclasses import dataclass

HTTP_CONNECT_TIMEOUT_S = 4.0
HTTP_STATUS_TIMEOUT_S = 2.0
HTTP_BODY_TIMEOUT_S = 2.0
TCP_CONNECT_TIMEOUT_S = 10.0
SEARCHED_BYTES = 5120
LONGEST_HEADER_BYTES = 65536
HEALTHY_STATUS = range(200, 400)


@dataclass(frozen=True, slots=True)
class Target:
    """What to probe.

    Attributes:
        type: Of the health check, such as ``HTTP``.
        address: IPv4 address.
        port: TCP port.
        host: Host header.
        path: HTTP path.
        search: Text that the body must hold, for string matches.
        user_agent: How the checker introduces itself.
    """

    type: str
    address: str
    port: int
    host: str
    path: str
    search: str
    user_agent: str


async def probe(target: Target) -> str:
    """Probes once: "" when the endpoint passed, else why it failed. Takes at most 10 s."""
    tcp_only = target.type == "TCP"
    limit_s = TCP_CONNECT_TIMEOUT_S if tcp_only else HTTP_CONNECT_TIMEOUT_S
    try:
        async with asyncio.timeout(limit_s):
            reader, writer = await asyncio.open_connection(
                target.address, target.port, limit=LONGEST_HEADER_BYTES
            )
    except TimeoutError:
        return f"no connection within {limit_s:g} s"
    except OSError as error:
        return f"no connection: {os.strerror(error.errno) if error.errno else error}"
    try:
        return "" if tcp_only else await _ask(target, reader, writer)
    except (OSError, ValueError) as error:
        return f"the connection failed: {error}"
    finally:
        writer.close()


async def _ask(target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    request = (
        f"GET {target.path} HTTP/1.1\r\nHost: {target.host}\r\n"
        f"User-Agent: {target.user_agent}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
    try:
        async with asyncio.timeout(HTTP_STATUS_TIMEOUT_S):
            writer.write(request.encode("ascii"))
            words = (await reader.readline()).split()
    except TimeoutError:
        return f"no status within {HTTP_STATUS_TIMEOUT_S:g} s"
    if len(words) < 2 or not words[1].isdigit():  # noqa: PLR2004 - version and status
        return "the answer is not HTTP"
    if int(words[1]) not in HEALTHY_STATUS:
        return f"status {int(words[1])}"
    if target.type.endswith("STR_MATCH"):
        return await _search(target, reader)
    return ""


async def _search(target: Target, reader: asyncio.StreamReader) -> str:
    body = b""
    try:
        async with asyncio.timeout(HTTP_BODY_TIMEOUT_S):
            while (await reader.readline()).strip():
                pass
            while len(body) < SEARCHED_BYTES:
                chunk = await reader.read(SEARCHED_BYTES - len(body))
                if not chunk:
                    break
                body += chunk
    except TimeoutError:
        # What has arrived by then is what is searched.
        pass
    found = target.search.encode() in body
    return "" if found else f"{target.search!r} is not in the first {SEARCHED_BYTES} bytes"
