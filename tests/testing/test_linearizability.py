"""The judge accepts what some order explains, and nothing else."""

import pytest

from holdfast.coordination import Delete, Get, Item, Outcome, Put, Reply, Request, Update
from holdfast.coordination.store import Absent, Always, AtMost, Equals
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
    "a boolean taken for a number": [
        op(0, 1, put(1), A, ONE),
        op(2, 3, Put(key="k", when=Equals("v", value=True), item=TWO), A, TWO),
    ],
}


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
