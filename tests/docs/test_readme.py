import re
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
