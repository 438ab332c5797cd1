from hypothesis import given
from hypothesis import strategies as st

from holdfast.graph import (
    UNKNOWN,
    Archive,
    Asset,
    ResourceReference,
    Secret,
    Value,
    contains_unknown,
    reveal,
    struct_of,
    values_of,
)

LEAVES: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.text(max_size=8),
    st.just(UNKNOWN),
    st.builds(Asset, text=st.text(max_size=4)),
    st.builds(Asset, path=st.text(max_size=4)),
    st.builds(Archive, path=st.text(max_size=4)),
    st.builds(ResourceReference, urn=st.text(max_size=4), id=st.sampled_from(["i", UNKNOWN, None])),
)


def _extend(inner: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    return st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=4), inner, max_size=3),
        st.builds(Secret, inner),
    )


VALUES = st.recursive(LEAVES, _extend, max_leaves=8)


@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=4))
def test_every_value_survives_the_wire(values: dict[str, Value]) -> None:
    assert values_of(struct_of(values)) == values


def test_an_unknown_is_found_at_any_depth() -> None:
    assert contains_unknown({"a": [Secret({"b": UNKNOWN})]})
    assert contains_unknown(Archive(assets={"a": UNKNOWN}))
    assert not contains_unknown({"a": [Secret("UNKNOWN")]})


def test_revealing_takes_every_wrapper_off() -> None:
    assert reveal({"a": [Secret({"b": Secret(1)})]}) == {"a": [{"b": 1}]}


def test_a_secret_hides_itself_when_printed() -> None:
    assert "hush" not in repr({"a": [Secret("hush")]})
