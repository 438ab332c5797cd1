"""The provider's own logic, on a resource type that needs no emulator."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.errors import TwinError, UnsupportedResourceError
from holdfast.twin.provider import core
from holdfast.twin.provider.cloud import Cloud, Site
from holdfast.twin.provider.core import DEFAULTS_KEY, HELD_KEY, Provider, Settings, settings_of
from holdfast.twin.provider.registry import REALISED
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept, recorded, refused
from holdfast.twin.provider.values import UNKNOWN, Doc, Json, Object

TOPIC = "aws:sns/topic:Topic"


class FakeTopic(ResourceType):
    """A topic kept in a dict; each oddity can be switched on."""

    type_name = TOPIC
    name_property = "name"
    owned_elsewhere = ("policy",)
    properties = declared(
        {
            **{name: refused("not here") for name in REALISED[TOPIC].properties},
            "name": kept(replaces=True),
            "displayName": kept(default="unnamed"),
            "kmsMasterKeyId": kept(computed=True),
            "policy": kept(computed=True, document="policy"),
            "fifoTopic": recorded("for the test"),
            "tags": kept(),
        }
    )

    def __init__(self) -> None:
        self.things: dict[str, dict[str, Json]] = {}
        self.forgets: set[str] = set()
        self.fails_to_configure = self.fails_to_delete = False
        self.deleted: list[tuple[str, bool]] = []

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        if inputs.maybe_text("displayName") == "bad":
            yield Failure("displayName", "is bad")

    def create(self, site: Site, inputs: Doc) -> str:
        del site
        name = inputs.text("name")
        wanted = ("name", "displayName", "kmsMasterKeyId", "policy", "tagsAll")
        self.things[name] = {
            key: inputs.raw(key) for key in wanted if key in inputs and key not in self.forgets
        }
        return name

    def configure(self, site: Site, ident: str, inputs: Doc) -> None:
        del site, ident, inputs
        if self.fails_to_configure:
            raise TwinError("configure failed")

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        del state
        found = self.things.get(ident)
        arn = f"arn:aws:sns:{site.region}:{site.account}:{ident}"
        return None if found is None else {"policy": "{}", **found, "arn": arn, "owner": "me"}

    def shown(self, site: Site, state: Doc) -> Object:
        del site
        return {"displayName": "shown"} if state.maybe_text("displayName") == "show me" else {}

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        del ident, old
        self.create(site, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        del state
        if self.fails_to_delete:
            raise TwinError("delete failed")
        self.deleted.append((ident, site.forced))
        self.things.pop(ident, None)


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> FakeTopic:
    fake = FakeTopic()

    def realised(_token: str) -> FakeTopic:
        return fake

    monkeypatch.setattr(core, "realised", realised)
    return fake


@pytest.fixture
def provider(kind: FakeTopic) -> Provider:
    assert kind.things == {}
    return Provider(
        Cloud(lambda region: f"http://{region}.test"), Settings("eu-west-1", {"team": "a"})
    )


def checked(provider: Provider, old: Object | None = None, **inputs: Json) -> Object:
    found = provider.check(TOPIC, "logical", old or {}, inputs, b"seed")
    assert found.failures == ()
    return found.inputs


def problems(provider: Provider, **inputs: Json) -> dict[str, str]:
    found = provider.check(TOPIC, "logical", {}, inputs, b"seed")
    return {failure.path: failure.reason for failure in found.failures}


def test_defaults_region_and_a_name_are_filled_in_and_noted(provider: Provider) -> None:
    inputs = checked(provider)
    assert inputs["displayName"] == "unnamed"
    assert inputs["region"] == "eu-west-1"
    assert str(inputs["name"]).startswith("logical-")
    assert inputs[DEFAULTS_KEY] == ["displayName", "name", "region"]


def test_a_name_that_was_made_up_once_is_kept_and_one_that_was_given_is_not(
    provider: Provider,
) -> None:
    made_up = checked(provider)
    again = provider.check(TOPIC, "logical", made_up, {}, b"another seed")
    assert again.inputs["name"] == made_up["name"]
    given = checked(provider, name="mine")
    fresh = provider.check(TOPIC, "logical", given, {}, b"another seed")
    assert fresh.inputs["name"] != "mine"


def test_every_failure_is_told_at_once_with_its_path(provider: Provider) -> None:
    found = problems(provider, displayName=5, tags={"a": 1}, nmae="x", fifoTopic="yes")
    assert set(found) == {"displayName", "tags.a", "nmae", "fifoTopic"}
    assert "allowed are" in found["nmae"]
    assert problems(provider, displayName="bad") == {"displayName": "is bad"}


def test_what_the_twin_would_get_wrong_is_refused_with_the_reason(provider: Provider) -> None:
    found = provider.check(TOPIC, "logical", {}, {"archivePolicy": "{}"}, b"seed").failures
    assert [(one.path, one.unsupported) for one in found] == [("archivePolicy", True)]
    assert "not here" in found[0].reason
    assert problems(provider, archivePolicy="") == {}


def test_what_is_not_known_yet_passes_every_check(provider: Provider) -> None:
    assert problems(provider, displayName=UNKNOWN, tags=UNKNOWN, name=UNKNOWN) == {}


def test_a_resource_that_is_made_reads_as_it_was_made(provider: Provider) -> None:
    inputs = checked(provider, tags={"k": "v"})
    ident, state = provider.create(TOPIC, inputs)
    assert Doc(state).table("tagsAll") == {"team": "a", "k": "v"}
    assert Doc(state).table("tags") == {"k": "v"}
    assert ":eu-west-1:" in Doc(state).text("arn")
    assert not provider.diff(TOPIC, state, inputs)
    assert provider.read(TOPIC, ident, state) == state


def test_what_the_emulator_forgets_is_an_error_that_leaves_nothing(
    provider: Provider, kind: FakeTopic
) -> None:
    kind.forgets = {"displayName"}
    with pytest.raises(UnsupportedResourceError, match=r"did not keep displayName.*'shown name'"):
        provider.create(TOPIC, checked(provider, displayName="shown name"))
    assert kind.things == {}


def test_a_resource_that_could_not_be_finished_is_removed_by_force(
    provider: Provider, kind: FakeTopic
) -> None:
    kind.fails_to_configure = True
    with pytest.raises(TwinError, match="configure failed"):
        provider.create(TOPIC, checked(provider, name="n"))
    assert kind.things == {}
    assert kind.deleted == [("n", True)]


def test_what_could_be_neither_finished_nor_removed_is_told(
    provider: Provider, kind: FakeTopic
) -> None:
    kind.fails_to_configure = kind.fails_to_delete = True
    with pytest.raises(TwinError, match=r"^configure failed; .*n is left behind.*delete failed$"):
        provider.create(TOPIC, checked(provider, name="n"))


def test_changes_update_or_replace_and_a_given_name_must_go_first(provider: Provider) -> None:
    inputs = checked(provider, name="n")
    _, state = provider.create(TOPIC, inputs)
    update = provider.diff(TOPIC, state, {**inputs, "displayName": "new"})
    assert (update.updates, update.replaces) == (("displayName",), ())
    moved = provider.diff(TOPIC, state, {**inputs, "region": "us-east-1"})
    assert moved.replaces == ("region",)
    assert moved.delete_first
    renamed = provider.diff(TOPIC, state, {**inputs, "name": "m"})
    assert renamed.replaces == ("name",)
    assert not renamed.delete_first


def test_new_default_tags_are_an_update_of_everything(provider: Provider) -> None:
    inputs = checked(provider, name="n")
    _, state = provider.create(TOPIC, inputs)
    provider.settings = Settings("eu-west-1", {"team": "b"})
    assert provider.diff(TOPIC, state, inputs).updates == ("tagsAll",)


def test_a_value_that_is_not_known_yet_is_a_change_in_a_preview(provider: Provider) -> None:
    inputs = checked(provider, name="n")
    _, state = provider.create(TOPIC, inputs)
    assert provider.diff(TOPIC, state, {**inputs, "kmsMasterKeyId": UNKNOWN}).updates == (
        "kmsMasterKeyId",
    )
    assert provider.diff(TOPIC, state, {**inputs, "name": UNKNOWN}).replaces == ("name",)


def test_a_preview_knows_inputs_and_what_stays(provider: Provider) -> None:
    inputs = checked(provider, name="n")
    ahead = provider.preview(TOPIC, {}, inputs)
    assert ahead["name"] == "n"
    assert ahead["arn"] == UNKNOWN
    assert ahead["tagsAll"] == {"team": "a"}
    _, state = provider.create(TOPIC, inputs)
    later = provider.preview(TOPIC, state, {**inputs, "displayName": "new"})
    assert later["arn"] == state["arn"]
    assert later["displayName"] == "new"


def test_what_is_shown_otherwise_is_compared_by_what_is_held(provider: Provider) -> None:
    inputs = checked(provider, name="n", displayName="show me")
    ident, state = provider.create(TOPIC, inputs)
    assert state["displayName"] == "shown"
    assert state[HELD_KEY] == {"displayName": "show me"}
    assert not provider.diff(TOPIC, state, inputs)
    assert provider.read(TOPIC, ident, state) == state
    updated = provider.update(TOPIC, ident, state, {**inputs, "displayName": "plain"})
    assert updated["displayName"] == "plain"
    assert HELD_KEY not in updated


def test_what_belongs_to_another_resource_is_no_drift_of_this_one(
    provider: Provider, kind: FakeTopic
) -> None:
    inputs = checked(provider, name="n")
    ident, state = provider.create(TOPIC, inputs)
    kind.things["n"]["policy"] = '{"Statement": []}'
    assert provider.read(TOPIC, ident, state, inputs) == state
    mine = {**inputs, "policy": "{}"}
    now = provider.read(TOPIC, ident, state, mine)
    assert now is not None
    assert provider.drift(TOPIC, state, now) == ("policy",)


def test_a_refresh_without_drift_changes_no_input(provider: Provider, kind: FakeTopic) -> None:
    inputs = checked(provider, name="n")
    ident, state = provider.create(TOPIC, inputs)
    assert provider.inputs_of(TOPIC, inputs, state) == inputs
    kind.things["n"]["displayName"] = "changed"
    now = provider.read(TOPIC, ident, state)
    assert now is not None
    assert provider.inputs_of(TOPIC, inputs, now)["displayName"] == "changed"


def test_a_resource_that_is_gone_reads_as_nothing(provider: Provider, kind: FakeTopic) -> None:
    ident, state = provider.create(TOPIC, checked(provider))
    kind.things.clear()
    assert provider.read(TOPIC, ident, state) is None


def test_global_services_live_where_their_control_plane_is(provider: Provider) -> None:
    assert provider.site("aws:iam/role:Role", {}).region == "us-east-1"
    assert provider.site("aws:budgets/budget:Budget", {}).region == "us-east-1"
    assert provider.site(TOPIC, {}).region == "eu-west-1"
    assert provider.site(TOPIC, {"region": "us-west-2"}).region == "us-west-2"


def test_the_providers_configuration_comes_as_texts() -> None:
    told = {"region": "eu-west-3", "defaultTags": '{"tags": {"a": "b"}}', "version": "7.51.1"}
    assert settings_of(told) == Settings("eu-west-3", {"a": "b"})
    assert settings_of({}) == Settings()


def test_this_room_knows_nothing_of_the_blueprint() -> None:
    for path in Path(core.__file__).parent.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "import infra" not in text
        assert "from components" not in text
