"""The judge accepts what some order explains, and nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, permutations
from math import inf
from random import Random

import pytest

from holdfast.coordination import Delete, Get, Item, Outcome, Put, Reply, Request, Update
from holdfast.coordination.stores.store import (
    Absent,
    AllOf,
    Always,
    AnyOf,
    AtMost,
    Condition,
    Equals,
    after,
    holds,
)
from holdfast.errors import ConfigurationError
from holdfast.testing import Operation, explain_history


def op(
    called: float,
    returned: float | None,
    request: Request,
    outcome: Outcome,
    item: Item | None = None,
) -> Operation:
    return Operation("p", called, returned, request, Reply(outcome, item))


def put(value: int) -> Put:
    return Put(key="k", when=Always(), item={"v": value})


ONE, TWO = {"v": 1}, {"v": 2}
A, R, U = Outcome.APPLIED, Outcome.REFUSED, Outcome.UNKNOWN
GET = Get("k")

EXPLAINED = {
    "nothing": [],
    "in turn": [op(0, 1, put(1), A, ONE), op(2, 3, GET, A, ONE)],
    "a read beside a write may see either": [
        op(0, 9, put(1), A, ONE),
        op(1, 2, GET, A, None),
        op(3, 4, GET, A, ONE),
    ],
    "a lost reply of an applied write": [op(0, None, put(1), U), op(5, 6, GET, A, ONE)],
    "a lost reply of a lost write": [op(0, None, put(1), U), op(5, 6, GET, A, None)],
    "a lost reply that takes effect late": [
        op(0, None, put(1), U),
        op(5, 6, GET, A, None),
        op(7, 8, GET, A, ONE),
    ],
    "a refusal by a concurrent write": [
        op(0, 9, put(1), A, ONE),
        op(1, 8, Put(key="k", when=Absent("v"), item=TWO), R, ONE),
    ],
    "a retry was never carried out": [
        op(0, 1, put(1), Outcome.RETRY),
        op(2, 3, GET, A, None),
    ],
    "two keys have nothing to do with each other": [
        op(0, 1, put(1), A, ONE),
        op(2, 3, Get("other"), A, None),
    ],
    "a deletion": [
        op(0, 1, put(1), A, ONE),
        op(2, 3, Delete(key="k", when=AtMost("v", 1)), A),
        op(4, 5, GET, A, None),
    ],
}

UNEXPLAINED = {
    "a stale read": [op(0, 1, put(1), A, ONE), op(2, 3, GET, A, None)],
    "a read of nothing that was written": [op(0, 1, GET, A, ONE)],
    "two winners of one condition": [
        op(0, 9, Put(key="k", when=Absent("v"), item=ONE), A, ONE),
        op(0, 9, Put(key="k", when=Absent("v"), item=TWO), A, TWO),
    ],
    "a refusal without a cause": [
        op(0, 1, put(1), A, ONE),
        op(2, 3, Put(key="k", when=Equals("v", 1), item=TWO), R, ONE),
    ],
    "a refusal by an item that was not there": [
        op(0, 1, Put(key="k", when=Equals("v", 1), item=TWO), R, TWO)
    ],
    "two reads that see two writes in two orders": [
        op(0, 9, put(1), A, ONE),
        op(0, 9, put(2), A, TWO),
        op(10, 11, GET, A, ONE),
        op(12, 13, GET, A, TWO),
    ],
    "a lost update": [
        op(0, 1, Update(key="k", when=Always(), add={"v": 1}), A, ONE),
        op(2, 3, Update(key="k", when=Always(), add={"v": 1}), A, ONE),
    ],
    "a write that takes effect before it was called": [
        op(0, 1, GET, A, ONE),
        op(2, None, put(1), U),
    ],
    "a number that comes back as a boolean": [
        op(0, 1, put(1), A, ONE),
        op(2, 3, GET, A, {"v": True}),
    ],
    "a boolean taken for a number": [
        op(0, 1, put(1), A, ONE),
        op(2, 3, Put(key="k", when=Equals("v", value=True), item=TWO), A, TWO),
    ],
}


VALUES = (0, 1, 2, True, False, "a")


def _condition(rng: Random, depth: int = 0) -> Condition:
    name, value, bound = rng.choice("vw"), rng.choice(VALUES), rng.randrange(3)
    simple: list[Condition] = [Always(), Absent(name), Equals(name, value), AtMost(name, bound)]
    if depth == 2 or rng.random() < 0.5:
        return rng.choice(simple)
    parts = tuple(_condition(rng, depth + 1) for _ in range(rng.randint(1, 2)))
    return rng.choice((AllOf, AnyOf))(parts)


def _request(rng: Random) -> Request:
    when, value = _condition(rng), rng.choice(VALUES)
    item: Item = {name: rng.choice(VALUES) for name in rng.sample("vw", rng.randint(0, 2))}
    removed = ("v",) if rng.random() < 0.3 else ()
    return rng.choice(
        (
            GET,
            Delete(key="k", when=when),
            Put(key="k", when=when, item=item),
            Put(key="k", when=when, item=item),
            Update(key="k", when=when, assign={"w": value}, add={"n": 1}, remove=removed),
        )
    )


def _history(seed: int) -> list[Operation]:
    """What a store did, in operations that overlap; then, often, a lie about one of them."""
    rng = Random(seed)  # noqa: S311 - repeatable on purpose
    operations, state = list[Operation](), None
    for at in sorted(rng.sample(range(100), rng.randint(2, 5))):
        request, spread = _request(rng), rng.choice((1, 10, 40))
        passes = isinstance(request, Get) or holds(request.when, state)
        if passes and not isinstance(request, Get):
            state = after(request, state)
        called, ended = at - rng.randint(0, spread), at + rng.randint(0, spread)
        outcome = U if rng.random() < 0.2 else A if passes else R
        operations.append(op(called, ended, request, outcome, None if outcome is U else state))
    index, other = rng.randrange(len(operations)), rng.choice(operations)
    lied, shift = operations[index], rng.randint(-60, 60)
    reply, returned = lied.reply, lied.returned
    assert reply is not None
    assert other.reply is not None
    assert returned is not None
    if rng.random() < 0.5 and reply.outcome is not U:
        lied = replace(lied, reply=Reply(reply.outcome, other.reply.item))
    if rng.random() < 0.3:
        lied = replace(lied, called=lied.called + shift, returned=returned + shift)
    operations[index] = lied
    rng.shuffle(operations)
    return operations


def _explains(order: Sequence[Operation]) -> bool:
    """Whether an order explains every reply, by the semantics of production."""
    state: Item | None = None
    for operation in order:
        request, reply = operation.request, operation.reply
        assert reply is not None
        passes = isinstance(request, Get) or holds(request.when, state)
        if passes and not isinstance(request, Get):
            state = after(request, state)
        if reply.outcome is U:
            continue
        if passes is not (reply.outcome is A) or _typed(reply.item) != _typed(state):
            return False
    return True


def _typed(item: Item | None) -> dict[str, tuple[type, object]] | None:
    return None if item is None else {name: (type(each), each) for name, each in item.items()}


def _some_order_explains(operations: list[Operation]) -> bool:
    """Tries all orders of all answered operations and of some of the others."""
    answered = [each for each in operations if each.reply and each.reply.outcome is not U]
    others = [each for each in operations if each not in answered]
    ends = {id(each): each.returned or 0 for each in answered}
    return any(
        _explains(order)
        for count in range(len(others) + 1)
        for taken in combinations(others, count)
        for order in permutations([*answered, *taken])
        if all(
            ends.get(id(late), inf) >= early.called
            for place, late in enumerate(order)
            for early in order[:place]
        )
    )


def test_the_verdict_is_that_of_whoever_tries_every_order() -> None:
    verdicts = [_some_order_explains(_history(seed)) for seed in range(1_500)]
    assert [explain_history(_history(seed)) is None for seed in range(1_500)] == verdicts
    assert 150 < verdicts.count(False) < 750


@pytest.mark.parametrize("name", EXPLAINED)
def test_an_order_is_found(name: str) -> None:
    assert explain_history(EXPLAINED[name]) is None


@pytest.mark.parametrize("name", UNEXPLAINED)
def test_no_order_is_found(name: str) -> None:
    unexplained = explain_history(UNEXPLAINED[name])
    assert unexplained is not None
    assert unexplained.startswith("no order of the operations on k explains")


def test_a_verdict_that_takes_too_long_is_no_verdict() -> None:
    history = [op(0, None, put(each), U) for each in range(12)]
    history.append(op(1, 2, GET, A, {"v": -1}))
    with pytest.raises(ConfigurationError, match="No verdict on a history of 13 operations"):
        explain_history(history, max_steps=50)
