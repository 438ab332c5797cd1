from collections import Counter

import pytest

from holdfast.drills.workload import User, Workload
from holdfast.errors import ConfigurationError

LOCATIONS = {"us": ("new-york", "seattle"), "eu": ("dublin", "new-york")}
HOMES = {"us": ["acme", "globex"], "eu": ["initech"]}
NAMES = {"us": "us.example.org", "eu": "eu.example.org"}


def a_workload(seed: int = 1) -> Workload:
    return Workload(rate_per_s=10, duration_s=60, locations=LOCATIONS, users=6, seed=seed)


def people(workload: Workload) -> list[User]:
    return workload.population(HOMES, NAMES)


def test_every_tenant_and_every_location_has_users() -> None:
    users = people(a_workload())
    assert len({user.name for user in users}) == len(users) == 12
    assert {user.tenant for user in users} == {"acme", "globex", "initech"}
    assert {(user.jurisdiction, user.location) for user in users} == {
        ("us", "new-york"),
        ("us", "seattle"),
        ("eu", "dublin"),
        ("eu", "new-york"),
    }


def test_the_loop_is_open_arrivals_are_evenly_spaced_whatever_happens() -> None:
    workload = a_workload()
    due = [arrival.due_s for arrival in workload.arrivals(people(workload))]
    assert len(due) == 600
    assert due == pytest.approx([number / 10 for number in range(600)])


def test_everybody_asks_equally_often() -> None:
    workload = a_workload()
    counts = Counter(arrival.user.name for arrival in workload.arrivals(people(workload)))
    assert set(counts.values()) == {50}


def test_the_same_seed_gives_the_same_schedule_and_another_seed_another() -> None:
    def order(seed: int) -> list[str]:
        workload = a_workload(seed)
        return [arrival.user.name for arrival in workload.arrivals(people(workload))]

    assert order(1) == order(1) != order(2)


def test_no_task_comes_twice() -> None:
    workload = a_workload()
    tasks = [arrival.task for arrival in workload.arrivals(people(workload))]
    assert len(set(tasks)) == len(tasks)


def test_a_jurisdiction_without_tenants_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="jurisdiction eu has tenants"):
        a_workload().population({"us": ["acme"]}, NAMES)


def test_a_bound_that_an_outage_would_reach_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Raise in_flight to 100"):
        Workload(rate_per_s=10, duration_s=60, locations=LOCATIONS, in_flight=40)


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="rate_per_s=0"):
        Workload(rate_per_s=0, duration_s=60, locations=LOCATIONS)
