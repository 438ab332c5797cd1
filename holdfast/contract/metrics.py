"""The metrics that alarms wait for: named here, published by the runtime, watched by components."""

from enum import StrEnum
from typing import Final

METRIC_NAMESPACE: Final = "Holdfast"
"""The only CloudWatch namespace that agents may publish in."""


class Metric(StrEnum):
    """Metrics of a kill switch, once a minute and process.

    ``TRIPPED`` is 1 while nothing may act, else 0. ``READ`` is 1 for every minute in which the
    switch could be read; silence raises an alarm.
    """

    TRIPPED = "KillSwitchTripped"
    READ = "KillSwitchRead"


def dimensions(*, project: str, stack: str, jurisdiction: str, region: str) -> dict[str, str]:
    """What tells one platform's, jurisdiction's and region's metrics from another's."""
    return {"Platform": f"{project}-{stack}", "Jurisdiction": jurisdiction, "Region": region}
