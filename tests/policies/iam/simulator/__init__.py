"""cloud-copilot's iam-simulate, which somebody else wrote: a second opinion on what is allowed.

Installed with npm into the user's cache the first time; it runs in a process of its own, under a
licence of its own (AGPL), so nothing of it is kept here.
"""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

HERE = Path(__file__).parent
_INSTALL_S = 300
_RUN_S = 300


class UnavailableError(Exception):
    """The simulator cannot be had on this machine; the message says why."""


def modules() -> Path:
    """The directory of its modules, installed where they are not in the cache yet.

    Raises:
        UnavailableError: If there is no node or npm, or it cannot be installed.
    """
    missing = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    if missing:
        raise UnavailableError(f"{' and '.join(missing)} not on PATH")
    wanted = json.loads((HERE / "package.json").read_text("utf-8"))["dependencies"]
    (version,) = wanted.values()
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "holdfast-tests"
    kept.mkdir(parents=True, exist_ok=True)
    place = kept / f"iam-simulate-{version}"
    with (kept / "npm-lock").open("w") as lock:
        # Workers of one run, and runs beside it, install it once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "done").is_file():
            _install(place)
    return place / "node_modules"


def simulated(simulations: Sequence[Mapping[str, Any]]) -> list[str]:
    """What it says of some requests: ``Allowed``, ``ImplicitlyDenied``, or what it refuses."""
    answer = subprocess.run(
        ["node", str(HERE / "simulate.mjs"), str(modules())],
        input=json.dumps(list(simulations)),
        capture_output=True,
        text=True,
        check=True,
        timeout=_RUN_S,
    )
    return cast("list[str]", json.loads(answer.stdout))


def _install(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    shutil.copy(HERE / "package.json", place)
    try:
        subprocess.run(
            ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"],
            cwd=place,
            check=True,
            capture_output=True,
            timeout=_INSTALL_S,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise UnavailableError("npm could not install it") from error
    (place / "done").touch()
