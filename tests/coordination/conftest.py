"""One emulator for all tests of coordination that need a server."""

from collections.abc import Iterator

import pytest

from tests.coordination.servers import emulator


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a DynamoDB server with an empty coordination table."""
    with emulator(tmp_path_factory.mktemp("emulator")) as port:
        yield port
