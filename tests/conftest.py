"""What holds for every test."""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests import dynamodb_local as aws

# These machines are shared and noisy: how long an example takes says nothing about the code.
settings.register_profile("holdfast", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("holdfast")

# A shell starts what runs in its background with Ctrl-C ignored, and so would every process that
# a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What a user, a terminal or a CI service happens to have set changes nothing: neither where
# requests go nor how wide and colourful the output is.
_FOREIGN = ("AWS_", "HOLDFAST_", "MINISTACK_", "COLUMNS", "LINES", "TTY_")
_COLOURS = {"FORCE_COLOR", "NO_COLOR", "PY_COLORS", "GITHUB_ACTIONS"}
for _name in list(os.environ):
    if _name.startswith(_FOREIGN) or _name in _COLOURS or _name.lower().endswith("_proxy"):
        del os.environ[_name]


@pytest.fixture(scope="session")
def dynamodb_local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of AWS's DynamoDB Local, for every test of a session that names its own tables."""
    try:
        aws.libraries()
    except aws.UnavailableError as error:
        pytest.skip(f"DynamoDB Local: {error}")
    with aws.running(tmp_path_factory.mktemp("dynamodb_local")) as port:
        yield port


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the files that take minutes first: one that came last would keep one worker alone."""
    marks = ("engine", "slow")
    first = {mark: {item.path for item in items if item.get_closest_marker(mark)} for mark in marks}
    items.sort(key=lambda item: [item.path not in first[mark] for mark in marks])
