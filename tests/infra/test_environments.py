from itertools import combinations

import pytest

from holdfast.contract import Environment
from infra.environments import MODELS, PROD_MODEL, PROFILES, ModelRule, Tier
from infra.sections import Agents
from tests.infra.documents import STACKS, changed, refusals

# The matrix as the design draws it, written down a second time on purpose.
MATRIX = {
    "dev": {
        "tools": "stubs",
        "data": "made-up",
        "safety_checks": "optional",
        "approvals": "skipped",
        "token_budget": "loose",
        "rollback": "not-applicable",
    },
    "test": {
        "tools": "mocked-and-repeatable",
        "data": "fixed",
        "safety_checks": "as-prod",
        "approvals": "mocked",
        "token_budget": "tight-and-enforced",
        "rollback": "not-applicable",
    },
    "staging": {
        "tools": "real-in-a-sandbox",
        "data": "anonymised-real-shape",
        "safety_checks": "as-prod",
        "approvals": "mocked",
        "token_budget": "production",
        "rollback": "minutes-by-redeploy",
    },
    "prod": {
        "tools": "real-behind-safety-checks",
        "data": "real",
        "safety_checks": "all-on-fail-closed",
        "approvals": "real-humans",
        "token_budget": "production",
        "rollback": "seconds-by-flag",
    },
}
MODEL_RULES = {
    "dev": ModelRule.CHEAP_AND_FAST,
    "test": ModelRule.PINNED,
    "staging": ModelRule.SAME_AS_PROD,
    "prod": ModelRule.PINNED_WITH_FALLBACK,
}
CELLS = [(stack, key) for stack in STACKS for key in MATRIX["prod"]]


@pytest.mark.parametrize("stack", STACKS)
def test_each_environment_is_what_the_matrix_says(stack: str) -> None:
    profile = PROFILES[Environment(stack)]
    assert profile.agents.model_dump(mode="json", exclude={"model"}) == MATRIX[stack]
    assert profile.model_rule is MODEL_RULES[stack]


@pytest.mark.parametrize(("stack", "key"), CELLS)
def test_a_file_may_repeat_its_environment(stack: str, key: str) -> None:
    assert not refusals(changed(stack, {f"agents.{key}": MATRIX[stack][key]}), stack)


@pytest.mark.parametrize(("stack", "key"), CELLS)
def test_a_file_may_not_contradict_its_environment(stack: str, key: str) -> None:
    for other in {MATRIX[each][key] for each in STACKS} - {MATRIX[stack][key]}:
        problem = refusals(changed(stack, {f"agents.{key}": other}), stack)[f"agents.{key}"]
        assert problem.given == other
        assert problem.allowed == MATRIX[stack][key]
        assert stack in problem.wrong
        assert MATRIX[stack][key] in problem.fix


def test_every_contradiction_of_a_file_is_reported_at_once() -> None:
    wrong = {f"agents.{key}": MATRIX["dev"][key] for key in MATRIX["dev"]}
    found = refusals(
        changed(
            "prod",
            {
                **wrong,
                "agents.model.mocked": True,
                "agents.model.fallback": "amazon.nova-lite-v1:0",
                "objectives.rollback_s": 600,
                "sizes.zones": 2,
                "sizes.valkey_node_type": "cache.t4g.micro",
                "retention.recovery_days": 1,
                "alarm_emails": [],
            },
        ),
        "prod",
    )
    assert set(found) == {
        *wrong,
        "agents.model.mocked",
        "agents.model.fallback",
        "objectives.rollback_s",
        "sizes.zones",
        "sizes.valkey_node_type",
        "retention.recovery_days",
        "alarm_emails",
    }
    assert all("contradicts the environment prod" in each.wrong for each in found.values())


def test_dev_calls_any_cheap_and_fast_model_and_no_other() -> None:
    for model, tier in MODELS.items():
        found = refusals(changed("dev", {"agents.model.id": model}), "dev")
        assert set(found) == (set() if tier is Tier.FAST else {"agents.model.id"})


def test_test_calls_any_pinned_model_mocked_or_not_and_no_moving_one() -> None:
    for model in MODELS:
        for mocked in (True, False):
            changes = {"agents.model.id": model, "agents.model.mocked": mocked}
            assert not refusals(changed("test", changes), "test")
    found = refusals(changed("test", {"agents.model.id": "anthropic.claude-latest"}), "test")
    assert "MODELS" in found["agents.model.id"].fix


def test_staging_and_prod_call_one_model_with_a_fallback_that_is_another() -> None:
    assert PROFILES[Environment.STAGING].agents.model is PROD_MODEL
    assert PROFILES[Environment.PROD].agents.model is PROD_MODEL
    assert PROD_MODEL.fallback not in (None, PROD_MODEL.id)
    assert not PROD_MODEL.mocked
    assert {PROD_MODEL.id, PROD_MODEL.fallback} <= set(MODELS)
    for stack in ("staging", "prod"):
        for key, value in (("id", "amazon.nova-lite-v1:0"), ("mocked", True)):
            found = refusals(changed(stack, {f"agents.model.{key}": value}), stack)
            assert "PROD_MODEL" in found[f"agents.model.{key}"].fix


def test_prod_cannot_do_without_its_fallback() -> None:
    document = changed("prod", {"agents": {"model": {"fallback": None}}})
    assert set(refusals(document, "prod")) == {"agents.model.fallback"}


@pytest.mark.parametrize(("stack", "longest_s"), [("staging", 3600), ("prod", 60)])
def test_a_rollback_takes_no_longer_than_its_way_allows(stack: str, longest_s: int) -> None:
    path = "objectives.rollback_s"
    assert not refusals(changed(stack, {path: longest_s}), stack)
    problem = refusals(changed(stack, {path: longest_s + 1}), stack)[path]
    assert problem.allowed == f"{longest_s} or less"


@pytest.mark.parametrize("stack", STACKS)
def test_every_floor_is_of_a_key_that_exists_and_that_the_environment_keeps(stack: str) -> None:
    profile = PROFILES[Environment(stack)]
    for (section, key), floor in profile.floors.items():
        (own,) = (each for each in (profile.sizes, profile.retention) if type(each) is section)
        assert getattr(own, key) >= floor


@pytest.mark.parametrize("stack", STACKS)
def test_a_number_below_its_floor_is_refused_and_at_the_floor_accepted(stack: str) -> None:
    for (section, key), floor in PROFILES[Environment(stack)].floors.items():
        path = f"{section.__name__.lower()}.{key}"
        assert path not in refusals(changed(stack, {path: floor}), stack)
        assert (
            f"{floor} or more" in refusals(changed(stack, {path: floor - 1}), stack)[path].allowed
        )


def test_alarms_of_staging_and_prod_reach_somebody() -> None:
    for stack in STACKS:
        found = refusals(changed(stack, {"alarm_emails": []}), stack)
        assert set(found) == ({"alarm_emails"} if stack in ("staging", "prod") else set())


def test_only_prod_minds_burstable_nodes() -> None:
    for stack in STACKS:
        found = refusals(changed(stack, {"sizes.valkey_node_type": "cache.t4g.micro"}), stack)
        assert set(found) == ({"sizes.valkey_node_type"} if stack == "prod" else set())


def test_the_address_pools_of_the_environments_do_not_overlap() -> None:
    pools = [profile.network for profile in PROFILES.values()]
    assert all(not one.overlaps(other) for one, other in combinations(pools, 2))


def test_the_matrix_has_a_row_for_every_key_of_agents() -> None:
    assert set(Agents.model_fields) == {"model", *MATRIX["prod"]}
