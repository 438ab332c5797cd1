"""Messages that are late, lost, doubled and cut off."""

from dataclasses import replace

import pytest

from holdfast.coordination import Get, Outcome, Reply, Request, Update
from holdfast.coordination.stores.store import Absent, Always
from holdfast.testing import Conditions, Network, Process, SingleRegionStore, World

ADD = Update(key="n", when=Always(), add={"n": 1})


class Scene:
    """One process, one store, and the replies that have come back."""

    def __init__(self, conditions: Conditions) -> None:
        self.world = World(1)
        self.network = Network(self.world, conditions)
        self.store = SingleRegionStore("r")
        self.process = Process(self.world, "a", "r")
        self.replies: list[tuple[int, Outcome]] = []

    def call(self, request: Request = ADD) -> None:
        self.network.call(self.process, self.store, request, self._replied)

    def _replied(self, reply: Reply) -> None:
        self.replies.append((self.world.now_ms, reply.outcome))

    @property
    def applied(self) -> int:
        found = (self.store.item("n") or {}).get("n", 0)
        assert isinstance(found, int)
        return found


def test_a_message_takes_its_time_both_ways() -> None:
    scene = Scene(Conditions(delay_ms=(10, 10)))
    scene.call()
    scene.world.run(100)
    assert scene.replies == [(20, Outcome.APPLIED)]


def test_a_lost_request_and_a_lost_reply_look_the_same_to_the_caller() -> None:
    for requests, applied in ((True, 0), (False, 1)):
        scene = Scene(Conditions(delay_ms=(1, 1)))
        scene.network.cut(scene.process, requests=requests, replies=not requests)
        scene.call()
        scene.world.run(5_000)
        assert scene.replies == [(1_000, Outcome.UNKNOWN)]
        assert scene.applied == applied
        scene.network.heal(scene.process)
        scene.call()
        scene.world.run(10_000)
        assert scene.replies[-1][1] is Outcome.APPLIED


def test_a_reply_after_the_timeout_is_no_reply_although_the_write_is_applied() -> None:
    scene = Scene(Conditions(delay_ms=(700, 700)))
    scene.call()
    scene.world.run(5_000)
    assert scene.replies == [(1_000, Outcome.UNKNOWN)]
    assert scene.applied == 1


def test_a_request_that_arrives_after_the_caller_gave_up_is_carried_out_all_the_same() -> None:
    scene = Scene(Conditions(delay_ms=(3_000, 3_000)))
    scene.call()
    scene.world.run(2_000)
    assert scene.replies == [(1_000, Outcome.UNKNOWN)]
    assert scene.applied == 0
    scene.call()
    scene.world.run(10_000)
    assert scene.replies == [(1_000, Outcome.UNKNOWN), (3_000, Outcome.UNKNOWN)]
    assert scene.applied == 2


def test_a_late_request_arrives_when_its_caller_has_long_sent_the_next() -> None:
    scene = Scene(Conditions(delay_ms=(1, 1), late=1.0))
    scene.call()
    scene.world.run(1_001)
    assert scene.replies == [(1_000, Outcome.UNKNOWN)]
    assert scene.applied == 0
    scene.network.conditions.late = 0.0
    scene.call()
    scene.world.run(60_000)
    assert scene.replies[1:] == [(1_003, Outcome.APPLIED)]
    assert scene.applied == 2
    assert [each.returned for each in scene.network.operations] == [1_003, None]


def test_a_doubled_request_is_carried_out_twice_and_answered_once() -> None:
    scene = Scene(Conditions(delay_ms=(1, 1), doubled=1.0))
    take = Update(key="n", when=Absent("n"), add={"n": 1})
    for _ in range(20):
        scene.call(ADD)
        scene.world.run(scene.world.now_ms + 60_000)
    assert len(scene.replies) == 20
    assert scene.applied == 40
    assert len(scene.network.operations) == 40
    # By its own first arrival, when the client repeats what got no reply.
    outcomes = set[Outcome]()
    for key in "abcdefgh":
        scene.call(replace(take, key=key))
        scene.world.run(scene.world.now_ms + 60_000)
        outcomes.add(scene.replies[-1][1])
    assert outcomes == {Outcome.APPLIED, Outcome.REFUSED}


@pytest.mark.parametrize("lost", [0.0, 0.3, 1.0])
def test_every_call_gets_exactly_one_reply(lost: float) -> None:
    scene = Scene(Conditions(lost=lost, delay_ms=(1, 900)))
    for _ in range(200):
        scene.call(Get("n"))
    scene.world.run(100_000)
    assert len(scene.replies) == 200
    unknown = sum(outcome is Outcome.UNKNOWN for _, outcome in scene.replies)
    assert (unknown == 200) is (lost == 1.0)
