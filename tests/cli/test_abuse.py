"""The command line in careless hands: one sentence, the documented exit code, no process."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.cli import COULD_NOT, commands
from holdfast.twin.lock import Stage, take
from holdfast.twin.plan import LOCK_FILE, TWIN_FILE
from tests.processes import left_naming, processes_naming

ROOT = Path(__file__).parents[2]
PROGRAM = "import pulumi_aws as aws\naws.sns.Topic('t', region='eu-west-1')\n"
Prepare = Callable[[Path], object]


def project(place: Path, *, program: str = PROGRAM, **files: str) -> None:
    """A small project with a stack ``dev``; files are written over its own."""
    (place / "program").mkdir()
    own = {
        "Pulumi.yaml": "name: small\nruntime: python\nmain: program\n",
        "Pulumi.dev.yaml": "config:\n  aws:region: eu-west-1\n",
        "program/__main__.py": program,
    }
    for name, text in {**own, **files}.items():
        (place / name).write_text(text)


def stranger(place: Path) -> None:
    """A twin's directory in which no twin has ever been."""
    (place / "twin").mkdir()
    (place / "twin" / "thesis.tex").write_text("four years")


def dead(record: str | None) -> Prepare:
    """A twin's directory after its supervisor has died."""

    def prepare(place: Path) -> None:
        take(place / "twin").release()
        if record is not None:
            (place / "twin" / TWIN_FILE).write_text(record)

    return prepare


def held(place: Path) -> None:
    """A twin's directory that this very process holds, and says nothing about itself."""
    lock = take(place / "twin")
    lock.note(Stage.STARTING)


def linked(place: Path) -> None:
    """A link where a twin's directory should be."""
    take(place / "real").release()
    (place / "twin").symlink_to(place / "real")


def garbled_lock(place: Path) -> None:
    """A directory where the lock's file should be."""
    (place / "twin" / LOCK_FILE).mkdir(parents=True)


def lacking_main(place: Path) -> None:
    project(place)
    shutil.rmtree(place / "program")


@dataclass(frozen=True)
class Abuse:
    """A command line that cannot work. ``{at}`` is a directory of its own."""

    line: str
    told: str
    prepare: Prepare = lambda _place: None


TWIN = "-s dev --state-dir {at}/twin"
HERE = "-C {at}"

ABUSES = [
    # Words that there are not.
    Abuse("chekc -s dev", "No such command 'chekc'"),
    Abuse("twin upp", "No such command 'upp'"),
    Abuse("twin agents fire", "No such command 'fire'"),
    Abuse("drill ruin", "No such command 'ruin'"),
    Abuse("--verison", "--verison"),
    Abuse("check --stak prod", "--stak"),
    Abuse("check", "Missing option '--stack'"),
    Abuse("twin up", "Missing option '--stack'"),
    Abuse("twin kill -s dev", "Missing argument 'region'"),
    Abuse("twin cut -s dev us-east-1", "Missing argument 'other'"),
    Abuse("twin status -s dev surplus", "surplus"),
    Abuse("check -s", "requires an argument"),
    # Values that there are not.
    Abuse("check -s dev --format xml", "'xml' is not one of"),
    Abuse("twin up -s dev --engine terraform", "'terraform' is not one of"),
    Abuse("twin up -s dev --dns-port 0", "--dns-port"),
    Abuse("twin up -s dev --dns-port many", "--dns-port"),
    Abuse("twin logs -s dev -n 0", "--lines"),
    Abuse("twin status -s ../../etc", "no stack's name"),
    Abuse("twin down -s .", "no stack's name"),
    # Projects that are none.
    Abuse("check -s dev -C {at}/nowhere", "{at}/nowhere"),
    Abuse("check -s dev -C {at}/file", "{at}/file", lambda at: (at / "file").touch()),
    Abuse(f"check -s dev {HERE}", "{at}"),
    Abuse(f"check -s prod {HERE}", "Pulumi.prod.yaml", project),
    Abuse(f"check -s dev {HERE}", "Pulumi.yaml", lambda at: project(at, **{"Pulumi.yaml": "\0"})),
    Abuse(
        f"check -s dev {HERE}",
        "Pulumi.dev.yaml",
        lambda at: project(at, **{"Pulumi.dev.yaml": "- a"}),
    ),
    Abuse(
        f"check -s dev {HERE}",
        "python",
        lambda at: project(at, **{"Pulumi.yaml": "name: x\nruntime: go\n"}),
    ),
    Abuse(f"check -s dev {HERE} --pack {{at}}/none", "{at}/none", project),
    Abuse(f"check -s dev {HERE} --pack {ROOT}/policies", "program", lacking_main),
    Abuse(f"twin up {TWIN} {HERE}", "SyntaxError", lambda at: project(at, program="def:\n")),
    Abuse(f"twin up {TWIN} {HERE}", "ZeroDivisionError", lambda at: project(at, program="1 / 0\n")),
    Abuse(f"twin up {TWIN} {HERE}", "SystemExit: 7", lambda at: project(at, program="exit(7)\n")),
    # Drills that there are not, and places that reports cannot go to.
    Abuse("drill run no-such-drill", "region-loss"),
    Abuse("drill run region-loss --mutant no-such-mutant", "no-fencing"),
    Abuse(
        "drill run region-loss --report-dir {at}/file/x",
        "{at}/file/x",
        lambda at: (at / "file").touch(),
    ),
    # Twins that are none, in directories of every kind.
    *(
        Abuse(f"twin {words} {TWIN}", "no twin")
        for words in (
            *("status", "stop", "down", "preview", "refresh", "destroy", "logs", "events"),
            *("kill us-east-1", "restore us-east-1", "pause us-east-1", "resume us-east-1"),
            *("cut us-east-1 us-west-2", "heal us-east-1 us-west-2", "agents up", "agents down"),
        )
    ),
    Abuse(f"twin agents logs {TWIN}", "no agent has run"),
    Abuse(f"twin agents up {TWIN} --agents {{at}}/none", "{at}/none cannot be read"),
    Abuse(
        f"twin agents up {TWIN} --agents {{at}}/file", "command", lambda at: (at / "file").touch()
    ),
    Abuse("drill run", "Name one drill"),
    Abuse(f"twin down {TWIN}", "no twin has run", stranger),
    Abuse(f"twin up {TWIN} {HERE}", "thesis.tex", stranger),
    Abuse(f"twin status {TWIN}", "no twin.json", dead(None)),
    Abuse(f"twin status {TWIN}", "twin.json is corrupt", dead('{"pid": 1')),
    Abuse(f"twin status {TWIN}", "twin.json is corrupt", dead('{"pid": "x"}')),
    Abuse(f"twin status {TWIN}", "is starting", held),
    Abuse(f"twin kill us-east-1 {TWIN}", "is starting", held),
    Abuse(f"twin down {TWIN}", "symbolic link", linked),
    Abuse(f"twin status {TWIN}", "twin", garbled_lock),
    Abuse(f"twin up {TWIN}/under {HERE}", "is no directory", lambda at: (at / "twin").touch()),
    Abuse("twin up -s dev --state-dir /proc/self/twin", "/proc/self"),
    Abuse("twin up -s dev --state-dir {at}/" + "x" * 300, "File name too long"),
]


@pytest.mark.parametrize("abuse", ABUSES, ids=[abuse.line[:40] for abuse in ABUSES])
def test_what_cannot_work_is_told_in_one_sentence_with_the_documented_exit_code(
    abuse: Abuse, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    abuse.prepare(tmp_path)
    code = commands.run([word.replace("{at}", str(tmp_path)) for word in abuse.line.split()])
    told = capfd.readouterr().err
    assert code == COULD_NOT
    assert "Traceback" not in told
    assert told.startswith("holdfast: ")
    assert told.count("\n") == 1, told
    assert abuse.told.replace("{at}", str(tmp_path)) in told


def test_there_are_enough_of_them() -> None:
    assert len(ABUSES) >= 40


SHELL = [
    ("ulimit -n 64; holdfast twin up -s dev -C {root} --state-dir {at}/twin", "64 open files"),
    ("holdfast drill list > /dev/full", "standard output: No space left on device"),
    ("mkdir {at}/gone; cd {at}/gone; rmdir {at}/gone; holdfast check -s dev", "has been removed"),
    ("holdfast twin up -s dev -C {root} --state-dir /dev/full/twin", "/dev/full is no directory"),
    ("holdfast check -s $'\\xff' -C {root}", "has no file"),
]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize(("line", "told"), SHELL, ids=[told for _, told in SHELL])
def test_where_the_system_gives_too_little_one_sentence_names_what(
    line: str, told: str, tmp_path: Path
) -> None:
    ran = shell(line, tmp_path)
    assert ran.returncode == COULD_NOT
    assert ran.stderr.startswith("holdfast: ")
    assert ran.stderr.count("\n") == 1, ran.stderr
    assert told in ran.stderr
    assert not (tmp_path / "twin").exists()
    assert left_naming(str(tmp_path)) == []


def command_in(place: Path) -> Path:
    """The command as it is installed, in a directory of its own."""
    command = place / "bin" / "holdfast"
    command.parent.mkdir()
    command.write_text(
        f"#!{sys.executable}\nimport sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from holdfast_platform import main; main()\n"
    )
    command.chmod(0o755)
    return command


def shell(line: str, place: Path) -> "subprocess.CompletedProcess[str]":
    """What becomes of a line of bash, with the command on its path."""
    directory = command_in(place).parent
    return subprocess.run(
        ("bash", "-c", line.format(at=place, root=ROOT)),
        env={**os.environ, "PATH": f"{directory}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
def test_without_an_output_that_is_open_a_command_does_what_it_is_told(tmp_path: Path) -> None:
    ran = shell("holdfast drill list >&-", tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize(
    ("stage", "number"),
    [
        ("Reading", signal.SIGTERM),
        ("Starting", signal.SIGINT),
        ("Starting", signal.SIGTERM),
        ("Deploying", signal.SIGTERM),
    ],
)
def test_an_up_that_is_told_to_end_leaves_no_process(
    stage: str, number: signal.Signals, tmp_path: Path
) -> None:
    words = ["twin", "up", "-s", "dev", "-C", str(ROOT), "--state-dir", str(tmp_path / "twin")]
    with subprocess.Popen(
        [str(command_in(tmp_path)), *words],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert any(line.startswith(stage) for line in process.stdout)
        process.send_signal(number)
        _, told = process.communicate(timeout=120)
    assert "Traceback" not in told, told
    assert process.returncode == 128 + number
    assert left_naming(str(tmp_path)) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_check_that_is_told_to_end_leaves_no_pack(number: signal.Signals, tmp_path: Path) -> None:
    mark = f"ABUSED={tmp_path}"
    # A pack that is never ready: the check waits for it.
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (pack / "__main__.py").write_text("import time\ntime.sleep(600)\n")
    with subprocess.Popen(
        [str(command_in(tmp_path)), "check", "-s", "dev", "-C", str(ROOT), "--pack", str(pack)],
        env={**os.environ, "ABUSED": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until_s = time.monotonic() + 60
        # The check, and its pack.
        while len(processes_naming(mark, in_environment=True)) < 2:
            assert time.monotonic() < until_s
            time.sleep(0.05)
        process.send_signal(number)
        _, told = process.communicate(timeout=120)
    assert "Traceback" not in told, told
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert left_naming(mark, in_environment=True) == []
