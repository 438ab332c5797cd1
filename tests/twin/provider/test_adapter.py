import asyncio

import pulumi
import pytest
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import (
    CheckRequest,
    ConfigureRequest,
    CreateRequest,
    DiffRequest,
    PropertyDiffKind,
)

from holdfast.errors import UnsupportedResourceError
from holdfast.twin.provider.adapter import TwinProvider, plain, rich
from holdfast.twin.provider.cloud import Cloud
from holdfast.twin.provider.core import Provider
from holdfast.twin.provider.values import UNKNOWN, Json

URN = "urn:pulumi:s::p::holdfast:aws:Keys$aws:kms/key:Key::name"


def adapter() -> TwinProvider:
    return TwinProvider(Provider(Cloud(lambda region: f"http://{region}.test")))


def values(**members: Json) -> dict[str, PropertyValue]:
    return rich(members)


def test_values_survive_the_way_through_the_sdk() -> None:
    told: dict[str, Json] = {"a": "x", "n": 5, "r": 1.5, "f": True, "l": ["y", {"k": None}]}
    assert plain(rich(told)) == told


def test_secrets_are_opened_and_unknowns_are_the_sentinel_which_the_sdk_can_marshal() -> None:
    assert plain({"s": PropertyValue("hidden", is_secret=True)}) == {"s": "hidden"}
    marshalled = PropertyValue.marshal_map(values(u=UNKNOWN))
    assert PropertyValue.unmarshal_map(marshalled)["u"].value == UNKNOWN


def test_a_file_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedResourceError, match="code is a StringAsset"):
        plain({"code": PropertyValue(pulumi.StringAsset("x"))})


def test_failures_name_the_property() -> None:
    request = CheckRequest(URN, {}, values(deletionWindowInDays=3), b"seed")
    answer = asyncio.run(adapter().check(request))
    assert answer.failures is not None
    assert [failure.property for failure in answer.failures] == ["deletionWindowInDays"]


def test_a_preview_of_a_creation_knows_what_is_known() -> None:
    request = CreateRequest(URN, values(description="d"), timeout=60, preview=True)
    answer = asyncio.run(adapter().create(request))
    assert answer.resource_id == ""
    assert plain(answer.properties or {})["description"] == "d"
    assert plain(answer.properties or {})["arn"] == UNKNOWN


def test_changes_carry_their_kind_and_ignored_ones_are_left_out() -> None:
    state = values(description="old", keyUsage="ENCRYPT_DECRYPT", isEnabled=True)
    news = values(description="new", keyUsage="SIGN_VERIFY", isEnabled=False)
    request = DiffRequest(URN, "id", state, news, ["isEnabled"])
    answer = asyncio.run(adapter().diff(request))
    assert answer.changes
    assert answer.replaces == ["keyUsage"]
    kinds = {key: item.kind for key, item in (answer.detailed_diff or {}).items()}
    assert kinds == {
        "description": PropertyDiffKind.UPDATE,
        "keyUsage": PropertyDiffKind.UPDATE_REPLACE,
    }


def test_two_different_configurations_in_one_deployment_are_refused() -> None:
    provider = adapter()

    def configure(region: str) -> None:
        request = ConfigureRequest(
            {}, values(region=region), accept_secrets=True, accept_resources=True
        )
        asyncio.run(provider.configure(request))

    configure("us-east-1")
    configure("us-east-1")
    with pytest.raises(UnsupportedResourceError, match="two AWS providers"):
        configure("eu-west-1")
