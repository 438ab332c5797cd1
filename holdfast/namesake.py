"""Refuses to be mixed up with another project whose package is called ``holdfast`` as well.

On PyPI the name ``holdfast`` belongs to somebody else; this project's distribution is called
``holdfast-platform``. Both unpack into one directory ``holdfast`` of ``site-packages``, where the
one that was installed last has overwritten modules of the other: what is imported then is neither.

Guarantees:
    With both installed, importing any room of this project fails with one sentence, whichever
    was installed last.

Does not guarantee:
    Anything where only the other project's package is found, for then nothing of this one runs.
    The command, which starts in ``holdfast_platform``, says so even then.
"""

import functools
import os
import sys

DISTRIBUTION = "holdfast-platform"
"""What is installed, and what to ask an index for."""

FORMER_SUMMARY = "Summary: An infrastructure-as-code blueprint for multi-region agent platforms."
"""Tells this project's own distribution of before its renaming from the stranger's."""


@functools.cache
def refuse() -> None:
    """Looks once for the other project.

    Raises:
        ImportError: If its distribution lies on the import path, or its package is imported.
    """
    for place in sys.path:
        for name in _names_in(place):
            if name.startswith("holdfast-") and name.endswith((".dist-info", ".egg-info")):
                told = os.path.join(place, name)  # noqa: PTH118 - pathlib costs ten times this
                if not _is_ours(told):
                    raise ImportError(_sentence(told), name="holdfast")
    package = sys.modules.get("holdfast")
    if package is not None and getattr(package, "DISTRIBUTION", None) != DISTRIBUTION:
        raise ImportError(_sentence(str(package.__file__)), name="holdfast")


def _names_in(place: str) -> list[str]:
    try:
        return os.listdir(place or ".")  # noqa: PTH208 - pathlib costs ten times this
    except OSError:
        # An archive, or a directory that is not there.
        return []


def _is_ours(told: str) -> bool:
    """Whether a distribution's metadata are those of this project under its former name."""
    for file in ("METADATA", "PKG-INFO"):
        try:
            with open(os.path.join(told, file), encoding="utf-8", errors="replace") as lines:  # noqa: PTH118, PTH123
                return any(line.rstrip() == FORMER_SUMMARY for line in lines)
        except OSError:
            continue
    return False


def _sentence(place: str) -> str:
    return (
        f"the distribution `holdfast` ({place}) is another project's and shares the package name "
        f"with this one, `{DISTRIBUTION}`, so that the modules of both are mixed; uninstall both "
        f"(`pip uninstall holdfast {DISTRIBUTION}`) and install `{DISTRIBUTION}` alone"
    )
