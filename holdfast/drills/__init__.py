"""Rehearsals that measure what a platform promises: generator, nemesis, history, checks, report.

``run("region-loss", ...)`` is the whole of it; what a drill asks is declared in
:mod:`holdfast.drills.region_loss`.
"""

from holdfast.drills.loading import DRILLS
from holdfast.drills.result import DrillResult, ExitCode
from holdfast.drills.runner import run

__all__ = ["DRILLS", "DrillResult", "ExitCode", "run"]
