"""The closed world beside the SDK: every property of every type has exactly one answer."""

import pytest

from policies.pack import RULES
from policies.world.index import KINDS
from policies.world.kind import Kind
from policies.world.refused import REFUSED
from tests.policies.shipped import STACKS, graph_of
from tests.policies.world import sdk

IDS = {rule.id for rule in RULES}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.type)


def answers(kind: Kind, path: str) -> list[str]:
    """The tables, and the refusals of what it is a part of, in which a path stands."""
    found = [name for name in ("judged", "neutral") if path in getattr(kind, name)]
    return found + ["refused"] * (kind.refusal(path) is not None)


@each_kind
def test_every_property_of_the_sdk_stands_in_exactly_one_table(kind: Kind) -> None:
    wrong = {path: answers(kind, path) for path in sdk.paths(kind.type)}
    assert {path: found for path, found in wrong.items() if len(found) != 1} == {}


@each_kind
def test_no_table_names_a_property_that_the_sdk_does_not_have(kind: Kind) -> None:
    known = set(sdk.paths(kind.type))
    assert kind.open_paths - known == set()
    held = {path for path in kind.refused if any(_is_in(one, path) for one in known)}
    assert set(kind.refused) - held == set()
    assert set(kind.ignorable) - known == set()


@each_kind
def test_every_answer_says_something(kind: Kind) -> None:
    reasons = [*kind.neutral.values(), *kind.refused.values(), *kind.ignorable.values()]
    assert all(len(reason.split()) > 3 for reason in reasons if reason != "size and price")


@each_kind
def test_a_rule_that_is_named_as_a_judge_exists(kind: Kind) -> None:
    assert set(kind.judged.values()) - IDS == set()


def test_no_type_is_both_known_and_refused() -> None:
    assert not set(KINDS) & set(REFUSED)


@pytest.mark.parametrize("token", REFUSED)
def test_a_type_that_is_refused_exists(token: str) -> None:
    assert sdk.exists(token)


@pytest.mark.slow
def test_every_table_is_of_use_or_of_a_type_that_teams_add() -> None:
    used = {node.type for stack in STACKS for node in graph_of(stack).nodes}
    assert {token for token in used if token.startswith("aws:")} <= set(KINDS)


def _is_in(path: str, whole: str) -> bool:
    return path == whole or path.startswith((f"{whole}.", f"{whole}[]."))
