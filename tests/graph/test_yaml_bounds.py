"""A configuration from a stranger is refused within a second, whatever it is made to stand for."""

import sys
import time
from pathlib import Path

import pytest

from holdfast.errors import GraphError
from holdfast.graph.yaml_bounds import DEEPEST, MOST_BYTES, MOST_VALUES
from holdfast.graph.yaml_files import read_yaml

LAUGHS = "a0: &a0 lol\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40)
)
TENANTS = "config:\n  p:\n    tenants:\n" + "".join(f"      t{n}: us\n" for n in range(100_000))
SECOND_S = 1.0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("a: " + "[" * 20_000 + "]" * 20_000, "nested", id="lists"),
        pytest.param("a: " + "{b: " * 20_000, "nested", id="maps without an end"),
        pytest.param("- " * 20_000 + "x", "nested", id="a line of lists"),
        pytest.param("".join(" " * n + "k:\n" for n in range(600)), "nested", id="lines"),
        pytest.param("? " * 20_000, "nested", id="keys of keys"),
        pytest.param(LAUGHS, f"more than {MOST_VALUES} values", id="a billion laughs"),
        pytest.param(MERGES, f"more than {MOST_VALUES} values", id="merges of merges"),
        pytest.param(
            f"a: &a {'x' * 200_000}\nb: [{', '.join(['*a'] * 100)}]", "characters", id="one long"
        ),
        pytest.param("a: &a [*a]", r"holds itself, by the alias \*a", id="a list in itself"),
        pytest.param("a: *b", "undefined alias", id="an alias of nothing"),
        pytest.param(TENANTS, f"more than {MOST_BYTES} bytes", id="100,000 tenants"),
        pytest.param(TENANTS[:80_000], f"more than {MOST_VALUES} values", id="5,000 tenants"),
        pytest.param(f"a: {'1' * 100_000}", "digits|no number", id="a long number"),
        pytest.param("a: !!python/name:os.system", "tag", id="code"),
        pytest.param("a: '" + "[" * 30_000, "is not YAML", id="an open quote"),
    ],
)
def test_what_is_too_much_is_refused_with_what_it_is_too_much_of(
    tmp_path: Path, text: str, reason: str
) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(text)
    began_s = time.process_time()
    with pytest.raises(GraphError, match=reason) as caught:
        read_yaml(file)
    assert time.process_time() - began_s < SECOND_S
    assert str(file) in str(caught.value)
    assert len(str(caught.value)) < 500


def test_what_is_large_and_allowed_is_read(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    deep = "".join("  " * level + f"k{level}:\n" for level in range(DEEPEST - 3))
    shared = "x: &x [1, 2]\ny: [*x, *x]\n"
    file.write_text(deep + shared + "\n".join(f"t{n}: us" for n in range(2_000)))
    found = read_yaml(file)
    assert found["y"] == [[1, 2], [1, 2]]
    assert len(found) == 2_003


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has such a file")
def test_a_file_that_opens_and_cannot_be_read_is_named() -> None:
    file = Path("/proc/self/mem")
    with pytest.raises(GraphError, match=f"^{file} cannot be read: Input/output error"):
        read_yaml(file)
