"""One server of each kind for all tests of coordination that need one."""

from collections.abc import Iterator

import pytest

from tests.coordination.postgresql_server import PostgreSqlServer, postgresql
from tests.coordination.servers import emulator


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a DynamoDB server with an empty coordination table."""
    with emulator(tmp_path_factory.mktemp("emulator")) as port:
        yield port


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSqlServer]:
    """A PostgreSQL server with an empty database."""
    with postgresql() as server:
        yield server
