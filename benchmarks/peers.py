"""Others' libraries in an environment of their own, which nothing of this project imports."""

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "benchmarks" / "peers.lock"


class NotInstalledError(Exception):
    """The peers cannot be had; the message is what their installer said."""


def install() -> Path:
    """The peers' Python, made from their lock where it has not been yet.

    Raises:
        NotInstalledError: If they cannot be installed, as without a network.
    """
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    place = ROOT / "build" / f"peers-{digest}"
    python, done = place / "bin" / "python", place / ".installed"
    if not done.is_file():
        uv = Path(sys.executable).with_name("uv")
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, place)
        _run(uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, LOCK)
        done.touch()
    return python


def _run(*command: str | Path) -> None:
    ended = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if ended.returncode:
        raise NotInstalledError(" ".join(ended.stdout.split()))
