import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.twin.provider.schema import Shape
from holdfast.twin.provider.spec import canonical, declared, differs, kept, refused
from holdfast.twin.provider.values import UNKNOWN, Json

TEXT = Shape("text")
BLOCK = Shape("object", members={"name": TEXT, "mode": TEXT, "size": Shape("integer"), "own": TEXT})
BLOCKS = Shape("list", item=BLOCK)
RULES = declared(
    {
        "blocks": kept(),
        "blocks.mode": kept(default="slow"),
        "blocks.own": kept(computed=True),
        "policy": kept(document="policy"),
        "json": kept(document="json"),
        "ordered": kept(ordered=True),
        "filled": kept(computed=True),
        "never": refused("no reason"),
    }
)


def same(name: str, a: Json, b: Json, shape: Shape = TEXT) -> bool:
    return not differs(name, a, b, shape, RULES)


@pytest.mark.parametrize("nothing", ["", False, 0, 0.0, [], {}, None])
def test_absent_false_zero_and_empty_are_one(nothing: Json) -> None:
    assert canonical(nothing, Shape("any"), RULES, "plain") is None


def test_blocks_are_sets_and_their_defaults_need_not_be_said() -> None:
    one: Json = [{"name": "a"}, {"name": "b", "mode": "fast"}]
    other: Json = [{"name": "b", "mode": "fast", "size": 0}, {"name": "a", "mode": "slow"}]
    assert same("blocks", one, other, BLOCKS)
    assert not same("blocks", one, [{"name": "a", "mode": "fast"}, {"name": "b"}], BLOCKS)


def test_what_aws_fills_in_is_no_difference_while_the_program_is_silent() -> None:
    held: Json = [{"name": "a", "own": "aws:made"}]
    assert same("blocks", held, [{"name": "a"}], BLOCKS)
    assert not same("blocks", held, [{"name": "a", "own": "mine"}], BLOCKS)
    assert same("filled", "by aws", None)
    assert not same("filled", "by aws", "by me")


def test_what_the_program_cannot_give_is_no_difference() -> None:
    assert same("never", "something", None)


def test_a_policy_is_what_it_says() -> None:
    one = '{"Statement": [{"Action": ["a", "b"], "Effect": "Allow"}]}'
    other = '{"Statement":{"Effect":"Allow","Action":["b","a"]}}'
    assert same("policy", one, other)
    assert not same("policy", one, one.replace("Allow", "Deny"))
    assert not same("json", '{"l": [1, 2]}', '{"l": [2, 1]}')


def test_order_counts_only_where_it_is_said_to() -> None:
    texts = Shape("list", item=TEXT)
    assert same("plain", ["a", "b"], ["b", "a"], texts)
    assert not same("ordered", ["a", "b"], ["b", "a"], texts)


def test_a_value_that_is_not_known_yet_may_always_differ() -> None:
    assert not same("plain", UNKNOWN, UNKNOWN)
    assert not same("filled", "x", UNKNOWN)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)


@given(VALUES)
def test_the_canonical_form_of_a_canonical_form_is_itself(value: Json) -> None:
    once = canonical(value, Shape("any"), RULES, "plain")
    assert canonical(once, Shape("any"), RULES, "plain") == once
