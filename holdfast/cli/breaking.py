"""What ``holdfast twin`` does to the regions of a running twin: faults, and their repair."""

from collections.abc import Callable, Mapping
from pathlib import Path

from holdfast.cli.voice import Voice
from holdfast.twin.client import Twin
from holdfast.twin.status import FaultReport

_BY_NAME: Mapping[str, Callable[..., FaultReport]] = {
    "kill": Twin.kill,
    "restore": Twin.restore,
    "pause": Twin.pause,
    "resume": Twin.resume,
    "cut": Twin.cut,
    "heal": Twin.heal,
}


def fault(place: Path, kind: str, *regions: str, as_json: bool) -> None:
    """Breaks or mends regions of the twin in a directory."""
    twin = Twin.attach(place)
    for region in regions:
        twin.plan.region(region)
    report = _BY_NAME[kind](twin, *regions)
    voice = Voice(as_json=as_json)
    for event in report.events:
        if event.detail or event is report.events[-1]:
            voice.say(f"{event.region}: {event.kind} {event.detail}".rstrip())
    voice.say(f"Done in {report.ended_s - report.started_s:.2f} s.")
    voice.result(report.model_dump(mode="json"))
