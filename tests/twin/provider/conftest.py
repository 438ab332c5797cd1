from collections.abc import Iterator

import pytest

from holdfast.twin.provider.cloud import Cloud
from tests.twin.provider.emulators import emulators

REGIONS = ("us-east-1", "us-west-2")


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """Plain emulators of two regions, shared by the tests that need real ones."""
    with emulators(REGIONS) as found:
        yield found
