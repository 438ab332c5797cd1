"""What holds for the tests of the command line."""

import pytest

from holdfast.cli import bytecode


@pytest.fixture(autouse=True)
def _own_cache_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command would keep its modules elsewhere from then on, for every later test as well."""
    monkeypatch.setattr(bytecode, "keep", lambda: None)
