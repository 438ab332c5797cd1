"""Three regions that change one item by conditions: every client is told what was committed."""

import pytest

from holdfast.twin.region.consensus import (
    EMPTY,
    NO_BALLOT,
    Action,
    Backoff,
    Ballot,
    Committed,
    Evaluate,
    Item,
    Proposer,
    Register,
    Round,
    SendAccept,
    SendPrepare,
    Vote,
)
from tests.twin.region.conditional_world import ConditionalWorld
from tests.twin.region.linearizability import Outcome
from tests.twin.region.register import Did, Operation, explained
from tests.twin.region.simulation import REGIONS, Rules

WORLDS = 20_000
FEW = 300


def test_every_answer_is_explained_in_some_worlds() -> None:
    for seed in range(FEW):
        assert explained(ConditionalWorld(seed).play()), f"world {seed}"


@pytest.mark.slow
@pytest.mark.gate
def test_every_answer_is_explained_in_twenty_thousand_worlds() -> None:
    for seed in range(FEW, WORLDS):
        assert explained(ConditionalWorld(seed).play()), f"world {seed}"


def test_most_clients_are_answered_so_that_the_worlds_judge_something() -> None:
    played = [one for seed in range(FEW) for one in ConditionalWorld(seed).play()]
    told = [one.outcome for one in played]
    assert told.count(Outcome.OK) > len(told) / 2
    assert told.count(Outcome.UNKNOWN) > 100


# Protocols that somebody could write by mistake, each with a world that shows it


class ForgetsItsAttempts(Proposer):
    """Takes what a majority does not know for what nobody will ever know."""

    def _promised(self) -> Action:
        action = super()._promised()
        if isinstance(action, Evaluate):
            self._open = {}
        return action


class AnswersByItsLatest(Proposer):
    """Finds an earlier attempt committed, and answers by what it computed since."""

    def _attempt_in(self, register: Register) -> int | None:
        return None if super()._attempt_in(register) is None else self._evaluations - 1


class NamesTheChangeAlone(Proposer):
    """Gives all attempts of a change one token, so that it cannot tell them apart."""

    def on_evaluated(self, item: Item | None, *, changed: bool) -> Action:
        self._operation, whole = "one", self._operation
        action = super().on_evaluated(item, changed=changed)
        self._operation = whole
        self._open = dict.fromkeys(self._open, self._answer)
        return action


@pytest.mark.parametrize(
    ("mutant", "seed"),
    [(ForgetsItsAttempts, 175), (AnswersByItsLatest, 697), (NamesTheChangeAlone, 697)],
)
def test_a_protocol_that_answers_by_something_else_is_caught(
    mutant: type[Proposer], seed: int
) -> None:
    assert not explained(ConditionalWorld(seed, Rules(proposer=mutant)).play())


# The worlds that showed it first, one step at a time


def _granted(ballot: Ballot, accepted: Ballot, register: Register) -> Vote:
    return Vote(granted=True, promised=ballot, accepted=accepted, register=register)


def _refused(by: Ballot) -> Vote:
    return Vote(granted=False, promised=by, accepted=NO_BALLOT)


class Steps:
    """A proposer of region a that is told what each acceptor answers."""

    def __init__(self) -> None:
        self.proposer = Proposer(region="a", acceptors=REGIONS, operation="op", counter=0)
        self.action: Action | None = self.proposer.start()

    def promised(self, *votes: tuple[str, Ballot, Register]) -> None:
        assert isinstance(self.action, SendPrepare)
        ballot = self.action.ballot
        for name, accepted, register in votes:
            vote = _granted(ballot, accepted, register)
            self.action = self.proposer.on_vote(name, Round.PREPARE, ballot, vote)

    def evaluated(self, item: Item | None, *, changed: bool) -> SendAccept:
        assert isinstance(self.action, Evaluate)
        self.action = self.proposer.on_evaluated(item, changed=changed)
        assert isinstance(self.action, SendAccept)
        return self.action

    def outbid(self) -> None:
        """Two regions have promised another ballot meanwhile; what region a has is not heard."""
        assert isinstance(self.action, SendAccept)
        ballot = self.action.ballot
        for name in ("b", "c"):
            vote = _refused(Ballot(ballot.counter + 1, "b"))
            self.action = self.proposer.on_vote(name, Round.ACCEPT, ballot, vote)
        assert isinstance(self.action, Backoff)
        self.action = self.proposer.resume()

    def accepted(self) -> Committed:
        assert isinstance(self.action, SendAccept)
        ballot = self.action.ballot
        for name in ("a", "b"):
            vote = Vote(granted=True, promised=ballot.next(), accepted=ballot)
            self.action = self.proposer.on_vote(name, Round.ACCEPT, ballot, vote)
        assert isinstance(self.action, Committed)
        return self.action


def test_a_put_that_is_found_in_the_item_is_answered_as_it_was_put() -> None:
    # Told "failed", with its own value as the item that was in its way.
    steps = Steps()
    steps.promised(("a", NO_BALLOT, EMPTY), ("b", NO_BALLOT, EMPTY))
    put = steps.evaluated({"v": "a1"}, changed=True)
    steps.outbid()
    steps.promised(("b", NO_BALLOT, EMPTY), ("c", NO_BALLOT, EMPTY))
    steps.evaluated({"v": "a1"}, changed=True)
    steps.outbid()
    # Another region has taken up the first attempt, which only region a held, and built on it.
    built = put.register.changed("b", "other", {"v": "a1", "n": 1})
    steps.promised(("a", Ballot(9, "b"), built), ("b", NO_BALLOT, EMPTY))
    assert steps.accepted().evaluation == 0


def test_an_addition_is_answered_by_the_attempt_that_was_committed() -> None:
    # Told "ok", with a value that was never committed.
    steps = Steps()
    steps.promised(("a", NO_BALLOT, EMPTY), ("b", NO_BALLOT, EMPTY))
    first = steps.evaluated({"n": 1}, changed=True)
    steps.outbid()
    other = EMPTY.changed("b", "other", {"v": "b2"})
    steps.promised(("b", Ballot(2, "b"), other), ("c", NO_BALLOT, EMPTY))
    steps.evaluated({"v": "b2", "n": 1}, changed=True)
    steps.outbid()
    steps.promised(("a", first.ballot, first.register), ("c", NO_BALLOT, EMPTY))
    done = steps.accepted()
    assert (done.evaluation, done.register.item) == (0, {"n": 1})


def test_a_refusal_is_agreed_on_where_an_attempt_may_still_be_taken_up() -> None:
    steps = Steps()
    taken_up = EMPTY.changed("c", "lost", None)
    steps.promised(("a", Ballot(1, "c"), taken_up), ("b", NO_BALLOT, EMPTY))
    attempt = steps.evaluated({"v": "a1"}, changed=True)
    steps.outbid()
    # The two agree on a value older than the attempt, of which they have never heard.
    steps.promised(("b", NO_BALLOT, EMPTY), ("c", NO_BALLOT, EMPTY))
    refusal = steps.evaluated(None, changed=False)
    assert refusal.ballot > attempt.ballot
    assert steps.accepted().evaluation == 1


# The judge itself


def _told(
    operation: Operation, invoked: float, returned: float, answer: object, outcome: Outcome
) -> Operation:
    operation.invoked, operation.returned = invoked, returned
    operation.answer, operation.outcome = answer, outcome
    return operation


def _set(value: str) -> Operation:
    def apply(item: dict[str, object] | None) -> Did:
        return Did({"v": value}, changed=True, answer=item)

    return Operation(f"set {value}", apply)


def _read() -> Operation:
    return Operation("read", lambda item: Did(item, changed=False, answer=item))


def test_the_judge_finds_the_order_that_explains_a_history() -> None:
    assert explained(
        [
            _told(_set("x"), 0, 9, {"v": "y"}, Outcome.OK),
            _told(_set("y"), 0, 9, None, Outcome.OK),
            _told(_read(), 1, 2, None, Outcome.OK),
            _told(_read(), 10, 11, {"v": "x"}, Outcome.OK),
        ]
    )


@pytest.mark.parametrize(
    "history",
    [
        [_told(_set("x"), 0, 1, None, Outcome.OK), _told(_read(), 2, 3, None, Outcome.OK)],
        [
            _told(_set("x"), 0, 1, None, Outcome.FAILED),
            _told(_read(), 2, 3, {"v": "x"}, Outcome.OK),
        ],
        [_told(_read(), 0, 1, {"v": "x"}, Outcome.OK), _told(_set("x"), 2, 3, None, Outcome.OK)],
        [
            _told(_set("x"), 0, 1, None, Outcome.UNKNOWN),
            _told(_set("y"), 0, 1, {"v": "x"}, Outcome.OK),
            _told(_read(), 2, 3, {"v": "y"}, Outcome.OK),
            _told(_read(), 4, 5, {"v": "x"}, Outcome.OK),
        ],
    ],
    ids=["lost", "failed and seen", "seen before it was asked for", "applied twice"],
)
def test_the_judge_refuses(history: list[Operation]) -> None:
    assert not explained(history)
