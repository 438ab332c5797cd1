"""What the caller needs elsewhere (a proxy, a profile) does not lead away from the twin."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from holdfast.twin.provider.cloud import Cloud


class _ListsOneTable(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = b'{"TableNames": ["table"]}'
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), _ListsOneTable) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


FOREIGN = [
    ("HTTP_PROXY", "http://127.0.0.1:9"),
    ("http_proxy", "http://127.0.0.1:9"),
    ("AWS_PROFILE", "of-another-machine"),
    ("AWS_CONFIG_FILE", __file__),
    ("AWS_SHARED_CREDENTIALS_FILE", __file__),
    ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "value"), FOREIGN, ids=[name for name, _ in FOREIGN])
def test_the_callers_environment_does_not_matter(
    endpoint: str, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    cloud = Cloud(lambda _region: endpoint)
    assert cloud.call("dynamodb", "eu-west-1", "list_tables", {}).texts("TableNames") == ["table"]
