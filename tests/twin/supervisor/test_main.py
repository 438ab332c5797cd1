"""The supervisor's command line."""

import pytest

from holdfast.errors import TwinError
from holdfast.twin.supervisor.__main__ import parse


def test_the_region_of_the_global_control_planes_is_always_there() -> None:
    options = parse(["--state-dir", "/x", "--region", "eu-west-1", "--region", "eu-west-1"])
    assert options.regions == ("eu-west-1", "us-east-1")
    assert (options.dns_port, options.lag_ms, options.peer_delay_ms) == (None, 500, 5)


def test_an_unknown_region_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        TwinError, match=r"no AWS region is called eu-west-9; .*eu-west-1, eu-west-2"
    ):
        parse(["--state-dir", "/x", "--region", "eu-west-9"])
