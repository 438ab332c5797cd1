from dataclasses import replace

import pytest

from holdfast.twin.region import consensus
from holdfast.twin.region.consensus import (
    EMPTY,
    NO_BALLOT,
    Action,
    Ballot,
    Evaluate,
    Failure,
    GaveUp,
    Proposer,
    Register,
    Round,
    SendAccept,
    SendPrepare,
    Slot,
    Vote,
    accept,
    agreed,
    prepare,
)
from tests.twin.region.linearizability import Entry, Outcome, violations
from tests.twin.region.simulation import REGIONS, Rules, World

SEEDS = range(250)
MUTANT_SEEDS = range(400)
HOSTILE_SEEDS = range(3000)


def _first_violation(rules: Rules, *, hostile: bool = False) -> str | None:
    for seed in HOSTILE_SEEDS if hostile else MUTANT_SEEDS:
        found = violations(World(seed, rules, hostile=hostile).run())
        if found:
            return found[0]
    return None


# The whole protocol


def test_histories_are_linearizable_under_loss_doubling_reordering_and_crashes() -> None:
    for seed in SEEDS:
        assert violations(World(seed).run()) == [], f"seed {seed}"


@pytest.mark.slow
@pytest.mark.gate
def test_histories_are_linearizable_when_regions_do_little_but_crash() -> None:
    for seed in HOSTILE_SEEDS:
        assert violations(World(seed, hostile=True).run()) == [], f"seed {seed}"


def test_most_operations_succeed_so_that_the_simulation_judges_something() -> None:
    entries = [entry for seed in SEEDS for entry in World(seed).run()]
    done = sum(entry.outcome is Outcome.OK for entry in entries)
    unknown = sum(entry.outcome is Outcome.UNKNOWN for entry in entries)
    assert done > 0.5 * len(entries)
    assert unknown > 100


def test_the_final_reads_of_all_regions_agree() -> None:
    for seed in SEEDS:
        finals = [entry for entry in World(seed).run() if entry.token.startswith("final")]
        assert {entry.outcome for entry in finals} == {Outcome.OK}
        assert len({entry.seen for entry in finals}) == 1


def test_a_world_is_decided_by_its_seed() -> None:
    assert World(7).run() == World(7).run()


# Protocols that somebody could write by mistake


def test_an_acceptor_that_accepts_below_its_promise_is_caught() -> None:
    def careless(
        slot: Slot, ballot: Ballot, register: Register, following: Ballot
    ) -> tuple[Slot, Vote]:
        return accept(replace(slot, promised=NO_BALLOT), ballot, register, following)

    assert _first_violation(Rules(accept=careless)) is not None


def test_a_promise_that_a_crash_forgets_is_caught() -> None:
    def forgets(slot: Slot) -> Slot:
        return replace(slot, promised=slot.accepted)

    assert _first_violation(Rules(survives=forgets)) is not None


def test_a_vote_that_a_crash_forgets_is_caught() -> None:
    assert _first_violation(Rules(survives=lambda _: Slot())) is not None


def test_a_majority_of_one_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def one(_: int) -> int:
        return 1

    monkeypatch.setattr(consensus, "majority", one)
    assert _first_violation(Rules()) is not None


def test_a_lead_without_the_promise_behind_it_is_caught() -> None:
    def promises_nothing(
        slot: Slot, ballot: Ballot, register: Register, following: Ballot
    ) -> tuple[Slot, Vote]:
        assert following > ballot
        return accept(slot, ballot, register, ballot)

    assert _first_violation(Rules(accept=promises_nothing)) is not None


def test_a_ballot_that_may_be_taken_twice_is_caught() -> None:
    def obliging(slot: Slot, ballot: Ballot) -> tuple[Slot, Vote]:
        if ballot == slot.promised:
            return slot, Vote(
                granted=True, promised=ballot, accepted=slot.accepted, register=slot.register
            )
        return prepare(slot, ballot)

    class Amnesiac(Proposer):
        """Takes the highest ballot that it has seen, even though it may be its own."""

        def start(self) -> Action:
            self.counter = max(0, self.counter - 1)
            return super().start()

    assert _first_violation(Rules(prepare=obliging, proposer=Amnesiac), hostile=True)


def test_a_change_that_is_applied_again_after_a_doubtful_accept_is_caught() -> None:
    class Forgetful(Proposer):
        """Believes that what was not acknowledged did not happen."""

        def _attempt_in(self, register: Register) -> int | None:  # noqa: ARG002 - it does not look
            return None

    assert _first_violation(Rules(proposer=Forgetful)) is not None


def test_a_read_that_believes_one_region_is_caught() -> None:
    assert _first_violation(Rules(agreed=lambda slots, _: slots[0])) is not None


def test_a_read_that_does_not_write_a_doubtful_value_back_is_caught() -> None:
    class Trusting(Proposer):
        """Takes what it learned for committed."""

        def _confirm(self) -> Action:
            self._settled = self._ballot
            return super()._confirm()

    assert _first_violation(Rules(proposer=Trusting)) is not None


def test_an_outcome_called_failed_that_may_have_happened_is_caught() -> None:
    class Optimist(Proposer):
        """Tells its client that nothing was written whenever it gives up."""

        def _finish(self, outcome: consensus.Committed | GaveUp) -> Action:
            finished = super()._finish(outcome)
            return GaveUp(Failure.CONFLICT) if isinstance(finished, GaveUp) else finished

    assert _first_violation(Rules(proposer=Optimist)) is not None


# The judge itself


def _entry(token: str, invoked: float, returned: float, *seen: str) -> Entry:
    return Entry(token, token.startswith("t"), invoked, returned, Outcome.OK, tuple(seen))


def test_the_judge_accepts_a_plain_history() -> None:
    history = [
        _entry("t1", 0, 1, "t1"),
        _entry("t2", 2, 3, "t1", "t2"),
        _entry("r", 4, 5, "t1", "t2"),
    ]
    assert violations(history) == []


@pytest.mark.parametrize(
    "history",
    [
        [_entry("t1", 0, 1, "t1"), _entry("t2", 2, 3, "t2")],
        [_entry("t1", 0, 1, "t1"), _entry("r", 2, 3)],
        [_entry("t1", 0, 1, "t1"), _entry("t2", 0, 1, "t1", "t2"), _entry("r", 2, 3, "t1")],
        [_entry("r", 0, 1, "t1"), _entry("t1", 2, 3, "t1")],
        [_entry("t1", 0, 1, "t1", "t1")],
        [
            Entry("t1", appends=True, invoked=0, returned=1, outcome=Outcome.FAILED),
            _entry("r", 2, 3, "t1"),
        ],
    ],
    ids=["lost-write", "stale-read", "stale-read-of-two", "future", "twice", "failed-and-seen"],
)
def test_the_judge_refuses(history: list[Entry]) -> None:
    assert violations(history)


# One step at a time


def granted(promised: Ballot, accepted: Ballot, register: Register | None = None) -> Vote:
    return Vote(granted=True, promised=promised, accepted=accepted, register=register)


def refused(promised: Ballot, accepted: Ballot) -> Vote:
    return Vote(granted=False, promised=promised, accepted=accepted)


ONE, TWO = Ballot(1, "a"), Ballot(2, "b")
VALUE = Register((("a", "op"),), {"pk": {"S": "x"}})


def test_a_promise_is_given_to_higher_ballots_alone() -> None:
    slot, vote = prepare(Slot(), TWO)
    assert vote.granted
    assert prepare(slot, ONE) == (slot, refused(TWO, NO_BALLOT))
    assert prepare(slot, TWO) == (slot, refused(TWO, NO_BALLOT))


def test_an_accept_needs_the_newest_promise_and_gives_the_next() -> None:
    slot, _ = prepare(Slot(), TWO)
    assert accept(slot, ONE, VALUE, ONE.next()) == (slot, refused(TWO, NO_BALLOT))
    taken, vote = accept(slot, TWO, VALUE, TWO.next())
    assert vote.granted
    assert taken == Slot(TWO.next(), TWO, VALUE)


def test_ballots_of_two_regions_never_tie() -> None:
    assert Ballot(3, "us-east-1") < Ballot(3, "us-west-2") < Ballot(4, "us-east-1")


def test_a_register_remembers_the_latest_operation_of_each_region() -> None:
    register = EMPTY.changed("a", "op1", None).changed("b", "op2", None).changed("a", "op3", None)
    assert dict(register.operations) == {"a": "op3", "b": "op2"}


def test_two_equal_slots_of_three_agree_whatever_the_third_says() -> None:
    newer = Slot(TWO, TWO, VALUE)
    assert agreed([Slot(), newer, Slot()], 3) == Slot()
    assert agreed([Slot(), newer], 3) is None


def _proposer() -> Proposer:
    return Proposer(region="a", acceptors=REGIONS, operation="op", counter=0)


def test_a_winner_skips_the_first_round_of_its_next_change() -> None:
    proposer = _proposer()
    asked = proposer.start()
    assert asked == SendPrepare(ONE)
    for name in ("a", "b"):
        evaluate = proposer.on_vote(name, Round.PREPARE, ONE, granted(ONE, NO_BALLOT, EMPTY))
    assert evaluate == Evaluate(EMPTY)
    sent = proposer.on_evaluated(VALUE.item, changed=True)
    assert isinstance(sent, SendAccept)
    assert sent.following == Ballot(2, "a")
    proposer.on_vote("a", Round.ACCEPT, ONE, granted(sent.following, ONE))
    done = proposer.on_vote("c", Round.ACCEPT, ONE, granted(sent.following, ONE))
    assert isinstance(done, consensus.Committed)
    second = Proposer(region="a", acceptors=REGIONS, operation="op2", counter=2, lead=done.lead)
    assert second.start() == Evaluate(sent.register)
    assert isinstance(second.on_evaluated(None, changed=True), SendAccept)


def test_a_late_promise_is_not_counted_as_an_acceptance() -> None:
    proposer = _proposer()
    proposer.start()
    promise = granted(ONE, NO_BALLOT, EMPTY)
    proposer.on_vote("a", Round.PREPARE, ONE, promise)
    proposer.on_vote("b", Round.PREPARE, ONE, promise)
    proposer.on_evaluated(None, changed=True)
    proposer.on_vote("a", Round.ACCEPT, ONE, granted(Ballot(2, "a"), ONE))
    assert proposer.on_vote("c", Round.PREPARE, ONE, promise) is None


def test_a_proposer_without_a_majority_gives_up_at_once() -> None:
    proposer = _proposer()
    proposer.start()
    assert proposer.on_lost("b", Round.PREPARE, ONE) is None
    assert proposer.on_lost("c", Round.PREPARE, ONE) == GaveUp(Failure.NO_QUORUM)


def test_an_unwritten_key_is_confirmed_without_a_second_round() -> None:
    proposer = _proposer()
    proposer.start()
    promise = granted(ONE, NO_BALLOT, EMPTY)
    proposer.on_vote("a", Round.PREPARE, ONE, promise)
    proposer.on_vote("b", Round.PREPARE, ONE, promise)
    done = proposer.on_evaluated(None, changed=False)
    assert done == consensus.Committed(NO_BALLOT, EMPTY, None, frozenset({"a", "b"}), 0)


def test_a_proposer_that_always_loses_says_that_nothing_was_written() -> None:
    proposer = Proposer(region="a", acceptors=REGIONS, operation="op", counter=0, attempts=3)
    action: Action | None = proposer.start()
    for _ in range(3):
        assert isinstance(action, (SendPrepare, consensus.Backoff))
        if isinstance(action, consensus.Backoff):
            action = proposer.resume()
        assert isinstance(action, SendPrepare)
        higher = Ballot(action.ballot.counter + 5, "b")
        action = proposer.on_vote("b", Round.PREPARE, action.ballot, refused(higher, NO_BALLOT))
    assert action == GaveUp(Failure.CONFLICT)


def test_a_proposer_that_loses_after_an_accept_was_sent_leaves_open_what_became_of_it() -> None:
    proposer = Proposer(region="a", acceptors=REGIONS, operation="op", counter=0, attempts=1)
    proposer.start()
    for name in ("a", "b"):
        proposer.on_vote(name, Round.PREPARE, ONE, granted(ONE, NO_BALLOT, EMPTY))
    proposer.on_evaluated(VALUE.item, changed=True)
    proposer.on_vote("a", Round.ACCEPT, ONE, granted(ONE.next(), ONE))
    proposer.on_vote("b", Round.ACCEPT, ONE, refused(TWO, NO_BALLOT))
    # One region holds the value: whoever hears of it may still commit it.
    outcome = proposer.on_vote("c", Round.ACCEPT, ONE, refused(TWO, NO_BALLOT))
    assert outcome == GaveUp(Failure.UNKNOWN)
