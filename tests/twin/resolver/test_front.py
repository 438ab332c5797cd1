"""DNS on the wire: what comes in as bytes goes out as a correct reply, or not at all."""

import asyncio
import socket
import struct

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.twin.dns_client import make_query
from holdfast.twin.locations import Place
from holdfast.twin.resolver.answers import Rcode, RecordSet, Reply
from holdfast.twin.resolver.front import LARGEST_UDP_BYTES, DnsFront, answer
from holdfast.twin.resolver.zones import Record, Zone

SOA = "ns-1.awsdns-1.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
ZONE = Zone("example.com", (Record(name="example.com", type="SOA", ttl_s=900, values=(SOA,)),))


def resolve(name: str, kind: str, place: Place | None) -> Reply:
    """Answers by the name's first label."""
    match name.partition(".")[0].lower():
        case "where":
            text = f'"{place.name if place else "nowhere"}"'
            return Reply(Rcode.NOERROR, (RecordSet(name, "TXT", 5, (text,)),))
        case "large":
            values = tuple(f'"{number:0200d}"' for number in range(20))
            return Reply(Rcode.NOERROR, (RecordSet(name, "TXT", 5, values),))
        case "broken":
            return Reply(Rcode.NOERROR, (RecordSet(name, "A", 5, ("not an address",)),))
        case "raises":
            raise RuntimeError(kind)
        case _:
            return Reply(Rcode.NXDOMAIN, (), ZONE)


def ask(query: dns.message.Message) -> dns.message.Message:
    wire = answer(query.to_wire(), resolve, most_bytes=None)
    assert wire is not None
    reply = dns.message.from_wire(wire)
    assert query.is_response(reply)
    return reply


def test_the_client_subnet_tells_where_a_query_comes_from() -> None:
    reply = ask(make_query("where.example.com", "lisbon"))
    assert '"lisbon"' in reply.answer[0].to_text()
    assert reply.flags & dns.flags.AA
    option = reply.options[0]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    assert isinstance(option, dns.edns.ECSOption)
    assert option.scopelen == option.srclen == 24


def test_a_query_without_a_subnet_or_with_a_strange_one_comes_from_nowhere() -> None:
    plain = dns.message.make_query("where.example.com", "TXT")
    assert '"nowhere"' in ask(plain).answer[0].to_text()
    for address, bits in (("203.0.113.0", 24), ("2001:db8::", 56)):
        subnet = dns.edns.ECSOption(address, bits)
        strange = dns.message.make_query("where.example.com", "TXT", use_edns=0, options=[subnet])
        assert '"nowhere"' in ask(strange).answer[0].to_text()


def test_a_negative_answer_says_how_long_it_may_be_kept() -> None:
    reply = ask(dns.message.make_query("gone.example.com", "A"))
    assert reply.rcode() == dns.rcode.NXDOMAIN
    assert "SOA" in reply.authority[0].to_text()


@pytest.mark.parametrize("name", ["broken.example.com", "raises.example.com"])
def test_a_record_that_is_no_valid_dns_fails_that_query_alone(name: str) -> None:
    assert ask(dns.message.make_query(name, "A")).rcode() == dns.rcode.SERVFAIL


def test_other_classes_and_operations_are_declined() -> None:
    chaos = dns.message.make_query("version.bind", "TXT", "CH")
    assert ask(chaos).rcode() == dns.rcode.REFUSED
    notify = dns.message.make_query("example.com", "SOA")
    notify.set_opcode(dns.opcode.NOTIFY)
    assert ask(notify).rcode() == dns.rcode.NOTIMP


def test_an_answer_to_nobody_is_never_sent() -> None:
    reply = ask(dns.message.make_query("gone.example.com", "A"))
    assert answer(reply.to_wire(), resolve, most_bytes=None) is None


@given(wire=st.binary(max_size=100))
def test_noise_neither_raises_nor_is_answered_with_data(wire: bytes) -> None:
    reply = answer(wire, resolve, most_bytes=None)
    assert reply is None or not dns.message.from_wire(reply).answer


def test_an_answer_too_large_for_udp_is_cut_and_whole_over_tcp() -> None:
    async def scenario() -> dns.message.Message:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        tcp = socket.create_server(("127.0.0.1", 0))
        front = DnsFront(udp, tcp, resolve)
        host, port = tcp.getsockname()
        await front.start()
        try:
            reader, writer = await asyncio.open_connection(host, port)
            wire = dns.message.make_query("large.example.com", "TXT").to_wire()
            writer.write(struct.pack("!H", len(wire)) + wire)
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            whole = dns.message.from_wire(await reader.readexactly(length))
            writer.close()
            return whole
        finally:
            front.close()
            await asyncio.sleep(0)

    cut = ask(dns.message.make_query("large.example.com", "TXT", use_edns=0, payload=4096))
    assert cut.flags & dns.flags.TC
    assert len(cut.to_wire()) <= LARGEST_UDP_BYTES
    assert len(asyncio.run(scenario()).answer[0]) == 20
