"""The drill report: one HTML file that needs nothing else, for people and for the file.

Every number in it comes from the result document or the history; the template computes nothing.
"""

from pathlib import Path

import jinja2

from holdfast.drills import measures
from holdfast.drills.history import History
from holdfast.drills.report.chart import timeline
from holdfast.drills.result import DrillResult

__all__ = ["render", "write"]

_BYTES_PER_MIB = 1024 * 1024


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["mib"] = _mib
    return environment


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / _BYTES_PER_MIB:,.0f} MiB"


def render(result: DrillResult, history: History) -> str:
    """The report as one HTML document without scripts or outside references."""
    template = _environment().get_template("template.html.j2")
    return template.render(
        result=result, timeline=timeline(history, result), window_s=measures.WINDOW_S
    )


def write(result: DrillResult, history: History, path: Path) -> None:
    """Writes the report to a file."""
    path.write_text(render(result, history), encoding="utf-8")
