"""Elections in many worlds: in this process, or compiled and in one of their own.

Ten thousand worlds are too many for the interpreter. mypy's compiler makes C of the very files that
production runs, and of the simulator; a test compares what both say of the same worlds.

A Python without its C headers, as Debian's without ``python3.11-dev``, runs the worlds interpreted.

A process of compiled worlds prints what was broken in its seeds, which had better be nothing.
"""

import gc
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import holdfast
from holdfast.testing import election, explain_history, simulate_election

ROOT = Path(__file__).parents[2]
BATCH = 250
CAN_COMPILE = Path(sysconfig.get_path("include"), "Python.h").is_file()
COMPILED = (
    "coordination/stores/store",
    "coordination/leases/lease_core",
    "coordination/leases/election_core",
    "coordination/leases/lease",
    "coordination/leases/fence",
    "testing/world",
    "testing/network",
    "testing/store",
    "testing/candidate",
    "testing/monitor",
    "testing/faults",
    "testing/election",
)


def broken(seeds: range) -> list[str]:
    """What went wrong in a range of seeds, in words."""
    found: list[str] = []
    for seed in seeds:
        run = simulate_election(seed)
        if run.violations:
            found.append(run.explain())
        # Judging costs half as much as simulating; every tenth world stands for the rest.
        if seed % 10 == 0 and (unexplained := explain_history(run.operations)):
            found.append(f"seed {seed}: {unexplained}")
    return found


def told(seeds: range) -> str:
    """All that is known of the worlds of a range of seeds."""
    return "\n".join(repr(simulate_election(seed)) for seed in seeds)


def compile_worlds(place: Path) -> None:
    """Puts a copy of the package into a directory, compiled where that can be done."""
    package = Path(holdfast.__file__).parent
    shutil.copytree(package, place / "holdfast", ignore=shutil.ignore_patterns("__pycache__"))
    if not CAN_COMPILE:
        return
    subprocess.run(
        [sys.executable, "-m", "mypyc", *(f"holdfast/{name}.py" for name in COMPILED)],
        cwd=place,
        # The C compiler takes twice as long to make code that is no faster here.
        env={**os.environ, "MYPYC_OPT_LEVEL": "1", "MYPYC_DEBUG_LEVEL": "0"},
        check=True,
        capture_output=True,
    )


def start_compiled(place: Path, seeds: range, command: str) -> "subprocess.Popen[str]":
    """Starts a process that prints one of the two above, of compiled worlds."""
    code = f"from tests.testing import worlds; worlds.tell({command!r}, {seeds!r})"
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(place), str(ROOT)))},
        cwd=place,
        stdout=subprocess.PIPE,
        text=True,
    )


def tell(command: str, seeds: range) -> None:
    """What a process of compiled worlds prints."""
    if str(election.__file__).endswith(".so") is not CAN_COMPILE:
        raise RuntimeError(f"{election.__file__} is not what was to be run")
    # Worlds are full of objects that live as long as they do; looking for garbage among them more
    # than once a batch costs a fifth.
    gc.disable()
    for start in range(seeds.start, seeds.stop, BATCH):
        batch = range(start, min(start + BATCH, seeds.stop))
        sys.stdout.write(told(batch) if command == "told" else "\n".join(broken(batch)))
        gc.collect()
