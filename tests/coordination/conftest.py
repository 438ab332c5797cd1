"""One server of each kind for all tests of coordination that need one."""

from collections.abc import Iterator

import pytest

from tests import dynamodb_local as aws
from tests.coordination.postgresql_server import PostgreSqlServer, postgresql
from tests.coordination.servers import TABLE, create_table, emulator


@pytest.fixture(scope="session")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The port of a DynamoDB with an empty coordination table: the strictest that there is."""
    try:
        aws.libraries()
    except aws.UnavailableError:
        with emulator(tmp_path_factory.mktemp("emulator")) as port:
            yield port
    else:
        local: int = request.getfixturevalue("dynamodb_local")
        create_table(local, TABLE)
        yield local


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSqlServer]:
    """A PostgreSQL server with an empty database."""
    with postgresql() as server:
        yield server
