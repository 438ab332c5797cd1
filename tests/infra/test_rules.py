from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.contract import Environment
from infra import rules
from infra.regions import REGIONS

regions = st.sampled_from(sorted(REGIONS))


@given(
    home=regions,
    replicas=st.lists(regions, min_size=1, max_size=3),
    witness=st.none() | regions,
    passive=st.booleans(),
)
def test_votes_pass_exactly_when_there_are_three_different_ones(
    *, home: str, replicas: list[str], witness: str | None, passive: bool
) -> None:
    votes = [home, *replicas, *filter(None, [witness])]
    good = len(votes) == len(set(votes)) == 3 and not (passive and witness is None)
    found = rules.vote_problems(
        home=home, replicas=replicas, witness=witness, active_passive=passive
    )
    assert (found == ()) == good


def test_two_votes_are_asked_for_a_witness_and_four_to_give_one_up() -> None:
    (few,) = rules.vote_problems(
        home="eu-west-1", replicas=["eu-west-3"], witness=None, active_passive=False
    )
    assert (few.path, few.fix) == (("witness",), "name a witness")
    (many,) = rules.vote_problems(
        home="us-east-1",
        replicas=["us-east-2", "us-west-2"],
        witness="eu-west-1",
        active_passive=False,
    )
    assert many.fix == "remove the witness or a replica"


@pytest.mark.parametrize(
    ("region", "jurisdiction", "wrong"),
    [
        ("eu-west-2", "eu", "replicates with the EU set but lies in uk"),
        ("us-east-1", "eu", "lies in us, not in eu"),
        ("eu-north-1", "eu", "is no region that can hold"),
        ("eu-central-2", "eu", "is no region that can hold"),
        ("mars-1", None, "is no region that can hold"),
    ],
)
def test_a_region_outside_its_jurisdiction_is_refused_for_the_reason(
    region: str, jurisdiction: str | None, wrong: str
) -> None:
    (problem,) = rules.region_problems(region, jurisdiction)
    assert problem.wrong.startswith(wrong)
    assert "eu-west-1" in problem.allowed


def test_a_region_is_not_judged_by_a_jurisdiction_that_is_itself_refused() -> None:
    assert rules.region_problems("us-east-1", None) == ()


@pytest.mark.parametrize("name", ["uk", "apac", "EU", "atlantis"])
def test_a_jurisdiction_needs_three_regions_under_one_law(name: str) -> None:
    (problem,) = rules.jurisdiction_name_problems(name)
    assert problem.allowed == "ap, eu, us"


@pytest.mark.parametrize(
    "principal",
    [
        "role/holdfast-prod-eu-agents",
        "arn:aws:iam::111111111111:role/holdfast-prod-eu-agents",
        "role/holdfast-prod-*",
        "role/holdfast-*",
        "role/h*",
        "role/*",
    ],
)
def test_a_principal_that_takes_in_the_platforms_own_roles_is_refused(principal: str) -> None:
    (problem,) = rules.principal_problems(principal, "holdfast-prod-")
    assert problem.given == principal


@pytest.mark.parametrize(
    "principal",
    [
        "role/oncall",
        "role/holdfast-oncall",
        "role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_Oncall_*",
        "user/*",
        "arn:aws:iam::111111111111:role/break-glass",
    ],
)
def test_a_principal_outside_the_platform_is_accepted(principal: str) -> None:
    assert rules.principal_problems(principal, "holdfast-prod-") == ()


@pytest.mark.parametrize("pool", ["10.0.0.0/8", "10.64.0.0/10", "172.16.0.0/12"])
def test_a_private_pool_with_room_for_every_region_is_accepted(pool: str) -> None:
    assert rules.network_problems(IPv4Network(pool)) == ()


@pytest.mark.parametrize("pool", ["8.0.0.0/8", "127.0.0.0/8", "10.0.0.0/13", "0.0.0.0/0"])
def test_a_pool_that_is_public_or_too_small_is_refused(pool: str) -> None:
    (problem,) = rules.network_problems(IPv4Network(pool))
    assert problem.given == pool


@pytest.mark.parametrize("name", ["prod-eu", "Prod", "1prod", "p" * 17, ""])
def test_a_name_that_holds_the_separator_or_is_too_long_cannot_start_names(name: str) -> None:
    (stack,) = rules.name_problems(stack=name, project="holdfast")
    (project,) = rules.name_problems(stack="prod", project=name)
    assert "stack" in stack.wrong
    assert "Pulumi.yaml" in project.fix


@pytest.mark.parametrize("name", ["aws", "awsome", "ssm", "ssmart", "internal", "sthree"])
def test_a_project_whose_names_a_service_keeps_for_itself_is_refused(name: str) -> None:
    (problem,) = rules.name_problems(stack=name, project=name)
    assert problem.given == name
    assert "keep" in problem.wrong
    assert problem.fix == "change `name` in Pulumi.yaml"


@pytest.mark.parametrize("name", ["holdfast", "internals", "sthreeb", "maws"])
def test_a_project_that_only_resembles_them_is_not(name: str) -> None:
    assert rules.name_problems(stack="prod", project=name) == ()


def test_a_stack_called_after_an_environment_is_of_that_environment() -> None:
    (problem,) = rules.stack_problems(Environment.DEV, "prod")
    assert problem.allowed == "prod"
    assert rules.stack_problems(Environment.PROD, "prod") == ()
    assert rules.stack_problems(Environment.DEV, "mine") == ()


def test_a_tenant_has_its_home_in_a_jurisdiction_of_the_file() -> None:
    (problem,) = rules.tenant_problems({"acme": "us", "globex": "eu"}, ["us"])
    assert problem.path == ("globex",)


def test_an_rpo_of_nothing_cannot_be_promised() -> None:
    assert rules.rpo_problems(0)
    assert rules.rpo_problems(5) == ()
