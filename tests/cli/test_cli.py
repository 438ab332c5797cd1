import errno
import gc
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import yaml

from holdfast.cli import COULD_NOT, commands, deploying, main
from holdfast.cli.options import HERE, same_twin
from holdfast.twin.fronts.changes import Changes
from holdfast.twin.plan import LOCK_FILE
from holdfast.twin.stack import Outlook
from tests.twin.test_plan import PLAN

ROOT = Path(__file__).parents[2]


def _one_sentence_error(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    assert captured.err.startswith("holdfast: ")
    return captured.err


def test_the_prod_stack_passes_its_policies(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(["check", "-s", "prod", "-C", str(ROOT)]) == 0
    assert "passed" in capsys.readouterr().out


def test_a_finding_exits_with_one_and_json_says_which(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The mutant: a program whose table nobody could restore.
    (tmp_path / "Pulumi.yaml").write_text("name: risky\nruntime: python\nmain: program\n")
    (tmp_path / "Pulumi.prod.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "__main__.py").write_text(
        "import pulumi_aws as aws\n"
        "print('a word of the program')\n"
        "aws.dynamodb.Table('t', hash_key='pk', attributes=[{'name': 'pk', 'type': 'S'}],\n"
        "    tags={'holdfast:jurisdiction': 'eu'})\n"
    )
    code = commands.run(
        ["check", "-s", "prod", "-C", str(tmp_path), "--pack", str(ROOT / "policies"), "--json"]
    )
    captured = capsys.readouterr()
    findings = json.loads(captured.out)["findings"]
    assert code == 1
    assert findings
    assert "a word of the program" in captured.err


def test_a_stack_that_does_not_exist_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(["check", "-s", "nowhere", "-C", str(ROOT)]) == COULD_NOT
    assert "Pulumi.nowhere.yaml" in _one_sentence_error(capsys)


def test_a_broken_stack_file_is_told_with_every_error_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("Pulumi.yaml", "infra"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    document = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8"))
    platform = document["config"]["holdfast:platform"]
    platform["jurisdictions"]["eu"]["witness"] = "eu-west-2"
    platform["agents"] = {"approvals": "skipped"}
    (tmp_path / "Pulumi.prod.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    policies = ["--pack", str(ROOT / "policies")]
    assert commands.run(["check", "-s", "prod", "-C", str(tmp_path), *policies]) == COULD_NOT
    error = _one_sentence_error(capsys)
    assert "eu-west-2" in error
    assert "approvals" in error


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["drill", "run", "no-such-drill"], "region-loss"),
        (["drill", "run", "region-loss", "--mutant", "no-such-mutant"], "no-fencing"),
        (["twin", "status", "-s", "dev"], "no twin"),
        (["twin", "down", "-s", "dev"], "no twin"),
    ],
)
def test_what_cannot_be_done_says_what_can(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = commands.run([*arguments, "-C", str(ROOT), "--state-dir", str(tmp_path / "twin")])
    assert code == COULD_NOT
    assert told in _one_sentence_error(capsys)


def test_a_missing_pulumi_is_told_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    arguments = ["twin", "up", "-s", "dev", "-C", str(ROOT), "--engine", "pulumi"]
    code = commands.run([*arguments, "--state-dir", str(tmp_path / "twin")])
    assert code == COULD_NOT
    assert "Pulumi CLI is not on PATH" in _one_sentence_error(capsys)
    assert not (tmp_path / "twin").exists()


def test_what_the_system_refuses_is_one_sentence_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(place: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(place))

    monkeypatch.setattr(shutil, "rmtree", refuse)
    (tmp_path / LOCK_FILE).touch()
    (tmp_path / "logs").mkdir()
    code = commands.run(["twin", "down", "-s", "dev", "--state-dir", str(tmp_path)])
    assert code == COULD_NOT
    assert str(tmp_path) in _one_sentence_error(capsys)


@pytest.mark.parametrize(
    ("project", "state_dir", "told"),
    [
        (HERE, None, "-s dev"),
        (Path("/clone"), None, "-s dev -C /clone"),
        (Path("/clone"), Path("/state"), "-s dev --state-dir /state"),
        (Path("/clone"), Path("/my state"), "-s dev --state-dir '/my state'"),
        (Path("/my clone"), None, "-s dev -C '/my clone'"),
        (HERE, Path("/my state"), "-s dev --state-dir '/my state'"),
    ],
)
def test_what_to_do_next_is_done_to_the_same_twin(
    project: Path, state_dir: Path | None, told: str
) -> None:
    assert same_twin("dev", project, state_dir) == told


@pytest.mark.parametrize(("port_now", "done"), [(20006, ["up"]), (20007, ["refresh", "up"])])
def test_what_was_deployed_to_addresses_that_are_taken_by_now_is_read_again_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port_now: int, done: list[str]
) -> None:
    before = PLAN.regions["us-east-1"]
    now = before.model_copy(update={"valkey_port": port_now})
    calls: list[str] = []

    def up() -> Changes:
        calls.append("up")
        return Changes()

    front = SimpleNamespace(refresh=lambda: calls.append("refresh"), up=up)
    twin = SimpleNamespace(
        plan=PLAN.model_copy(update={"regions": {"us-east-1": now}}),
        state_dir=tmp_path,
        is_ours=False,
        regions=(),
    )
    (tmp_path / LOCK_FILE).touch()
    PLAN.save(tmp_path)
    for name, found in (
        ("outlook_of", Outlook(regions=(), resource_count=0, platform=None)),
        ("_running", nullcontext(twin)),
        ("front_of", front),
        ("platform_of", SimpleNamespace(jurisdictions={})),
        ("save_contract", None),
    ):
        monkeypatch.setattr(deploying, name, Mock(return_value=found))
    assert commands.run(["twin", "up", "-s", "dev", "--state-dir", str(tmp_path)]) == 0
    assert calls == done


def test_down_never_removes_a_directory_that_no_twin_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    precious = tmp_path / "thesis.tex"
    precious.write_text("four years", encoding="utf-8")
    assert commands.run(["twin", "down", "-s", "dev", "--state-dir", str(tmp_path)]) == COULD_NOT
    assert precious.exists()
    _one_sentence_error(capsys)


def test_up_never_starts_among_other_things_for_down_would_remove_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    precious = tmp_path / "thesis.tex"
    precious.write_text("four years", encoding="utf-8")
    place = ["-C", str(ROOT), "--state-dir", str(tmp_path)]
    assert commands.run(["twin", "up", "-s", "dev", *place]) == COULD_NOT
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    assert "thesis.tex" in _one_sentence_error(capsys)


@pytest.mark.slow
def test_after_a_start_that_failed_another_one_may_follow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        place = ["-C", str(ROOT), "--state-dir", str(tmp_path / "twin"), "--dns-port", str(port)]
        for _ in range(2):
            assert commands.run(["twin", "up", "-s", "dev", *place]) == COULD_NOT
            assert f"dns_port={port} is held" in _one_sentence_error(capsys)


def test_a_wrong_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(["check", "--stak", "prod"]) == COULD_NOT
    assert "--stak" in capsys.readouterr().err


def test_without_the_platform_s_packages_the_command_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "typer", None)
    for name in [name for name in sys.modules if name.startswith("holdfast.cli.")]:
        if name != "holdfast.cli.interrupts":
            monkeypatch.delitem(sys.modules, name)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == COULD_NOT
    error = _one_sentence_error(capsys)
    assert "typer" in error
    assert "[platform]" in error


@pytest.mark.parametrize("port", ["0", "65536", "-1"])
def test_a_port_that_is_none_is_a_usage_error(
    port: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["-C", str(ROOT), "--state-dir", str(tmp_path / "twin")]
    assert commands.run(["twin", "up", "-s", "dev", *place, "--dns-port", port]) == COULD_NOT
    assert "--dns-port" in capsys.readouterr().err
    assert not (tmp_path / "twin").exists()


def test_a_terminal_that_cannot_show_a_character_gets_another_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))

    def shows_a_bar() -> int:
        print("\N{FULL BLOCK}")  # noqa: T201 - what the live view draws
        return 0

    monkeypatch.setattr(commands, "run", shows_a_bar)
    with pytest.raises(SystemExit) as end:
        main()
    sys.stdout.flush()
    assert end.value.code == 0
    assert written.getvalue() == b"?\n"


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["drill", "list"], ["drill", "run", "region-loss"]])
def test_a_reader_who_goes_away_is_no_missed_objective(
    arguments: list[str], tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    place = ["-C", str(ROOT), "--report-dir", str(tmp_path)] if "run" in arguments else []
    command = (sys.executable, "-c", "from holdfast.cli import main; main()", *arguments, *place)
    ran = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert ran.returncode == COULD_NOT
    assert "Traceback" not in ran.stderr


def test_every_drill_is_listed_with_its_mutants(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(["drill", "list"]) == 0
    listed = capsys.readouterr().out
    for mutant in ("no-fencing", "us-default-route", "long-ttl"):
        assert re.search(rf"region-loss: A jurisdiction loses .* for long\. .*{mutant}", listed)


def test_a_process_that_ends_looks_for_no_garbage_first(monkeypatch: pytest.MonkeyPatch) -> None:
    # It took longer than the policies did: the SDK leaves a million objects.
    monkeypatch.setattr(sys, "argv", ["holdfast", "drill", "list"])
    try:
        with pytest.raises(SystemExit) as ended:
            main()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
    assert ended.value.code == 0


@pytest.mark.parametrize(("command", "looks"), [("check", False), ("drill", True)])
def test_only_a_check_runs_without_looking_for_garbage(
    monkeypatch: pytest.MonkeyPatch, command: str, *, looks: bool
) -> None:
    looked: list[bool] = []

    def run() -> int:
        looked.append(gc.isenabled())
        return 0

    monkeypatch.setattr(commands, "run", run)
    monkeypatch.setattr(sys, "argv", ["holdfast", command, "list"])
    try:
        with pytest.raises(SystemExit):
            main()
    finally:
        gc.enable()
        gc.unfreeze()
    assert looked == [looks]


def test_a_check_imports_nothing_of_the_twin() -> None:
    code = (
        "import sys\n"
        "from holdfast.cli import commands\n"
        "commands.run(['check', '-s', 'nowhere'])\n"
        "sys.exit(any(name.startswith(('holdfast.twin', 'boto3')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(["--help"]) == 0
    told = capsys.readouterr().out
    for name in ("check", "twin", "drill"):
        assert re.search(rf"\b{name}\b +[A-Z]", told), told
