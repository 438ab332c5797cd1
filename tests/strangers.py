"""Acting as another user of the machine, which only root can."""

import encodings.idna
import os
import pickle
from collections.abc import Callable
from typing import TypeVar

import pytest

assert encodings.idna, "a stranger cannot read the interpreter's files to import it later"

NOBODY = 65534
ONLY_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")

Result = TypeVar("Result")


def as_another(act: Callable[[], Result]) -> Result:
    """What a function returns in a process of user 65534."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        # Nothing of pytest's may run in this process, whatever happens.
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            with os.fdopen(writer, "wb") as pipe:
                pickle.dump(act(), pipe)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    assert told, "the stranger ended without a word"
    result: Result = pickle.loads(told)  # noqa: S301 -- our own child
    return result
