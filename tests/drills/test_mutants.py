import subprocess
import sys

import pytest

from holdfast.contract import (
    Bucket,
    Consistency,
    Environment,
    Ingress,
    Jurisdiction,
    KillSwitch,
    Limiter,
    Mode,
    Objectives,
    Platform,
    Region,
    Role,
    Table,
)
from holdfast.drills.mutants import LongTtl, Mutant, NoFencing, UsDefaultRoute
from holdfast.drills.mutants.records import Record, changes
from holdfast.drills.region_loss import RegionLoss
from tests.contract.platforms import behaviour


def a_jurisdiction(name: str) -> Jurisdiction:
    region = f"{name}-west-1"
    table = Table(name=f"{name}-t", consistency=Consistency.STRONG, regions=(region,))
    return Jurisdiction(
        agent_role_arn="arn",
        name=name,
        hostname=f"{name}.agents.example.org",
        dns_ttl_s=10,
        regions={
            region: Region(
                name=region,
                role=Role.ACTIVE,
                ingress=Ingress(hostname=f"lb.{region}", port=443, health_path="/healthz"),
                limiter=Limiter(host="h", port=1, tls=True, secret_arn="arn"),
                bucket=Bucket(name="b"),
            )
        },
        witness=None,
        coordination=table,
        state=table,
        kill_switch=KillSwitch(table=table.name, key="kill", role_arn="arn", topic_arns={}),
    )


PLATFORM = Platform(
    project="p",
    stack="prod",
    environment=Environment.PROD,
    mode=Mode.ACTIVE_ACTIVE,
    objectives=Objectives(rto_s=60, rpo_s=5, kill_s=10, rollback_s=30),
    agents=behaviour(Environment.PROD),
    monthly_budget_usd=1000,
    jurisdictions={name: a_jurisdiction(name) for name in ("us", "eu")},
    tenants={"acme": "us", "initech": "eu"},
)
ZONE: list[Record] = [
    {"Name": "agents.example.org.", "Type": "SOA", "TTL": 900},
    {"Name": "us.agents.example.org.", "Type": "CNAME", "SetIdentifier": "a", "TTL": 10},
    {"Name": "eu.agents.example.org.", "Type": "CNAME", "SetIdentifier": "b", "TTL": 10},
]


def test_a_long_ttl_changes_the_records_of_users_and_no_others() -> None:
    changed = changes(ZONE, LongTtl().records(PLATFORM, ZONE))
    records = [change["ResourceRecordSet"] for change in changed]
    assert records == [{**ZONE[1], "TTL": 600}, {**ZONE[2], "TTL": 600}]
    jurisdictions = LongTtl().platform(PLATFORM).jurisdictions.values()
    assert {jurisdiction.dns_ttl_s for jurisdiction in jurisdictions} == {600}


def test_one_name_for_the_world_leads_to_the_us_by_default() -> None:
    mutant = UsDefaultRoute()
    hostnames = {one.hostname for one in mutant.platform(PLATFORM).jurisdictions.values()}
    assert hostnames == {"api.agents.example.org"}
    batch = changes(ZONE, mutant.records(PLATFORM, ZONE))
    added = [change["ResourceRecordSet"] for change in batch]
    places = {
        str(record["GeoLocation"]): record["ResourceRecords"]
        for record in added
        if isinstance(record, dict)
    }
    assert places == {
        "{'ContinentCode': 'EU'}": [{"Value": "eu.agents.example.org"}],
        "{'CountryCode': '*'}": [{"Value": "us.agents.example.org"}],
    }


@pytest.mark.parametrize("mutant", RegionLoss.mutants, ids=lambda mutant: mutant.name)
def test_a_mutant_breaks_something_and_says_what_it_is(mutant: type[Mutant]) -> None:
    assert mutant.breaks <= {check.name for check in RegionLoss.checks}
    assert mutant.breaks
    assert mutant.mistake.endswith(".")


def test_a_mutant_changes_nothing_but_its_mistake() -> None:
    assert NoFencing().platform(PLATFORM) == PLATFORM
    assert NoFencing().records(PLATFORM, ZONE) == ZONE
    assert LongTtl().command(("python", "-m", "x")) == ("python", "-m", "x")


def test_without_fences_a_program_runs_as_it_is_but_its_fences_let_everything_pass() -> None:
    # `this` is a module that prints; what counts is that it runs, with the fences down.
    module = (sys.executable, "-m", "tests.drills.prints_its_fence")
    command = (*NoFencing().command(module), "an argument")
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.split("\n")[:2] == ["['an argument']", "unguarded"]


def test_with_fences_the_same_program_is_guarded() -> None:
    ran = subprocess.run(
        (sys.executable, "-m", "tests.drills.prints_its_fence"),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "guarded" in ran.stdout.split()
