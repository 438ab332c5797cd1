from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.twin.region.regions import Regions


@pytest.fixture
def us(tmp_path: Path) -> Iterator[Regions]:
    """Fresh servers of a jurisdiction, for tests that break them."""
    regions = Regions(tmp_path)
    try:
        regions.start()
        yield regions
    finally:
        regions.stop()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Regions]:
    """Servers for tests that leave them whole; each test makes tables of its own."""
    regions = Regions(tmp_path_factory.mktemp("regions"))
    try:
        regions.start()
        yield regions
    finally:
        regions.stop()
