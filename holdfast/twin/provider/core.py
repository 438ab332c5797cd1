"""The provider as plain functions over JSON: check, diff, create, read, update, delete, invoke.

Both fronts speak to this: the gRPC one through ``TwinProvider``, the in-process one directly.

Guarantees:
    A resource that ``create`` could not finish is removed again before the error is raised.
    What the emulator did not keep of a property that counts as kept is an error, not a
    difference to find later. Every method may be called from many threads.

Does not guarantee:
    Atomicity of an update: one that fails half way leaves the resource between old and new.
    The next ``read`` tells what it is.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from holdfast.errors import TwinError, UnsupportedResourceError
from holdfast.twin.provider.checking import refusals, shape_failures
from holdfast.twin.provider.cloud import CONTROL_REGION, Cloud, Site
from holdfast.twin.provider.functions import invoke
from holdfast.twin.provider.registry import realised
from holdfast.twin.provider.schema import Schema, schema_of
from holdfast.twin.provider.spec import (
    Failure,
    Fate,
    ResourceType,
    canonical,
    differs,
)
from holdfast.twin.provider.values import UNKNOWN, Doc, Json, Object, document, is_unknown

DEFAULTS_KEY = "__defaults"
"""Names of the inputs that the provider filled in, kept among them as pulumi-aws does."""

HELD_KEY = "__held"
"""What the emulator holds of outputs that are shown otherwise (see ``ResourceType.shown``)."""

_NOTHING: Mapping[str, Json] = {"text": "", "integer": 0, "number": 0, "flag": False, "list": ()}
"""What the AWS provider answers for an output that it declares as always there and has not."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Inputs with defaults filled in, and what is wrong with them."""

    inputs: Object
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What new inputs mean for an existing resource.

    Attributes:
        updates: Properties that change in place.
        replaces: Properties that make a new resource necessary.
        delete_first: Whether the old resource has to go before the new one is made.
    """

    updates: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    delete_first: bool = False

    def __bool__(self) -> bool:
        return bool(self.updates or self.replaces)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the program's AWS provider is configured with.

    Attributes:
        region: Region of resources that name none.
        default_tags: Tags that every taggable resource gets.
    """

    region: str = CONTROL_REGION
    default_tags: Mapping[str, str] = field(default_factory=dict[str, str])


def settings_of(configuration: Object) -> Settings:
    """Settings from the inputs of the program's AWS provider.

    Nested values arrive as JSON text, because a provider's configuration is a map of texts.
    """
    read = {
        key: document(item) if isinstance(item, str) and key == "defaultTags" else item
        for key, item in configuration.items()
    }
    given = Doc(read)
    return Settings(
        region=given.maybe_text("region") or CONTROL_REGION,
        default_tags=given.doc("defaultTags").table("tags"),
    )


class Provider:
    """AWS resource types realised in a cloud of emulators."""

    def __init__(self, cloud: Cloud, settings: Settings | None = None) -> None:
        self.cloud = cloud
        self.settings = settings or Settings()

    def check(self, token: str, name: str, old: Object, new: Object, seed: bytes) -> Checked:
        """The inputs as the AWS provider would complete them, and every failure at once.

        Args:
            token: The resource's type.
            name: Its logical name, from which an absent physical name is made.
            old: Inputs of the last deployment; empty for a new resource.
            new: What the program says now.
            seed: Randomness for the name; the same seed gives the same name.

        Raises:
            UnsupportedResourceError: If the type is not realised.
        """
        kind = realised(token)
        schema = schema_of(token)
        inputs: dict[str, Json] = {}
        inputs.update({key: new[key] for key in new if new[key] is not None})
        inputs.pop(DEFAULTS_KEY, None)
        failures = list(shape_failures(inputs, schema.inputs, ""))
        failures += refusals(kind, inputs)
        filled: list[str] = []
        for path, rule in kind.properties.items():
            if "." not in path and path not in inputs and rule.default is not None:
                inputs[path] = rule.default
                filled.append(path)
        if "region" in schema.inputs and "region" not in inputs:
            inputs["region"] = self.settings.region
            filled.append("region")
        target = kind.name_property
        if target is not None and kind.autoname and target not in inputs:
            named_before = target in Doc(old).texts(DEFAULTS_KEY)
            inputs[target] = old[target] if named_before else _auto_name(name, seed)
            filled.append(target)
        missing = [
            Failure(key, f"is missing; {token} needs it")
            for key, shape in schema.inputs.items()
            if shape.required and key not in inputs
        ]
        failures += missing
        if not failures:
            failures += kind.validate(Doc(inputs))
        if filled:
            inputs[DEFAULTS_KEY] = sorted(filled)
        return Checked(inputs, tuple(failures))

    def diff(self, token: str, state: Object, new: Object) -> Change:
        """What checked inputs would change of a resource as it was last seen."""
        kind = realised(token)
        schema = schema_of(token)
        state = held(state)
        updates: list[str] = []
        replaces: list[str] = []
        final = kind.also_replaces(Doc(state), Doc(new))
        for key, shape in schema.inputs.items():
            if not differs(key, state.get(key), new.get(key), shape, kind.properties):
                continue
            if key in final or key == "region" or kind.properties[key].replaces:
                replaces.append(key)
            else:
                updates.append(key)
        if "tagsAll" in schema.outputs and "tags" not in updates:
            wanted = self._all_tags(new)
            if not is_unknown(wanted) and Doc(state).table("tagsAll") != wanted:
                updates.append("tagsAll")
        return Change(tuple(updates), tuple(replaces), self._delete_first(kind, state, new))

    @staticmethod
    def _delete_first(kind: ResourceType, state: Object, new: Object) -> bool:
        target = kind.name_property
        if kind.delete_first:
            return True
        if target is None or target in Doc(new).texts(DEFAULTS_KEY):
            return False
        return state.get(target) == new.get(target)

    def create(self, token: str, inputs: Object) -> tuple[str, Object]:
        """Makes a resource; its id and its state.

        Raises:
            TwinError: If the emulator refuses, or does not keep what it was given.
        """
        kind = realised(token)
        site = self.site(token, inputs)
        full = self._full(token, inputs)
        ident = kind.create(site, full)
        try:
            kind.configure(site, ident, full)
            return ident, self._state(token, kind, site, ident, inputs)
        except BaseException as error:
            # It holds nothing of anybody's yet, so nothing may protect it.
            try:
                kind.delete(self.site(token, inputs, forced=True), ident, full)
            except TwinError as left:
                raise TwinError(
                    f"{error}; what was made of {ident} is left behind, because {left}"
                ) from error
            raise

    def preview(self, token: str, state: Object, inputs: Object) -> Object:
        """The state that a create or update would lead to, as far as it is known before."""
        schema = schema_of(token)
        ahead: dict[str, Json] = dict.fromkeys(schema.outputs, UNKNOWN)
        ahead.update({key: state[key] for key in schema.outputs if key in state})
        for key in schema.inputs:
            if inputs.get(key) is not None:
                ahead[key] = inputs[key]
            elif key in state and not realised(token).properties[key].computed:
                ahead.pop(key, None)
        if "tagsAll" in schema.outputs:
            ahead["tagsAll"] = self._all_tags(inputs)
        return ahead

    def read(
        self, token: str, ident: str, state: Object, inputs: Object | None = None
    ) -> Object | None:
        """The resource as the emulator holds it now, or None when it is gone.

        Args:
            token: Its type.
            ident: Its id.
            state: Its last known state.
            inputs: What the program gave. Where it is silent, a property that belongs to
                another resource stays as it was, for its change is no drift of this one.
        """
        kind = realised(token)
        site = self.site(token, state)
        state = held(state)
        found = kind.read(site, ident, Doc(state))
        if found is None:
            return None
        if inputs is not None:
            others = {key: state[key] for key in kind.owned_elsewhere if key in state}
            found = {**found, **{k: item for k, item in others.items() if k not in inputs}}
        return _shown(kind, site, self._merged(token, state, found))

    def update(self, token: str, ident: str, state: Object, inputs: Object) -> Object:
        """Makes an existing resource as its new inputs say; its new state.

        Raises:
            TwinError: If the emulator refuses, or does not keep what it was given.
        """
        kind = realised(token)
        site = self.site(token, inputs)
        kind.update(site, ident, Doc(held(state)), self._full(token, inputs))
        return self._state(token, kind, site, ident, inputs)

    def delete(self, token: str, ident: str, state: Object, *, forced: bool = False) -> None:
        """Removes a resource. One that is gone already is no error.

        Args:
            token: Its type.
            ident: Its id.
            state: Its last known state.
            forced: Whether to lift deletion protection, empty buckets and skip recovery
                windows first. AWS does none of that by itself.

        Raises:
            TwinError: If the emulator refuses.
        """
        site = self.site(token, state, forced=forced)
        realised(token).delete(site, ident, Doc(held(state)))

    def invoke(self, token: str, args: Object, region: str | None) -> Object:
        """Answers a function of the AWS package.

        Args:
            token: Which function.
            args: Its arguments.
            region: Region it is asked in; None for the default.

        Raises:
            UnsupportedResourceError: If the twin does not answer it.
        """
        given = Doc(args)
        there = region or given.maybe_text("region") or self.settings.region
        return invoke(Site(self.cloud, there), token, given)

    def inputs_of(self, token: str, known: Object, state: Object) -> Object:
        """The inputs that would lead to a state, for those that the program gives.

        What only the emulator knows stays out, so that a refresh without drift changes nothing.
        """
        kind = realised(token)
        schema = schema_of(token)
        state = held(state)
        found = dict(known)
        for key, shape in schema.inputs.items():
            if key in kind.properties and kind.properties[key].fate is not Fate.KEPT:
                continue
            if key in state and differs(
                key, state.get(key), known.get(key), shape, kind.properties
            ):
                found[key] = state[key]
        return found

    def drift(self, token: str, state: Object, now: Object) -> tuple[str, ...]:
        """Properties in which what the emulator holds differs from a known state, sorted."""
        rules = realised(token).properties
        return tuple(
            sorted(
                key
                for key, shape in schema_of(token).outputs.items()
                if canonical(held(state).get(key), shape, rules, key)
                != canonical(held(now).get(key), shape, rules, key)
            )
        )

    def site(self, token: str, inputs: Object, *, forced: bool = False) -> Site:
        """The region that a resource lies in."""
        region = Doc(inputs).maybe_text("region") or self.settings.region
        if "region" not in schema_of(token).inputs:
            region = CONTROL_REGION  # A global service: its control plane lives there.
        return Site(self.cloud, region, forced=forced)

    def _full(self, token: str, inputs: Object) -> Doc:
        if "tagsAll" in schema_of(token).outputs:
            return Doc({**inputs, "tagsAll": self._all_tags(inputs)})
        return Doc(inputs)

    def _all_tags(self, inputs: Object) -> Json:
        tags = inputs.get("tags")
        if is_unknown(tags):
            return UNKNOWN
        return {**self.settings.default_tags, **Doc(inputs).table("tags")}

    def _state(
        self, token: str, kind: ResourceType, site: Site, ident: str, inputs: Object
    ) -> Object:
        found = kind.read(site, ident, self._full(token, inputs))
        if found is None:
            raise TwinError(
                f"{token} {ident} was made in {site.region} and is not there to be read"
            )
        state = self._merged(token, inputs, found)
        # What a read does not tell of counts as lost: the state would only echo the inputs.
        told = {**found, "tags": state.get("tags")}
        lost = list(_lost(kind, schema_of(token), inputs, told))
        if lost:
            raise UnsupportedResourceError(
                f"the emulator in {site.region} did not keep {'; '.join(lost)} "
                f"of {token} {ident}; leave it out or change it to what is kept"
            )
        return _shown(kind, site, state)

    def _merged(self, token: str, before: Object, found: Object) -> Object:
        """What was last known, overlaid with what the emulator says."""
        schema = schema_of(token)
        names = {*schema.inputs, *schema.outputs}
        state: dict[str, Json] = {key: item for key, item in before.items() if key in names}
        state.update(found)
        if "tagsAll" in found:
            mine = Doc(before).table("tags")
            everything = Doc(found).table("tagsAll")
            known = Doc(before).table("tagsAll")
            # A refresh does not know the program's provider, but what came from it before.
            earlier = {key: item for key, item in known.items() if key not in mine}
            defaults = {**earlier, **self.settings.default_tags}
            state["tags"] = {
                key: item
                for key, item in everything.items()
                if key in mine or defaults.get(key) != item
            }
        for key, shape in schema.outputs.items():
            if shape.required and key in schema.inputs and state.get(key) is None:
                state[key] = _NOTHING.get(shape.kind)
        return {key: item for key, item in state.items() if item is not None}


def held(state: Object) -> Object:
    """A state with what the emulator holds in place of what is shown."""
    return {
        **{key: item for key, item in state.items() if key != HELD_KEY},
        **Doc(state).doc(HELD_KEY).members,
    }


def _shown(kind: ResourceType, site: Site, state: Object) -> Object:
    overlay = kind.shown(site, Doc(state))
    if not overlay:
        return state
    return {**state, **overlay, HELD_KEY: {key: state.get(key) for key in overlay}}


def _auto_name(name: str, seed: bytes) -> str:
    return f"{name}-{hashlib.sha256(seed).hexdigest()[:7]}"


def _lost(kind: ResourceType, schema: Schema, inputs: Object, told: Object) -> Iterator[str]:
    for key, shape in schema.inputs.items():
        rule = kind.properties.get(key)
        if rule is None or rule.fate is not Fate.KEPT or inputs.get(key) is None:
            continue
        if kind.contains(key, told.get(key), inputs[key]):
            continue
        if differs(key, told.get(key), inputs[key], shape, kind.properties):
            yield f"{key} (sent {inputs[key]!r}, holds {told.get(key)!r})"
