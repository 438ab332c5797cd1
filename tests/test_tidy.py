"""The rules of style that no linter knows: function length, docstrings, stray notes."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("holdfast", "infra", "components", "policies", "agents", "benchmarks", "tests")
LONGEST_FUNCTION_LINES = 70
LONGEST_MODULE_LINES = 600
UNFINISHED = ("TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error")

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def _modules() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def _functions(tree: ast.Module) -> Iterator[FunctionNode]:
    return (
        node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )


def _public_without_docstring(tree: ast.Module) -> Iterator[str]:
    """Public modules, classes, functions and methods that say nothing of themselves."""
    if ast.get_docstring(tree) is None and tree.body:
        yield "the module"
    holders: list[ast.Module | ast.ClassDef] = [tree]
    while holders:
        for node in holders.pop().body:
            if not isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            if node.name.startswith("_") or any(
                isinstance(mark, ast.Name) and mark.id in {"overload", "override"}
                for mark in node.decorator_list
            ):
                continue
            if ast.get_docstring(node) is None:
                yield node.name
            if isinstance(node, ast.ClassDef):
                holders.append(node)


def _too_long(tree: ast.Module) -> Iterator[str]:
    for node in _functions(tree):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > LONGEST_FUNCTION_LINES:
            yield f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_short_documented_and_finished(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    findings = list(_too_long(tree))
    if path.relative_to(ROOT).parts[0] != "tests":
        findings += [f"{name} has no docstring" for name in _public_without_docstring(tree)]
    if len(source.splitlines()) > LONGEST_MODULE_LINES:
        findings.append(f"the module has more than {LONGEST_MODULE_LINES} lines")
    findings += [f"contains {mark}" for mark in UNFINISHED if mark in source]
    assert not findings, f"{path.relative_to(ROOT)}: {'; '.join(findings)}"


def test_the_check_of_length_and_docstrings_can_fail() -> None:
    body = "\n".join("    x = 1" for _ in range(LONGEST_FUNCTION_LINES))
    tree = ast.parse(f"def long():\n{body}\n\nclass Silent:\n    def method(self): ...\n")
    assert list(_too_long(tree)) == [f"long has {LONGEST_FUNCTION_LINES + 1} lines"]
    assert sorted(_public_without_docstring(tree)) == ["Silent", "long", "method", "the module"]


def test_type_checkers_of_those_who_install_the_package_see_its_types() -> None:
    assert (ROOT / "holdfast" / "py.typed").is_file()


def test_the_repository_names_no_package_host_and_no_path_of_one_machine() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    forbidden = ("files.python" + "hosted", "pypi" + ".org", "registry.npm" + "js", "/ro" + "ot/")
    found = [
        f"{name}: {mark}"
        for name in filter(None, tracked)
        if (ROOT / name).is_file()
        for mark in forbidden
        if mark in (ROOT / name).read_text(encoding="utf-8", errors="replace")
    ]
    assert not found, found
