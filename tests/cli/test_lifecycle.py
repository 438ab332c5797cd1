"""A twin in the hands of its operator: seen, broken, mended, garbled, ended."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from holdfast.cli import COULD_NOT, commands, deploying
from holdfast.cli.voice import Voice
from holdfast.errors import TwinError
from holdfast.twin.client import Twin
from holdfast.twin.lock import Stage, look, take
from holdfast.twin.plan import LOCK_FILE, TWIN_FILE
from holdfast.twin.processes import ProcessIdentity
from tests.processes import left_naming

ROOT = Path(__file__).parents[2]
EAST, WEST = "us-east-1", "us-west-2"
REGIONS = (EAST, WEST)

slow = pytest.mark.slow


class Operator:
    """Somebody who types commands about one twin."""

    def __init__(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.place = place
        self._capsys = capsys

    def types(self, words: str, *, code: int = 0) -> str:
        """What a command says: its output, or its one sentence of an error."""
        place = ["-s", "dev", "-C", str(ROOT), "--state-dir", str(self.place)]
        assert commands.run([*words.split(), *place]) == code, self._capsys.readouterr()
        told = self._capsys.readouterr()
        return told.err if code else told.out

    def reads(self, words: str) -> dict[str, object]:
        """What a command says to a machine."""
        found: dict[str, object] = json.loads(self.types(f"{words} --json"))
        return found


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    place = tmp_path_factory.mktemp("lifecycle") / "twin"
    with Twin.start(state_dir=place, regions=REGIONS, detached=False) as running:
        yield running


@pytest.fixture
def operator(twin: Twin, capsys: pytest.CaptureFixture[str]) -> Operator:
    return Operator(twin.state_dir, capsys)


@slow
@pytest.mark.parametrize(
    ("breaks", "state", "mends"),
    [
        (f"twin kill {WEST}", "down", f"twin restore {WEST}"),
        (f"twin pause {WEST}", "paused", f"twin resume {WEST}"),
        (f"twin cut {EAST} {WEST}", "up", f"twin heal {EAST} {WEST}"),
    ],
)
def test_a_region_is_broken_and_mended_by_command(
    operator: Operator, twin: Twin, breaks: str, state: str, mends: str
) -> None:
    assert operator.reads(breaks)["changed"] is True
    assert twin.status().region(WEST).state == state
    assert "nothing-to-do" in operator.types(breaks)
    if state != "up":
        # What to do about it stands beside it.
        assert f"`holdfast {mends} -s dev" in operator.types("twin status")
    else:
        assert f"cut from {EAST}" in operator.types("twin status")
    assert "Done in" in operator.types(mends)
    assert twin.status().region(WEST).answers
    assert operator.reads(mends)["changed"] is False


@slow
@pytest.mark.parametrize("words", ["kill", "restore", "pause", "resume", f"cut {EAST}", "heal x"])
def test_a_region_that_there_is_not_is_told_with_those_that_there_are(
    operator: Operator, words: str
) -> None:
    told = operator.types(f"twin {words} mars-1", code=COULD_NOT)
    assert f"it has {EAST}, {WEST}" in told
    assert told.count("\n") == 1


@slow
def test_a_region_server_that_died_is_told_with_why_and_up_says_so_at_once(
    operator: Operator, twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = twin.status().region(WEST).server_pid
    assert pid is not None
    os.kill(pid, signal.SIGSEGV)
    _until_down(twin)
    told = operator.types("twin status")
    assert "its region server ended with signal 11 (SIGSEGV)" in told
    assert f"`holdfast twin restore {WEST} -s dev" in told
    outlook = SimpleNamespace(regions=REGIONS, resource_count=0)
    monkeypatch.setattr(deploying, "outlook_of", Mock(return_value=outlook))
    monkeypatch.setattr(deploying, "front_of", Mock(side_effect=AssertionError("was deployed to")))
    told = operator.types("twin up", code=COULD_NOT)
    assert f"{WEST} is down: its region server ended with signal 11 (SIGSEGV)" in told
    assert "region-crashed" in operator.types("twin events")
    operator.types(f"twin restore {WEST}")


def _until_down(twin: Twin) -> None:
    until_s = time.monotonic() + 30
    while twin.status().region(WEST).answers:
        assert time.monotonic() < until_s
        time.sleep(0.05)


def _fail_without(operator: Operator, region: str) -> None:
    operator.types(f"twin kill {region}")
    raise TwinError("Could not connect to the endpoint URL")


@slow
def test_a_region_that_dies_during_a_deployment_is_told_in_place_of_a_library_s_sentence(
    operator: Operator, twin: Twin
) -> None:
    with (
        pytest.raises(TwinError, match=rf"^{WEST} is down: it was killed on purpose"),
        deploying.explained(twin, "-s dev"),
    ):
        _fail_without(operator, WEST)
    operator.types(f"twin restore {WEST}")
    with pytest.raises(TwinError, match="another reason"), deploying.explained(twin, "-s dev"):
        raise TwinError("another reason")


@slow
def test_logs_and_events_are_shown_to_people_and_machines(operator: Operator) -> None:
    assert "==> supervisor (" in operator.types("twin logs")
    logs = operator.reads("twin logs -n 3")
    assert {"supervisor", EAST, WEST, f"{EAST}-valkey"} <= set(logs)
    assert "==>" not in operator.types(f"twin logs {EAST}-valkey -n 1")
    assert "there are supervisor, " in operator.types("twin logs mars-1", code=COULD_NOT)
    events = json.loads(operator.types("twin events --json"))
    assert events[0]["kind"] == "twin-starting"
    assert "twin-ready" in operator.types("twin events --all")


@slow
@pytest.mark.parametrize(
    ("record", "told"),
    [
        (None, "there is no twin.json"),
        ("", "corrupt"),
        ("{}", "corrupt at pid"),
        ('{"pid": 1, "started": "1"', "corrupt"),
        ("stranger's", "of another process"),
    ],
)
def test_a_living_twin_whose_record_is_garbled_is_called_alive_and_what_is_wrong_with_it(
    operator: Operator, twin: Twin, record: str | None, told: str
) -> None:
    file = twin.state_dir / TWIN_FILE
    before = file.read_text()
    garbled = before.replace(str(twin.pid), "1", 1) if record == "stranger's" else record
    try:
        file.unlink() if garbled is None else file.write_text(garbled)
        said = operator.types("twin status", code=COULD_NOT)
    finally:
        file.write_text(before)
        file.chmod(0o600)
    assert f"a twin lives in {twin.state_dir} (process {twin.pid}), but" in said
    assert told in said
    assert "`holdfast twin stop` ends it" in said
    operator.types("twin status")


@slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("words", ["twin down", "twin stop"])
def test_a_twin_with_a_garbled_record_is_ended_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    place = tmp_path / "twin"
    Twin.start(state_dir=place, regions=[EAST])
    (place / TWIN_FILE).write_text('{"pid": ')
    Operator(place, capsys).types(words)
    assert left_naming(str(place), within_s=0) == []
    assert place.exists() is (words == "twin stop")


@slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_down_ends_what_a_killed_supervisor_left_before_it_removes_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "twin"
    twin = Twin.start(state_dir=place, regions=[EAST])
    # An agent that the kernel does not end with its supervisor, as on a system that cannot.
    code = "import ctypes, time; ctypes.CDLL(None).prctl(1, 0); print('free', flush=True)"
    twin.spawn(EAST, "orphan", [sys.executable, "-c", f"{code}; time.sleep(600)"], {})
    log = place / "logs" / "agents" / "orphan.log"
    until_s = time.monotonic() + 30
    while "free" not in log.read_text():
        assert time.monotonic() < until_s
        time.sleep(0.05)
    orphan = twin.status().agents[0].pid
    assert orphan is not None
    os.kill(twin.pid, signal.SIGKILL)
    identity = ProcessIdentity.of(orphan)
    assert identity is not None
    operator = Operator(place, capsys)
    assert "something that it started still runs" in operator.types(
        "twin kill us-east-1", code=COULD_NOT
    )
    operator.types("twin down")
    assert not identity.is_alive()
    assert left_naming(str(place), within_s=0) == []
    assert not place.exists()


@slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_down_while_a_twin_starts_ends_it_and_the_start_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "twin"
    failures: list[str] = []

    def start() -> None:
        try:
            Twin.start(state_dir=place, regions=REGIONS)
        except TwinError as error:
            failures.append(str(error))

    starter = threading.Thread(target=start)
    starter.start()
    until_s = time.monotonic() + 30
    while look(place).stage is not Stage.STARTING:
        assert time.monotonic() < until_s
        time.sleep(0.002)
    operator = Operator(place, capsys)
    assert "is starting" in operator.types("twin status", code=COULD_NOT)
    operator.types("twin down")
    starter.join()
    assert len(failures) == 1
    assert "was told to end while it started" in failures[0]
    assert left_naming(f"{place}/", within_s=0) == []


@slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_two_starts_at_once_make_one_twin(tmp_path: Path) -> None:
    place = tmp_path / "twin"
    twins: list[Twin] = []
    failures: list[str] = []

    def start() -> None:
        try:
            twins.append(Twin.start(state_dir=place, regions=[EAST]))
        except TwinError as error:
            failures.append(str(error))

    starters = [threading.Thread(target=start) for _ in range(2)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert len(twins) == 1
    assert len(failures) == 1
    assert "already runs in" in failures[0]
    assert twins[0].status().region(EAST).answers
    twins[0].stop()


@slow
def test_a_start_while_another_twin_stops_waits_for_it(tmp_path: Path) -> None:
    place = tmp_path / "twin"
    twin = Twin.start(state_dir=place, regions=[EAST])
    os.kill(twin.pid, signal.SIGTERM)
    with Twin.start(state_dir=place, regions=[EAST], detached=False) as again:
        assert again.pid != twin.pid
        assert again.status().region(EAST).answers


def test_what_drills_kept_is_cleaned_and_what_still_runs_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("failed", "running"):
        take(tmp_path / name).release()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "failed")
    held = take(tmp_path / "running")
    clean = ["drill", "clean", "--state-dir", str(tmp_path)]
    assert commands.run([*clean, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"removed": [str(tmp_path / "failed")], "left": [str(tmp_path / "running")]}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "running", "thesis"]
    held.release()
    assert commands.run(clean) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'running'} is gone.\n"
    assert commands.run(clean) == 0
    assert "No drill has kept anything" in capsys.readouterr().out
    assert not (tmp_path / "running" / LOCK_FILE).exists()


def test_progress_is_counted_for_people_and_silent_for_machines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for voice in (Voice(quiet=True), Voice(as_json=True), Voice()):
        voice.say("Reading.")
        voice.count("Deploying", 1, 3)
        voice.count("Deploying", 2, 3)
        voice.count("Deploying", 3, 3)
        voice.result({"done": True})
    told = capsys.readouterr().out
    assert told == '{\n  "done": true\n}\nReading.\nDeploying: 1 of 3\nDeploying: 3 of 3\n'


def test_on_a_terminal_a_count_is_one_line_that_changes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.suppress(AttributeError):
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    voice = Voice()
    voice.count("Deploying", 1, 2)
    voice.count("Deploying", 2, 2)
    voice.say("Done.")
    assert capsys.readouterr().out.count("\n") == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(shell: str) -> None:
    code = "import sys; sys.argv[0] = 'holdfast'; from holdfast_platform import main; main()"
    asked = {"_HOLDFAST_COMPLETE": f"source_{shell}"}
    ran = subprocess.run(
        (sys.executable, "-c", code),
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert "_HOLDFAST_COMPLETE" in ran.stdout
    assert ran.returncode == 0


def test_help_shows_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(["twin", "up", "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "[default: .holdfast/twin/STACK]" in told
    assert "[default: inprocess]" in told
