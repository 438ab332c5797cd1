import re
from xml.etree import ElementTree as ET

import pytest

from holdfast.drills.history import History
from holdfast.drills.report.chart import LEFT, RIGHT, WIDTH, Scale, timeline
from tests.drills.histories import END_S, KILLED_S, RESTORED_S, a_good_history
from tests.drills.results import a_result


def drawn(history: History) -> ET.Element:
    return ET.fromstring(timeline(history, a_result(history)))  # noqa: S314 - our own drawing


GOOD = a_good_history()
SVG = drawn(GOOD)


def element(name: str, **attributes: str) -> ET.Element:
    wanted = {key.replace("_", "-"): value for key, value in attributes.items()}
    found = [
        one for one in SVG.iter(name) if all(one.get(key) == value for key, value in wanted.items())
    ]
    assert len(found) == 1, wanted
    return found[0]


def x_of(at_s: float) -> float:
    return LEFT + at_s / END_S * (WIDTH - LEFT - RIGHT)


def test_the_scale_keeps_everything_inside_the_drawing() -> None:
    scale = Scale(100)
    assert scale.x(-5) == scale.x(0) == LEFT
    assert scale.x(100) == scale.x(500) == WIDTH - RIGHT


def test_the_outage_is_drawn_where_it_was() -> None:
    band = element("rect", data_fault="us-east-1")
    left, width = float(band.get("x", "")), float(band.get("width", ""))
    assert left == pytest.approx(x_of(KILLED_S), abs=0.5)
    assert left + width == pytest.approx(x_of(RESTORED_S + 3), abs=0.5)


def test_the_success_rate_falls_at_the_loss_and_rises_at_the_recovery() -> None:
    path = element("path", data_series="success-us").get("d", "")
    steps = re.findall(r"V([\d.]+)H([\d.]+)", path)
    heights = {round(float(x) - 0.01): float(y) for y, x in steps}
    good, bad = min(heights.values()), max(heights.values())
    assert heights[round(x_of(KILLED_S) - 0.01)] == good
    assert heights[round(x_of(KILLED_S + 1) - 0.01)] == bad
    assert heights[round(x_of(51) - 0.01)] == good


def test_a_jurisdiction_that_was_not_disturbed_is_a_straight_line() -> None:
    path = element("path", data_series="success-eu").get("d", "")
    assert len(set(re.findall(r"V([\d.]+)", path))) == 1


def test_leadership_passes_from_lane_to_lane() -> None:
    old = element("rect", data_series="leader-us-east-1")
    new = element("rect", data_series="leader-us-west-2")
    ends = float(old.get("x", "")) + float(old.get("width", ""))
    assert ends == pytest.approx(float(new.get("x", "")), abs=0.5)
    assert old.get("y") != new.get("y")


def test_traffic_is_drawn_for_every_region() -> None:
    for region in ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1"):
        element("path", data_series=f"traffic-{region}")


def test_every_moment_has_a_flag_that_says_what_it_is() -> None:
    flags = [one for one in SVG.iter("g") if one.get("data-moment")]
    assert [flag.get("data-moment") for flag in flags] == [
        "killed",
        "led",
        "detected",
        "recovered",
        "restored",
    ]
    assert all((flag.findtext("title") or "").strip() for flag in flags)


def test_the_drawing_is_told_in_words_as_well() -> None:
    assert SVG.get("role") == "img"
    assert "us-west-2 leads US" in (SVG.findtext("desc") or "")


def test_a_drill_that_broke_nothing_can_be_drawn() -> None:
    empty = GOOD.with_events([])
    assert drawn(empty).get("class") == "timeline"
