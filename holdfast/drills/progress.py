"""What a drill shows while it runs: for people in a terminal, or for nobody.

The view is told facts and draws them; the drill never waits for it.
"""

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from holdfast.drills.history import Health, History, Leader, Memory, Outcome, Request
from holdfast.drills.measures import of_jurisdiction, success_series, window
from holdfast.drills.result import DrillResult

_RECENT_S = 5.0
_SPARK_S = 40
_BARS = " ▁▂▃▄▅▆▇█"
_GOOD = 0.99
_BYTES_PER_MIB = 1024 * 1024


class Progress(Protocol):
    """Who is told how a drill goes."""

    def phase(self, name: str, text: str) -> None:
        """Another part of the drill begins."""
        ...

    def happened(self, at_s: float, text: str) -> None:
        """Something worth a line happened."""
        ...

    def update(self, history: History, now_s: float) -> None:
        """What has been observed so far; called about twice a second."""
        ...


class Silence:
    """Tells nobody."""

    def phase(self, name: str, text: str) -> None:
        """Says nothing."""

    def happened(self, at_s: float, text: str) -> None:
        """Says nothing."""

    def update(self, history: History, now_s: float) -> None:
        """Says nothing."""


class LiveView:
    """A live table below a growing log; on something that is no terminal, only the log.

    Args:
        console: Where to draw.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def phase(self, name: str, text: str) -> None:
        """Prints the phase."""
        self._line(Text.assemble((f"{name:>10}  ", "bold cyan"), text))

    def happened(self, at_s: float, text: str) -> None:
        """Prints the event with its time."""
        self._line(Text.assemble((f"{at_s:>9.1f}s  ", "bold"), text))

    def update(self, history: History, now_s: float) -> None:
        """Redraws the table."""
        if self._console.is_terminal:
            self._live.update(picture(history, now_s))

    def _line(self, text: Text) -> None:
        # Left to the terminal to wrap: a path that was broken in two could not be copied.
        self._console.print(text, soft_wrap=True)


def picture(history: History, now_s: float) -> RenderableType:
    """The state of a drill as a table.

    Args:
        history: What was observed so far.
        now_s: Seconds since the first arrival.
    """
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("", "success, last 40 s", "last 5 s", "leader", "answering"):
        table.add_column(column)
    # Of later requests only those that succeeded have ended, and would look too good.
    settled_s = max(0.0, now_s - history.plan.timeout_s)
    for name in sorted(history.plan.territories):
        requests = of_jurisdiction(history, name)
        recent = window(requests, settled_s - _RECENT_S, settled_s)
        share = f"{recent.rate:.0%}" if recent.asked else "-"
        table.add_row(
            name.upper(),
            _spark(requests, settled_s),
            Text(share, style="green" if recent.rate >= _GOOD else "bold red"),
            _leader(history, name),
            _answering(requests, now_s),
        )
    parts = [f"{now_s:.0f} of {history.plan.duration_s:g} s", f"{len(history.requests)} requests"]
    parts += [f"{region} unhealthy" for region in _unhealthy(history)]
    memory = history.of(Memory)
    if memory:
        parts.append(f"{memory[-1].pss_bytes / _BYTES_PER_MIB:.0f} MiB")
    return Group(Text(), table, Text("  ".join(parts), style="dim"))


def _spark(requests: list[Request], until_s: float) -> Text:
    series = success_series(requests, end_s=max(1.0, until_s), bin_s=1.0)[-_SPARK_S:]
    line = Text()
    for _, rate in series:
        if rate is None:
            line.append("·", style="dim")
        else:
            bar = _BARS[1 + round(rate * (len(_BARS) - 2))]
            line.append(bar, style="green" if rate >= _GOOD else "red")
    line.pad_right(_SPARK_S - len(series))
    return line


def _leader(history: History, jurisdiction: str) -> str:
    for sample in reversed(history.of(Leader)):
        if sample.jurisdiction == jurisdiction:
            return f"{sample.region} (token {sample.token})" if sample.region else "nobody"
    return "-"


def _answering(requests: list[Request], now_s: float) -> str:
    counts: dict[str, int] = {}
    for request in requests:
        if request.due_s >= now_s - _RECENT_S and request.outcome is Outcome.OK and request.region:
            counts[request.region] = counts.get(request.region, 0) + 1
    return ", ".join(f"{region} {count}" for region, count in sorted(counts.items())) or "nobody"


def _unhealthy(history: History) -> list[str]:
    latest = {sample.region: sample.healthy for sample in history.of(Health)}
    return sorted(region for region, healthy in latest.items() if not healthy)


def summary(result: DrillResult) -> RenderableType:
    """The verdicts as a table, for the end of a run."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("", "check", "objective", "measured"):
        table.add_column(column)
    for verdict in result.verdicts:
        mark = Text("met", style="green") if verdict.passed else Text("MISSED", style="bold red")
        table.add_row(mark, verdict.check, verdict.objective, verdict.measured)
    for check, reason in result.not_asked.items():
        table.add_row(Text("-", style="dim"), check, "not asked", reason)
    return table
