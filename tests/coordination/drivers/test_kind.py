"""Functions that must be awaited are told from those that must not, before they do harm."""

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from unittest.mock import AsyncMock

import pytest

from holdfast.coordination.drivers.kind import (
    awaitable,
    check_coroutine,
    check_plain,
    is_asynchronous,
    returned_plainly,
)
from holdfast.errors import ConfigurationError


async def coroutine(*_: object) -> None:
    """Must be awaited."""


def plain(*_: object) -> None:
    """Must not."""


@functools.wraps(coroutine)
def wrapper(*args: object) -> object:
    return coroutine(*args)


class Called:
    async def __call__(self, *_: object) -> None:
        """Must be awaited."""

    async def method(self, *_: object) -> None:
        """Must be awaited."""


ASYNCHRONOUS: list[Callable[..., object]] = [
    coroutine,
    functools.partial(coroutine, 1),
    functools.partial(functools.partial(coroutine, 1), 2),
    Called(),
    Called().method,
    AsyncMock(),
]


@pytest.mark.parametrize("function", ASYNCHRONOUS)
def test_what_must_be_awaited_is_refused_where_nobody_awaits(
    function: Callable[..., object],
) -> None:
    assert is_asynchronous(function)
    with pytest.raises(ConfigurationError, match=r"work is a coroutine.*or use Other"):
        check_plain("work", function, "Other")
    check_coroutine("work", function, "Other")


@pytest.mark.parametrize("function", [plain, functools.partial(plain, 1), print, str])
def test_what_would_hold_up_the_loop_is_refused_there(function: Callable[..., object]) -> None:
    assert not is_asynchronous(function)
    with pytest.raises(ConfigurationError, match=r"work is a plain function.*or use Other"):
        check_coroutine("work", function, "Other")
    check_plain("work", function, "Other")


def generator(*_: object) -> Iterator[None]:
    """Runs when somebody goes through it."""
    yield


async def asynchronous_generator(*_: object) -> AsyncIterator[None]:
    """The same, in asyncio."""
    yield


@pytest.mark.parametrize(
    "function", [generator, functools.partial(generator, 1), asynchronous_generator]
)
def test_what_nobody_goes_through_is_refused_before_and_after_the_call(
    function: Callable[..., object],
) -> None:
    with pytest.raises(ConfigurationError, match=r"generator.*or use Other"):
        check_plain("work", function, "Other")
    with pytest.raises(ConfigurationError, match="never run"):
        returned_plainly("work", function(), "Other")
    with pytest.raises(ConfigurationError, match="plain function"):
        check_coroutine("work", function, "Other")


def test_wrappers_and_lambdas_are_looked_at_when_they_have_been_called() -> None:
    check_coroutine("work", wrapper, "Other")
    check_coroutine("work", lambda: coroutine(1), "Other")
    with pytest.raises(ConfigurationError, match="never run"):
        returned_plainly("work", wrapper(), "Other")
    with pytest.raises(ConfigurationError, match="plain function"):
        awaitable("work", plain(), "Other")  # type: ignore[arg-type, func-returns-value]  # pyright: ignore[reportArgumentType]
    assert returned_plainly("work", 5, "Other") == 5
