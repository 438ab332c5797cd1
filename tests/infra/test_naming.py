import re
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from holdfast.contract import Environment
from holdfast.errors import ConfigurationError
from infra.naming import GLOBAL, RULES, Kind, Names
from infra.regions import JURISDICTIONS, REGIONS
from infra.rules import name_problems

ACCOUNT = "123456789012"

# From each service's API reference, written down a second time: the table under test must not
# be its own witness.
LONGEST = {
    Kind.ALARM: 255,
    Kind.BUCKET: 63,
    Kind.BUDGET: 100,
    Kind.CACHE_PARAMETERS: 255,
    Kind.CACHE_SUBNETS: 255,
    Kind.KEY_ALIAS: 256,
    Kind.LOAD_BALANCER: 32,
    Kind.PARAMETER: 1011,
    Kind.REPLICATION_GROUP: 40,
    Kind.ROLE: 64,
    Kind.SECRET: 512,
    Kind.TABLE: 255,
    Kind.TARGET_GROUP: 32,
    Kind.TOPIC: 256,
}
LOWER_CASE = {
    Kind.BUCKET,
    Kind.CACHE_PARAMETERS,
    Kind.CACHE_SUBNETS,
    Kind.REPLICATION_GROUP,
}

zones = [f"{region.name}{letter}" for region in REGIONS.values() for letter in region.zones]
scopes = st.sampled_from([GLOBAL, *JURISDICTIONS, *REGIONS, *zones])
whats = st.from_regex(r"\A[a-z][a-z0-9]{0,8}(-[a-z][a-z0-9]{0,8})?\Z").filter(
    # Secrets Manager's own trap, which has its own test.
    lambda what: not re.search(r"-[a-z0-9]{6}$", what)
)
stacks = st.from_regex(r"\A[a-z][a-z0-9]{0,15}\Z")
# What the settings accept: a name that they let pass and a service refuses would stop a deployment.
projects = stacks.filter(lambda name: not name_problems(stack="prod", project=name))


def names(stack: str = "prod", project: str = "holdfast") -> Names:
    return Names(project=project, stack=stack, environment=Environment.PROD)


def every_name(of: Names, scope: str, what: str) -> dict[Kind, str]:
    return {
        kind: of.bucket(scope, what, ACCOUNT)
        if kind is Kind.BUCKET
        else of.physical(kind, scope, what)
        for kind in Kind
    }


def test_every_kind_of_name_has_its_limit_here() -> None:
    assert set(LONGEST) == set(Kind) == set(RULES)


@given(projects, stacks, scopes, whats)
def test_every_name_is_within_the_limits_of_its_service(
    project: str, stack: str, scope: str, what: str
) -> None:
    for kind, name in every_name(names(stack, project), scope, what).items():
        assert 3 <= len(name) <= LONGEST[kind]
        assert re.fullmatch(r"[A-Za-z0-9/_.-]+", name)
        assert not name.endswith("-")
        assert "--" not in name
        if kind in LOWER_CASE:
            assert name == name.lower()
            assert name[0].isalpha()
            assert re.fullmatch(r"[a-z0-9-]+", name)


def test_the_longest_parts_still_make_names_within_the_limits() -> None:
    longest = names("s" * 16, "p" * 16)
    for kind, name in every_name(longest, "ap-northeast-1a", "the-longest-what").items():
        assert len(name) <= LONGEST[kind]
        assert name.endswith(("the-longest-what", ACCOUNT))


@given(
    st.tuples(projects, stacks, scopes, whats),
    st.tuples(projects, stacks, scopes, whats),
)
def test_different_things_have_different_names(
    one: tuple[str, str, str, str], other: tuple[str, str, str, str]
) -> None:
    assume(one != other)
    first = every_name(names(one[1], one[0]), one[2], one[3])
    second = every_name(names(other[1], other[0]), other[2], other[3])
    assert all(first[kind] != second[kind] for kind in Kind)


def test_no_two_scopes_share_a_name_even_where_words_could_run_together() -> None:
    # "us" + "east" against "us-east-1" + ..., "global" + "eu-x" against "eu" + "x", and so on.
    words = ["east", "east-x", "x", "eu-x", "us", "global-x", "us-east"]
    every = [GLOBAL, *JURISDICTIONS, *REGIONS, *zones]
    for kind in (Kind.TABLE, Kind.LOAD_BALANCER, Kind.SECRET):
        named = [names().physical(kind, scope, what) for scope, what in product(every, words)]
        assert len(set(named)) == len(named)
    logical = [names().logical(scope, what) for scope, what in product(every, words)]
    assert len(set(logical)) == len(logical)


def test_names_are_made_of_project_stack_scope_and_what() -> None:
    assert names().physical(Kind.TABLE, "eu", "coordination") == "holdfast-prod-eu-coordination"
    assert (
        names().physical(Kind.SECRET, "eu-west-1", "limiter") == "holdfast/prod/eu-west-1/limiter"
    )
    assert names().physical(Kind.PARAMETER, GLOBAL, "platform") == "/holdfast/prod/global/platform"
    assert names().physical(Kind.KEY_ALIAS, "eu", "data") == "alias/holdfast-prod-eu-data"
    assert names().bucket("eu-west-1", "objects", ACCOUNT) == (
        f"holdfast-prod-eu-west-1-objects-{ACCOUNT}"
    )
    assert names().logical("eu-west-1", "ingress") == "eu-west-1-ingress"


def test_a_region_is_abbreviated_where_its_full_name_does_not_fit() -> None:
    named = [
        names().physical(Kind.LOAD_BALANCER, region, "ingress")
        for region in ("us-east-1", "eu-central-1", "ap-northeast-1")
    ]
    assert named == [
        "holdfast-prod-us-east-1-ingress",
        "holdfast-prod-euc1-ingress",
        "holdfast-prod-apne1-ingress",
    ]


def test_a_name_that_still_does_not_fit_keeps_its_end_and_stays_the_same_for_ever() -> None:
    name = names("stagingofblue").physical(Kind.LOAD_BALANCER, "ap-northeast-1", "ingress")
    assert name == "holdfast-stagin-0830394f-ingress"


@pytest.mark.parametrize("scope", ["", "EU", "eu_west", "eu--west-1", "us-east", "-eu", "eu-"])
def test_what_is_no_scope_is_refused(scope: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be the scope of a name"):
        names().logical(scope, "table")


@pytest.mark.parametrize("what", ["", "Table", "a_b", "a--b", "1a", "a-1", "a-", "-a"])
def test_what_could_run_into_a_scope_is_refused(what: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be the what of a name"):
        names().physical(Kind.TABLE, "eu", what)


def test_a_secret_that_ends_like_an_arn_is_refused() -> None:
    # ARNs of secrets end in a hyphen and six characters; partial lookups take them for one.
    with pytest.raises(ConfigurationError, match="cannot name a secret"):
        names().physical(Kind.SECRET, "eu", "auth-secret")


def test_a_name_too_long_for_its_service_is_refused_with_the_limit() -> None:
    with pytest.raises(ConfigurationError, match="at most 32 characters"):
        names().physical(Kind.LOAD_BALANCER, "eu", "a" * 40)


def test_tags_say_whose_and_what_a_resource_is() -> None:
    assert names().tags("keys", "eu") == {
        "holdfast:project": "holdfast",
        "holdfast:stack": "prod",
        "holdfast:environment": "prod",
        "holdfast:component": "keys",
        "holdfast:jurisdiction": "eu",
    }
    assert "holdfast:jurisdiction" not in names().tags("global-routing")
