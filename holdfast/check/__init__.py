"""Runs a CrossGuard policy pack over a resource graph, without Pulumi's CLI.

::

    report = run(graph, Path("policies"))
    print(to_text(report))
    sys.exit(report.exit_code)

The pack is the real one, in a process of its own, spoken to by Pulumi's analyzer protocol: what
it finds here it finds in ``pulumi preview --policy-pack``.
"""

from holdfast.check.formats import FORMATS, to_github, to_json, to_junit, to_sarif, to_text
from holdfast.check.model import Finding, Level, Policy, Report
from holdfast.check.runner import run

__all__ = [
    "FORMATS",
    "Finding",
    "Level",
    "Policy",
    "Report",
    "run",
    "to_github",
    "to_json",
    "to_junit",
    "to_sarif",
    "to_text",
]
