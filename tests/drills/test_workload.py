from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.drills.casting import Nearness, places
from holdfast.drills.workload import User, Workload
from holdfast.errors import ConfigurationError
from tests.drills.platforms import a_platform, stacks_like
from tests.drills.test_casting import EU, US

PLATFORM = a_platform(US, EU, tenants={"acme": "us", "globex": "us", "initech": "eu"})


def a_workload(seed: int = 1) -> Workload:
    return Workload(rate_per_s=5, users=8, seed=seed)


def people(workload: Workload) -> list[User]:
    return workload.population(PLATFORM, "us")


def test_every_tenant_has_users_in_every_place_of_its_jurisdiction() -> None:
    users = people(a_workload())
    assert len({user.name for user in users}) == len(users) == 16
    ours = places(PLATFORM, "us", (Nearness.LOCAL, Nearness.NEIGHBOUR))
    assert {(user.tenant, user.location) for user in users if user.jurisdiction == "us"} == {
        (tenant, place) for tenant in ("acme", "globex") for place in ours
    }
    theirs = places(PLATFORM, "eu", tuple(Nearness))
    assert {user.location for user in users if user.tenant == "initech"} == set(theirs)


@given(tenants=st.integers(1, 60), users=st.integers(1, 60))
def test_no_place_is_empty_however_many_tenants_there_are(tenants: int, users: int) -> None:
    platform = a_platform(US, tenants={f"t{number}": "us" for number in range(tenants)})
    found = Workload(rate_per_s=5, users=users).population(platform, "us")
    ours = places(platform, "us", (Nearness.LOCAL, Nearness.NEIGHBOUR))
    assert {user.location for user in found} == set(ours)
    assert len(found) == max(users, len(ours))


def test_the_loop_is_open_arrivals_are_evenly_spaced_whatever_happens() -> None:
    workload = a_workload()
    due = [arrival.due_s for arrival in workload.arrivals(people(workload), 60)]
    assert len(due) == 600
    assert due == pytest.approx([number / 10 for number in range(600)])


@given(stacks_like())
def test_every_jurisdiction_asks_as_often_as_the_only_one_would(platform: object) -> None:
    assert isinstance(platform, type(PLATFORM))
    workload = a_workload()
    users = workload.population(platform, next(iter(platform.jurisdictions)))
    asked = Counter(one.user.jurisdiction for one in workload.arrivals(users, 60))
    assert sum(asked.values()) == 300 * len(platform.jurisdictions)
    assert all(abs(count - 300) <= 30 for count in asked.values())


def test_everybody_asks_equally_often() -> None:
    workload = a_workload()
    counts = Counter(arrival.user.name for arrival in workload.arrivals(people(workload), 64))
    assert set(counts.values()) == {40}


def test_the_same_seed_gives_the_same_schedule_and_another_seed_another() -> None:
    def order(seed: int) -> list[str]:
        workload = a_workload(seed)
        return [arrival.user.name for arrival in workload.arrivals(people(workload), 60)]

    assert order(1) == order(1) != order(2)


def test_no_task_comes_twice() -> None:
    workload = a_workload()
    tasks = [arrival.task for arrival in workload.arrivals(people(workload), 60)]
    assert len(set(tasks)) == len(tasks)


def test_a_bound_that_an_outage_would_reach_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Raise in_flight to 100"):
        Workload(rate_per_s=10, in_flight=40)


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="rate_per_s=0"):
        Workload(rate_per_s=0)


def test_users_beside_their_regions_are_never_left_out() -> None:
    with pytest.raises(ConfigurationError, match="others leaves out local"):
        Workload(rate_per_s=1, others=(Nearness.FAR,))
