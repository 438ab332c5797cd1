"""Finds a drill: one of Holdfast's by its name, or a team's own as ``module:Class``."""

import importlib
import inspect
import re
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from holdfast.drills.drill import Drill, Loss
from holdfast.drills.mutants import Mutant
from holdfast.drills.region_loss import RegionLoss
from holdfast.drills.workload import Workload
from holdfast.errors import DrillError, HoldfastError

DRILLS: Mapping[str, type[Drill]] = {RegionLoss.name: RegionLoss}
"""Every drill of Holdfast's, by the name that the command line takes."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_DECLARED = ("name", "workload", "steady_state", "loss", "checks", "mutants")


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
    if not inspect.isclass(found):
        kind = f"no class but {found!r}"
    elif issubclass(found, Drill):
        problem = _unnamed(found) or _incomplete(found)
        if problem is None:
            return found
        raise DrillError(f"--drill {place}: {problem}.")
    else:
        kind = f"the class {found.__name__}"
    raise DrillError(
        f"--drill {place} is {kind}. Allowed is a class that inherits from "
        "holdfast.drills.drill.Drill, such as RegionLoss."
    )


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


def _unnamed(drill: type[Drill]) -> str | None:
    """Why a drill cannot be told from others, or None."""
    missing = [name for name in _DECLARED if not hasattr(drill, name)]
    if missing:
        return f"it declares no {missing[0]}; RegionLoss shows all that a drill declares"
    name = cast("object", drill.name)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return f"its name {name!r} cannot name its report; use lower-case letters, digits and -"
    if name in DRILLS and drill is not DRILLS[name]:
        return f"its name {name} is that of Holdfast's own; give it another"
    if not drill.hypothesis():
        return "it has no docstring, and so no hypothesis to refute; write one"
    return None


def _incomplete(drill: type[Drill]) -> str | None:
    """What a drill lacks, or has of another kind: nobody has checked its types."""
    said: dict[str, object] = {name: getattr(drill, name, None) for name in _DECLARED}
    for part, kind in (("workload", Workload), ("loss", Loss)):
        if not isinstance(said[part], kind):
            return f"its {part} is {said[part]!r}; allowed is a {kind.__name__}"
    for part, allowed, fits in (
        ("steady_state", "conditions", _is_condition),
        ("checks", "checks, at least one", _is_check),
        ("mutants", "classes of mutants", _is_mutant),
    ):
        found = _items(said[part])
        if found is None or not all(map(fits, found)) or (part == "checks" and not found):
            return f"its {part} is {said[part]!r}; allowed is a tuple of {allowed}"
    return _twice([check.name for check in drill.checks])


def _twice(names: Sequence[str]) -> str | None:
    twice = sorted({name for name in names if names.count(name) > 1})
    return f"two of its checks are called {twice[0]}; give each its own name" if twice else None


def _items(value: object) -> Sequence[object] | None:
    return cast("Sequence[object]", value) if isinstance(value, tuple | list) else None


def _is_condition(one: object) -> bool:
    return hasattr(one, "trouble") and not isinstance(one, type)


def _is_check(one: object) -> bool:
    parts = ("name", "needs", "judge")
    return not isinstance(one, type) and all(hasattr(one, part) for part in parts)


def _is_mutant(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, Mutant)
