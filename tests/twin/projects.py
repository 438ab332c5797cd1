"""Small Pulumi projects for tests, written to a temporary directory."""

from pathlib import Path

HEAD = "import json\nimport pulumi\nimport pulumi_aws as aws\n"


def write_project(folder: Path, program: str, *, config: str = "", name: str = "small") -> Path:
    """A project with one stack ``dev``; writing it again edits the program."""
    (folder / "infra").mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text(
        f"name: {name}\nmain: infra\nruntime:\n  name: python\n  options:\n"
        "    virtualenv: of-somebody-else\n"
    )
    (folder / "Pulumi.dev.yaml").write_text(config)
    (folder / "infra" / "__main__.py").write_text(HEAD + program)
    return folder
