import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _an_output_in_a_string_is_an_error() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "PULUMI_ERROR_OUTPUT_STRING", "1")
        yield
