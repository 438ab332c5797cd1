"""The arguments of resource types as the installed SDK declares them."""

import importlib
import inspect
import keyword
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import cast

from pulumi import (
    _types,  # pyright: ignore[reportPrivateUsage] - what the SDK itself translates names with
)

_NESTED = re.compile(r"(\w+Args)\b")
_PROVIDER = "pulumi:providers:aws"
_DOCUMENT = "PolicyDocumentArgs"
"""IAM's own grammar, which the engine passes on as one text."""


@cache
def paths(token: str) -> tuple[str, ...]:
    """Every property that a program can give, to the last part, as tables write it."""
    module = _module(token)
    name = "Provider" if token == _PROVIDER else token.rpartition(":")[2]
    # A nested object of another resource may have the first of these names.
    (arguments,) = (
        found
        for found in (module.__dict__.get(f"{name}{suffix}") for suffix in ("Args", "InitArgs"))
        if isinstance(found, type) and found.__module__ == module.__name__
    )
    # Of a provider, the engine counts these options among its properties.
    options = ("pluginDownloadURL", "version") if token == _PROVIDER else ()
    return tuple(sorted((*_below(arguments, ""), *options)))


def exists(token: str) -> bool:
    """Whether the SDK has a resource of a type, which it registers under that very token."""
    try:
        return f"'{token}'" in inspect.getsource(_module(token))
    except (AttributeError, ModuleNotFoundError):
        return False


def _module(token: str) -> ModuleType:
    if token == _PROVIDER:
        return importlib.import_module("pulumi_aws.provider")
    service, name = token.split(":")[1].partition("/")[0], token.rpartition(":")[2]
    # A word of Python's own has an underscore behind it.
    package = f"{service}_" if keyword.iskeyword(service) else service
    cls = getattr(importlib.import_module(f"pulumi_aws.{package}"), name)
    module = inspect.getmodule(cls)
    assert module is not None
    return module


def _below(arguments: type, parent: str) -> Iterator[str]:
    names = cast("Mapping[str, str]", _types.input_type_py_to_pulumi_names(arguments))
    hints = inspect.get_annotations(vars(arguments)["__init__"])
    for python, engine in names.items():
        path = f"{parent}.{engine}" if parent else engine
        hint = str(hints[python])
        nested = sorted(set(_NESTED.findall(hint)) - {_DOCUMENT})
        if nested:
            yield from _below(
                _class(arguments, nested[0]), f"{path}[]" if "Sequence" in hint else path
            )
        else:
            yield path


def _class(near: type, name: str) -> type:
    package = importlib.import_module(near.__module__.rpartition(".")[0])
    found: object = getattr(package, name, None) or getattr(sys.modules[near.__module__], name)
    assert isinstance(found, type)
    return found
