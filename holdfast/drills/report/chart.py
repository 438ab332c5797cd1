"""The timeline as an SVG: success, traffic and leadership over one axis, the outage behind them.

Pure text. Colours come from the page's style sheet through classes, so that the drawing follows
the reader's light or dark scheme; everything that colour says is also said by place or words.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

from markupsafe import Markup

from holdfast.drills import measures
from holdfast.drills.history import History, Outcome
from holdfast.drills.result import DrillResult, Moment

WIDTH = 1040
LEFT = 148
RIGHT = 28
RAIL = 58
SUCCESS_HEIGHT = 92
TRAFFIC_HEIGHT = 34
LEADER_HEIGHT = 22
LANE_GAP = 10
DIMENSION = 26
GAP = 22
PANEL_GAP = 44
AXIS = 44
_TICK_S = 10
_BIN_S = 1.0
_LABEL_WIDTH_S = 7


@dataclass(frozen=True)
class Scale:
    """Places seconds on the x axis.

    Attributes:
        end_s: Last second that is drawn.
    """

    end_s: float

    def x(self, at_s: float) -> float:
        """The x coordinate of a moment, kept inside the drawing."""
        share = min(max(at_s, 0.0), self.end_s) / self.end_s
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 2)


class Drawing:
    """Collects elements, top to bottom."""

    def __init__(self, scale: Scale) -> None:
        self.scale = scale
        self.y = float(RAIL)
        self._back: list[Markup] = []
        self._front: list[Markup] = []

    def add(self, template: LiteralString, /, **values: str | float) -> None:
        """Draws an element above all earlier ones.

        Args:
            template: The element, with places for values; written here, and not put together.
            values: What goes into the places; each is escaped, in text and attributes alike.
        """
        self._front.append(_filled(template, values))

    def behind(self, template: LiteralString, /, **values: str | float) -> None:
        """Draws an element below all others; arguments as of ``add``."""
        self._back.append(_filled(template, values))

    def text(self, x: float, y: float, words: str, kind: str, anchor: str = "start") -> None:
        """Writes words at a place."""
        self.add(
            '<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{words}</text>',
            kind=kind,
            x=x,
            y=y,
            anchor=anchor,
            words=words,
        )

    def elements(self) -> Iterable[Markup]:
        """Everything drawn, in order."""
        return (*self._back, *self._front)


def _filled(template: LiteralString, values: Mapping[str, str | float]) -> Markup:
    # The template is our own source, which the type says; `format` escapes what goes into it.
    return Markup(template).format(**values)  # noqa: S704


def timeline(history: History, result: DrillResult) -> Markup:
    """Draws a drill.

    Args:
        history: What was observed.
        result: What was made of it.

    Returns:
        An ``<svg>`` element without any reference to the outside.
    """
    drawing = Drawing(Scale(result.workload_s))
    for jurisdiction in _affected_first(result):
        _success(drawing, history, result, jurisdiction)
    drawing.y += PANEL_GAP - GAP
    _traffic_panel(drawing, history, result)
    drawing.y += PANEL_GAP - LANE_GAP
    _heading(drawing, "Leadership, by region")
    for region, jurisdiction in _regions(result):
        _leadership(drawing, history, region, jurisdiction)
    bottom = drawing.y
    _axis(drawing, bottom)
    _outage(drawing, result, bottom)
    _markers(drawing, result.moments, bottom)
    height = bottom + AXIS
    opening = Markup(
        '<svg class="timeline" viewBox="0 0 {width} {height:g}" role="img" '
        'aria-labelledby="timeline-title timeline-description">'
        '<title id="timeline-title">Timeline of the drill</title>'
        '<desc id="timeline-description">{words}</desc>'
    ).format(width=WIDTH, height=height, words=_in_words(result))
    return Markup("\n").join((opening, *drawing.elements(), Markup("</svg>")))


def _affected_first(result: DrillResult) -> list[str]:
    return sorted(result.territories, key=lambda name: (name != result.affected, name))


def _regions(result: DrillResult) -> list[tuple[str, str]]:
    return [
        (region, jurisdiction)
        for jurisdiction in _affected_first(result)
        for region in sorted(
            result.territories[jurisdiction].serving, key=lambda name: name != result.lost_region
        )
    ]


def _in_words(result: DrillResult) -> str:
    told = "; ".join(f"at {moment.at_s:.1f} s {moment.text}" for moment in result.moments)
    return (
        f"Success rate of {', '.join(_affected_first(result))}, answered requests and leadership "
        f"by region over {result.workload_s:g} seconds. {told}."
    )


def _heading(drawing: Drawing, words: str) -> None:
    drawing.text(0, drawing.y - 14, words, "heading")


def _grid(drawing: Drawing, y: float) -> None:
    """A line over the whole width."""
    drawing.behind(
        '<path class="grid" d="M{x:g} {y:g}H{right}"/>',
        x=drawing.scale.x(0),
        y=y,
        right=WIDTH - RIGHT,
    )


def _success(drawing: Drawing, history: History, result: DrillResult, jurisdiction: str) -> None:
    top, bottom = drawing.y, drawing.y + SUCCESS_HEIGHT
    x = drawing.scale.x
    if top == RAIL:
        _heading(drawing, "Success rate, by jurisdiction")
    drawing.text(0, top + 16, jurisdiction.upper(), "lane-name")
    drawing.text(0, top + 33, "users served", "lane-note")
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * SUCCESS_HEIGHT
        _grid(drawing, y)
        drawing.text(LEFT - 8, y + 4, f"{share:.0%}", "tick", "end")
    series = measures.success_series(
        measures.of_jurisdiction(history, jurisdiction), end_s=result.workload_s, bin_s=_BIN_S
    )
    hue = "affected" if jurisdiction == result.affected else "other"
    for run in _runs(series):
        line = _steps(run, drawing.scale, bottom, SUCCESS_HEIGHT)
        first, last = x(run[0][0]), x(run[-1][0] + _BIN_S)
        drawing.add(
            '<path class="area {hue}" d="{line}V{bottom:g}H{first:g}Z"/>',
            hue=hue,
            line=line,
            bottom=bottom,
            first=first,
        )
        drawing.add(
            '<path class="line {hue}" data-series="success-{jurisdiction}" '
            'data-from="{first:g}" data-to="{last:g}" d="{line}"/>',
            hue=hue,
            jurisdiction=jurisdiction,
            first=first,
            last=last,
            line=line,
        )
    if jurisdiction == result.affected:
        _recovery(drawing, result, top)
        bottom += DIMENSION
    drawing.y = bottom + GAP


def _runs(
    series: Sequence[tuple[float, float | None]],
) -> list[list[tuple[float, float]]]:
    """Splits a series where it has no value: a gap is drawn as a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for start_s, rate in series:
        if rate is None:
            runs.append([])
        else:
            runs[-1].append((start_s, rate))
    return [run for run in runs if run]


def _steps(run: Sequence[tuple[float, float]], scale: Scale, bottom: float, height: float) -> str:
    parts = [f"M{scale.x(run[0][0]):g} {bottom - run[0][1] * height:.2f}"]
    for start_s, share in run:
        parts.append(f"V{bottom - share * height:.2f}H{scale.x(start_s + _BIN_S):g}")
    return "".join(parts)


def _recovery(drawing: Drawing, result: DrillResult, top: float) -> None:
    """The recovery time as a dimension line below the panel, and the objective in it."""
    killed, recovered = result.moment("killed"), result.moment("recovered")
    if killed is None:
        return
    x, bottom = drawing.scale.x, top + SUCCESS_HEIGHT
    y = bottom + DIMENSION / 2
    limit_s = killed.at_s + result.objectives.rto_s
    if limit_s <= result.workload_s:
        drawing.add(
            '<path class="objective" d="M{x:g} {top:g}V{bottom:g}"/>',
            x=x(limit_s),
            top=top,
            bottom=y + 6,
        )
        drawing.text(x(limit_s) + 6, y + 4, f"objective {result.objectives.rto_s:g} s", "note")
    if recovered is None:
        return
    first, last = x(killed.at_s), x(recovered.at_s)
    drawing.add(
        '<path class="dimension" d="M{first:g} {above:g}V{below:g}M{first:g} {y:g}H{last:g}'
        'M{last:g} {above:g}V{below:g}"/>',
        first=first,
        last=last,
        y=y,
        above=y - 5,
        below=y + 5,
    )
    words = f"recovered in {recovered.since_loss_s:.1f} s"
    drawing.text((first + last) / 2, y + 4, words, "dimension-label", "middle")


def _traffic_panel(drawing: Drawing, history: History, result: DrillResult) -> None:
    regions = _regions(result)
    bins = {region: _answered(history, result, region) for region, _ in regions}
    peak = max(1, *(count for counts in bins.values() for count in counts))
    _heading(drawing, f"Answered requests a second, by region (full height: {peak})")
    for region, jurisdiction in regions:
        hue = "affected" if jurisdiction == result.affected else "other"
        _traffic(drawing, region, hue, [count / peak for count in bins[region]])


def _answered(history: History, result: DrillResult, region: str) -> list[int]:
    bins = [0] * max(1, round(result.workload_s / _BIN_S))
    for request in history.requests:
        if request.region == region and request.outcome is Outcome.OK:
            bins[min(len(bins) - 1, int(request.due_s / _BIN_S))] += 1
    return bins


def _traffic(drawing: Drawing, region: str, hue: str, shares: Sequence[float]) -> None:
    bottom = drawing.y + TRAFFIC_HEIGHT
    run = [(index * _BIN_S, share) for index, share in enumerate(shares)]
    line = _steps(run, drawing.scale, bottom, TRAFFIC_HEIGHT)
    base = f"M{drawing.scale.x(0):g} {bottom:g}"
    _grid(drawing, bottom)
    drawing.text(0, bottom - 8, region, "lane-name")
    drawing.add(
        '<path class="bars {hue}" data-series="traffic-{region}" d="{base}{line}V{bottom:g}Z"/>',
        hue=hue,
        region=region,
        base=base,
        line=line.replace("M", "L", 1),
        bottom=bottom,
    )
    drawing.y = bottom + LANE_GAP


def _leadership(drawing: Drawing, history: History, region: str, jurisdiction: str) -> None:
    top, height = drawing.y, LEADER_HEIGHT
    middle = top + height / 2
    x = drawing.scale.x
    _grid(drawing, middle)
    drawing.text(0, middle + 4, region, "lane-name")
    hue = "affected" if jurisdiction == history.plan.affected else "other"
    for reign in measures.reigns(history):
        if reign.region != region:
            continue
        # The first sample comes a moment after the start; who it shows led at the start as well.
        start_s = 0.0 if reign.start_s < 2 * _BIN_S else reign.start_s
        left, right = x(start_s), x(reign.end_s)
        drawing.add(
            '<rect class="reign {hue}" data-series="leader-{region}" x="{left:g}" y="{top:g}" '
            'width="{width:g}" height="{height}" rx="3"/>',
            hue=hue,
            region=region,
            left=left,
            top=top,
            width=max(1.0, right - left),
            height=height,
        )
        if reign.end_s - start_s > _LABEL_WIDTH_S:
            words = f"leads {jurisdiction.upper()}, token {reign.token}"
            drawing.text(left + 8, middle + 4, words, "reign-label")
    drawing.y = top + height + LANE_GAP


def _axis(drawing: Drawing, bottom: float) -> None:
    x = drawing.scale.x
    drawing.add(
        '<path class="axis" d="M{x:g} {bottom:g}H{right}"/>',
        x=x(0),
        bottom=bottom,
        right=WIDTH - RIGHT,
    )
    for at_s in range(0, int(drawing.scale.end_s) + 1, _TICK_S):
        drawing.add('<path class="axis" d="M{x:g} {bottom:g}v5"/>', x=x(at_s), bottom=bottom)
        drawing.text(x(at_s), bottom + 18, f"{at_s}", "tick", "middle")
    drawing.text(WIDTH - RIGHT, bottom + 36, "seconds since the first request", "note", "end")


def _outage(drawing: Drawing, result: DrillResult, bottom: float) -> None:
    killed, restored = result.moment("killed"), result.moment("restored")
    if killed is None:
        return
    end_s = restored.at_s if restored is not None else result.workload_s
    left, right = drawing.scale.x(killed.at_s), drawing.scale.x(end_s)
    drawing.behind(
        '<rect class="outage" data-fault="{region}" data-start="{start_s:.3f}" '
        'data-end="{end_s:.3f}" x="{left:g}" y="{top}" width="{width:.2f}" height="{height:g}"/>',
        region=result.lost_region,
        start_s=killed.at_s,
        end_s=end_s,
        left=left,
        top=RAIL - 10,
        width=right - left,
        height=bottom - RAIL + 10,
    )


def _markers(drawing: Drawing, moments: Sequence[Moment], bottom: float) -> None:
    """Numbered flags along the top; the table below the drawing says what they stand for."""
    taken = float("-inf")
    for number, moment in enumerate(moments, start=1):
        x = drawing.scale.x(moment.at_s)
        flag = max(x, taken + 22)
        taken = flag
        drawing.behind(
            '<path class="moment" d="M{x:g} {top}V{bottom:g}"/>', x=x, top=RAIL - 10, bottom=bottom
        )
        drawing.add(
            '<g class="marker" data-moment="{name}"><title>{words}</title>'
            '<path d="M{flag:g} 18L{x:g} {top}"/>'
            '<circle cx="{flag:g}" cy="11" r="9"/>'
            '<text x="{flag:g}" y="15" text-anchor="middle">{number}</text></g>',
            name=moment.name,
            words=moment.text,
            flag=flag,
            x=x,
            top=RAIL - 10,
            number=number,
        )
