"""How a resource type says what it is: which properties it takes and what becomes of each.

Guarantees:
    Each input property of a realised type has a declared fate. One that counts as ``KEPT`` is
    compared with what the emulator really holds after every create and update, so that no
    parameter is dropped in silence.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.schema import Shape
from holdfast.twin.provider.values import UNKNOWN, Doc, Json, Object, document, is_unknown


class Fate(StrEnum):
    """What becomes of an input property."""

    KEPT = "kept"
    """Sent, and read back from the emulator on every read."""
    SENT = "sent"
    """Sent; AWS never tells it again, or tells it in another form."""
    RECORDED = "recorded"
    """Kept in the stack's state only, for the reason given."""
    REFUSED = "refused"
    """Not taken, for the reason given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Property:
    """What becomes of one input property.

    Attributes:
        fate: See ``Fate``.
        replaces: A change makes a new resource instead of an update, as on AWS.
        reason: Why it is only recorded, or refused.
        default: What the AWS provider fills in when it is absent.
        computed: AWS fills it in when it is absent, so that absence is no change.
        ordered: The order of its items matters.
        document: ``json`` or ``policy`` for a text that is compared by what it means.
        harmless: Values that a refused property may have all the same, because they ask for
            nothing.
    """

    fate: Fate
    replaces: bool = False
    reason: str = ""
    default: Json = None
    computed: bool = False
    ordered: bool = False
    document: str = ""
    harmless: Sequence[Json] = ()


def kept(
    *,
    replaces: bool = False,
    default: Json = None,
    computed: bool = False,
    ordered: bool = False,
    document: str = "",
) -> Property:
    """A property that is sent and read back."""
    return Property(
        fate=Fate.KEPT,
        replaces=replaces,
        default=default,
        computed=computed,
        ordered=ordered,
        document=document,
    )


def sent(
    *, replaces: bool = False, default: Json = None, computed: bool = False, document: str = ""
) -> Property:
    """A property that is sent and cannot be read back."""
    return Property(
        fate=Fate.SENT, replaces=replaces, default=default, computed=computed, document=document
    )


def recorded(
    reason: str, *, replaces: bool = False, default: Json = None, computed: bool = False
) -> Property:
    """A property that only the stack's state keeps."""
    return Property(
        fate=Fate.RECORDED, reason=reason, replaces=replaces, default=default, computed=computed
    )


def refused(reason: str, *, harmless: Sequence[Json] = ()) -> Property:
    """A property that the twin would get wrong."""
    return Property(fate=Fate.REFUSED, reason=reason, harmless=harmless)


def declared(rules: Mapping[str, Property]) -> Mapping[str, Property]:
    """The rules of a resource type, closed to change."""
    return MappingProxyType(dict(rules))


@dataclass(frozen=True, slots=True)
class Failure:
    """One property that cannot be as given.

    Attributes:
        path: The property, such as ``replicas[0].regionName``.
        reason: What is wrong, what is allowed, how to fix it.
        unsupported: Whether AWS would take it and only the twin does not.
    """

    path: str
    reason: str
    unsupported: bool = False


class ResourceType(ABC):
    """One resource type that the twin realises.

    A subclass is stateless: one instance serves every resource of its type from every thread.
    """

    type_name: ClassVar[str]
    """Pulumi's name of the type, such as ``aws:dynamodb/table:Table``."""
    properties: ClassVar[Mapping[str, Property]]
    """By path in Pulumi's spelling; lists are transparent (``replicas.regionName``)."""
    name_property: ClassVar[str | None] = None
    """Property that holds the physical name. Filled in when absent, where ``autoname``."""
    autoname: ClassVar[bool] = True
    owned_elsewhere: ClassVar[tuple[str, ...]] = ()
    """Properties that other resources of the stack change after this one is made."""
    delete_first: ClassVar[bool] = False
    """Whether a replacement cannot exist beside what it replaces, whatever its name."""

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """What the schema cannot say about the inputs. Unknown members are left out."""
        del inputs
        yield from ()

    def also_replaces(self, state: Doc, inputs: Doc) -> frozenset[str]:
        """Properties whose change replaces only from some values to some others."""
        del state, inputs
        return frozenset()

    @abstractmethod
    def create(self, site: Site, inputs: Doc) -> str:
        """Makes the resource and answers its id. ``inputs`` holds ``tagsAll`` too."""

    def configure(self, site: Site, ident: str, inputs: Doc) -> None:
        """Whatever a new resource needs beyond the call that made it; nothing by default."""
        del site, ident, inputs

    @abstractmethod
    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """What the emulator holds: kept properties and outputs. None when it is gone.

        Args:
            site: The resource's region.
            ident: Its id.
            state: Its last known state, or its inputs right after it was made.
        """

    def contains(self, key: str, holds: Json, sent: Json) -> bool:
        """Whether what the emulator holds of a property is what was sent and more.

        Only for properties that others write to beside the stack.
        """
        del key, holds, sent
        return False

    def shown(self, site: Site, state: Doc) -> Object:
        """Outputs that must differ from what the emulator holds, which leads nowhere here.

        What the emulator holds is kept beside them, and is what is compared.
        """
        del site, state
        return {}

    @abstractmethod
    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Makes the resource as ``new`` says. Only called for changes that need no new one."""

    @abstractmethod
    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """Removes the resource. One that is gone already is no error."""


def canonical(
    value: Json,
    shape: Shape,
    rules: Mapping[str, Property],
    path: str,
    *,
    without: Collection[str] = (),
) -> Json:
    """A value in the one form in which equal meanings are equal.

    Absent, false, zero and empty are one, as they are to the AWS provider; items of a list
    are sorted unless their order matters; members that are no input are left out, and absent
    ones that have a default get it; a document is what it says.

    Args:
        value: The property's value.
        shape: Its type.
        rules: The rules of its resource type.
        path: Its path in them.
        without: Paths to leave out.
    """
    rule = rules.get(path)
    if isinstance(value, str) and rule is not None and rule.document and value not in ("", UNKNOWN):
        return _meaning(document(value), policy=rule.document == "policy")
    if isinstance(value, Mapping):
        return _canonical_object(value, shape, rules, path, without)
    if isinstance(value, Sequence) and not isinstance(value, str):
        item_shape = shape.item or Shape("any")
        items = [canonical(item, item_shape, rules, path, without=without) for item in value]
        present = [item for item in items if item is not None]
        if rule is None or not rule.ordered:
            present.sort(key=_sort_key)
        return present or None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value or None


def _canonical_object(
    value: Object,
    shape: Shape,
    rules: Mapping[str, Property],
    path: str,
    without: Collection[str],
) -> Json:
    found: dict[str, Json] = {}
    if shape.members is None:  # A map: its keys are the program's own.
        for key, item in value.items():
            plain = canonical(item, shape.item or Shape("any"), rules, path, without=without)
            if plain is not None or item == "":
                found[key] = item if plain is None else plain
        return found or None
    for key, inner in shape.members.items():
        below = f"{path}.{key}"
        item = value.get(key)
        if item is None and below in rules:
            item = rules[below].default
        plain = canonical(item, inner, rules, below, without=without)
        if plain is not None and below not in without:
            found[key] = plain
    return found or None


def _sort_key(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


def _meaning(value: Json, *, policy: bool) -> Json:
    """A JSON value with its map keys sorted; in a policy, lists are sets, and one is a list."""
    if isinstance(value, Mapping):
        return {key: _meaning(item, policy=policy) for key, item in sorted(value.items())}
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = [_meaning(item, policy=policy) for item in value]
        if policy:
            items.sort(key=_sort_key)
            if len(items) == 1:
                return items[0]
        return items
    return value


def differs(name: str, old: Json, new: Json, shape: Shape, rules: Mapping[str, Property]) -> bool:
    """Whether a property has to change. A new value that is not known yet always may.

    What AWS fills in by itself is no difference while the program is silent about it: what is
    declared ``computed``, and what the program could not have given.
    """
    if is_unknown(new):
        return True
    silent = [
        path
        for path, rule in rules.items()
        if (rule.computed or rule.fate is Fate.REFUSED) and not mentions(new, name, path)
    ]
    if name in silent:
        return False
    return canonical(old, shape, rules, name, without=silent) != canonical(
        new, shape, rules, name, without=silent
    )


def mentions(value: Json, name: str, path: str) -> bool:
    """Whether a property's value says anything at a path of its own or of its members."""
    if value is None:
        return False
    if path == name:
        return True
    if isinstance(value, Mapping):
        if not path.startswith(f"{name}."):
            return False
        member = path[len(name) + 1 :].partition(".")[0]
        return mentions(value.get(member), f"{name}.{member}", path)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(mentions(item, name, path) for item in value)
    return False
