from typing import Any

import pytest

from holdfast.twin.region.groups import Consistency, Group
from holdfast.twin.region.replica_rules import Plan, RuleError, plan_update

US = frozenset({"us-east-1", "us-west-2", "us-east-2", "eu-west-1", "us-west-1", "ca-central-1"})
PLAIN = Group(gid="g", name="table", consistency=Consistency.LOCAL, replicas=("us-east-1",))
EVENTUAL = Group(
    gid="g", name="table", consistency=Consistency.EVENTUAL, replicas=("us-east-1", "us-west-2")
)
STRONG = Group(
    gid="g",
    name="table",
    consistency=Consistency.STRONG,
    replicas=("us-east-1", "us-west-2"),
    witness="us-east-2",
)
THREE = Group(
    gid="g",
    name="table",
    consistency=Consistency.STRONG,
    replicas=("us-east-1", "us-east-2", "us-west-2"),
)


def plan(
    group: Group,
    *actions: tuple[str, str],
    witness: tuple[str, str] | None = None,
    is_empty: bool = True,
    has_local_index: bool = False,
    has_ttl: bool = False,
    **more: Any,  # noqa: ANN401 -- fields of an AWS request
) -> Plan:
    request: dict[str, Any] = {
        "TableName": "table",
        "ReplicaUpdates": [{action: {"RegionName": region}} for action, region in actions],
        **more,
    }
    if witness is not None:
        request["GlobalTableWitnessUpdates"] = [{witness[0]: {"RegionName": witness[1]}}]
    return plan_update(
        request,
        group=group,
        region="us-east-1",
        regions=US,
        is_empty=is_empty,
        has_local_index=has_local_index,
        has_ttl=has_ttl,
    )


MAKE = ("Create", "us-west-2")
WITNESS = ("Create", "us-east-2")


def test_a_replica_and_a_witness_make_a_strong_table() -> None:
    made = plan(PLAIN, MAKE, witness=WITNESS, MultiRegionConsistency="STRONG")
    assert made.after == STRONG
    assert made.added == ("us-east-2", "us-west-2")
    assert made.removed == ()
    assert made.becomes_strong


def test_two_replicas_make_a_strong_table() -> None:
    made = plan(PLAIN, MAKE, WITNESS, MultiRegionConsistency="STRONG")
    assert made.after == THREE


def test_a_replica_alone_makes_an_eventual_table() -> None:
    made = plan(PLAIN, MAKE)
    assert made.after == EVENTUAL
    assert made.starts_stream
    assert not made.becomes_strong


def test_a_strong_table_is_dissolved_whole() -> None:
    ended = plan(STRONG, ("Delete", "us-west-2"), witness=("Delete", "us-east-2"))
    assert ended.after == PLAIN
    assert ended.removed == ("us-east-2", "us-west-2")
    ended = plan(THREE, ("Delete", "us-west-2"), ("Delete", "us-east-2"))
    assert ended.after == PLAIN


def test_a_third_replica_of_an_eventual_table_is_told_to_the_second() -> None:
    grown = plan(EVENTUAL, ("Create", "eu-west-1"))
    assert grown.after.replicas == ("eu-west-1", "us-east-1", "us-west-2")
    assert grown.kept == ("us-west-2",)


def test_the_last_other_replica_leaves_a_plain_table() -> None:
    assert plan(EVENTUAL, ("Delete", "us-west-2")).after == PLAIN


def test_a_replicas_own_settings_are_kept_and_changed() -> None:
    asked = {"RegionName": "us-west-2", "KMSMasterKeyId": "key"}
    made = plan(PLAIN, ReplicaUpdates=[{"Create": asked}])
    assert made.after.settings == {"us-west-2": {"KMSMasterKeyId": "key"}}
    changed = plan(
        made.after,
        ReplicaUpdates=[{"Update": {**asked, "TableClassOverride": "STANDARD"}}],
    )
    assert changed.after.settings == {
        "us-west-2": {"KMSMasterKeyId": "key", "TableClassOverride": "STANDARD"}
    }


STRONGLY: dict[str, Any] = {"MultiRegionConsistency": "STRONG"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plan(PLAIN, MAKE, **STRONGLY), "Unsupported replica count"),
        (lambda: plan(PLAIN, MAKE, witness=WITNESS), "must be set as STRONG"),
        (
            lambda: plan(PLAIN, MAKE, witness=WITNESS, MultiRegionConsistency="EVENTUAL"),
            "must be set as STRONG",
        ),
        (
            lambda: plan(PLAIN, MAKE, witness=("Create", "us-west-2"), **STRONGLY),
            "Cannot target multiple regions",
        ),
        (
            lambda: plan(PLAIN, MAKE, witness=("Create", "us-east-1"), **STRONGLY),
            "Cannot add a witness in the same region",
        ),
        (
            lambda: plan(PLAIN, MAKE, witness=("Create", "us-west-1"), **STRONGLY),
            r"Unsupported Region\(s\) specified .*: \[us-west-1\]",
        ),
        (
            lambda: plan(PLAIN, MAKE, witness=("Create", "eu-west-1"), **STRONGLY),
            r"Unsupported Region\(s\) specified .*: \[eu-west-1\]",
        ),
        (
            lambda: plan(PLAIN, MAKE, witness=WITNESS, is_empty=False, **STRONGLY),
            "must be empty",
        ),
        (
            lambda: plan(PLAIN, MAKE, witness=WITNESS, has_local_index=True, **STRONGLY),
            "Local secondary indexes",
        ),
        (
            lambda: plan(PLAIN, MAKE, witness=WITNESS, has_ttl=True, **STRONGLY),
            "Time to live",
        ),
        (
            lambda: plan(PLAIN, MAKE, DeletionProtectionEnabled=True),
            "must not also modify other fields",
        ),
        (lambda: plan(PLAIN, MAKE, ("Create", "eu-west-1")), "more than one create or delete"),
        (lambda: plan(PLAIN, ("Create", "us-east-1")), "the local region"),
        (lambda: plan(PLAIN, ("Create", "ap-south-1")), "The twin has no region ap-south-1"),
        (lambda: plan(PLAIN, ("Delete", "us-west-2")), "was not found"),
        (lambda: plan(EVENTUAL, MAKE), "already existed"),
        (
            lambda: plan(EVENTUAL, ("Create", "us-east-2"), witness=None, **STRONGLY),
            "unsupported on existing global table",
        ),
        (lambda: plan(STRONG, ("Create", "eu-west-1")), "Cannot add replicas"),
        (lambda: plan(STRONG, ("Delete", "us-west-2")), "does not include all witnesses"),
        (
            lambda: plan(STRONG, ("Delete", "us-west-2"), witness=("Delete", "eu-west-1")),
            r"without these witnesses: \[eu-west-1\]",
        ),
        (lambda: plan(THREE, ("Delete", "us-west-2")), "only one table replica"),
        (
            lambda: plan(STRONG, ("Delete", "us-west-2"), **STRONGLY),
            "Only Replica Create actions",
        ),
        (
            lambda: plan(STRONG, MAKE, MultiRegionConsistency="EVENTUAL"),
            "unsupported on existing global table",
        ),
        (
            lambda: plan(
                PLAIN,
                ReplicaUpdates=[
                    {
                        "Create": {
                            "RegionName": "us-west-2",
                            "ProvisionedThroughputOverride": {"ReadCapacityUnits": 1},
                        }
                    }
                ],
            ),
            "does not reproduce ProvisionedThroughputOverride",
        ),
    ],
)
def test_what_aws_refuses_is_refused_in_its_words(call: Any, message: str) -> None:  # noqa: ANN401
    with pytest.raises(RuleError, match=message):
        call()


def test_two_witnesses_are_refused() -> None:
    with pytest.raises(RuleError, match="globalTableWitnessUpdates"):
        plan(
            PLAIN,
            MAKE,
            MultiRegionConsistency="STRONG",
            GlobalTableWitnessUpdates=[
                {"Create": {"RegionName": "us-east-2"}},
                {"Create": {"RegionName": "us-west-1"}},
            ],
        )
