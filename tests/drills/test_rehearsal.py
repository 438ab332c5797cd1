"""A whole rehearsal in a few seconds, on a platform that can be told how to fail."""

import gc
import signal
import threading
from collections.abc import Iterator

import pytest

from holdfast.cli.interrupts import repeated
from holdfast.contract import Objectives, Platform
from holdfast.drills import rehearsal as rehearsals
from holdfast.drills.checks import Detection, ExactlyOnce, Fenced, NoLostWrites, OpenLoop, StaysIn
from holdfast.drills.drill import Drill, KillRegion, LeaderIn, SuccessRate
from holdfast.drills.history import (
    Health,
    History,
    Leader,
    Plan,
    Readback,
    Request,
    StaleWrite,
    Territory,
)
from holdfast.drills.progress import Silence
from holdfast.drills.rehearsal import Rehearsal
from holdfast.drills.target import Destination, Observation
from holdfast.drills.workload import Workload
from holdfast.errors import ConfigurationError, DrillError, TwinError
from tests.drills.fake_target import FakeTarget
from tests.drills.test_mutants import PLATFORM, a_jurisdiction

pytestmark = pytest.mark.slow


class QuickLoss(Drill):
    """A region is lost for a second.

    Short, so that what is tested is the rehearsal and not the patience of the tester.
    """

    name = "quick-loss"
    workload = Workload(
        rate_per_s=20,
        duration_s=3,
        timeout_s=5,
        users=3,
        locations={"us": ("new-york",), "eu": ("dublin",)},
    )
    first_leader = "us-east-1"
    steady_state = (SuccessRate(at_least=0.99, for_s=0.8), LeaderIn("us-east-1"))
    fault = KillRegion("us-east-1", at_s=1, until_s=2)
    checks = (OpenLoop(), Detection(), NoLostWrites(), ExactlyOnce(), Fenced(), StaysIn())
    mutants = ()


def platform() -> Platform:
    """Two regions to each jurisdiction, in one of which the US leads."""
    homes = {name: a_jurisdiction(name) for name in ("us", "eu")}
    grown = {
        name: home.model_copy(
            update={
                "regions": {
                    region: next(iter(home.regions.values())).model_copy(update={"name": region})
                    for region in (f"{name}-east-1", f"{name}-west-1")
                },
                "coordination": home.coordination.model_copy(update={"name": f"{name}-c"}),
                "state": home.state.model_copy(update={"name": f"{name}-s"}),
            }
        )
        for name, home in homes.items()
    }
    return PLATFORM.model_copy(update={"jurisdictions": grown})


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTarget]:
    monkeypatch.setattr(rehearsals, "AUDIT_AFTER_S", 0.2)
    monkeypatch.setattr(rehearsals, "SAMPLE_S", 0.1)
    monkeypatch.setattr(rehearsals, "DRAIN_S", 0.5)
    fake = FakeTarget(platform())
    yield fake
    fake.close()


def rehearse(target: FakeTarget) -> History:
    deployed = target.platform
    workload = QuickLoss.workload
    people = workload.population(
        {"us": ["acme"], "eu": ["initech"]},
        {name: home.hostname for name, home in deployed.jurisdictions.items()},
    )
    plan = Plan(
        drill="quick-loss",
        stack="test",
        mutant=None,
        seed=workload.seed,
        rate_per_s=workload.rate_per_s,
        requests=workload.requests,
        timeout_s=workload.timeout_s,
        lost_region="us-east-1",
        duration_s=workload.duration_s,
        dns_ttl_s=0,
        objectives=Objectives(rto_s=30, rpo_s=1, kill_s=1, rollback_s=1),
        territories={
            name: Territory(
                hostname=home.hostname,
                serving=tuple(home.regions),
                witness=None,
                resources=(home.coordination.name, home.state.name),
            )
            for name, home in deployed.jurisdictions.items()
        },
    )
    return Rehearsal(
        drill=QuickLoss, plan=plan, target=target, people=people, progress=Silence()
    ).run()


def test_a_rehearsal_observes_all_that_the_checks_ask_for(target: FakeTarget) -> None:
    history = rehearse(target)
    assert len(history.of(Request)) == 60
    failed = [check.name for check in QuickLoss.checks if not check.judge(history).passed]
    assert failed == []
    assert {leader.region for leader in history.of(Leader)} >= {"us-east-1", "us-west-1"}
    assert history.of(StaleWrite) == [StaleWrite(region="us-east-1", task="a task", token=1)]


def test_what_the_survivor_lacks_is_seen_while_the_region_is_gone(target: FakeTarget) -> None:
    kill = target.kill

    def lossy(region: str) -> object:
        for table, key in list(target.items):
            if table == "us-c" and key.startswith("task#"):
                del target.items[table, key]
        return kill(region)

    target.kill = lossy  # type: ignore[method-assign,assignment]
    history = rehearse(target)
    assert not NoLostWrites().judge(history).passed
    lost = [read for read in history.of(Readback) if not read.visible]
    assert {read.jurisdiction for read in lost} == {"us"}


def test_a_platform_that_is_not_in_a_steady_state_is_left_alone(target: FakeTarget) -> None:
    target.down.add("eu-east-1")
    target.heals = False
    with pytest.raises(DrillError, match=r"not in a steady state.* requests of eu succeeded"):
        rehearse(target)
    assert target.down == {"eu-east-1"}


def test_a_region_that_does_not_lead_is_not_worth_losing(target: FakeTarget) -> None:
    target.leads = False
    with pytest.raises(DrillError, match="nobody leads US, not us-east-1"):
        rehearse(target)


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


def test_a_region_cannot_come_back_before_it_is_lost() -> None:
    with pytest.raises(ConfigurationError, match="out of order"):
        KillRegion("us-east-1", at_s=10, until_s=5)


def test_the_hypothesis_is_the_first_sentence_of_a_drill() -> None:
    assert QuickLoss.hypothesis() == "A region is lost for a second."
