"""Reads a Pulumi project and the configuration of one of its stacks from their YAML files.

Guarantees:
    Keys are namespaced and values are spelled as the engine does it: a bare key belongs to the
    project, numbers and booleans become their YAML text, lists and maps become JSON.

Does not guarantee:
    Secrets. A ``secure:`` value is encrypted for the engine's secrets provider and cannot be
    read here; the caller passes its plain value, or gets an error that names the key.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from holdfast.errors import GraphError
from holdfast.graph.yaml_files import entries, read_yaml, text_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A Pulumi project on disk.

    Attributes:
        name: From ``Pulumi.yaml``.
        root: Directory that holds ``Pulumi.yaml``.
        program: Directory or file of the program.
        config_dir: Directory of the stacks' files.
        defaults: Configuration that every stack starts from, by full key.
        secret_defaults: Keys that ``Pulumi.yaml`` declares secret.
        declared: The type that ``Pulumi.yaml`` declares, by key; ``string`` where it names none.
            Every stack has a value for each.
    """

    name: str
    root: Path
    program: Path
    config_dir: Path
    defaults: Mapping[str, str]
    secret_defaults: frozenset[str]
    declared: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class StackConfig:
    """The configuration that a program sees.

    Attributes:
        values: Plain text by full key (``namespace:key``).
        secrets: Keys whose value is a secret.
    """

    values: Mapping[str, str]
    secrets: frozenset[str]


def read_project(directory: Path) -> Project:
    """Reads ``Pulumi.yaml``.

    Args:
        directory: Where it lies.

    Raises:
        GraphError: If there is none, if it is not for Python, or if its program is missing.
    """
    root = directory.resolve()
    file = next(
        (root / name for name in ("Pulumi.yaml", "Pulumi.yml") if (root / name).is_file()), None
    )
    if file is None:
        raise GraphError(
            f"{root} holds no Pulumi.yaml. Allowed is the root directory of a Pulumi project; "
            f"pass that directory."
        )
    document = read_yaml(file)
    name = document.get("name")
    if not isinstance(name, str):
        raise GraphError(f"{file}: `name` is {name!r}; allowed is the project's name as text.")
    runtime = document.get("runtime")
    language = entries(runtime).get("name", runtime)
    if language != "python":
        raise GraphError(
            f"{file}: `runtime` is {language!r}; allowed is python, because the program runs in "
            f"this Python process."
        )
    defaults, secrets, declared = _defaults(name, document.get("config"))
    config_dir = document.get("stackConfigDir")
    return Project(
        name=name,
        root=root,
        program=_program(file, root, document.get("main")),
        config_dir=root / config_dir if isinstance(config_dir, str) else root,
        defaults=defaults,
        secret_defaults=secrets,
        declared=declared,
    )


def read_config(project: Project, stack: str, given: Mapping[str, str]) -> StackConfig:
    """Reads ``Pulumi.<stack>.yaml``.

    Args:
        project: The stack's project.
        stack: Stack name.
        given: Values by full or bare key that win over the file's, and that replace its
            encrypted ones.

    Raises:
        GraphError: If the file is missing or malformed, holds an encrypted value that
            ``given`` lacks, or contradicts what the project declares.
    """
    file = project.config_dir / f"Pulumi.{stack}.yaml"
    overrides = {_full_key(project.name, key): value for key, value in given.items()}
    if not file.is_file():
        files = project.config_dir.glob("Pulumi.*.yaml")
        known = sorted(path.name[7:-5] for path in files if path.is_file())
        raise GraphError(
            f"stack {stack!r} has no file {file}. Allowed are {', '.join(known) or 'none yet'}; "
            f"name one of them or write that file."
        )
    values = dict(project.defaults)
    secrets = set(project.secret_defaults)
    encrypted: list[str] = []
    for bare, raw in entries(read_yaml(file).get("config")).items():
        key = _full_key(project.name, bare)
        if list(entries(raw)) == ["secure"]:
            secrets.add(key)
            if key not in overrides:
                encrypted.append(key)
            continue
        try:
            values[key] = text_of(raw)
        except (TypeError, ValueError) as error:
            # Binary data, sets, and a value that holds itself by an anchor.
            raise GraphError(
                f"{file}: {key} holds what JSON cannot ({error}). Allowed are text, numbers, "
                "booleans, lists and objects. Write it as text."
            ) from error
    if encrypted:
        raise GraphError(
            f"{file}: {', '.join(sorted(encrypted))} is encrypted, and only Pulumi's CLI can "
            f"decrypt it. Pass its plain value in `config`."
        )
    found = StackConfig(values={**values, **overrides}, secrets=frozenset(secrets))
    problems = "; ".join(_contradictions(project, found))
    if problems:
        raise GraphError(f"{file} contradicts Pulumi.yaml: {problems}. Correct the stack's file.")
    return found


def _program(file: Path, root: Path, main: object) -> Path:
    program = root / main if isinstance(main, str) else root
    program = program.resolve()
    if not program.is_relative_to(root):
        raise GraphError(f"{file}: `main` is {main!r}; allowed is a path inside {root}.")
    entry = program / "__main__.py" if program.is_dir() else program
    if not entry.is_file():
        raise GraphError(
            f"{file}: the program {entry} does not exist. Allowed is a directory with a "
            f"__main__.py, or a file; correct `main`."
        )
    return program


def _contradictions(project: Project, config: StackConfig) -> Iterator[str]:
    """What the engine would refuse before it runs the program (``ValidateStackConfig``)."""
    for key, kind in project.declared.items():
        text = config.values.get(key)
        if text is None:
            yield f"{key} is missing; allowed is a value of type {kind}"
        elif not _fits(text, kind):
            shown = "a secret" if key in config.secrets else repr(text)
            yield f"{key} is {shown}; allowed is a value of type {kind}"


def _fits(text: str, kind: str) -> bool:
    if kind == "integer":
        return re.fullmatch(r"[-+]?[0-9]+", text) is not None
    if kind == "boolean":
        return text in {"true", "false"}
    if kind == "array":
        try:
            return isinstance(json.loads(text), list)
        except (ValueError, RecursionError):
            return False
    return True


def _defaults(
    project: str, config: object
) -> tuple[Mapping[str, str], frozenset[str], Mapping[str, str]]:
    values: dict[str, str] = {}
    secrets: set[str] = set()
    declared: dict[str, str] = {}
    for bare, raw in entries(config).items():
        key = _full_key(project, bare)
        declaration = entries(raw)
        if not declaration:
            values[key] = text_of(raw)
            continue
        for field in ("default", "value"):
            if field in declaration:
                values[key] = text_of(declaration[field])
        if declaration.get("secret") is True:
            secrets.add(key)
        if key.partition(":")[0] == project:
            declared[key] = str(declaration.get("type", "string"))
    return values, frozenset(secrets), declared


def _full_key(project: str, key: str) -> str:
    # The engine also accepts `namespace:config:key`, an older spelling.
    parts = key.split(":")
    if len(parts) == 1:
        return f"{project}:{key}"
    return f"{parts[0]}:{parts[-1]}"
