"""A user's resolver: asks the twin's name server and keeps answers as long as their TTL says.

Each virtual user of a drill has one of its own, so that the effect of a long TTL is seen as
users would see it.

Guarantees:
    An answer is used for at most the smallest TTL of the records on its way, counted from when
    it arrived. A TTL of 0 is never kept.

Does not guarantee:
    Anything about negative answers: they are not kept.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self, cast

import dns.edns
import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

from holdfast.errors import TwinError
from holdfast.twin.locations import SUBNETS, location

ATTEMPTS = 3
ATTEMPT_TIMEOUT_S = 1.0
LARGEST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Answer:
    """Where a name leads.

    Attributes:
        name: What was asked for.
        address: IPv4 address.
        ttl_s: How long the answer may be kept from when it arrived: the smallest TTL of the
            records on the way.
        chain: The names on the way, the one asked for first, the one with the address last.
        cached: Whether it was kept from an earlier query.
    """

    name: str
    address: str
    ttl_s: int
    chain: tuple[str, ...]
    cached: bool


class DnsCache:
    """Answers by name and location, each until its TTL is over. Knows no clock."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[float, Answer]] = {}

    def get(self, name: str, location: str, now_s: float) -> Answer | None:
        """The kept answer, or None when there is none or its time is over."""
        kept = self._kept.get((name, location))
        if kept is None or now_s >= kept[0]:
            return None
        return replace(kept[1], cached=True)

    def put(self, location: str, answer: Answer, now_s: float) -> None:
        """Keeps an answer that arrived now."""
        self._kept[answer.name, location] = (now_s + answer.ttl_s, answer)


class DnsClient:
    """Resolves names through the twin's name server.

    Not for several threads or tasks at once: each user has a client of its own.

    Args:
        server: Address and UDP port of the name server.
        cached: Whether answers are kept for their TTL.
        clock: Monotonic clock in seconds, for the cache.
    """

    def __init__(
        self,
        server: tuple[str, int],
        *,
        cached: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._cache = DnsCache() if cached else None
        self._clock = clock
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the socket; the cache stays."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def resolve(self, name: str, location: str) -> Answer:
        """The address of a name for a user at a location.

        Args:
            name: Hostname.
            location: A name from ``holdfast.twin.locations``.

        Raises:
            TwinError: If the location is unknown, the server is silent, or it has no address.
        """
        kept = self._kept(name, location)
        if kept is not None:
            return kept
        query = make_query(name, location)
        for _ in range(ATTEMPTS):
            reply = self._exchange(query)
            if reply is not None:
                return self._keep(location, read_reply(name, reply))
        raise self._silent(name)

    async def aresolve(self, name: str, location: str) -> Answer:
        """As ``resolve``, without blocking the event loop.

        Raises:
            TwinError: If the location is unknown, the server is silent, or it has no address.
        """
        kept = self._kept(name, location)
        if kept is not None:
            return kept
        query = make_query(name, location)
        for _ in range(ATTEMPTS):
            reply = await _aexchange(self._server, query)
            if reply is not None:
                return self._keep(location, read_reply(name, reply))
        raise self._silent(name)

    def _kept(self, name: str, location: str) -> Answer | None:
        return None if self._cache is None else self._cache.get(name, location, self._clock())

    def _keep(self, location: str, answer: Answer) -> Answer:
        if self._cache is not None:
            self._cache.put(location, answer, self._clock())
        return answer

    def _exchange(self, query: dns.message.Message) -> dns.message.Message | None:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.connect(self._server)
        deadline_s = time.monotonic() + ATTEMPT_TIMEOUT_S
        try:
            self._socket.send(query.to_wire())
            while (remaining_s := deadline_s - time.monotonic()) > 0:
                self._socket.settimeout(remaining_s)
                reply = _parse(query, self._socket.recv(LARGEST_BYTES))
                # A late answer to an earlier attempt is not the one that is waited for.
                if reply is not None:
                    return reply
        except OSError:
            return None
        return None

    def _silent(self, name: str) -> TwinError:
        host, port = self._server
        return TwinError(
            f"the twin's name server at {host}:{port} did not answer for {name} in {ATTEMPTS} "
            "attempts. Look at `holdfast twin status`."
        )


def make_query(name: str, place: str) -> dns.message.Message:
    """A query for the address of a name from a location.

    Raises:
        TwinError: If the location is unknown or the name is no hostname.
    """
    subnet = SUBNETS[location(place).name]
    option = dns.edns.ECSOption(str(subnet.network_address), subnet.prefixlen)
    try:
        return dns.message.make_query(
            name, dns.rdatatype.A, use_edns=0, payload=LARGEST_BYTES, options=[option]
        )
    except dns.exception.DNSException as error:
        raise TwinError(f"{name!r} is no hostname: {error}") from error


def read_reply(name: str, reply: dns.message.Message) -> Answer:
    """The address in a reply.

    Raises:
        TwinError: If it holds none.
    """
    chain = [name]
    ttls: list[int] = []
    for records in reply.answer:
        ttls.append(records.ttl)
        values = [str(value).rstrip(".") for value in cast("Iterable[object]", records)]
        if records.rdtype == dns.rdatatype.A:
            return Answer(name, values[0], min(ttls), tuple(chain), cached=False)
        if records.rdtype == dns.rdatatype.CNAME:
            chain.append(values[0])
    raise TwinError(
        f"{name} has no address ({dns.rcode.to_text(reply.rcode())}; way: {' -> '.join(chain)}). "
        "Look at the dns part of `holdfast twin status` for records the twin refuses."
    )


def _parse(query: dns.message.Message, wire: bytes) -> dns.message.Message | None:
    try:
        reply = dns.message.from_wire(wire)
    except dns.exception.DNSException:
        return None
    return reply if query.is_response(reply) else None


class _Exchange(asyncio.DatagramProtocol):
    def __init__(self, query: dns.message.Message) -> None:
        self._query = query
        self.reply: asyncio.Future[dns.message.Message] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002
        reply = _parse(self._query, data)
        if reply is not None and not self.reply.done():
            self.reply.set_result(reply)


async def _aexchange(
    server: tuple[str, int], query: dns.message.Message
) -> dns.message.Message | None:
    loop = asyncio.get_running_loop()
    transport, exchange = await loop.create_datagram_endpoint(
        lambda: _Exchange(query), remote_addr=server
    )
    try:
        transport.sendto(query.to_wire())
        async with asyncio.timeout(ATTEMPT_TIMEOUT_S):
            return await exchange.reply
    except TimeoutError:
        return None
    finally:
        transport.close()
