"""Numbers drawn from a history, shared by the checks, the live view and the report.

All pure. Times are in seconds on the history's clock unless a name says otherwise.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from holdfast.drills.history import Effect, Health, History, Leader, Outcome, Request

SUCCESS_AT_LEAST = 0.99
WINDOW_S = 20.0
"""Long enough for a hundred requests and more: one of fewer is already too many to fail."""


@dataclass(frozen=True)
class Window:
    """The requests that were due in ``[start_s, end_s)``.

    Attributes:
        start_s: First moment.
        end_s: Moment after the last.
        asked: How many they are.
        succeeded: Those of them that were answered as asked.
    """

    start_s: float
    end_s: float
    asked: int
    succeeded: int

    @property
    def rate(self) -> float:
        """Share that succeeded, 0 to 1. A window in which nobody asked has succeeded at 0."""
        return self.succeeded / self.asked if self.asked else 0.0


def window(requests: Iterable[Request], start_s: float, end_s: float) -> Window:
    """Counts what was due between two moments."""
    inside = [request for request in requests if start_s <= request.due_s < end_s]
    succeeded = sum(request.outcome is Outcome.OK for request in inside)
    return Window(start_s, end_s, len(inside), succeeded)


def of_jurisdiction(history: History, jurisdiction: str) -> list[Request]:
    """The requests of one jurisdiction's users, by the time they were due."""
    return [request for request in history.requests if request.jurisdiction == jurisdiction]


def recovered_s(
    requests: Sequence[Request],
    *,
    after_s: float,
    until_s: float,
    window_s: float = WINDOW_S,
    at_least: float = SUCCESS_AT_LEAST,
) -> float | None:
    """The moment from which users were served again, for good.

    It is the due time of the first request after the last one that failed in a window whose
    success rate was too low, whichever of the windows around it: every whole window that begins
    then or later, up to the end of the drill, is good. One failure among many that succeed does
    not undo a recovery; the window decides.

    Args:
        requests: Of one jurisdiction, by due time.
        after_s: Moment of the fault.
        until_s: End of the workload.
        window_s: Length of the sliding window.
        at_least: Success rate of a good window.

    Returns:
        The moment, ``after_s`` itself if no window was bad, or None if users were not served
        again for at least one whole window before the end.
    """
    later = [request for request in requests if request.due_s >= after_s]
    due = [request.due_s for request in later]
    recovered: float | None = after_s
    for index, request in enumerate(later):
        if request.outcome is Outcome.OK:
            continue
        # The windows that see this failure begin at most window_s before it, at a request; near
        # the end it is the last whole window that does.
        first = bisect_left(due, request.due_s - window_s + 1e-9)
        starts_s = {min(due_s, until_s - window_s) for due_s in due[first : index + 1]}
        if any(_rate_from(later, due, start_s, window_s) < at_least for start_s in starts_s):
            recovered = due[index + 1] if index + 1 < len(due) else None
    if not later or recovered is None or until_s - recovered < window_s:
        return None
    return recovered


def _rate_from(
    requests: Sequence[Request], due: Sequence[float], start_s: float, window_s: float
) -> float:
    first = bisect_left(due, start_s - 1e-9)
    inside = requests[first : bisect_left(due, start_s + window_s - 1e-9)]
    served = sum(request.outcome is Outcome.OK for request in inside)
    return served / len(inside) if inside else 0.0


def success_series(
    requests: Sequence[Request], *, end_s: float, bin_s: float = 1.0
) -> list[tuple[float, float | None]]:
    """Success rate by the time that requests were due, for drawing.

    Returns:
        One ``(start of the bin, rate)`` per bin; the rate is None where nobody asked.
    """
    series: list[tuple[float, float | None]] = []
    for index in range(max(1, round(end_s / bin_s))):
        start_s = index * bin_s
        counted = window(requests, start_s, start_s + bin_s)
        series.append((start_s, counted.rate if counted.asked else None))
    return series


@dataclass(frozen=True)
class Reign:
    """One holder's time as leader, as far as samples can tell.

    Attributes:
        jurisdiction: Whose leader.
        region: Region of the holder.
        token: Its fencing token.
        start_s: When it was first seen.
        end_s: When somebody else, or nobody, was first seen in its place.
    """

    jurisdiction: str
    region: str
    token: int
    start_s: float
    end_s: float


def reigns(history: History) -> list[Reign]:
    """Leadership as intervals, by jurisdiction and start."""
    found: list[Reign] = []
    by_jurisdiction: dict[str, list[Leader]] = {}
    for sample in history.of(Leader):
        by_jurisdiction.setdefault(sample.jurisdiction, []).append(sample)
    for jurisdiction, samples in sorted(by_jurisdiction.items()):
        ordered = sorted(samples, key=lambda sample: sample.at_s)
        start = ordered[0]
        for sample in ordered[1:]:
            if (sample.region, sample.token) != (start.region, start.token):
                if start.region is not None:
                    found.append(
                        Reign(jurisdiction, start.region, start.token, start.at_s, sample.at_s)
                    )
                start = sample
        if start.region is not None:
            found.append(
                Reign(jurisdiction, start.region, start.token, start.at_s, history.plan.duration_s)
            )
    return found


def takeover_s(history: History) -> float | None:
    """When another region was first seen to lead in place of the one that was lost, or None.

    Also None if the lost region did not lead: then there was nothing to take over.
    """
    fault = history.fault("kill")
    if fault is None or leader_at(history, fault.start_s) != fault.region:
        return None
    for sample in history.of(Leader):
        if (
            sample.jurisdiction == history.plan.affected
            and sample.at_s >= fault.start_s
            and sample.region not in {None, fault.region}
        ):
            return sample.at_s
    return None


def leader_at(history: History, moment_s: float) -> str | None:
    """Region that was last seen to lead the affected jurisdiction before a moment, if one was."""
    seen = [
        sample
        for sample in history.of(Leader)
        if sample.jurisdiction == history.plan.affected and sample.at_s < moment_s
    ]
    return seen[-1].region if seen else None


def detected_s(history: History) -> float | None:
    """When the health check of the lost region first said unhealthy, or None."""
    fault = history.fault("kill")
    if fault is None:
        return None
    for sample in history.of(Health):
        if sample.region == fault.region and sample.at_s >= fault.start_s and not sample.healthy:
            return sample.at_s
    return None


def returned_s(history: History) -> float | None:
    """When the region that had come back first answered a user again, or None."""
    restore = history.fault("restore")
    if restore is None:
        return None
    for request in history.requests:
        if (
            request.due_s >= restore.start_s
            and request.region == restore.region
            and request.outcome is Outcome.OK
        ):
            return request.due_s
    return None


def pages(history: History) -> dict[str, list[Effect]]:
    """The ledger's pages, each in the order in which its entries were appended."""
    found: dict[str, list[Effect]] = {}
    for effect in history.of(Effect):
        found.setdefault(f"{effect.jurisdiction}/{effect.page}", []).append(effect)
    return {
        page: sorted(effects, key=lambda effect: effect.index)
        for page, effects in sorted(found.items())
    }


def percentile_ms(requests: Iterable[Request], share: float) -> float | None:
    """A percentile of the time from due to answer, of the requests that succeeded, in ms.

    Args:
        requests: Any requests.
        share: 0.5 for the median, 0.99 for the 99th percentile.
    """
    times = sorted(
        request.end_s - request.due_s for request in requests if request.outcome is Outcome.OK
    )
    if not times:
        return None
    return 1000 * times[min(len(times) - 1, int(share * len(times)))]
