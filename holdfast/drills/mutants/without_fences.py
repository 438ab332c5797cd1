"""Runs a program with fences that let everything pass: ``python -m ... -m agents.orchestrator``.

This is the ``no-fencing`` mutant. It exists in no process but the one started here.
"""

import runpy
import sys
from typing import TypeVar

from holdfast.coordination import Fence

_Request = TypeVar("_Request")


def _as_it_is(_fence: Fence, request: _Request) -> _Request:
    return request


def main() -> None:
    """Takes the fences down, then runs the module that the arguments name."""
    module = sys.argv[2]
    for guard in ("guard", "guard_put", "guard_update"):
        setattr(Fence, guard, _as_it_is)
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
