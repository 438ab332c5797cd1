"""A simulated jurisdiction in which three regions change one item by conditions.

The network, crashes and duels are those of ``simulation``; here a message may also be late by many
rounds, and the operations refuse, add, replace and delete, so that a history tells whether each
client was answered by the attempt that was committed.
"""

from functools import partial

from holdfast.twin.region.consensus import Action, Register
from tests.twin.region.linearizability import Entry, Outcome
from tests.twin.region.register import Did, Item, Operation
from tests.twin.region.simulation import REGIONS, Change, Region, Rules, World

OPERATIONS = 12
_LATE = 0.15


def put_if_absent(value: str) -> Operation:
    def apply(item: Item) -> Did:
        if item is not None:
            return Did(item, changed=False, answer=("refused", item))
        return Did({"v": value}, changed=True, answer="put")

    return Operation(f"put {value} if absent", apply)


def add_one() -> Operation:
    def apply(item: Item) -> Did:
        number = item.get("n", 0) if item else 0
        assert isinstance(number, int)
        after = {**(item or {}), "n": number + 1}
        return Did(after, changed=True, answer=after)

    return Operation("add 1 to n", apply)


def replace_if(value: str, expected: str) -> Operation:
    def apply(item: Item) -> Did:
        if item is None or item.get("v") != expected:
            return Did(item, changed=False, answer=("refused", item))
        return Did({**item, "v": value}, changed=True, answer=("old", item))

    return Operation(f"replace {expected} by {value}", apply)


def delete_if_present() -> Operation:
    def apply(item: Item) -> Did:
        if item is None:
            return Did(item, changed=False, answer="absent")
        return Did(None, changed=True, answer=("deleted", item))

    return Operation("delete if present", apply)


def read() -> Operation:
    return Operation("read", lambda item: Did(item, changed=False, answer=("read", item)))


class ConditionalWorld(World):
    """One run: one seed, one history."""

    def __init__(self, seed: int, rules: Rules | None = None) -> None:
        super().__init__(seed, rules)
        self.operations: list[Operation] = []
        self.crashes = self.random.choice((0, 0, 1, 3))
        self.span = self.random.choice((2.0, 6.0, 30.0))
        self.late = self.random.choice((0.0, _LATE))
        self._asked: dict[int, Operation] = {}

    def play(self) -> list[Operation]:
        """The history of some operations by clients in all regions."""
        makers = (
            lambda: put_if_absent(self._value()),
            add_one,
            lambda: replace_if(self._value(), self._value()),
            delete_if_present,
            read,
        )
        for number in range(OPERATIONS):
            region = self.regions[self.random.choice(REGIONS)]
            operation = self.random.choice(makers)()
            when = self.random.uniform(0, self.span)
            self.at(when, partial(self._ask, region, f"o{number}", operation))
        for _ in range(self.crashes):
            self.at(self.random.uniform(0, self.span), partial(self.crash, self._region()))
        self.at(200, self.calm)
        for number, name in enumerate(REGIONS):
            self.at(210 + number, partial(self._ask, self.regions[name], f"final{number}", read()))
        self.play_out()
        return self.operations

    def delay(self) -> float:
        if self.random.random() < self.late:
            return self.random.uniform(1.0, 12.0)
        return super().delay()

    def _value(self) -> str:
        return self.random.choice("abc")

    def _region(self) -> str:
        return self.random.choice(REGIONS)

    def _ask(self, region: Region, token: str, operation: Operation) -> None:
        if not region.up:
            return
        operation.invoked = self.now
        self.operations.append(operation)
        entry = Entry(token=token, appends=True)
        self._asked[id(entry)] = operation
        region.waiting.append(entry)
        self.next(region)

    def begin(self, region: Region, entry: Entry) -> None:
        _ConditionalChange(self, region, entry, self._asked[id(entry)]).start()


class _ConditionalChange(Change):
    """Drives one proposer, and keeps the answer of each of its evaluations."""

    def __init__(
        self, world: ConditionalWorld, region: Region, entry: Entry, operation: Operation
    ) -> None:
        super().__init__(world, region, entry)
        self._operation = operation
        self._answers: list[object] = []

    def evaluate(self, register: Register) -> Action:
        did = self._operation.apply(register.item)
        self._answers.append(did.answer)
        return self.proposer.on_evaluated(did.item, changed=did.changed)

    def done(self, outcome: Outcome, evaluation: int | None) -> None:
        if self.region.life == self.life:
            self._operation.outcome, self._operation.returned = outcome, self.world.now
            if evaluation is not None:
                self._operation.answer = self._answers[evaluation]
        self.world.finish(self.region, self.life, self.entry, outcome)
