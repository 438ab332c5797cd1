import io

from rich.console import Console

from holdfast.drills.history import Health, Outcome, Request
from holdfast.drills.progress import LiveView, Silence, picture, summary
from tests.drills.histories import KILLED_S, LOST, a_good_history, changed
from tests.drills.results import a_result

GOOD = a_good_history()


def drawn(part: object) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(part)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_the_picture_shows_who_leads_and_who_answers() -> None:
    seen = drawn(picture(GOOD, 60))
    assert "us-west-2 (token 2)" in seen
    assert "60 of 120 s" in seen
    assert f"{LOST} unhealthy" in seen
    assert "477 MiB" in seen


def test_the_picture_of_an_outage_shows_it() -> None:
    until_now = changed(
        GOOD,
        lambda event: (
            None
            if (isinstance(event, Request) and event.due_s >= KILLED_S + 3)
            or (isinstance(event, Health) and event.at_s > KILLED_S)
            else event
        ),
    )
    seen = drawn(picture(until_now, KILLED_S + 5))
    assert "█" in seen
    assert "▁" in seen


def test_there_is_a_picture_before_anything_happened() -> None:
    assert "0 requests" in drawn(picture(GOOD.with_events([]), 0))


def test_where_there_is_no_terminal_only_the_log_is_printed() -> None:
    file = io.StringIO()
    with LiveView(Console(file=file, width=100)) as view:
        view.phase("start", "starting 6 regions")
        view.happened(8.0, "us-east-1 is taken away")
        view.update(GOOD, 60)
    assert file.getvalue().split("\n")[:2] == [
        "     start  starting 6 regions",
        "      8.0s  us-east-1 is taken away",
    ]


def test_a_path_is_not_broken_in_two_however_narrow_the_terminal() -> None:
    file = io.StringIO()
    where = "/a/very/long/path/" + "x" * 100
    LiveView(Console(file=file, width=40)).phase("kept", f"state and logs are in {where}")
    assert where in file.getvalue()


def test_on_a_terminal_the_table_lives_below_the_log() -> None:
    file = io.StringIO()
    with LiveView(Console(file=file, width=100, force_terminal=True)) as view:
        view.happened(8.0, "us-east-1 is taken away")
        view.update(GOOD, 60)
    assert "token 2" in file.getvalue()


def test_silence_says_nothing() -> None:
    silence = Silence()
    silence.phase("a", "b")
    silence.happened(1, "c")
    silence.update(GOOD, 1)


def test_the_summary_tells_every_check_and_its_verdict() -> None:
    late = changed(
        GOOD,
        lambda event: (
            event.model_copy(update={"outcome": Outcome.FAILED})
            if isinstance(event, Request) and event.jurisdiction == "us" and event.due_s > KILLED_S
            else event
        ),
    )
    told = drawn(summary(a_result(late)))
    assert "MISSED  recovery-time" in told
    assert "residency" in told
