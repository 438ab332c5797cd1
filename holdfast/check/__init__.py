"""Runs a CrossGuard policy pack over a resource graph, without Pulumi's CLI.

::

    report = run_stack(Path("."), "prod", Path("policies"))
    print(to_text(report))
    sys.exit(report.exit_code)

The pack is the real one, in a process of its own, spoken to by Pulumi's analyzer protocol: what
it finds here it finds in ``pulumi preview --policy-pack``.
"""

from holdfast.check.formats import FORMATS, to_github, to_json, to_junit, to_sarif, to_text
from holdfast.check.model import Finding, Level, Policy, Report
from holdfast.check.runner import run, run_stack

__all__ = [
    "FORMATS",
    "Finding",
    "Level",
    "Policy",
    "Report",
    "run",
    "run_stack",
    "to_github",
    "to_json",
    "to_junit",
    "to_sarif",
    "to_text",
]
