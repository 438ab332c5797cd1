"""Runs a CrossGuard policy pack over a resource graph, without Pulumi's CLI.

::

    report = run_stack(Path("."), "prod", Path("policies"))
    print(to_text(report))
    sys.exit(report.exit_code)

The pack is the real one, in a process of its own, spoken to by Pulumi's analyzer protocol: what
it finds here it finds in ``pulumi preview --policy-pack``.
"""

from holdfast.check.failures import FAILURES
from holdfast.check.formats import FORMATS, to_github, to_json, to_junit, to_text
from holdfast.check.model import Finding, Level, Policy, Report
from holdfast.check.pages import explanation, listing, page
from holdfast.check.runner import policies_of, run, run_stack
from holdfast.check.sarif import to_sarif

__all__ = [
    "FAILURES",
    "FORMATS",
    "Finding",
    "Level",
    "Policy",
    "Report",
    "explanation",
    "listing",
    "page",
    "policies_of",
    "run",
    "run_stack",
    "to_github",
    "to_json",
    "to_junit",
    "to_sarif",
    "to_text",
]
