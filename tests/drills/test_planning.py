import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.contract import Objectives, Platform
from holdfast.drills.application import ORCHESTRATOR, Agents, Submission
from holdfast.drills.casting import LeaderRegion, Misfit
from holdfast.drills.drill import LONGEST_S, MARGIN_S, Drill, Loss
from holdfast.drills.history import Evidence, Plan
from holdfast.drills.measures import WINDOW_S
from holdfast.drills.mutants import LongTtl, Mutant, NoFencing, UsDefaultRoute
from holdfast.drills.planning import not_asked, plan_of
from holdfast.drills.region_loss import RegionLoss
from holdfast.errors import ConfigurationError
from tests.drills.platforms import OBJECTIVES, a_platform, platforms, stacks_like
from tests.drills.test_casting import AP, EU, US

SILENT = Agents(
    command=("./agent",),
    submit=Submission(path="/", body={"for": "{tenant}", "do": "{task}"}),
)


def planned(
    platform: Platform,
    *,
    drill: type[Drill] = RegionLoss,
    agents: Agents = ORCHESTRATOR,
    mutant: Mutant | None = None,
) -> Plan:
    found = plan_of(drill, platform, agents=agents, mutant=mutant)
    assert isinstance(found, Plan), found
    return found


def refused(
    platform: Platform,
    *,
    drill: type[Drill] = RegionLoss,
    agents: Agents = ORCHESTRATOR,
    mutant: Mutant | None = None,
) -> str:
    found = plan_of(drill, platform, agents=agents, mutant=mutant)
    assert isinstance(found, Misfit), found
    return "; ".join(found.reasons)


def promising(rto_s: float) -> Objectives:
    return OBJECTIVES.model_copy(update={"rto_s": rto_s})


class Short(RegionLoss):
    """Half a minute is long enough for anything."""

    name = "short"
    loss = Loss(at_s=7, away_s=30, watch_s=32)


def test_prod_is_rehearsed_with_twelve_requests_a_second_for_108_s() -> None:
    plan = planned(a_platform(US, EU))
    assert (plan.rate_per_s, plan.requests) == (12, 1296)
    assert (plan.lost_at_s, plan.back_at_s, plan.duration_s) == (7, 76, 108)
    assert (plan.affected, plan.lost_region) == ("us", "us-east-1")


@given(stacks_like())
def test_a_region_is_away_for_long_enough_to_find_out_who_only_waits_for_it(
    platform: Platform,
) -> None:
    plan = planned(platform)
    away_s = plan.back_at_s - plan.lost_at_s
    # Somebody who asks just before the region returns is answered by it, and ends the outage.
    assert away_s >= platform.objectives.rto_s + plan.timeout_s + 3
    assert plan.duration_s - plan.back_at_s >= WINDOW_S
    # Even who recovers in the last moment is seen to be served for a whole window.
    assert plan.lost_at_s + platform.objectives.rto_s + WINDOW_S <= plan.duration_s
    people = RegionLoss.workload.population(platform, plan.affected)
    due = [one.due_s for one in RegionLoss.workload.arrivals(people, plan.duration_s)]
    assert len(due) == plan.requests
    assert {(one.jurisdiction, one.tenant) for one in people} <= {
        (home, tenant) for tenant, home in platform.tenants.items()
    }


@given(platforms())
def test_any_platform_is_planned_or_refused_never_neither(platform: Platform) -> None:
    found = plan_of(RegionLoss, platform, agents=ORCHESTRATOR, mutant=None)
    if isinstance(found, Plan):
        people = RegionLoss.workload.population(platform, found.affected)
        assert {one.jurisdiction for one in people} == set(platform.jurisdictions)


@given(rto_s=st.floats(1, 4000), away_s=st.floats(1, 4000))
def test_a_drill_that_is_too_short_for_the_rto_is_refused_with_the_numbers(
    rto_s: float, away_s: float
) -> None:
    loss = Loss(at_s=7, away_s=away_s, watch_s=32)
    told = loss.timing(rto_s, 5)
    if away_s < rto_s + 5 + MARGIN_S:
        assert isinstance(told, str)
        assert f"{away_s:g} s" in told
        assert f"{rto_s + 5 + MARGIN_S:g} s" in told
    elif 7 + away_s + max(32, min(rto_s / 2, 300)) > LONGEST_S:
        assert isinstance(told, str)
    else:
        assert not isinstance(told, str)
        assert told.back_at_s - told.lost_at_s == pytest.approx(away_s)


def test_users_of_slow_routing_are_watched_until_they_can_be_back() -> None:
    plan = planned(a_platform(US, objectives=promising(180)))
    assert (plan.back_at_s, plan.duration_s) == (196, 286)
    # Nobody has to wait for longer than Route 53's slowest probes.
    slow = planned(a_platform(US, objectives=promising(1800)))
    assert slow.duration_s - slow.back_at_s == 300


def test_a_team_s_own_drill_that_is_too_short_is_refused_and_says_what_would_do() -> None:
    assert refused(a_platform(US), drill=Short) == (
        "the region is away for 30 s, which cannot show an rto_s of 60: with a user's patience "
        "and a margin it has to be away for 60 + 5 + 4 = 69 s or more"
    )
    assert planned(a_platform(US, objectives=promising(21)), drill=Short).duration_s == 69


def test_an_rto_of_hours_is_not_waited_for() -> None:
    told = refused(a_platform(US, objectives=promising(7200)))
    assert "7200 + 5 + 4 = 7209 s" in told
    assert "takes 3600 s at most" in told


def test_every_reason_is_told_at_once() -> None:
    class EuShort(Short):
        """Both wrong."""

        loss = Loss(role=LeaderRegion(of="eu"), at_s=7, away_s=30, watch_s=32)

    told = refused(a_platform(US), drill=EuShort)
    assert "no jurisdiction eu" in told
    assert "69 s or more" in told


@pytest.mark.parametrize("field", ["at_s", "away_s", "watch_s"])
def test_a_time_of_nothing_is_refused(field: str) -> None:
    given = {"at_s": 7.0, "away_s": 30.0, "watch_s": 32.0, field: 0.0}
    with pytest.raises(ConfigurationError, match=rf"{field}=0.0 is not positive"):
        Loss(at_s=given["at_s"], away_s=given["away_s"], watch_s=given["watch_s"])


def test_users_are_watched_for_as_long_as_it_takes_to_say_that_they_are_served() -> None:
    with pytest.raises(ConfigurationError, match=r"watch_s=10 is shorter than the 20 s"):
        Loss(at_s=7, watch_s=10)


def test_who_has_no_neighbours_is_not_asked_whether_they_noticed() -> None:
    unasked = {check.name: not_asked(check, planned(a_platform(EU))) for check in RegionLoss.checks}
    assert {name for name, reason in unasked.items() if reason} == {"others-undisturbed"}
    assert unasked["others-undisturbed"] == "the platform has one jurisdiction"
    assert not any(not_asked(check, planned(a_platform(EU, US))) for check in RegionLoss.checks)


def test_agents_that_show_nothing_but_their_answers_are_asked_what_users_see() -> None:
    plan = planned(a_platform(US, EU), agents=SILENT)
    asked = {check.name for check in RegionLoss.checks if not not_asked(check, plan)}
    assert asked == {"open-loop", "detection", "recovery-time", "others-undisturbed", "residency"}
    assert plan.evidence == (Evidence.OTHERS,)


@pytest.mark.parametrize(
    ("mutant", "platform", "agents", "told"),
    [
        (UsDefaultRoute(), a_platform(US), ORCHESTRATOR, "needs a jurisdiction us and another one"),
        (UsDefaultRoute(), a_platform(EU, AP), ORCHESTRATOR, "needs a jurisdiction us"),
        (LongTtl(), a_platform(US, objectives=promising(600)), ORCHESTRATOR, "none where rto_s"),
        (NoFencing(), a_platform(US), SILENT, "command begins with python -m, not with ./agent"),
        (NoFencing(), a_platform(US), SILENT, "breaks fence, which is not asked"),
    ],
)
def test_a_mistake_that_could_not_be_made_or_not_be_found_is_refused(
    mutant: Mutant, platform: Platform, agents: Agents, told: str
) -> None:
    assert told in refused(platform, agents=agents, mutant=mutant)


@pytest.mark.parametrize("mutant", RegionLoss.mutants)
def test_every_mistake_can_be_made_on_prod(mutant: type[Mutant]) -> None:
    assert planned(a_platform(US, EU), mutant=mutant()).mutant == mutant.name
