"""Small checks that many resource types share. Each yields what is wrong, or nothing.

A value that is absent or not known yet passes: whether it must be there is another question.
"""

import json
from collections.abc import Collection, Iterator
from ipaddress import IPv4Network
from typing import cast

from holdfast.twin.provider.spec import Failure
from holdfast.twin.provider.values import Doc


def within(inputs: Doc, key: str, least: int, most: int) -> Iterator[Failure]:
    """A whole number between two bounds, both allowed."""
    value = inputs.maybe_number(key)
    if value is not None and not least <= value <= most:
        yield Failure(key, f"is {value}; allowed are {least} to {most}")


def is_off(inputs: Doc, key: str) -> bool:
    """Whether a flag is absent or false, and known to be."""
    return inputs.raw(key) in (None, False)


def among(inputs: Doc, key: str, allowed: Collection[str]) -> Iterator[Failure]:
    """A text that is one of several."""
    value = inputs.maybe_text(key)
    if value is not None and value not in allowed:
        yield Failure(key, f"is {value!r}; allowed are {', '.join(allowed)}")


def no_longer(inputs: Doc, key: str, most: int, *, least: int = 0) -> Iterator[Failure]:
    """A text of bounded length."""
    value = inputs.maybe_text(key)
    if value is not None and not least <= len(value) <= most:
        shown = f"{least} to {most}" if least else str(most)
        yield Failure(key, f"has {len(value)} characters; allowed are {shown}")


def one_of(inputs: Doc, keys: Collection[str], what: str) -> Iterator[Failure]:
    """Exactly one of several properties."""
    given = [key for key in keys if key in inputs]
    if not given:
        yield Failure(next(iter(keys)), f"is missing, or {', '.join(list(keys)[1:])}; {what}")
    if len(given) > 1:
        yield Failure(given[1], f"is given beside {given[0]}; {what}")


def needed(inputs: Doc, keys: Collection[str], why: str) -> Iterator[Failure]:
    """Properties that must be there."""
    for key in keys:
        if key not in inputs:
            yield Failure(key, f"is missing; {why}")


def policy_document(inputs: Doc, key: str, *, most: int | None = None) -> Iterator[Failure]:
    """A policy document, and how long it may be without blanks."""
    text = inputs.maybe_text(key)
    if text is None:
        return
    try:
        found: object = json.loads(text)
    except ValueError as error:
        yield Failure(key, f"is no JSON: {error}")
        return
    if not isinstance(found, dict) or "Statement" not in cast("dict[str, object]", found):
        yield Failure(key, "must be a JSON object with a Statement")
    size = len("".join(text.split()))
    if most is not None and size > most:
        yield Failure(key, f"has {size} characters without blanks; allowed are {most}")


def ipv4_block(
    inputs: Doc, key: str, *, largest: int = 16, smallest: int = 28
) -> Iterator[Failure]:
    """A block of addresses, of a size that AWS takes for networks and subnets.

    Args:
        inputs: The inputs.
        key: Which property.
        largest: Prefix length of the largest block allowed.
        smallest: Prefix length of the smallest block allowed.
    """
    text = inputs.maybe_text(key)
    if text is None:
        return
    try:
        block = IPv4Network(text)
    except ValueError as error:
        yield Failure(key, f"is {text!r}, which is no IPv4 block: {error}")
        return
    if not largest <= block.prefixlen <= smallest:
        yield Failure(key, f"is {text}; allowed are /{largest} to /{smallest}")
