"""Judges a history of conditional changes of one item, and of reads. Knows nothing of consensus.

What a client was told must be what some order of the operations explains, one after the other,
each between its beginning and its end (Wing and Gong, 1993; memory of dead ends by Lowe, 2017).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.twin.region.linearizability import Outcome

Item = dict[str, object] | None
Answer = object


@dataclass(frozen=True)
class Did:
    """What an operation makes of an item, and what it tells."""

    item: Item
    changed: bool
    answer: Answer


@dataclass
class Operation:
    """One operation of one client.

    Attributes:
        name: What it does, for people.
        apply: What it makes of an item.
        invoked: When it began.
        returned: When its client heard; None if it never did.
        outcome: What its client was told.
        answer: Of an ``OK`` one, what it was told.
    """

    name: str
    apply: Callable[[Item], Did]
    invoked: float = 0.0
    returned: float | None = None
    outcome: Outcome = Outcome.UNKNOWN
    answer: Answer = None


def explained(history: list[Operation]) -> bool:
    """Whether an order of the operations explains all that clients were told.

    One that failed was not carried out; of one whose end is unknown, either may be.
    """
    asked = sorted(
        (one for one in history if one.outcome is not Outcome.FAILED), key=lambda one: one.invoked
    )
    known = frozenset(place for place, one in enumerate(asked) if one.outcome is Outcome.OK)
    return _search(asked, known, frozenset(), None, set())


def _search(
    asked: list[Operation],
    known: frozenset[int],
    done: frozenset[int],
    item: Item,
    dead: set[tuple[frozenset[int], str]],
) -> bool:
    if known <= done:
        return True
    state = (done, json.dumps(item, sort_keys=True))
    if state in dead:
        return False
    dead.add(state)
    ends = min((_end(asked[place]) for place in known - done), default=float("inf"))
    for place, one in enumerate(asked):
        if place in done or one.invoked > ends:
            continue
        did = one.apply(item)
        if one.outcome is Outcome.OK and did.answer != one.answer:
            continue
        if _search(asked, known, done | {place}, did.item, dead):
            return True
    return False


def _end(one: Operation) -> float:
    return float("inf") if one.returned is None else one.returned
