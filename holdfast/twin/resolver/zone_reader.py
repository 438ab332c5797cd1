"""Reads Route 53's configuration from the control plane in us-east-1.

Everything is read anew each time: it is a handful of requests to a process on this machine.
"""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from holdfast.twin.credentials import Credentials
from holdfast.twin.region_config import GLOBAL_REGION
from holdfast.twin.resolver.zones import (
    NAMESPACE,
    Zone,
    ZoneData,
    parse_health_checks,
    parse_records,
    parse_zone_ids,
)

API = "/2013-04-01"
READ_TIMEOUT_S = 3.0
MOST_PAGES = 100


class UnreadableError(Exception):
    """The control plane did not answer, or not with what was asked."""


class ZoneReader:
    """Reads zones, records and health checks through the region's AWS endpoint.

    Args:
        host: Address of the control plane.
        port: Its port.
        credentials: The twin's key.
    """

    def __init__(self, host: str, port: int, credentials: Credentials) -> None:
        self._host = host
        self._port = port
        key = ReadOnlyCredentials(credentials.key_id, credentials.secret, None)
        self._signer = SigV4Auth(key, "route53", GLOBAL_REGION)

    async def read(self) -> ZoneData:
        """All public zones and all health checks.

        Raises:
            UnreadableError: If the control plane cannot be read within ``READ_TIMEOUT_S``.
        """
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                return await self._read()
        except TimeoutError as error:
            raise UnreadableError(f"no answer within {READ_TIMEOUT_S:g} s") from error
        except (OSError, ValueError, ET.ParseError) as error:
            raise UnreadableError(str(error)) from error

    async def _read(self) -> ZoneData:
        zones: list[Zone] = []
        for root in await self._pages(f"{API}/hostedzone", {"NextMarker": "marker"}):
            for zone_id, name in parse_zone_ids(root):
                next_page = {
                    "NextRecordName": "name",
                    "NextRecordType": "type",
                    "NextRecordIdentifier": "identifier",
                }
                pages = await self._pages(f"{API}/hostedzone/{zone_id}/rrset", next_page)
                records = [record for page in pages for record in parse_records(page, name)]
                zones.append(Zone(name, tuple(records)))
        checks = [
            check
            for page in await self._pages(f"{API}/healthcheck", {"NextMarker": "marker"})
            for check in parse_health_checks(page)
        ]
        return ZoneData(
            tuple(sorted(zones, key=lambda zone: zone.name)),
            {check.id: check for check in sorted(checks, key=lambda check: check.id)},
        )

    async def _pages(self, path: str, following: Mapping[str, str]) -> list[ET.Element]:
        """All pages of a list; ``following`` maps elements of one to parameters of the next."""
        pages: list[ET.Element] = []
        parameters: dict[str, str] = {}
        while len(pages) < MOST_PAGES:
            root = await self._get(f"{path}?{urlencode(parameters)}" if parameters else path)
            pages.append(root)
            if (root.findtext(f"{NAMESPACE}IsTruncated") or "").lower() != "true":
                return pages
            parameters = {
                parameter: text
                for element, parameter in following.items()
                if (text := root.findtext(f"{NAMESPACE}{element}"))
            }
        raise UnreadableError(f"{path} has more than {MOST_PAGES} pages")

    async def _get(self, path: str) -> ET.Element:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        request = self._request(path)
        try:
            writer.write(request.encode("ascii"))
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            if lines[0].split()[1:2] != ["200"]:
                raise UnreadableError(f"{path} was answered with {lines[0]}")
            headers = dict(_header(line) for line in lines[1:] if ":" in line)
            body = await _body(reader, headers)
        except asyncio.IncompleteReadError as error:
            raise UnreadableError(f"the answer to {path} was cut short") from error
        finally:
            writer.close()
        # Written by our own emulator on loopback.
        return ET.fromstring(body)  # noqa: S314

    def _request(self, path: str) -> str:
        asked = AWSRequest("GET", f"http://{self._host}:{self._port}{path}")
        asked.headers["Host"] = f"{self._host}:{self._port}"
        self._signer.add_auth(asked)
        asked.headers["Connection"] = "close"
        headers = "".join(f"{name}: {value}\r\n" for name, value in asked.headers.items())
        return f"GET {path} HTTP/1.1\r\n{headers}\r\n"


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", ""):
        body = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        return body
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    return await reader.read()
