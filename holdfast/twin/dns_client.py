"""A user's resolver: asks the twin's name server and keeps answers as long as their TTL says.

Each virtual user of a drill has one of its own, so that the effect of a long TTL is seen as
users would see it.

Guarantees:
    Each record on the way to an address is used for at most its own TTL, counted from when it
    arrived, and asked for anew after that (RFC 1034). A TTL of 0 is never kept.

Does not guarantee:
    Anything about negative answers: they are not kept.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
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
LONGEST_WAY = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """Where a name leads.

    Attributes:
        name: What was asked for.
        address: IPv4 address.
        ttls_s: How long the record of each name in ``chain`` may be kept from when it arrived.
        chain: The names on the way, the one asked for first, the one with the address last.
        cached: Whether it was kept from an earlier query.
    """

    name: str
    address: str
    ttls_s: tuple[int, ...]
    chain: tuple[str, ...]
    cached: bool

    @property
    def ttl_s(self) -> int:
        """How long the answer as a whole is sure to hold: the smallest TTL on the way."""
        return min(self.ttls_s)


@dataclass(frozen=True, slots=True)
class _Record:
    """A CNAME or an address, and how long it may be kept."""

    leads_to: str
    is_address: bool
    ttl_s: int
    until_s: float


class DnsCache:
    """Records by name and location, each until its own TTL is over. Knows no clock.

    So a long TTL of the first name on a way holds its users there, however short the later ones.
    """

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], _Record] = {}

    def get(self, name: str, location: str, now_s: float) -> Answer | None:
        """What the kept records answer, or None when one on the way is missing or over."""
        chain, ttls_s, address = self._follow(name, location, now_s)
        return None if address is None else Answer(name, address, ttls_s, chain, cached=True)

    def way(
        self, name: str, location: str, now_s: float
    ) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """How far kept CNAMEs lead: names, of which the last must be asked for, and their TTLs."""
        chain, ttls_s, _ = self._follow(name, location, now_s)
        return chain, ttls_s

    def put(self, location: str, answer: Answer, now_s: float) -> None:
        """Keeps the records of an answer that arrived now."""
        targets = (*answer.chain[1:], answer.address)
        for name, target, ttl_s in zip(answer.chain, targets, answer.ttls_s, strict=True):
            self._records[name, location] = _Record(
                target, target == answer.address, ttl_s, now_s + ttl_s
            )

    def _follow(
        self, name: str, location: str, now_s: float
    ) -> tuple[tuple[str, ...], tuple[int, ...], str | None]:
        chain, ttls_s = [name], list[int]()
        while True:
            record = self._records.get((chain[-1], location))
            # A name that leads back to itself was refused when it arrived; this is a bound.
            if record is None or now_s >= record.until_s or len(chain) > LONGEST_WAY:
                return tuple(chain), tuple(ttls_s), None
            ttls_s.append(record.ttl_s)
            if record.is_address:
                return tuple(chain), tuple(ttls_s), record.leads_to
            chain.append(record.leads_to)


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
        way = self._way(name, location)
        query = make_query(way[0][-1], location)
        for _ in range(ATTEMPTS):
            reply = self._exchange(query)
            if reply is not None:
                return self._keep(location, way, read_reply(way[0][-1], reply))
        raise self._silent(name)

    async def aresolve(self, name: str, location: str) -> Answer:
        """As ``resolve``, without blocking the event loop.

        Raises:
            TwinError: If the location is unknown, the server is silent, or it has no address.
        """
        kept = self._kept(name, location)
        if kept is not None:
            return kept
        way = self._way(name, location)
        query = make_query(way[0][-1], location)
        for _ in range(ATTEMPTS):
            reply = await _aexchange(self._server, query)
            if reply is not None:
                return self._keep(location, way, read_reply(way[0][-1], reply))
        raise self._silent(name)

    def _kept(self, name: str, location: str) -> Answer | None:
        return None if self._cache is None else self._cache.get(name, location, self._clock())

    def _way(self, name: str, location: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
        if self._cache is None:
            return (name,), ()
        return self._cache.way(name, location, self._clock())

    def _keep(
        self, location: str, way: tuple[tuple[str, ...], tuple[int, ...]], answer: Answer
    ) -> Answer:
        if self._cache is not None:
            self._cache.put(location, answer, self._clock())
        names, ttls_s = way
        return Answer(
            name=names[0],
            address=answer.address,
            ttls_s=(*ttls_s, *answer.ttls_s),
            chain=(*names[:-1], *answer.chain),
            cached=False,
        )

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
            return Answer(name, values[0], tuple(ttls), tuple(chain), cached=False)
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
