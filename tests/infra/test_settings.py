import json
from collections.abc import Mapping
from contextvars import copy_context
from ipaddress import IPv4Network

import pulumi
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from holdfast.contract import Environment, Mode
from holdfast.errors import ConfigurationError
from infra.settings import ROOT, Settings, examine, load, parse
from tests.infra.documents import PROJECT, STACKS, changed, committed, documents, refusals


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_file_of_this_repository_parses(stack: str) -> None:
    assert parse(committed(stack), stack).environment is Environment(stack)


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_file_holds_one_object_and_nothing_else(stack: str) -> None:
    text = (PROJECT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    assert set(yaml.safe_load(text)["config"]) == {ROOT}


def test_the_prod_stack_file_fits_a_screen() -> None:
    assert len((PROJECT / "Pulumi.prod.yaml").read_text(encoding="utf-8").splitlines()) <= 24


@given(documents())
def test_every_shape_of_good_file_is_accepted(document: Mapping[str, object]) -> None:
    assert isinstance(examine(document, str(document["environment"])), Settings)


def test_values_arrive_as_types_of_the_domain() -> None:
    settings = parse(committed("prod"), "prod")
    assert settings.network == IPv4Network("10.0.0.0/10")
    assert settings.mode is Mode.ACTIVE_ACTIVE
    assert settings.jurisdictions["eu"].replicas == ("eu-central-1",)
    assert settings.jurisdictions["eu"].name == "eu"
    assert (settings.project, settings.stack) == ("holdfast", "prod")


def test_settings_cannot_be_changed() -> None:
    settings = parse(committed("prod"), "prod")
    with pytest.raises(ValidationError, match="frozen"):
        settings.domain = "elsewhere.example.com"


def test_a_part_of_a_section_keeps_the_environments_other_values() -> None:
    settings = parse(changed("prod", {"sizes": {"valkey_replicas": 2}}), "prod")
    assert settings.sizes.valkey_replicas == 2
    assert settings.sizes.zones == 3


def test_parsing_leaves_the_document_as_it_was() -> None:
    document = committed("prod")
    before = json.dumps(document)
    parse(document, "prod")
    assert json.dumps(document) == before


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("tenant", "tenants"),
        ("objectives.rto", "rto_s"),
        ("jurisdictions.eu.witnes", "witness"),
        ("agents.model.falback", "fallback"),
        ("sizes.valkey_node", "valkey_node_type"),
        ("routing.ttl", "ttl_s"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(misspelt: str, meant: str) -> None:
    problem = refusals(changed("prod", {misspelt: 1}), "prod")[misspelt]
    assert problem.wrong == "is an unknown key"
    assert problem.fix == f"write {meant} in place of {misspelt.rsplit('.', maxsplit=1)[-1]}"
    assert meant in problem.allowed
    assert not {"project", "stack", "$name"} & set(problem.allowed.split(", "))


@pytest.mark.parametrize("key", ["project", "stack"])
def test_what_pulumi_says_is_not_said_again(key: str) -> None:
    problem = refusals(changed("prod", {key: "prod"}), "prod")[key]
    assert problem.wrong == "is an unknown key"
    assert key not in problem.allowed.split(", ")


def test_the_key_of_a_jurisdiction_is_not_said_again() -> None:
    found = refusals(changed("prod", {"jurisdictions.eu.$name": "us"}), "prod")
    assert set(found) == {"jurisdictions.eu.$name"}


@pytest.mark.parametrize("given", [None, [], {}, "us", 7])
def test_tenants_are_not_called_homeless_where_no_jurisdiction_can_be_read(given: object) -> None:
    document = committed("prod")
    document["jurisdictions"] = given
    assert set(refusals(document, "prod")) == {"jurisdictions"}


@pytest.mark.parametrize(
    ("path", "value", "wrong", "fix"),
    [
        ("jurisdictions.eu.replicas", "eu-central-1", "is no list", 'write ["eu-central-1"]'),
        ("alarm_emails", "a@b.example", "is no list", 'write ["a@b.example"]'),
        ("jurisdictions.eu.replicas", [], "has 0 items", "write what is allowed"),
        ("kill_principals", [], "has 0 items", "write what is allowed"),
        ("objectives.rto_s", "60", "is no number", "write 60"),
        ("monthly_budget_usd", "4000", "is no whole number", "write 4000"),
        ("monthly_budget_usd", "4_000 USD", "is no whole number", "write what is allowed"),
        ("monthly_budget_usd", 4000.5, "is no whole number", "write what is allowed"),
        ("sizes", ["cache.m7g.large"], "is no object", "write what is allowed"),
        ("network", "10.64.0.1/10", "10.64.0.1/10 has host bits set", "write 10.64.0.0/10"),
        ("tenants", {"1st": "us"}, "has another form", "write it in that form"),
    ],
)
def test_what_is_wrong_and_the_fix_are_said_in_the_words_of_a_stack_file(
    path: str, value: object, wrong: str, fix: str
) -> None:
    (problem,) = refusals(changed("prod", {path: value}), "prod").values()
    assert problem.wrong.startswith(wrong)
    assert problem.fix == fix
    assert "tuple" not in problem.text("p")
    assert "array" not in problem.text("p")


def test_a_tenants_name_is_told_what_it_must_start_with() -> None:
    problem = refusals(changed("prod", {"tenants": {"1st": "us"}}), "prod")["tenants.1st"]
    assert "the first a letter" in problem.allowed


REQUIRED = (
    "environment",
    "mode",
    "domain",
    "objectives",
    "objectives.kill_s",
    "jurisdictions",
    "jurisdictions.eu.home",
    "jurisdictions.eu.replicas",
    "tenants",
    "kill_principals",
    "monthly_budget_usd",
)


@pytest.mark.parametrize("path", REQUIRED)
def test_a_missing_key_is_named_with_what_belongs_there(path: str) -> None:
    problem = refusals(changed("prod", {path: None}), "prod")[path]
    assert problem.text("p").startswith(f"p.{path}: not set")
    assert problem.fix == "add the key"
    assert problem.allowed


@pytest.mark.parametrize(
    ("path", "value", "allowed"),
    [
        ("environment", "production", "dev, test, staging, prod"),
        ("mode", "active", "active-active, active-passive"),
        ("domain", "Agents.Example.com", "a domain name in lower case"),
        ("domain", "localhost", "a domain name in lower case"),
        ("domain", "agents.example.com.", "a domain name in lower case"),
        ("objectives", 60, "an object with the keys kill_s, rollback_s, rpo_s, rto_s"),
        ("objectives.rto_s", "60", "a number"),
        ("objectives.rto_s", 0, "more than 0"),
        ("objectives.rto_s", True, "a number"),
        ("objectives.rpo_s", 0, "more than 0"),
        ("jurisdictions", [], "an object"),
        ("jurisdictions", {}, "at least 1"),
        ("jurisdictions.eu", "eu-west-1", "an object with the keys home, replicas, witness"),
        ("jurisdictions.eu.replicas", "eu-central-1", "a list"),
        ("jurisdictions.eu.replicas", [], "at least 1"),
        ("jurisdictions.eu.home", 7, "a string"),
        ("kill_principals", [], "at least 1"),
        ("alarm_emails", [f"{who}@example.com" for who in "abcdefghijk"], "at most 10"),
        ("monthly_budget_usd", 0, "at least 1"),
        ("monthly_budget_usd", 1.5, "a whole number"),
        ("network", "10.0.0.1/8", "a network such as"),
        ("network", "8.0.0.0/8", "a private network"),
        ("decommission", "yes", "true or false"),
        ("agents.tools", "hammer", "stubs, mocked-and-repeatable"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_what_would(
    path: str, value: object, allowed: str
) -> None:
    (problem,) = refusals(changed("prod", {path: value}), "prod").values()
    assert problem.path == tuple(path.split("."))
    assert problem.given == value
    assert allowed in problem.allowed


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("tenants", {"Acme Inc": "us"}, "tenants.Acme Inc"),
        ("tenants", {"acme": "uss"}, "tenants.acme"),
        ("kill_principals", ["role/oncall", "*"], "kill_principals.1"),
        ("kill_principals", ["arn:aws:iam::1:root"], "kill_principals.0"),
        ("kill_principals", ["role/holdfast-prod-*"], "kill_principals.0"),
        ("alarm_emails", ["nobody"], "alarm_emails.0"),
        ("alarm_emails", ["a@b.example", "c@d.example", "a@b.example"], "alarm_emails.2"),
        ("jurisdictions.eu.replicas", ["eu-west-2"], "jurisdictions.eu.replicas.0"),
        ("jurisdictions.eu.witness", "eu-west-2", "jurisdictions.eu.witness"),
        ("jurisdictions.eu.witness", "eu-west-1", "jurisdictions.eu"),
        ("jurisdictions.eu.witness", None, "jurisdictions.eu.witness"),
        ("mode", "active-active", None),
    ],
)
def test_an_impossible_value_is_refused_at_its_own_path(
    path: str, value: object, where: str | None
) -> None:
    found = refusals(changed("prod", {path: value}), "prod")
    assert set(found) == ({where} if where else set())


def test_the_legal_area_is_judged_by_the_name_of_the_jurisdiction() -> None:
    document = committed("prod")
    document["jurisdictions"] = {"usa": {"home": "us-east-1", "replicas": ["us-west-2"]}}
    document["tenants"] = {"acme": "usa"}
    found = refusals(document, "prod")
    assert found["jurisdictions.usa"].fix == "write us"


def test_active_passive_takes_one_standby_and_a_witness() -> None:
    shape = {"home": "us-east-1", "replicas": ["us-east-2", "us-west-2"]}
    found = refusals(changed("dev", {"jurisdictions.us": shape}), "dev")
    assert set(found) == {"jurisdictions.us.replicas"}
    assert not refusals(changed("dev", {"mode": "active-active", "jurisdictions.us": shape}), "dev")


def test_a_file_is_not_used_for_a_stack_called_after_another_environment() -> None:
    assert set(refusals(committed("dev"), "prod")) == {"environment"}
    assert not refusals(committed("dev"), "mine")


def test_every_error_of_a_file_is_reported_at_once_whatever_its_kind() -> None:
    changes: dict[str, object] = {
        "mode": "both",
        "objectives.rto_s": 30,
        "objectives.rollback": 5,
        "jurisdictions.eu.witness": "eu-west-2",
        "jurisdictions.us.replicas": "us-west-2",
        "tenants.acme": "mars",
        "agents.tools": "stubs",
        "agents.model.mocked": True,
        "sizes.zones": 1,
        "routing.interval_s": 30,
        "kill_principals": ["oncall", "role/*"],
        "extra": {},
    }
    with pytest.raises(ConfigurationError) as refused:
        parse(changed("prod", changes), "prod-eu")
    message = str(refused.value)
    assert message.startswith("Pulumi.prod-eu.yaml is refused, 13 problems:")
    above = {"objectives.rto_s", "routing.interval_s", "kill_principals"}
    below = {"routing", "kill_principals.0", "kill_principals.1"}
    for path in set(changes) - above | below:
        assert f"{ROOT}.{path}: " in message
    assert "the stack name" in message


def test_contradictions_are_not_made_up_for_an_environment_that_nobody_knows() -> None:
    changes: dict[str, object] = {"environment": "qa", "agents.tools": "stubs", "sizes.zones": 1}
    assert set(refusals(changed("prod", changes), "prod")) == {
        "environment",
        "sizes.valkey_replicas",
    }


@given(
    st.dictionaries(
        st.text(),
        st.none()
        | st.booleans()
        | st.floats()
        | st.text()
        | st.lists(st.text())
        | st.dictionaries(st.text(), st.text()),
    )
)
def test_whatever_stands_in_a_file_it_is_refused_in_words_and_never_breaks(
    document: dict[str, object],
) -> None:
    with pytest.raises(ConfigurationError, match="is refused"):
        parse(document, "prod")


@pytest.mark.parametrize("key", ["[key]", "$name", "__proto__", ""])
def test_a_key_of_any_spelling_is_refused_by_its_own_name(key: str) -> None:
    assert refusals(changed("prod", {key: 1}), "prod")[key].wrong == "is an unknown key"


@given(
    st.sampled_from(REQUIRED),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
)
def test_whatever_stands_under_a_key_is_accepted_or_refused_in_words(
    path: str, value: object
) -> None:
    document = changed("prod", {path: 0})
    *above, key = path.split(".")
    place: dict[str, object] = document
    for step in above:
        place = place[step]  # type: ignore[assignment]
    place[key] = value
    result = examine(document, "prod")
    assert isinstance(result, Settings) or all(problem.text(ROOT) for problem in result)


def loaded(monkeypatch: pytest.MonkeyPatch, config: dict[str, str]) -> Settings:
    monkeypatch.setattr(pulumi, "get_stack", lambda: "prod")
    monkeypatch.setattr(pulumi, "get_project", lambda: "ourplatform")

    def read() -> Settings:
        pulumi.runtime.set_all_config(config)
        return load()

    # Pulumi keeps its configuration in a context variable: a copy keeps it from other tests.
    return copy_context().run(read)


def test_a_program_reads_the_object_of_its_own_stack_and_project(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = loaded(monkeypatch, {ROOT: json.dumps(committed("prod"))})
    assert settings == parse(committed("prod"), "prod", "ourplatform")


@pytest.mark.parametrize("found", [{}, {ROOT: "[]"}, {ROOT: '"prod"'}, {ROOT: "prod"}])
def test_a_stack_without_the_object_is_told_where_it_belongs(
    monkeypatch: pytest.MonkeyPatch, found: dict[str, str]
) -> None:
    with pytest.raises(ConfigurationError, match=r"Pulumi\.prod\.yaml has no object holdfast:pl"):
        loaded(monkeypatch, found)


def test_more_tenants_than_a_parameter_holds_are_refused_before_anything_is_made() -> None:
    tenants = {f"tenant{number:04}": "eu" for number in range(300)}
    found = refusals(changed("prod", {"tenants": tenants}), "prod")
    assert set(found) == {"tenants"}
    assert found["tenants"].given == 300
    assert "8192" in found["tenants"].wrong
    assert not refusals(changed("prod", {"tenants": dict(list(tenants.items())[:150])}), "prod")


def test_nine_serving_regions_are_more_than_a_parameter_holds() -> None:
    document = committed("prod")
    document["jurisdictions"] = {
        "ap": {"home": "ap-northeast-1", "replicas": ["ap-northeast-2", "ap-northeast-3"]},
        "eu": {"home": "eu-west-1", "replicas": ["eu-central-1", "eu-west-3"]},
        "us": {"home": "us-east-1", "replicas": ["us-east-2", "us-west-2"]},
    }
    found = refusals(document, "prod")
    assert "a witness instead of a third serving region" in found["tenants"].fix
