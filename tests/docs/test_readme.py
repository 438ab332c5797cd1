import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _blocks(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_stack_file_in_the_readme_is_the_one_of_production() -> None:
    (shown,) = _blocks("yaml")
    assert shown.strip() == (ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8").strip()


def test_every_make_target_in_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"make ([a-z-]+)", "\n".join(_blocks("sh")))) | set(
        re.findall(r"`make ([a-z-]+)`", text)
    )
    assert named >= {"demo", "test"}
    assert not [name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)]


def test_nobody_is_told_to_install_another_project_of_our_name() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    told = [
        page.name
        for page in pages
        if re.search(r"pip install '?holdfast", page.read_text(encoding="utf-8"))
    ]
    assert told == []


def test_every_folder_in_the_readme_exists() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = re.findall(r"^\| `([a-z/]+)/` \|", text, re.MULTILINE)
    assert len(folders) >= 9
    assert [name for name in folders if not (ROOT / name).is_dir()] == []


def test_the_example_for_agents_runs_up_to_the_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from tests.contract.platforms import platform  # noqa: PLC0415 - only this example needs it

    contract = tmp_path / "platform.json"
    contract.write_text(platform().model_dump_json(), encoding="utf-8")
    monkeypatch.setenv("HOLDFAST_PLATFORM_FILE", str(contract))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    (example,) = _blocks("python")
    names: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), names)  # noqa: S102 - the page's own example
    assert "election" in names


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="the page sends its task with curl")
def test_the_path_from_nothing_to_a_task_that_was_done_is_one_that_can_be_walked(
    tmp_path: Path,
) -> None:
    (path,) = [block for block in _blocks("sh") if "twin agents up" in block]
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        shutil.copy(ROOT / name, clone)
    for name in ("infra", "agents"):
        shutil.copytree(ROOT / name, clone / name)
    programs = Path(sys.executable).parent
    try:
        walked = subprocess.run(
            ("bash", "-euo", "pipefail", "-c", path),
            cwd=clone,
            env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    finally:
        # Nothing that may be left of a walk that failed outlives the test.
        place = clone / ".holdfast" / "twin" / "dev"
        subprocess.run(
            (str(programs / "holdfast"), "twin", "down", "-s", "dev", "--state-dir", str(place)),
            capture_output=True,
            check=False,
        )
    assert walked.returncode == 0, walked.stdout + walked.stderr
    told = walked.stdout
    assert '"message": "accepted", "task": "first"' in told
    assert '"event": "done", "task": "first"' in told
    assert "Next: `holdfast twin agents up -s dev`" in told
    assert "region-restored" in told
    assert told.endswith("The twin is gone.\n")
