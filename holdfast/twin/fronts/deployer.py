"""Answers a running program's registrations by making what it asks for.

One ``Deployer`` serves one run. It compares each registration with the stack's state, and
creates, updates, replaces or leaves the resource accordingly.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from holdfast.errors import TwinError, UnsupportedResourceError
from holdfast.graph import UNKNOWN as GRAPH_UNKNOWN
from holdfast.graph import Options, Realised, Registration, Secret, Value
from holdfast.twin.fronts.changes import Changes
from holdfast.twin.fronts.deletion import delete_all
from holdfast.twin.fronts.graph_values import json_of, value_of
from holdfast.twin.fronts.stack_state import Record, StackState
from holdfast.twin.provider.cloud import Cloud
from holdfast.twin.provider.core import Change, Provider, Settings, settings_of
from holdfast.twin.provider.values import UNKNOWN, Object

_WAIT_S = 120


@dataclass
class _Done:
    """URNs by what happened to them."""

    created: set[str] = field(default_factory=set[str])
    updated: set[str] = field(default_factory=set[str])
    replaced: set[str] = field(default_factory=set[str])
    unchanged: set[str] = field(default_factory=set[str])


class Deployer:
    """A ``holdfast.graph.Provider`` that deploys, or only looks ahead."""

    def __init__(
        self,
        state: StackState,
        cloud: Cloud,
        on_line: Callable[[str], None],
        *,
        preview: bool,
    ) -> None:
        self._state = state
        self._cloud = cloud
        self._on_line = on_line
        self._preview = preview
        self._done = _Done()
        self._seen: set[str] = set()
        self._active: set[str] = set()
        self._going: set[str] = set()
        self._replacing: set[str] = set()
        self._lock = threading.Lock()
        self._moved_on = threading.Condition(self._lock)
        self._stopped = False

    def register(self, registration: Registration) -> Realised:
        """Makes one resource as the program asks for it. See ``holdfast.graph.Provider``."""
        urn = registration.urn
        with self._moved_on:
            # What has to go before something else is replaced goes first, and is then made anew.
            self._wait_until(lambda: urn not in self._going, f"{urn} to be deleted")
            if self._stopped:
                raise TwinError(f"the deployment ended before {urn} was begun")
            self._active.add(urn)
            self._seen.add(urn)
        try:
            return self._register(registration)
        except TwinError as error:
            place = "" if registration.source is None else f"{registration.source}: "
            kind = type(error)
            message = f"{place}{registration.type} {registration.name}: {error}"
            raise (
                UnsupportedResourceError(message)
                if kind is UnsupportedResourceError
                else TwinError(message)
            ) from error
        finally:
            with self._moved_on:
                self._active.discard(urn)
                self._moved_on.notify_all()

    def invoke(
        self, token: str, args: Mapping[str, Value], *, region: str | None
    ) -> Mapping[str, Value]:
        """Answers a function. See ``holdfast.graph.Provider``."""
        plain = {key: json_of(item) for key, item in args.items()}
        answer = Provider(self._cloud).invoke(token, plain, region)
        return {key: value_of(item) for key, item in answer.items()}

    def wait(self) -> None:
        """Returns once nothing is under way, and lets nothing more begin.

        Raises:
            TwinError: If something hangs.
        """
        with self._moved_on:
            self._stopped = True
            self._wait_until(lambda: not self._active, "what is still under way")

    def _wait_until(self, done: Callable[[], bool], what: str) -> None:
        if not self._moved_on.wait_for(done, _WAIT_S):
            raise TwinError(f"waited {_WAIT_S} s for {what} in vain")

    def obsolete(self) -> tuple[Record, ...]:
        """Records that nothing in the program stands for any more."""
        return tuple(
            record
            for record in self._state.records
            if record.doomed or record.urn not in self._seen
        )

    def prune(self) -> tuple[Record, ...]:
        """Deletes what is obsolete.

        Raises:
            TwinError: If a resource is protected or cannot be deleted.
        """
        records = self.obsolete()
        delete_all(self._state, records, Provider(self._cloud), self._on_line)
        return records

    def changes(self, *, deleted: tuple[Record, ...], outputs: Object) -> Changes:
        """What this run has done, or would do."""
        done = self._done
        gone = {record.urn for record in deleted if not record.doomed}
        # Gone before something else was replaced, and not asked for again.
        gone |= self._replacing - self._seen
        return Changes(
            created=tuple(sorted(done.created)),
            updated=tuple(sorted(done.updated)),
            replaced=tuple(sorted(done.replaced)),
            deleted=tuple(sorted(gone)),
            unchanged=tuple(sorted(done.unchanged)),
            outputs=outputs,
        )

    def _register(self, asked: Registration) -> Realised:
        provider = Provider(self._cloud, _settings(asked))
        _refuse_options(asked.options)
        if asked.read_id is not None:
            return self._look_up(provider, asked, asked.read_id)
        old = self._known(asked)
        given = {key: json_of(item) for key, item in asked.inputs.items()}
        inputs = _checked(
            provider, asked, _with_ignored(given, asked, old), old.inputs if old else {}
        )
        if old is None:
            ident, state = self._create(provider, asked, inputs)
        else:
            ident, state = self._change(provider, asked, given, inputs, old)
        secrets = {key for key, item in asked.inputs.items() if isinstance(item, Secret)}
        outputs = {
            key: Secret(value_of(item)) if key in secrets else value_of(item)
            for key, item in state.items()
        }
        return Realised(id=GRAPH_UNKNOWN if ident == UNKNOWN else ident, outputs=outputs)

    def _known(self, asked: Registration) -> Record | None:
        """The resource's record, under this URN or one that it had before."""
        found = self._state.get(asked.urn)
        if found is not None:
            return found
        for alias in asked.options.aliases:
            found = self._state.get(alias)
            if found is not None:
                renamed = replace(found, urn=asked.urn, name=asked.name)
                if not self._preview:
                    self._state.remove(found)
                    self._state.put(renamed)
                with self._lock:
                    self._seen.add(alias)
                return renamed
        return None

    def _look_up(self, provider: Provider, asked: Registration, ident: str) -> Realised:
        given = {key: json_of(item) for key, item in asked.inputs.items()}
        found = provider.read(asked.type, ident, given)
        if found is None:
            raise TwinError(f"{ident} is not there to be read; deploy what makes it first")
        return Realised(id=ident, outputs={key: value_of(item) for key, item in found.items()})

    def _create(
        self, provider: Provider, asked: Registration, inputs: Object
    ) -> tuple[str, Object]:
        if self._preview:
            self._note(self._done.created, "would create", asked)
            return UNKNOWN, provider.preview(asked.type, {}, inputs)
        left = self._state.unfinished.get(asked.urn)
        self._state.begin(asked.urn, "create")
        try:
            ident, state = provider.create(asked.type, inputs)
        except TwinError as error:
            self._state.end(asked.urn)
            if left is None:
                raise
            raise TwinError(
                f"{error}. An earlier run died in the middle of its {left}, and may have left "
                "it behind unrecorded; take the twin down and up again to be rid of it"
            ) from error
        self._state.put(_record(asked, ident, inputs, state))
        again = asked.urn in self._replacing
        self._note(
            self._done.replaced if again else self._done.created,
            "recreated" if again else "created",
            asked,
        )
        return ident, state

    def _change(
        self, provider: Provider, asked: Registration, given: Object, inputs: Object, old: Record
    ) -> tuple[str, Object]:
        change = _escalated(provider.diff(asked.type, old.state, inputs), asked)
        if not change:
            record = _record(asked, old.id, inputs, old.state)
            if record != old and not self._preview:
                self._state.put(record)
            with self._lock:
                self._done.unchanged.add(asked.urn)
            return old.id, old.state
        if change.replaces:
            # A name that was made up for the old one is not the new one's, nor is what the
            # program ignores the changes of.
            return self._replace(provider, asked, _checked(provider, asked, given, {}), old, change)
        shown = ", ".join(change.updates)
        if self._preview:
            self._note(self._done.updated, f"would update {shown} of", asked)
            return old.id, provider.preview(asked.type, old.state, inputs)
        self._state.begin(asked.urn, "update")
        try:
            state = provider.update(asked.type, old.id, old.state, inputs)
        except TwinError:
            # Some of it may have happened; what is there now decides what is left to do.
            now = provider.read(asked.type, old.id, old.state)
            self._state.put(replace(old, state=now if now is not None else old.state))
            raise
        self._state.put(_record(asked, old.id, inputs, state))
        self._note(self._done.updated, f"updated {shown} of", asked)
        return old.id, state

    def _replace(
        self,
        provider: Provider,
        asked: Registration,
        inputs: Object,
        old: Record,
        change: Change,
    ) -> tuple[str, Object]:
        shown = ", ".join(change.replaces)
        if old.protect:
            raise TwinError(
                f"is protected, and its change of {shown} replaces it. Take `protect` off and "
                "deploy first, or leave it as it is"
            )
        if self._preview:
            self._note(self._done.replaced, f"would replace, for {shown},", asked)
            return UNKNOWN, provider.preview(asked.type, {}, inputs)
        option = asked.options.delete_before_replace
        if option if option is not None else change.delete_first:
            self._delete_first(provider, old)
            return self._create(provider, asked, inputs)
        self._state.begin(asked.urn, "replace")
        try:
            ident, state = provider.create(asked.type, inputs)
        except TwinError:
            self._state.end(asked.urn)
            raise
        self._state.supersede(old, _record(asked, ident, inputs, state))
        self._note(self._done.replaced, f"replaced, for {shown},", asked)
        return ident, state

    def _delete_first(self, provider: Provider, old: Record) -> None:
        """Deletes a record and those that cannot outlive it, before they are made anew."""

        def others() -> set[str]:
            return {record.urn for record in self._with_dependents(provider, old)} - {old.urn}

        with self._moved_on:
            # One that the program has moved elsewhere may be on its way there by now.
            self._wait_until(lambda: not others() & self._active, "dependents to move away")
            doomed = self._with_dependents(provider, old)
            going = {record.urn for record in doomed if not record.doomed} - {old.urn}
            self._going |= going
            self._replacing |= {old.urn, *going}
        try:
            delete_all(self._state, doomed, provider, self._on_line)
        finally:
            with self._moved_on:
                self._going -= going
                self._moved_on.notify_all()

    def _with_dependents(self, provider: Provider, old: Record) -> tuple[Record, ...]:
        """A record and those that cannot outlive it: a new id of it would replace them too.

        What is replaced already, and only waits to be deleted, is among them.
        """
        doomed = {old.key: old}
        waiting = [old]
        while waiting:
            needed = waiting.pop()
            for record in self._state.records:
                if record.key in doomed:
                    continue
                touched = {
                    key for key, urns in record.property_dependencies.items() if needed.urn in urns
                }
                ahead = {
                    key: UNKNOWN if key in touched else item for key, item in record.inputs.items()
                }
                if touched and provider.diff(record.type, record.state, ahead).replaces:
                    doomed[record.key] = record
                    waiting.append(record)
        return tuple(doomed.values())

    def _note(self, where: set[str], what: str, asked: Registration) -> None:
        with self._lock:
            where.add(asked.urn)
        self._on_line(f"{what} {asked.type} {asked.name}")


def _checked(provider: Provider, asked: Registration, given: Object, old: Object) -> Object:
    """The inputs as the provider completes them.

    Raises:
        TwinError: If they are wrong; every failure is in it.
    """
    seed = f"{asked.urn}{time.time_ns()}".encode()
    checked = provider.check(asked.type, asked.name, old, given, seed)
    if checked.failures:
        unsupported = any(failure.unsupported for failure in checked.failures)
        kind = UnsupportedResourceError if unsupported else TwinError
        raise kind("; ".join(f"{one.path} {one.reason}" for one in checked.failures))
    return checked.inputs


def _settings(asked: Registration) -> Settings:
    """What the resource's AWS provider is configured with."""
    configured = {key: json_of(item) for key, item in asked.provider_inputs.items()}
    settings = settings_of(configured)
    return settings if asked.region is None else replace(settings, region=asked.region)


def _refuse_options(options: Options) -> None:
    """Refuses what this front would otherwise leave out in silence.

    Raises:
        UnsupportedResourceError: If there is such an option.
    """
    if options.import_id is not None:
        raise UnsupportedResourceError(
            f"asks to import {options.import_id!r}; the twin imports nothing, "
            "because nothing exists in it that it has not made"
        )
    elsewhere = "; leave it out, or deploy with the Pulumi CLI (`--engine pulumi`)"
    if options.replacement_trigger is not None:
        raise UnsupportedResourceError(f"has a replacement trigger{elsewhere}")
    if options.replace_with:
        shown = ", ".join(options.replace_with)
        raise UnsupportedResourceError(f"is to be replaced with {shown}{elsewhere}")
    parts = [path for path in options.ignore_changes if _is_part(path) or path == "*"]
    if parts:
        raise UnsupportedResourceError(
            f"ignores changes of {parts[0]!r}; the twin takes the names of whole properties"
        )
    parts = [path for path in options.replace_on_changes if _is_part(path)]
    if parts:
        raise UnsupportedResourceError(
            f"is to be replaced for changes of {parts[0]!r}; the twin takes the names of whole "
            "properties"
        )


def _is_part(path: str) -> bool:
    return "." in path or "[" in path


def _with_ignored(given: Object, asked: Registration, old: Record | None) -> Object:
    """The inputs with the last ones in place of those whose changes the program ignores."""
    if old is None:
        return given
    ignored = asked.options.ignore_changes
    kept = {path: old.inputs[path] for path in ignored if path in old.inputs}
    return {**{key: item for key, item in given.items() if key not in ignored}, **kept}


def _escalated(change: Change, asked: Registration) -> Change:
    """A change with what ``replace_on_changes`` makes of it."""
    named = asked.options.replace_on_changes
    final = [key for key in change.updates if key in named or "*" in named]
    return replace(
        change,
        updates=tuple(key for key in change.updates if key not in final),
        replaces=(*change.replaces, *final),
    )


def _record(asked: Registration, ident: str, inputs: Object, state: Object) -> Record:
    return Record(
        urn=asked.urn,
        type=asked.type,
        name=asked.name,
        id=ident,
        inputs=inputs,
        state=state,
        parent=asked.parent,
        dependencies=asked.dependencies,
        property_dependencies=asked.property_dependencies,
        protect=asked.options.protect,
        retain_on_delete=asked.options.retain_on_delete,
        deleted_with=asked.options.deleted_with,
    )
