"""The port that every protocol here writes through: one item, one condition, one request.

Guarantees (of every adapter):
    A request on one key is applied at most once per arrival and atomically with its condition.
    A ``Get`` sees every write that was acknowledged before it was sent. A refused write comes
    back with the item that refused it, in the same request.

Does not guarantee:
    That a request whose outcome is ``UNKNOWN`` was not applied, or will not be applied later.
    Callers put a nonce into what they write and recognise it. Nothing spans two keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

Value = str | int | bool | bytes
"""What an attribute can hold. No float: stores round them differently."""

Item = Mapping[str, Value]
"""The attributes of one item, its key left out."""


@dataclass(frozen=True, slots=True)
class Always:
    """Holds for any item, and for none."""


@dataclass(frozen=True, slots=True)
class Absent:
    """The item lacks an attribute, or does not exist."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Equals:
    """An attribute has exactly this value, of this type."""

    attribute: str
    value: Value


@dataclass(frozen=True, slots=True)
class AtMost:
    """A numeric attribute exists and is not above a bound."""

    attribute: str
    bound: int


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every condition holds, as of none they all do."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some condition holds, as of none no one does."""

    conditions: tuple["Condition", ...]


Condition = Always | Absent | Equals | AtMost | AllOf | AnyOf
"""What must be true of an item for a write to it to be applied."""


@dataclass(frozen=True, slots=True)
class Get:
    """Reads an item, strongly consistently."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Replaces an item as a whole if the condition holds of the one that is there."""

    key: str
    when: Condition
    item: Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Changes an item, or creates it, if the condition holds of the one that is there.

    Attributes:
        key: Which item.
        when: What must be true of it.
        assign: Attributes to set.
        add: Numeric attributes to raise by so much; a missing one counts as 0.
        remove: Attributes to drop.
    """

    key: str
    when: Condition
    assign: Item = field(default_factory=dict[str, Value])
    add: Mapping[str, int] = field(default_factory=dict[str, int])
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Deletes an item if the condition holds of the one that is there."""

    key: str
    when: Condition


Request = Get | Put | Update | Delete
"""One request to a store."""


class Outcome(StrEnum):
    """What is known about a request after its call has ended.

    ``APPLIED``: it was carried out. ``REFUSED``: its condition did not hold, nothing was
    written. ``RETRY``: it was not carried out, for a passing reason (throttled, or in conflict
    with a concurrent write of another region). ``UNKNOWN``: no answer; it may have been applied,
    or be applied later.
    """

    APPLIED = "applied"
    REFUSED = "refused"
    RETRY = "retry"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reply:
    """How a request ended.

    Attributes:
        outcome: What is known.
        item: After ``APPLIED``, the item as it now is; after ``REFUSED``, the item that refused.
            None if there is no such item, or nothing is known of it.
        reason: Why, for a human, where the outcome is ``RETRY`` or ``UNKNOWN``.
    """

    outcome: Outcome
    item: Item | None = None
    reason: str = ""


class ConditionalStore(Protocol):
    """A store for threads."""

    def call(self, request: Request) -> Reply:
        """Sends one request once, and waits for its reply or the store's own time limit.

        Args:
            request: What to do.

        Raises:
            ConfigurationError: If the store can never carry it out (no such table, no permission).
        """
        ...


class AsyncConditionalStore(Protocol):
    """A store for asyncio."""

    async def call(self, request: Request) -> Reply:
        """Sends one request once, and waits for its reply or the store's own time limit.

        Args:
            request: What to do.

        Raises:
            ConfigurationError: If the store can never carry it out (no such table, no permission).
        """
        ...


def holds(condition: Condition, item: Item | None) -> bool:
    """Whether a condition holds of an item, by the semantics that every adapter shares.

    Args:
        condition: The condition.
        item: The item, or None where there is none.
    """
    # By type and not by pattern: simulations spend a tenth of their time here.
    if isinstance(condition, AllOf):
        return all(holds(each, item) for each in condition.conditions)
    if isinstance(condition, AnyOf):
        return any(holds(each, item) for each in condition.conditions)
    if isinstance(condition, Always):
        return True
    found = None if item is None else item.get(condition.attribute)
    if isinstance(condition, Equals):
        # In Python True equals 1, in no store does it.
        return found == condition.value and type(found) is type(condition.value)
    if isinstance(condition, Absent):
        return found is None
    return isinstance(found, int) and not isinstance(found, bool) and found <= condition.bound


def after(request: Put | Update | Delete, item: Item | None) -> Item | None:
    """What a write makes of an item, once its condition has been found to hold.

    Args:
        request: The write.
        item: The item before it, or None where there was none.
    """
    match request:
        case Put():
            return dict(request.item)
        case Delete():
            return None
        case Update():
            changed: dict[str, Value] = dict(item or {})
            changed.update(request.assign)
            for name, amount in request.add.items():
                changed[name] = number(changed, name) + amount
            for name in request.remove:
                changed.pop(name, None)
            return changed


def number(item: Item | None, attribute: str) -> int:
    """A numeric attribute of an item; 0 where it is missing.

    Args:
        item: The item, or None.
        attribute: Its attribute.

    Raises:
        TypeError: If the attribute holds something else.
    """
    found = (item or {}).get(attribute, 0)
    if isinstance(found, bool) or not isinstance(found, int):
        raise TypeError(f"attribute {attribute} holds {found!r}; it must be a whole number")
    return found


def text(item: Item | None, attribute: str) -> str | None:
    """A text attribute of an item; None where it is missing.

    Args:
        item: The item, or None.
        attribute: Its attribute.

    Raises:
        TypeError: If the attribute holds something else.
    """
    found = (item or {}).get(attribute)
    if found is not None and not isinstance(found, str):
        raise TypeError(f"attribute {attribute} holds {found!r}; it must be text")
    return found
