"""Everything that the twin does not reproduce of AWS, in the one table that is printed.

``docs/twin.md`` and every drill report show it, so that nobody takes a rehearsal for more than
it was. Each room of the twin keeps its own part.
"""

from holdfast.twin.limits import LIMITS as AROUND
from holdfast.twin.limits import Limit
from holdfast.twin.provider.limits import LIMITS as PROVIDER
from holdfast.twin.region.limits import LIMITS as REGION

DIFFERENCES: tuple[Limit, ...] = tuple(
    sorted((*AROUND, *REGION, *PROVIDER), key=lambda limit: limit.subject)
)
"""By subject."""


def to_markdown() -> str:
    """The table as the docs hold it."""
    rows = (f"| {limit.subject} | {limit.text} |" for limit in DIFFERENCES)
    return "\n".join(("| Subject | What is different |", "|---|---|", *rows)) + "\n"
