"""Where the ``holdfast`` command starts: outside the package whose name another project has too.

Whatever lies in ``holdfast`` once both projects were installed, this module is this project's.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

COULD_NOT = 2


def main() -> None:
    """Runs the command line, or says why it cannot be found, and ends the process."""
    ours = Path(__file__).with_name("holdfast") / "__init__.py"
    found = find_spec("holdfast")
    if found is None or found.origin is None or Path(found.origin) != ours:
        _give_up(
            f"{found.origin if found else 'nothing'} is imported as `holdfast` in place of {ours}: "
            "the distribution `holdfast` is another project's; uninstall it "
            "(`pip uninstall holdfast`) and install `holdfast-platform` again"
        )
    try:
        from holdfast.cli import main as command  # noqa: PLC0415 - not before it was looked at
    except ImportError as error:
        if error.name != "holdfast":
            raise
        _give_up(str(error))
    command()


def _give_up(why: str) -> NoReturn:
    sys.stderr.write(f"holdfast: {why}.\n")
    sys.exit(COULD_NOT)
