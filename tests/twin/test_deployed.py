"""What agents find of a stack that was deployed to a twin."""

import http.server
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from unittest.mock import Mock

import pytest

from holdfast.errors import TwinError
from holdfast.twin.client import Twin
from holdfast.twin.deployed import CONTRACT_FILE, load_contract, save_contract, serves, url_of
from tests.contract.platforms import platform


def test_the_contract_is_kept_for_its_owner_alone_and_found_again(tmp_path: Path) -> None:
    file = save_contract(tmp_path, platform())
    assert file == tmp_path / CONTRACT_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert load_contract(tmp_path) == platform()


@pytest.mark.parametrize(
    ("text", "told"),
    [(None, "nothing is deployed .*twin up"), ("", "cannot be used"), ("{}", "cannot be used")],
)
def test_without_a_contract_it_is_said_how_to_come_by_one(
    tmp_path: Path, text: str | None, told: str
) -> None:
    if text is not None:
        (tmp_path / CONTRACT_FILE).write_text(text)
    with pytest.raises(TwinError, match=told) as caught:
        load_contract(tmp_path)
    assert "\n" not in str(caught.value)


class _Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Says nothing."""


def at(port: int) -> Twin:
    """A twin whose regions all are at one port."""
    return cast("Twin", SimpleNamespace(address=Mock(return_value="127.0.0.1"), ingress_port=port))


def test_a_region_serves_when_its_health_path_says_so() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _Health) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        twin = at(server.server_port)
        try:
            assert url_of(twin, "us-east-1") == f"http://127.0.0.1:{server.server_port}"
            assert serves(twin, "us-east-1", "/healthz")
            assert not serves(twin, "us-east-1", "/other")
        finally:
            server.shutdown()
            thread.join()
    assert not serves(twin, "us-east-1", "/healthz")
