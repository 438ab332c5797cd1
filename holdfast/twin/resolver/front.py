"""The name server's wire side: DNS messages over UDP and TCP in, and out (RFC 1035, 6891, 7871).

Queries of other users of this machine get no answer, where the kernel tells whose they are.
Where a query comes from on the map is read from its EDNS client subnet; see
``holdfast.twin.locations``.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address
from typing import cast

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from holdfast.neighbours import Address, is_strange_connection, is_stranger
from holdfast.twin.locations import Place, location_of
from holdfast.twin.resolver.answers import RecordSet, Reply
from holdfast.twin.resolver.zones import Zone

log = logging.getLogger(__name__)

PLAIN_UDP_BYTES = 512
LARGEST_UDP_BYTES = 1232
TCP_IDLE_S = 10.0

Resolve = Callable[[str, str, Place | None], Reply]


class DnsFront:
    """Answers DNS queries on sockets that are already bound."""

    def __init__(self, udp: socket.socket, tcp: socket.socket, resolve: Resolve) -> None:
        self._udp = udp
        self._tcp = tcp
        self._resolve = resolve
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Answers from now on."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Udp(self._resolve), sock=self._udp
        )
        self._server = await asyncio.start_server(self._serve, sock=self._tcp)

    def close(self) -> None:
        """Answers no more."""
        if self._transport is not None:
            self._transport.close()
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = cast("socket.socket", writer.get_extra_info("socket"))
        if is_strange_connection(connection):
            writer.close()
            return
        try:
            while True:
                async with asyncio.timeout(TCP_IDLE_S):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    wire = await reader.readexactly(length)
                reply = answer(wire, self._resolve, most_bytes=65535)
                if reply is None:
                    return
                writer.write(struct.pack("!H", len(reply)) + reply)
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own datagram transport is no subclass of this in Python 3.11.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._transport is None:
            return
        here = cast("Address", self._transport.get_extra_info("sockname"))
        # Silence, not a refusal: nobody is sent what somebody else has asked for in their name.
        if is_stranger(socket.SOCK_DGRAM, addr, here):
            return
        reply = answer(data, self._resolve, most_bytes=None)
        if reply is not None:
            self._transport.sendto(reply, addr)


def answer(wire: bytes, resolve: Resolve, *, most_bytes: int | None) -> bytes | None:
    """The reply to a query; None for what is no query and deserves no answer.

    Args:
        wire: The query.
        resolve: What knows the answers.
        most_bytes: Longest reply; None for what the query says it takes over UDP.
    """
    try:
        query = dns.message.from_wire(wire)
    except dns.exception.DNSException:
        return None
    if query.flags & dns.flags.QR:
        return None
    if most_bytes is None:
        offered = query.payload if query.edns >= 0 else PLAIN_UDP_BYTES
        most_bytes = max(PLAIN_UDP_BYTES, min(offered, LARGEST_UDP_BYTES))
    try:
        reply = dns.message.make_response(query, our_payload=LARGEST_UDP_BYTES)
        _fill(reply, query, resolve)
        return reply.to_wire(max_size=most_bytes, prefer_truncation=True)
    except Exception:
        # One bad query, or a record that is no valid DNS, must not silence the server.
        log.exception("a DNS query failed")
        failure = dns.message.make_response(query)
        failure.set_rcode(dns.rcode.SERVFAIL)
        return failure.to_wire()


def _fill(reply: dns.message.Message, query: dns.message.Message, resolve: Resolve) -> None:
    if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
        reply.set_rcode(dns.rcode.NOTIMP)
        return
    question = query.question[0]
    if question.rdclass != dns.rdataclass.IN:
        reply.set_rcode(dns.rcode.REFUSED)
        return
    subnet = _client_subnet(query)
    place = None if subnet is None else _place(subnet)
    name = question.name.to_text(omit_final_dot=True)
    found = resolve(name, dns.rdatatype.to_text(question.rdtype), place)
    reply.set_rcode(dns.rcode.from_text(found.rcode.value))
    reply.flags |= dns.flags.AA
    for records in found.answers:
        reply.answer.append(_rrset(records))
    if found.zone is not None:
        reply.authority.extend(_soa(found.zone))
    if subnet is not None:
        # The answer is meant for the whole subnet that was asked for.
        scoped = dns.edns.ECSOption(subnet.address, subnet.srclen, subnet.srclen)
        reply.use_edns(0, 0, LARGEST_UDP_BYTES, options=[scoped])


def _client_subnet(query: dns.message.Message) -> dns.edns.ECSOption | None:
    # dnspython leaves the elements of this tuple untyped.
    untyped = query.options  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    options = cast("tuple[dns.edns.Option, ...]", untyped)
    for option in options:
        if isinstance(option, dns.edns.ECSOption):
            return option
    return None


def _place(subnet: dns.edns.ECSOption) -> Place | None:
    try:
        return location_of(IPv4Address(subnet.address))
    except AddressValueError:
        return None


def _rrset(records: RecordSet) -> dns.rrset.RRset:
    return dns.rrset.from_text_list(
        dns.name.from_text(records.name),
        records.ttl_s,
        "IN",
        records.type,
        records.values,
        # Route 53 takes names in record data for absolute, with or without the final dot.
        origin=dns.name.root,
        relativize=False,
    )


def _soa(zone: Zone) -> list[dns.rrset.RRset]:
    """The record by which a negative answer says how long it may be kept."""
    return [
        _rrset(RecordSet(zone.name, "SOA", record.ttl_s, record.values))
        for record in zone.records
        if record.type == "SOA" and record.name == zone.name
    ]
