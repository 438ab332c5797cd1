"""The report stands alone, says everything, and is really drawn by a browser."""

import re
import shutil
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import cast

import pytest
from playwright.sync_api import Page, sync_playwright

from holdfast.drills import report
from holdfast.drills.history import Evidence, History, Request
from holdfast.drills.mutants import LongTtl
from tests.drills.histories import KILLED_S, RESTORED_S, a_good_history
from tests.drills.results import a_result

GOOD = a_good_history()
RESULT = a_result(GOOD)
HTML = report.render(RESULT, GOOD)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def test_the_report_refers_to_nothing_outside_and_runs_nothing() -> None:
    assert not re.search(r"(?:src|href)\s*=|url\(|@import|<script|<link|<iframe", HTML)


HOSTILE = "\"'><script>alert(1)</script>&<b onmouseover=x>"


def hostile(value: object, harmed: set[str], path: str = "") -> object:
    """A value with something added to each text that a stack, an agent or a user may choose."""
    if isinstance(value, Mapping):
        rows = cast("Mapping[str, object]", value)
        return {name: hostile(inner, harmed, f"{path}.{name}") for name, inner in rows.items()}
    if isinstance(value, list | tuple):
        return [hostile(one, harmed, path) for one in cast("list[object]", value)]
    if isinstance(value, str) and not path.endswith(SHORT_SETS):
        harmed.add(path)
        return value + HOSTILE
    return value


SHORT_SETS = (".check", ".unit", ".outcome", ".kind", ".name", ".affected", ".jurisdiction")
"""Names by which parts of a result refer to each other; those of people's making are below."""


class Parts(HTMLParser):
    """Every element and attribute of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {tag, *(f"{tag}.{name}" for name, _ in attrs)}


def test_no_text_of_a_result_becomes_markup_in_the_page() -> None:
    harmed: set[str] = set()
    document = hostile(RESULT.model_dump(mode="json"), harmed)
    page = report.render(type(RESULT).model_validate(document), GOOD)
    assert {".stack", ".moments.text", ".lost_region", ".verdicts.details"} <= harmed
    assert Parts(page).found <= Parts(HTML).found | {"ul", "li", "ul.class"}
    assert "<script" not in page


def test_no_name_of_a_place_becomes_markup_in_the_chart() -> None:
    territories = {f"{name}{HOSTILE}": place for name, place in RESULT.territories.items()}
    renamed = RESULT.model_copy(
        update={
            "territories": territories,
            "affected": f"{RESULT.affected}{HOSTILE}",
            "moments": [
                moment.model_copy(update={"name": moment.name + HOSTILE})
                if moment.name not in {"killed", "recovered", "restored"}
                else moment
                for moment in RESULT.moments
            ],
        }
    )
    page = report.render(renamed, GOOD)
    assert HOSTILE not in page
    assert Parts(page).found <= Parts(HTML).found


def test_every_verdict_and_every_limit_is_in_the_report() -> None:
    for verdict in RESULT.verdicts:
        assert f'id="check-{verdict.check}"' in HTML
    assert "has &lt;more&gt; checkers" in HTML


def test_what_was_not_asked_is_in_the_report_with_the_reason() -> None:
    territories = {"us": GOOD.plan.territories["us"]}
    plan = GOOD.plan.model_copy(
        update={
            "territories": territories,
            "evidence": tuple(set(Evidence) - {Evidence.OTHERS}),
            "requests": GOOD.plan.requests // 2,
        }
    )
    alone = History(
        plan,
        tuple(
            event
            for event in GOOD.events
            if not isinstance(event, Request) or event.jurisdiction == "us"
        ),
    )
    result = a_result(alone)
    assert result.passed
    assert result.not_asked == {"others-undisturbed": "the platform has one jurisdiction"}
    page = report.render(result, alone)
    assert "Not asked: the platform has one jurisdiction." in page
    assert "which did not" in HTML
    assert "which did not" not in page


def test_the_report_names_its_evidence_and_its_seed() -> None:
    assert "region-loss.jsonl" in HTML
    assert "seed 1" in HTML
    assert "sha256:" + "0" * 64 in HTML


def test_a_mutant_is_announced_before_anything_else() -> None:
    broken = report.render(a_result(GOOD, LongTtl()), GOOD)
    assert "broken on purpose" in broken
    assert broken.index("broken on purpose") < broken.index("<svg")
    assert "the drill itself is in doubt" in broken


def test_a_drill_that_broke_nothing_can_be_reported() -> None:
    empty = GOOD.with_events([])
    assert "Missed" in report.render(a_result(empty), empty)


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Page]:
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH: the report was not opened in a browser")
    file = tmp_path / "report.html"
    report.write(RESULT, GOOD, file)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-background-networking"],
        )
        opened = browser.new_page(viewport={"width": 1180, "height": 900})
        opened.emulate_media(color_scheme=request.param)
        opened.goto(file.as_uri())
        yield opened
        browser.close()


@pytest.mark.browser
@pytest.mark.slow
def test_a_browser_draws_the_timeline_where_the_result_says(page: Page) -> None:
    for series in ("success-us", "success-eu", "traffic-us-east-1", "leader-us-west-2"):
        box = page.locator(f"[data-series={series}]").bounding_box()
        assert box is not None, series
        assert box["width"] > 50, series
    lengths = page.eval_on_selector_all(
        "path.line", "paths => paths.map(path => path.getTotalLength())"
    )
    assert all(length > 300 for length in lengths)

    line = page.locator("[data-series=success-eu]").bounding_box()
    band = page.locator("[data-fault=us-east-1]").bounding_box()
    assert line is not None
    assert band is not None
    second = line["width"] / RESULT.workload_s
    assert band["x"] == pytest.approx(line["x"] + KILLED_S * second, abs=3)
    assert band["x"] + band["width"] == pytest.approx(line["x"] + (RESTORED_S + 3) * second, abs=3)


@pytest.mark.browser
@pytest.mark.slow
def test_nothing_in_the_report_is_cut_off_or_hard_to_read(page: Page) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0
    contrast = page.evaluate(_CONTRAST)
    assert contrast >= 4.5, contrast


# The lowest contrast (WCAG 2) of any text in the page to the paper behind it.
_CONTRAST = """
() => {
  const channel = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const found = numbers(getComputedStyle(node).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  let lowest = 21;
  for (const node of document.querySelectorAll("p, td, th, dt, dd, h1, h2, li, .verdict, small")) {
    const a = light(numbers(getComputedStyle(node).color)), b = light(behind(node));
    lowest = Math.min(lowest, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  }
  return lowest;
}
"""
