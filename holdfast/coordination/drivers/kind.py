"""Which kind of function a caller handed over: one that returns, or one that must be awaited.

A coroutine function on a thread returns at once and never runs; a plain function in a task runs
before anything could stop it. Either looks like work that has ended or begun, and is neither. A
generator returns at once as well, and runs when somebody goes through it: here, nobody does.

Does not guarantee:
    An answer before the call for lambdas: what they return is looked at after it.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

from holdfast.errors import ConfigurationError

R = TypeVar("R")


def is_asynchronous(function: Callable[..., object]) -> bool:
    """Whether calling it returns something to await, as far as can be told without a call.

    Args:
        function: A function, a method, a ``partial`` of one, or an object with ``__call__``.
    """
    return _any(function, inspect.iscoroutinefunction)


def runs_later(function: Callable[..., object]) -> bool:
    """Whether calling it runs nothing of it yet: a coroutine function's, or a generator's.

    Args:
        function: As for :func:`is_asynchronous`.
    """
    return any(
        _any(function, kind)
        for kind in (
            inspect.iscoroutinefunction,
            inspect.isgeneratorfunction,
            inspect.isasyncgenfunction,
        )
    )


def _any(function: Callable[..., object], kind: Callable[[object], bool]) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    return kind(function) or kind(type(function).__call__)


def check_plain(what: str, function: Callable[..., object] | None, instead: str) -> None:
    """Refuses a function where nobody would await, or go through, what it returns.

    Args:
        what: Name of the argument and of whose it is.
        function: What was given.
        instead: What takes coroutine functions.

    Raises:
        ConfigurationError: If it is a coroutine function or a generator.
    """
    if function is not None and runs_later(function):
        raise _never_awaited(what, instead)


def check_coroutine(what: str, function: Callable[..., object], instead: str) -> None:
    """Refuses a plain function where it would hold up the event loop.

    Args:
        what: Name of the argument and of whose it is.
        function: What was given.
        instead: What takes plain functions.

    Raises:
        ConfigurationError: If it is neither a coroutine function, nor a wrapper of one, nor a
            lambda.
    """
    name = getattr(function, "__name__", "")
    unwrapped: Callable[..., object] = inspect.unwrap(function)
    if not (is_asynchronous(function) or is_asynchronous(unwrapped) or name == "<lambda>"):
        raise _holds_up(what, instead)


def returned_plainly(what: str, returned: R, instead: str) -> R:
    """What a function returned, unless somebody would have to await it or go through it.

    Args:
        what: Name of the argument and of whose it is.
        returned: What the call returned. A coroutine or generator is closed.
        instead: What takes coroutine functions.

    Raises:
        ConfigurationError: If it is an awaitable or a generator.
    """
    if (
        inspect.isawaitable(returned)
        or inspect.isgenerator(returned)
        or inspect.isasyncgen(returned)
    ):
        if inspect.iscoroutine(returned) or inspect.isgenerator(returned):
            returned.close()
        raise _never_awaited(what, instead)
    return returned


def awaitable(what: str, returned: Awaitable[R], instead: str) -> Awaitable[R]:
    """What a function returned, if it can be awaited.

    Args:
        what: Name of the argument and of whose it is.
        returned: What the call returned.
        instead: What takes plain functions.

    Raises:
        ConfigurationError: If it is no awaitable.
    """
    if not inspect.isawaitable(returned):
        raise _holds_up(what, instead)
    return returned


def _never_awaited(what: str, instead: str) -> ConfigurationError:
    return ConfigurationError(
        f"{what} is a coroutine function or a generator, or returns one's object, which nothing "
        "here awaits or goes through, so that it would never run. Give a plain function, or use "
        f"{instead}."
    )


def _holds_up(what: str, instead: str) -> ConfigurationError:
    return ConfigurationError(
        f"{what} is a plain function, which would hold up the event loop and could not be "
        f"cancelled. Give a coroutine function (`async def`), or use {instead}."
    )
