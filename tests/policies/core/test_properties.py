from typing import cast

import pytest

from holdfast.graph import UNKNOWN, Secret, Value, struct_of
from policies.core.properties import Properties, Undetermined


def _properties(**values: object) -> Properties:
    return Properties(struct_of(cast("dict[str, Value]", values)))


READERS = ("text", "flag", "texts", "object", "objects")


@pytest.mark.parametrize("reader", READERS)
def test_reading_an_unknown_value_raises_with_its_path(reader: str) -> None:
    with pytest.raises(Undetermined, match="a"):
        getattr(_properties(a=UNKNOWN), reader)("a")


@pytest.mark.parametrize("reader", READERS)
def test_a_value_of_another_type_is_undetermined_rather_than_no(reader: str) -> None:
    with pytest.raises(Undetermined):
        getattr(_properties(a=3), reader)("a")


@pytest.mark.parametrize("reader", READERS)
def test_what_is_not_given_is_empty(reader: str) -> None:
    assert not getattr(_properties(b=None), reader)("a")
    assert not getattr(_properties(a=None), reader)("a")


def test_an_unknown_inside_a_list_is_named_by_its_index() -> None:
    (first,) = _properties(a=[{"b": UNKNOWN}]).objects("a")
    with pytest.raises(Undetermined) as caught:
        first.text("b")
    assert caught.value.path == "a[0].b"


def test_a_secret_can_be_judged_at_any_depth() -> None:
    properties = _properties(a=Secret("hush"), b=["x", Secret({"c": "y"})])
    assert properties.text("a") == "hush"
    assert dict(properties.all_texts()) == {"a": "hush", "b[0]": "x", "b[1].c": "y"}


def test_a_property_is_settled_once_nothing_in_it_is_unknown() -> None:
    properties = _properties(a=[{"b": "x"}], c=[{"d": Secret(UNKNOWN)}])
    properties.settle("a")
    properties.settle("absent")
    with pytest.raises(Undetermined) as unknown:
        properties.settle("c")
    assert unknown.value.path == "c[0].d"


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (None, ()),
        ("x", ("x",)),
        (UNKNOWN, (None,)),
        (["x", UNKNOWN, Secret("y")], ("x", None, "y")),
    ],
)
def test_a_pointer_is_one_name_or_several_and_some_may_be_unknown(
    value: Value, names: tuple[str | None, ...]
) -> None:
    assert _properties(a=value).names("a") == names


def test_a_text_in_the_clear_is_found_at_any_depth() -> None:
    assert dict(_properties(a={"b": ["x", {"c": "y"}]}).all_texts()) == {
        "a.b[0]": "x",
        "a.b[1].c": "y",
    }


@pytest.mark.parametrize(
    ("value", "given"), [(None, False), ([], False), (["x"], True), (UNKNOWN, True), ("x", True)]
)
def test_an_empty_list_is_not_given_and_an_unknown_may_be(value: object, *, given: bool) -> None:
    assert _properties(a=value).is_given("a") is given
