import pytest

from holdfast.errors import UnsupportedResourceError
from holdfast.graph import UNKNOWN as GRAPH_UNKNOWN
from holdfast.graph import Asset, ResourceReference, Secret, Value
from holdfast.twin.fronts.graph_values import json_of, value_of
from holdfast.twin.provider.values import UNKNOWN


def test_secrets_are_opened_and_unknowns_become_the_sentinel_and_back() -> None:
    told: Value = {"s": Secret("x"), "u": [GRAPH_UNKNOWN], "n": 5, "none": None}
    assert json_of(told) == {"s": "x", "u": [UNKNOWN], "n": 5, "none": None}
    assert value_of({"u": [UNKNOWN], "n": 5}) == {"u": [GRAPH_UNKNOWN], "n": 5}


def test_a_resource_stands_for_its_id() -> None:
    assert json_of(ResourceReference(urn="urn:a", id="i-1")) == "i-1"
    assert json_of(ResourceReference(urn="urn:a", id=GRAPH_UNKNOWN)) == UNKNOWN
    assert json_of(ResourceReference(urn="urn:a")) == "urn:a"


def test_a_file_is_refused() -> None:
    with pytest.raises(UnsupportedResourceError, match="Asset"):
        json_of({"code": Asset(text="x")})
