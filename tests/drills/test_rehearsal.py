"""A whole rehearsal in a few seconds, on a platform that can be told how to fail."""

import gc
import signal
import threading
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from holdfast.cli.interrupts import repeated
from holdfast.drills import rehearsal as rehearsals
from holdfast.drills.application import ORCHESTRATOR, Agents
from holdfast.drills.checks import Detection, ExactlyOnce, Fenced, NoLostWrites, OpenLoop, StaysIn
from holdfast.drills.drill import Drill, Loss, LostRegionLeads, SuccessRate
from holdfast.drills.history import (
    Health,
    History,
    Leader,
    Plan,
    Readback,
    Request,
    StaleWrite,
)
from holdfast.drills.planning import plan_of
from holdfast.drills.progress import Silence
from holdfast.drills.rehearsal import Rehearsal
from holdfast.drills.target import Destination, Observation
from holdfast.drills.workload import Workload
from holdfast.errors import DrillError, TwinError
from tests.drills.fake_target import FakeTarget
from tests.drills.platforms import a_home, a_platform

pytestmark = pytest.mark.slow


class QuickLoss(Drill):
    """A region is lost for a second.

    Short, so that what is tested is the rehearsal and not the patience of the tester.
    """

    name = "quick-loss"
    workload = Workload(rate_per_s=10, users=3)
    steady_state = (SuccessRate(at_least=0.99, for_s=0.8), LostRegionLeads())
    loss = Loss(at_s=1, away_s=1, watch_s=20)
    checks = (OpenLoop(), Detection(), NoLostWrites(), ExactlyOnce(), Fenced(), StaysIn())


PLATFORM = a_platform(
    a_home("us", ("us-east-1", "us-west-2"), witness="us-east-2"),
    a_home("eu", ("eu-west-1", "eu-central-1"), witness="eu-west-3"),
)


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTarget]:
    monkeypatch.setattr(rehearsals, "AUDIT_AFTER_S", 0.2)
    monkeypatch.setattr(rehearsals, "SAMPLE_S", 0.1)
    monkeypatch.setattr(rehearsals, "DRAIN_S", 0.5)
    fake = FakeTarget(PLATFORM)
    yield fake
    fake.close()


def rehearse(target: FakeTarget, agents: Agents = ORCHESTRATOR) -> History:
    patient = PLATFORM.model_copy(
        update={"objectives": PLATFORM.objectives.model_copy(update={"rto_s": 0.1})}
    )
    # A drill that is as short as this shows nothing, so it is planned as if it were longer.
    longer = type("Longer", (QuickLoss,), {"loss": Loss(at_s=1, watch_s=20)})
    plan = plan_of(longer, patient, agents=agents, mutant=None)
    assert isinstance(plan, Plan)
    plan = plan.model_copy(update={"back_at_s": 2, "duration_s": 3, "requests": 60})
    people = QuickLoss.workload.population(target.platform, plan.affected)
    return Rehearsal(
        drill=QuickLoss,
        plan=plan,
        target=target,
        agents=agents,
        people=people,
        progress=Silence(),
    ).run()


def test_a_rehearsal_observes_all_that_the_checks_ask_for(target: FakeTarget) -> None:
    history = rehearse(target)
    assert len(history.of(Request)) == 60
    failed = [check.name for check in QuickLoss.checks if not check.judge(history).passed]
    assert failed == []
    assert {leader.region for leader in history.of(Leader)} >= {"us-east-1", "us-west-2"}
    assert history.of(StaleWrite) == [StaleWrite(region="us-east-1", task="a task", token=1)]


def test_what_the_survivor_lacks_is_seen_while_the_region_is_gone(target: FakeTarget) -> None:
    kill = target.kill

    def lossy(region: str) -> object:
        for table, key in list(target.items):
            if table == "us-coordination" and key.startswith("task#"):
                del target.items[table, key]
        return kill(region)

    target.kill = lossy  # type: ignore[method-assign,assignment]
    history = rehearse(target)
    assert not NoLostWrites().judge(history).passed
    lost = [read for read in history.of(Readback) if not read.visible]
    assert {read.jurisdiction for read in lost} == {"us"}


def test_a_platform_that_is_not_in_a_steady_state_is_left_alone(target: FakeTarget) -> None:
    target.down.add("eu-central-1")
    target.heals = False
    with pytest.raises(DrillError, match=r"not in a steady state.* requests of eu succeeded"):
        rehearse(target)
    assert target.down == {"eu-central-1"}


def test_a_region_that_does_not_lead_is_not_worth_losing(target: FakeTarget) -> None:
    target.leads = False
    with pytest.raises(DrillError, match="nobody leads US, not us-east-1"):
        rehearse(target)


def test_a_steady_state_with_a_mistake_in_it_is_told_in_a_sentence(
    target: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistaken = Mock(trouble=Mock(side_effect=KeyError("latency")))
    monkeypatch.setattr(QuickLoss, "steady_state", (mistaken,))
    with pytest.raises(
        DrillError, match=r"Mock fails by itself: KeyError: 'latency'\. Nothing was"
    ):
        rehearse(target)
    assert target.down == set()


def test_a_target_that_fails_ends_the_rehearsal_with_its_own_words(target: FakeTarget) -> None:
    target.broken = "the supervisor has gone"
    with pytest.raises(TwinError, match="the supervisor has gone"):
        rehearse(target)


@pytest.mark.parametrize("missed", [1, 100])
def test_one_missed_look_is_forgiven_and_blindness_is_not(target: FakeTarget, missed: int) -> None:
    looks = iter(range(missed))
    observe = target.observe

    def sometimes() -> Observation:
        if next(looks, None) is not None:
            raise TwinError("too busy")
        return observe()

    target.observe = sometimes  # type: ignore[method-assign]
    if missed == 1:
        assert rehearse(target).of(Health)
    else:
        with pytest.raises(DrillError, match="4 times in a row: too busy"):
            rehearse(target)


def test_an_interrupt_that_falls_into_a_request_ends_the_rehearsal_without_a_word(
    target: FakeTarget, caplog: pytest.LogCaptureFixture
) -> None:
    resolve = target.resolve

    async def interrupted(hostname: str, location: str) -> Destination:
        signal.raise_signal(signal.SIGINT)
        return await resolve(hostname, location)

    target.resolve = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt), repeated():
        rehearse(target)
    gc.collect()
    assert caplog.text == ""


def test_a_rehearsal_leaves_no_thread_behind(target: FakeTarget) -> None:
    rehearse(target)
    ours = [one for one in threading.enumerate() if one.name.startswith("drill")]
    for thread in ours:
        thread.join(timeout=5)
    assert not any(thread.is_alive() for thread in ours)


def test_of_agents_that_leave_no_marks_only_their_answers_are_seen(target: FakeTarget) -> None:
    bare = Agents(command=("./agent",), submit=ORCHESTRATOR.submit)
    history = rehearse(target, bare)
    assert {event.kind for event in history.events} == {
        "fault",
        "health",
        "memory",
        "request",
        "transfer",
    }


def test_the_hypothesis_is_the_first_sentence_of_a_drill() -> None:
    assert QuickLoss.hypothesis() == "A region is lost for a second."
