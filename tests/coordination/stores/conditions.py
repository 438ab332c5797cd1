"""Conditions and updates of every shape, for tests that hold stores to one meaning."""

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from holdfast.coordination import Item, Update, Value
from holdfast.coordination.stores.store import (
    Absent,
    AllOf,
    Always,
    AnyOf,
    AtMost,
    Condition,
    Equals,
)

# Reserved words of DynamoDB, operators and clauses of its expressions, and what needs quoting.
_TEXTS = ("set", "or", "size", "a.b[0]")
_NUMBERS = ("count", "NOT", "#n0", "two words")
_values = st.sampled_from(["", "a", ":v0", "OR"])
_numbers = st.integers(-2, 2)


def _leaves() -> st.SearchStrategy[Condition]:
    return st.one_of(
        st.just(Always()),
        st.builds(Absent, st.sampled_from(_TEXTS + _NUMBERS)),
        st.builds(Equals, st.sampled_from(_TEXTS), _values),
        st.builds(Equals, st.sampled_from(_TEXTS + _NUMBERS), _numbers),
        st.builds(Equals, st.sampled_from(_NUMBERS), st.booleans()),
        st.builds(Equals, st.sampled_from(_TEXTS), st.sampled_from([b"", b"\0"])),
        st.builds(AtMost, st.sampled_from(_TEXTS + _NUMBERS), _numbers),
    )


def _lists(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(parts, max_size=3).map(tuple)
    return st.one_of(st.builds(AllOf, several), st.builds(AnyOf, several))


conditions: st.SearchStrategy[Condition] = st.recursive(_leaves(), _lists, max_leaves=12)
"""Trees of conditions, with lists of no part, of one, and within another of the same kind."""


def _item(texts: Mapping[str, Value], numbers: Mapping[str, int]) -> Item:
    return {**texts, **numbers}


def _update(assign: Item, add: Mapping[str, int], remove: Sequence[str]) -> Update:
    return Update(key="", when=Always(), assign=assign, add=add, remove=tuple(remove))


_counts = st.dictionaries(st.sampled_from(_NUMBERS), _numbers)
items = st.builds(_item, st.dictionaries(st.sampled_from(_TEXTS), _values), _counts)
updates = st.builds(
    _update, items, _counts, st.lists(st.sampled_from(_TEXTS + _NUMBERS), max_size=4)
)
"""Updates that may name an attribute several times; key and condition are to be replaced."""
