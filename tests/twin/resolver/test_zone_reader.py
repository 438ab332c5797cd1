"""The control plane is read page by page, and an answer that is none is an error."""

import asyncio
from collections.abc import Mapping

import pytest

from holdfast.twin.credentials import Credentials
from holdfast.twin.resolver import zone_reader
from holdfast.twin.resolver.zone_reader import UnreadableError, ZoneReader
from holdfast.twin.resolver.zones import ZoneData

KEY = Credentials("AKIATWINTESTS", "secret")
XMLNS = 'xmlns="https://route53.amazonaws.com/doc/2013-04-01/"'
ZONE = (
    "<HostedZone><Id>/hostedzone/Z1</Id><Name>example.com.</Name>"
    "<Config><PrivateZone>false</PrivateZone></Config></HostedZone>"
)
RECORD = (
    "<ResourceRecordSet><Name>{}.example.com.</Name><Type>A</Type><TTL>10</TTL>"
    "<ResourceRecords><ResourceRecord><Value>127.0.0.9</Value></ResourceRecord>"
    "</ResourceRecords></ResourceRecordSet>"
)
CHECK = (
    "<HealthCheck><Id>h1</Id><HealthCheckConfig><Type>TCP</Type></HealthCheckConfig></HealthCheck>"
)


def page(body: str, following: str = "") -> bytes:
    truncated = f"<IsTruncated>{'true' if following else 'false'}</IsTruncated>{following}"
    return f"<Response {XMLNS}>{body}{truncated}</Response>".encode()


PAGES = {
    "/2013-04-01/hostedzone": page(ZONE),
    "/2013-04-01/hostedzone/Z1/rrset": page(
        RECORD.format("one"),
        "<NextRecordName>two.example.com.</NextRecordName><NextRecordType>A</NextRecordType>",
    ),
    "/2013-04-01/hostedzone/Z1/rrset?name=two.example.com.&type=A": page(RECORD.format("two")),
    "/2013-04-01/healthcheck": page(CHECK),
}


def read(pages: Mapping[str, bytes], *, chunked: bool = False, wait_s: float = 0.0) -> ZoneData:
    """Reads from a control plane that answers with the given pages."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        await asyncio.sleep(wait_s)
        body = pages.get(head.split()[1])
        if body is None:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        elif chunked:
            size = f"{len(body):x}".encode()
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            writer.write(size + b"\r\n" + body + b"\r\n0\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    async def scenario() -> ZoneData:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            try:
                return await ZoneReader("127.0.0.1", server.sockets[0].getsockname()[1], KEY).read()
            finally:
                # Lets the server close its side.
                await asyncio.sleep(wait_s + 0.02)

    return asyncio.run(scenario())


@pytest.mark.parametrize("chunked", [False, True])
def test_all_pages_of_zones_records_and_checks_are_read(*, chunked: bool) -> None:
    data = read(PAGES, chunked=chunked)
    (zone,) = data.zones
    assert zone.name == "example.com"
    assert [record.name for record in zone.records] == ["one.example.com", "two.example.com"]
    assert set(data.health_checks) == {"h1"}


@pytest.mark.parametrize(
    "pages",
    [
        {},
        {**PAGES, "/2013-04-01/healthcheck": b"<not xml"},
        {**PAGES, "/2013-04-01/hostedzone": page(ZONE, "<NextMarker>Z1</NextMarker>")},
    ],
)
def test_an_answer_that_is_none_is_an_error(pages: Mapping[str, bytes]) -> None:
    with pytest.raises(UnreadableError):
        read(pages)


def test_pages_without_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zone_reader, "MOST_PAGES", 3)
    endless = page(ZONE, "<NextMarker>Z1</NextMarker>")
    paths: list[str] = ["/2013-04-01/hostedzone", "/2013-04-01/hostedzone?marker=Z1"]
    pages = dict.fromkeys(paths, endless)
    with pytest.raises(UnreadableError, match="more than 3 pages"):
        read(pages)


def test_a_silent_control_plane_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zone_reader, "READ_TIMEOUT_S", 0.1)
    with pytest.raises(UnreadableError, match="no answer within"):
        read(PAGES, wait_s=0.3)
