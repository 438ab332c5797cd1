"""`holdfast check` beside `pulumi preview --policy-pack`, on the prod stack, in one run.

Both run the same program and the same pack from a fresh process, by turns, so that whatever
else the machine does falls on both, and both find Python's bytecode where an untimed round has left
it, as on a machine that has run them before. The engine has a provider that only echoes attached
in place of the AWS plugin, which flatters it: the real plugin takes longer to start and to answer.

Prints both medians in seconds and their ratio. Ends with 1 when the check takes more than a
third of the preview's time, and with 0 and a sentence where there is no Pulumi CLI.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
STACK: Final = "prod"
ROUNDS: Final = 5
TARGET: Final = 1 / 3

CHECK: Final = [str(Path(sys.executable).parent / "holdfast"), "check", "--stack", STACK]


def main() -> int:
    """Runs the comparison; returns the exit code."""
    if shutil.which("pulumi") is None:
        print("skipped: the pulumi CLI is not on PATH, so there is nothing to compare with")
        return 0
    sys.path.insert(0, str(ROOT))
    # Only with the CLI there is a provider for it to talk to.
    from tests.graph.engine import engine  # noqa: PLC0415

    checks: list[float] = []
    previews: list[float] = []
    with (
        tempfile.TemporaryDirectory() as scratch,
        engine(ROOT, STACK, Path(scratch)) as environment,
    ):
        compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": f"{scratch}/pycache"}
        with_engine = {**environment, **compiled}
        preview = ["pulumi", "preview", "--non-interactive", "--stack", STACK]
        preview += ["--policy-pack", str(ROOT / "policies")]
        for number in range(ROUNDS + 1):
            checks.append(timed(CHECK, ROOT, {**os.environ, **compiled}))
            previews.append(timed(preview, Path(scratch) / "project", with_engine))
            print(f"round {number}: check {checks[-1]:.2f} s, preview {previews[-1]:.2f} s")
    check_s, preview_s = statistics.median(checks[1:]), statistics.median(previews[1:])
    ratio = check_s / preview_s
    print(f"holdfast check                {check_s:6.2f} s (median of {ROUNDS})")
    print(f"pulumi preview --policy-pack  {preview_s:6.2f} s (median of {ROUNDS})")
    print(f"ratio {ratio:.3f}; target at most {TARGET:.3f}")
    return 0 if ratio <= TARGET else 1


def timed(command: list[str], cwd: Path, environment: dict[str, str]) -> float:
    """Seconds that a command takes. A command that fails ends the comparison."""
    begin = time.perf_counter()
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    took_s = time.perf_counter() - begin
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed:\n{done.stdout}\n{done.stderr}")
    return took_s


if __name__ == "__main__":
    sys.exit(main())
