"""Finds a drill: one of Holdfast's by its name, or a team's own as ``module:Class``."""

import importlib
import inspect
import re
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from holdfast.drills.drill import Drill, Loss
from holdfast.drills.mutants import Mutant
from holdfast.drills.region_loss import RegionLoss
from holdfast.drills.workload import Workload
from holdfast.errors import DrillError, HoldfastError

DRILLS: Mapping[str, type[Drill]] = {RegionLoss.name: RegionLoss}
"""Every drill of Holdfast's, by the name that the command line takes."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_DECLARED = ("name", "workload", "steady_state", "loss", "checks")


def drill_named(name: str) -> type[Drill]:
    """One of Holdfast's drills.

    Raises:
        DrillError: If there is none of that name.
    """
    if name not in DRILLS:
        raise DrillError(
            f"There is no drill {name!r}. Allowed are {', '.join(sorted(DRILLS))}; one of your "
            "own is given by --drill module:Class."
        )
    return DRILLS[name]


def drill_at(place: str, folder: Path) -> type[Drill]:
    """A team's own drill.

    Args:
        place: ``module:Class``.
        folder: Where its module is looked for first.

    Raises:
        DrillError: If there is no such module or class, the module fails, or the class is no
            complete drill.
    """
    module, colon, name = place.partition(":")
    if not colon or not module or not name.isidentifier():
        raise DrillError(
            f"--drill {place} names no class. Allowed is module:Class, such as my_drills:EuLoss."
        )
    with _looked_for_in(folder):
        try:
            found: object = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            raise DrillError(_not_found(place, module, error, folder)) from error
        except AttributeError as error:
            if getattr(error, "name", None) != name:
                raise _failed(place, module, error) from error
            raise DrillError(
                f"--drill {place}: module {module} has no {name}. It has "
                f"{', '.join(_drills_in(module)) or 'no drill at all'}."
            ) from error
        except (Exception, SystemExit) as error:
            raise _failed(place, module, error) from error
    if not isinstance(found, type) or not issubclass(found, Drill):
        raise DrillError(
            f"--drill {place} is {_kind(found)}. Allowed is a class that inherits from "
            "holdfast.drills.drill.Drill, such as RegionLoss."
        )
    problem = _incomplete(found)
    if problem:
        raise DrillError(f"--drill {place}: {problem}.")
    return found


@contextmanager
def _looked_for_in(folder: Path) -> Generator[None]:
    before = list(sys.path)
    sys.path.insert(0, str(folder.resolve()))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = before


def _not_found(place: str, module: str, error: ModuleNotFoundError, folder: Path) -> str:
    missing = error.name or module
    if module == missing or module.startswith(f"{missing}."):
        return (
            f"--drill {place}: there is no module {missing} in {folder.resolve()} nor among what "
            "is installed. Name one that there is."
        )
    return (
        f"--drill {place}: module {module} needs {missing}, which is not installed. Install it "
        "beside Holdfast."
    )


def _failed(place: str, module: str, error: BaseException) -> DrillError:
    said = str(error) if isinstance(error, HoldfastError) else f"{type(error).__name__}: {error}"
    return DrillError(f"--drill {place}: module {module} cannot be imported: {said.rstrip('.')}.")


def _drills_in(module: str) -> list[str]:
    return sorted(
        name
        for name, one in inspect.getmembers(sys.modules[module], inspect.isclass)
        if issubclass(one, Drill) and one is not Drill
    )


def _kind(found: object) -> str:
    return (
        f"the class {found.__qualname__}" if isinstance(found, type) else f"no class but {found!r}"
    )


def _incomplete(drill: type[Drill]) -> str | None:
    """What a drill lacks, or has of another kind."""
    for declared in _DECLARED:
        if not hasattr(drill, declared):
            return f"it declares no {declared}; RegionLoss shows all that a drill declares"
    if not isinstance(drill.name, str) or not _NAME.fullmatch(drill.name):
        return f"its name {drill.name!r} cannot name its report; use lower-case letters, digits, -"
    if drill.name in DRILLS and drill is not DRILLS[drill.name]:
        return f"its name {drill.name} is that of Holdfast's own; give it another"
    if not drill.hypothesis():
        return "it has no docstring, and so no hypothesis to refute; write one"
    for declared, kind in (("workload", Workload), ("loss", Loss)):
        if not isinstance(getattr(drill, declared), kind):
            return f"its {declared} is {getattr(drill, declared)!r}; allowed is a {kind.__name__}"
    return _unasked(drill)


def _unasked(drill: type[Drill]) -> str | None:
    conditions: object = drill.steady_state
    if not isinstance(conditions, Sequence) or not all(
        hasattr(one, "trouble") for one in conditions
    ):
        return f"its steady_state is {conditions!r}; allowed is a tuple of conditions"
    checks: object = drill.checks
    if not isinstance(checks, Sequence) or not checks or not all(map(_is_check, checks)):
        return f"its checks are {checks!r}; allowed is a tuple of checks, at least one"
    names = [check.name for check in drill.checks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        return f"two of its checks are called {twice[0]}; give each a name of its own"
    mutants: object = drill.mutants
    if not isinstance(mutants, Sequence) or not all(
        isinstance(one, type) and issubclass(one, Mutant) for one in mutants
    ):
        return f"its mutants are {mutants!r}; allowed is a tuple of classes of mutants"
    return None


def _is_check(check: object) -> bool:
    return not isinstance(check, type) and all(
        hasattr(check, part) for part in ("name", "needs", "judge")
    )
