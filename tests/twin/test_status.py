"""What a twin says of itself is typed, frozen and closed."""

import pytest
from pydantic import ValidationError

from holdfast.twin.status import FaultReport, RegionState, RegionStatus, TwinEvent, TwinStatus


def event(kind: str, monotonic_s: float) -> TwinEvent:
    return TwinEvent(kind=kind, region="r", detail="", wall_s=0.0, monotonic_s=monotonic_s)


def test_a_fault_is_counted_from_its_first_event_to_its_last() -> None:
    report = FaultReport(changed=True, events=(event("begin", 3.0), event("end", 4.5)))
    assert (report.started_s, report.ended_s) == (3.0, 4.5)


def region(name: str) -> RegionStatus:
    return RegionStatus(
        name=name,
        state=RegionState.UP,
        reason="",
        address="127.80.0.2",
        api_port=1,
        valkey_port=2,
        server_pid=3,
        valkey_pid=4,
        memory_bytes=5,
        cut_from=(),
        answers=True,
        catching_up=False,
        pending=(),
        sent=(),
    )


def test_a_region_is_found_by_its_name_and_others_are_not() -> None:
    status = TwinStatus.model_construct(regions=(region("us-east-1"), region("eu-west-1")))
    assert status.region("eu-west-1").name == "eu-west-1"
    with pytest.raises(KeyError):
        status.region("mars-1")


def test_a_status_comes_back_from_json_as_it_was_and_takes_no_strange_fields() -> None:
    one = region("us-east-1")
    assert RegionStatus.model_validate_json(one.model_dump_json()) == one
    with pytest.raises(ValidationError, match="novel"):
        RegionStatus.model_validate({**one.model_dump(), "novel": 1})
