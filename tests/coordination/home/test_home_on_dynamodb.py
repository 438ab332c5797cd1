"""Home-region mode on tables of DynamoDB: every tool writes, and partitions are led."""

import threading

import pytest

from holdfast.contract import Consistency, Table
from holdfast.coordination import (
    DynamoDbStore,
    Get,
    HomeStore,
    Lease,
    LeaseTiming,
    Lock,
    Outcome,
    Partitions,
    Put,
    Update,
    move_home,
)
from holdfast.coordination.stores.store import Absent, Always, AnyOf, Equals
from tests.coordination.servers import REGION, create_table, environment

TIMING = LeaseTiming(lease_ms=3_000, renew_ms=300, retry_ms=100, margin_ms=600)
MAX_AGE_MS = 200
REGIONS = ("eu-west-1", "eu-central-1")


@pytest.fixture
def home(server: int, monkeypatch: pytest.MonkeyPatch) -> HomeStore:
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)
    tables: dict[str, DynamoDbStore] = {}
    for region in REGIONS:
        table = Table(name=f"home-{region}", consistency=Consistency.STRONG, regions=(REGION,))
        create_table(server, table.name)
        tables[region] = DynamoDbStore(table)
    move_home(tables, to=REGIONS[0], by="ada", reason="first", timing=TIMING, max_age_ms=MAX_AGE_MS)
    return HomeStore(tables[REGIONS[0]], region=REGIONS[0], max_age_ms=MAX_AGE_MS)


@pytest.mark.slow
def test_partitions_on_a_home_store_in_dynamodb_are_led(home: HomeStore) -> None:
    for when in (Always(), AnyOf((Absent("n"), Equals("n", 1)))):
        assert home.call(Put(key="a", when=when, item={"n": 1})).outcome is Outcome.APPLIED
        assert home.call(Update(key="a", when=when, add={"n": 0})).outcome is Outcome.APPLIED
    assert home.call(Get("a")).item == {"n": 1}
    with Lock(store=home, key="import", owner="a", wait_s=5, timing=TIMING) as lease:
        assert lease.held

    group = Partitions(store=home, prefix="cells", partitions=("a", "b"), owner="a", timing=TIMING)
    led: set[str] = set()

    def lead(cell: str, lease: Lease) -> None:
        led.add(cell)
        while not lease.wait(timeout_s=0.1):
            if len(led) > 1:
                group.stop()

    give_up = threading.Timer(60, group.stop)
    give_up.start()
    group.run(lead)
    give_up.cancel()
    assert led == {"a", "b"}
