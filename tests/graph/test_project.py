from collections.abc import Mapping
from pathlib import Path

import pytest

from holdfast.errors import GraphError
from holdfast.graph import run
from holdfast.graph.project import read_config, read_project
from tests.graph.projects import project


def _config(tmp_path: Path, config: str, **given: str) -> dict[str, str]:
    found = read_project(project(tmp_path, "", config=config))
    return dict(read_config(found, "dev", given).values)


def test_a_bare_key_belongs_to_the_project(tmp_path: Path) -> None:
    assert _config(tmp_path, "config: {size: 3, aws:region: eu-west-1}\n") == {
        "demo:size": "3",
        "aws:region": "eu-west-1",
    }


def test_values_are_spelled_as_the_engine_spells_them(tmp_path: Path) -> None:
    config = "config: {a: true, b: yes, c: '2024-01-02', d: [1, x], e: {z: 1, a: false}, f: 0.5}\n"
    assert _config(tmp_path, config) == {
        "demo:a": "true",
        "demo:b": "yes",
        "demo:c": "2024-01-02",
        "demo:d": '[1,"x"]',
        "demo:e": '{"a":false,"z":1}',
        "demo:f": "0.5",
    }


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        # Each as CLI 3.260 hands it to a program.
        ("1.0", "1"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("-1.5e3", "-1500"),
        ("1e21", "1e+21"),
        ("0.1e-7", "1e-8"),
        ("0.00001", "0.00001"),
        ("100000000000000000000.5", "100000000000000000000"),
        ("+.5", "0.5"),
        ("1.50", "1.5"),
        ("010", "8"),
        ("0o10", "8"),
        ("08", "8"),
        ("0x1F", "31"),
        ("0b11", "3"),
        ("1_000", "1000"),
        ("-0", "0"),
        ("1:30", "1:30"),
        ("0o8", "0o8"),
        ("=", "="),
        ("[1e3, 1.0, 010, 1:30]", '[1000,1,8,"1:30"]'),
    ],
)
def test_numbers_are_spelled_as_the_engine_spells_them(
    tmp_path: Path, written: str, spelled: str
) -> None:
    assert _config(tmp_path, f"config:\n  demo:a: {written}\n") == {"demo:a": spelled}


@pytest.mark.parametrize("written", ["2024-01-02", "[1, 2024-01-02T10:00:00Z]"])
def test_a_date_without_quotes_is_refused_because_the_engine_rewrites_it(
    tmp_path: Path, written: str
) -> None:
    with pytest.raises(GraphError, match=r"the date 2024-01-02.* without quotes.* in line 2\."):
        _config(tmp_path, f"config:\n  demo:a: {written}\n")


def test_a_key_that_stands_twice_is_refused_wherever_it_is(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"the key us stands there twice\s+in .*line 1"):
        _config(tmp_path, "config: {a: {us: 1, eu: 2, us: 3}}\n")


def test_maps_may_share_keys_by_reference(tmp_path: Path) -> None:
    config = "config: {a: &a {x: 1}, b: {<<: *a, y: 2}}\n"
    assert _config(tmp_path, config)["demo:b"] == '{"x":1,"y":2}'


def test_a_given_value_wins_over_the_file(tmp_path: Path) -> None:
    assert _config(tmp_path, "config: {size: 3}\n", size="4") == {"demo:size": "4"}


def test_project_wide_values_hold_unless_the_stack_says_otherwise(tmp_path: Path) -> None:
    root = project(tmp_path, "", config="config: {size: 3}\n")
    (root / "Pulumi.yaml").write_text(
        "name: demo\nruntime: {name: python, options: {virtualenv: venv}}\nmain: app\n"
        "config: {size: {default: 1}, colour: {value: red, secret: true}, aws:region: x}\n"
    )
    found = read_project(root)
    config = read_config(found, "dev", {})
    assert config.values == {"demo:size": "3", "demo:colour": "red", "aws:region": "x"}
    assert config.secrets == {"demo:colour"}


DECLARED = """
config:
  n: {type: integer}
  b: {type: boolean, default: true}
  l: {type: array, items: {type: string}, default: []}
  t: {type: string, default: x}
"""


def _declared(tmp_path: Path, config: str) -> Mapping[str, str]:
    root = project(tmp_path, "", config=config)
    (root / "Pulumi.yaml").write_text(f"name: demo\nruntime: python\nmain: app\n{DECLARED}")
    return read_config(read_project(root), "dev", {}).values


def test_values_that_fit_their_declaration_are_taken(tmp_path: Path) -> None:
    found = _declared(tmp_path, "config: {n: '-5', b: 'false', l: [1], t: 5}\n")
    assert found == {"demo:n": "-5", "demo:b": "false", "demo:l": "[1]", "demo:t": "5"}


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("config: {}\n", r"demo:n is missing"),
        ("config: {n: abc}\n", r"demo:n is 'abc'; allowed is a value of type integer"),
        ("config: {n: 1, b: 1}\n", r"demo:b is '1'; allowed is a value of type boolean"),
        ("config: {n: 1, l: a}\n", r"demo:l is 'a'; allowed is a value of type array"),
        ("config: {b: 1}\n", r"demo:n is missing.*demo:b is '1'"),
    ],
)
def test_a_value_that_the_project_declares_and_the_stack_has_not_is_refused_as_by_the_engine(
    tmp_path: Path, config: str, reason: str
) -> None:
    with pytest.raises(GraphError, match=reason):
        _declared(tmp_path, config)


def test_the_wrong_value_of_a_secret_is_not_told(tmp_path: Path) -> None:
    root = project(tmp_path, "", config="config: {n: hush}\n")
    declared = "config: {n: {type: integer, secret: true}}\n"
    (root / "Pulumi.yaml").write_text(f"name: demo\nruntime: python\nmain: app\n{declared}")
    with pytest.raises(GraphError, match=r"demo:n is a secret; allowed") as caught:
        read_config(read_project(root), "dev", {})
    assert "hush" not in str(caught.value)


def test_an_encrypted_value_is_named_with_the_way_out(tmp_path: Path) -> None:
    root = project(tmp_path, "", config="config: {token: {secure: v1:abc}}\n")
    with pytest.raises(GraphError, match=r"demo:token is encrypted.*Pass its plain value"):
        run(root, "dev")


def test_an_encrypted_value_that_is_given_is_a_secret(tmp_path: Path) -> None:
    program = """
        import pulumi

        pulumi.export("token", pulumi.Config().require_secret("token"))
    """
    root = project(tmp_path, program, config="config: {token: {secure: v1:abc}}\n")
    graph = run(root, "dev", config={"token": "hush"})
    assert repr(graph.outputs["token"]) == "Secret(...)"
    assert "demo:token" not in graph.config


@pytest.mark.parametrize("stack", ["prod", "directory", "loop"])
def test_an_unknown_stack_names_those_there_are(stack: str, tmp_path: Path) -> None:
    root = project(tmp_path, "")
    (root / "Pulumi.directory.yaml").mkdir()
    (root / "Pulumi.loop.yaml").symlink_to("Pulumi.loop.yaml")
    with pytest.raises(GraphError, match="Allowed are dev;"):
        run(root, stack)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name: demo\nruntime: nodejs\n", "`runtime` is 'nodejs'"),
        ("runtime: python\n", "`name` is None"),
        ("name: demo\nruntime: python\nmain: other\n", "does not exist"),
        ("name: demo\nruntime: python\nmain: ../x\n", "a path inside"),
        ("name: [\n", r"Pulumi.yaml is not YAML: .* in line 2\. Correct it\.$"),
        ("- name\n", "not a map"),
        ("name: demo\nruntime: python\nname: other\n", "the key name stands there twice"),
    ],
)
def test_a_project_that_cannot_be_run_says_why(tmp_path: Path, text: str, reason: str) -> None:
    root = project(tmp_path, "")
    (root / "Pulumi.yaml").write_text(text)
    with pytest.raises(GraphError, match=reason):
        run(root, "dev")


@pytest.mark.parametrize("value", ["!!binary cHJvZA==", "{data: !!binary cHJvZA==}", "!!set {a}"])
def test_a_value_that_no_configuration_can_hold_is_named(tmp_path: Path, value: str) -> None:
    root = project(tmp_path, "")
    (root / "Pulumi.dev.yaml").write_text(f"config:\n  demo:it: {value}\n")
    with pytest.raises(GraphError, match=r"Pulumi\.dev\.yaml: demo:it .* Write it as text"):
        run(root, "dev")


def test_a_directory_without_a_project_says_so(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"holds no Pulumi\.yaml"):
        run(tmp_path, "dev")
