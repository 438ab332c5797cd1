"""The project of this repository with another stack file, as somebody who copies a shape has it."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
SHAPES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/Pulumi.prod.yaml"))


def a_project(folder: Path, shape: str, changes: Mapping[str, object] | None = None) -> Path:
    """A project whose prod is a shape of ``examples``, with some keys changed."""
    folder.mkdir()
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    shutil.copytree(ROOT / "infra", folder / "infra")
    file = ROOT / "examples" / shape / "Pulumi.prod.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    document["config"]["holdfast:platform"].update(changes or {})
    (folder / file.name).write_text(yaml.safe_dump(document), encoding="utf-8")
    return folder
