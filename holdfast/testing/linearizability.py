"""Was there an order? An independent judge of histories of a conditional store.

A history is linearizable if its operations can be put into one order, each taking effect at one
instant between its call and its return, that explains every reply. It is the property that a
strongly consistent store promises and that a last-writer-wins store breaks.

The judge has its own model of what conditions mean, shared with no adapter and no protocol, so
that an error there cannot hide itself here. Operations without a reply may have taken effect at
any time after their call, or never.

Source:
    J. Wing and C. Gong, Testing and verifying concurrent objects, 1993; G. Lowe, Testing for
    linearizability, 2017 (remembering configurations).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from holdfast.coordination.stores.store import (
    Absent,
    AllOf,
    Always,
    AnyOf,
    AtMost,
    Condition,
    Delete,
    Get,
    Outcome,
    Put,
    Reply,
    Request,
    Value,
)
from holdfast.errors import ConfigurationError

_FOREVER = float("inf")
# With the types, because Python takes True for 1 and no store does.
_Attribute = tuple[str, type, Value]
_State = tuple[_Attribute, ...] | None


@dataclass(frozen=True, slots=True)
class Operation:
    """One call in a history.

    Attributes:
        process: Who called.
        called: When, on a clock shared by the whole history.
        returned: When the reply came; None if none ever did.
        request: What was asked.
        reply: What was answered; ``UNKNOWN`` or None if nothing was.
    """

    process: str
    called: float
    returned: float | None
    request: Request
    reply: Reply | None


def explain_history(operations: Sequence[Operation], *, max_steps: int = 1_000_000) -> str | None:
    """Judges a history that began with an empty store.

    Args:
        operations: The history, in any order.
        max_steps: Most configurations to try per key.

    Returns:
        None if the history is linearizable; otherwise the first operation that no order explains.

    Raises:
        ConfigurationError: If the steps run out before there is a verdict.
    """
    by_key: dict[str, list[Operation]] = {}
    for operation in operations:
        if operation.reply is None or operation.reply.outcome is not Outcome.RETRY:
            by_key.setdefault(operation.request.key, []).append(operation)
    for key, history in by_key.items():
        stuck = _History(sorted(history, key=lambda each: each.called)).judge(max_steps)
        if stuck is not None:
            return f"no order of the operations on {key} explains {stuck}"
    return None


class _History:
    """The operations on one key: those with a reply first, then those without, by their calls."""

    def __init__(self, operations: list[Operation]) -> None:
        answered = [each for each in operations if _end(each) < _FOREVER]
        self.answered = len(answered)
        self.operations = answered + [each for each in operations if _end(each) == _FOREVER]
        self.ends = [_end(each) for each in answered]

    def judge(self, max_steps: int) -> Operation | None:
        """None if there is an order, else the operation at which the deepest attempt got stuck."""
        to_explain = (1 << self.answered) - 1
        # A configuration: which operations have taken effect, what the item is, where to look
        # first, and whether to look at operations without a reply: only where nothing else helps.
        stack: list[tuple[int, _State, int, bool]] = [(0, None, 0, False)]
        tried: set[tuple[int, _State]] = set()
        deepest, stuck = -1, None
        while stack:
            done, state, first, guessing = stack.pop()
            if done & to_explain == to_explain:
                return None
            if not guessing and (done, state) in tried:
                continue
            if len(tried) >= max_steps:
                raise ConfigurationError(
                    f"No verdict on a history of {len(self.operations)} operations after "
                    f"{max_steps} steps. Judge a shorter one, or one with fewer lost replies."
                )
            tried.add((done, state))
            while done >> first & 1:
                first += 1
            window, bound = self._window(done, first)
            if guessing:
                window = self._unanswered(done, bound)
            else:
                stack.append((done, state, first, True))
                if first > deepest:
                    deepest, stuck = first, self.operations[first]
            for index in window:
                after = _effect(self.operations[index], state)
                if after is not _NO_EFFECT:
                    stack.append((done | 1 << index, after, first, False))
        return stuck

    def _window(self, done: int, first: int) -> tuple[list[int], float]:
        """Answered operations that may be next, the earliest to end last, and when one must be."""
        bound, window = _FOREVER, list[int]()
        for index in range(first, self.answered):
            if self.operations[index].called > bound:
                break
            if not done >> index & 1:
                window.append(index)
                bound = min(bound, self.ends[index])
        window = [index for index in window if self.operations[index].called <= bound]
        return sorted(window, key=self.ends.__getitem__, reverse=True), bound

    def _unanswered(self, done: int, bound: float) -> list[int]:
        return [
            index
            for index in range(self.answered, len(self.operations))
            if self.operations[index].called <= bound and not done >> index & 1
        ]


def _end(operation: Operation) -> float:
    """By when an operation must have taken effect, if it must."""
    reply, returned = operation.reply, operation.returned
    if reply is None or returned is None or reply.outcome is Outcome.UNKNOWN:
        return _FOREVER
    return returned


class _NoEffect(tuple[_Attribute, ...]):
    """Marks an operation that cannot take effect here, or need not."""

    __slots__ = ()


_NO_EFFECT = _NoEffect()


def _effect(operation: Operation, state: _State) -> _State:
    """The item after an operation, or the mark if the operation's reply contradicts it."""
    request, reply = operation.request, operation.reply
    item = _thawed(state)
    if isinstance(request, Get):
        explains = reply is not None and _frozen(reply.item) == state
        return state if explains else _NO_EFFECT
    passes = _true(request.when, item)
    if reply is None or reply.outcome is Outcome.UNKNOWN:
        # Unanswered: taking effect without changing anything is the same as never.
        after = _written(request, state) if passes else state
        return _NO_EFFECT if after == state else after
    if reply.outcome is Outcome.REFUSED:
        return state if not passes and _frozen(reply.item) == state else _NO_EFFECT
    after = _written(request, state)
    return after if passes and _frozen(reply.item) == after else _NO_EFFECT


def _written(request: Request, state: _State) -> _State:
    if isinstance(request, Delete):
        return None
    if isinstance(request, Put):
        return _frozen(request.item)
    item = _thawed(state)
    if not isinstance(request, Get):
        item |= request.assign
        for name, amount in request.add.items():
            before = item.get(name, 0)
            item[name] = (before if isinstance(before, int) else 0) + amount
        for name in request.remove:
            item.pop(name, None)
    return _frozen(item)


def _true(condition: Condition, item: Mapping[str, Value]) -> bool:
    if isinstance(condition, Always):
        return True
    if isinstance(condition, AllOf):
        return not any(not _true(part, item) for part in condition.conditions)
    if isinstance(condition, AnyOf):
        return any(_true(part, item) for part in condition.conditions)
    found = item.get(condition.attribute)
    if isinstance(condition, Absent):
        return found is None
    if isinstance(condition, AtMost):
        return type(found) is int and found - condition.bound <= 0
    return (type(found), found) == (type(condition.value), condition.value)


def _frozen(item: Mapping[str, Value] | None) -> _State:
    if item is None:
        return None
    return tuple((name, type(item[name]), item[name]) for name in sorted(item))


def _thawed(state: _State) -> dict[str, Value]:
    return {name: value for name, _, value in state or ()}
