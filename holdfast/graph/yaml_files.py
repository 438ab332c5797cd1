"""The project's YAML as Pulumi's engine reads it, which is neither YAML 1.1 nor quite 1.2.

Guarantees:
    A value is the text that the engine would hand to the program: ``yes`` and ``1:30`` are text,
    ``010`` is 8, ``1.0`` is 1. What has no such text is refused, and so is a key that stands twice.

Does not guarantee:
    ``.inf`` and ``.nan``, which are text here and which the engine refuses.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final, cast

import yaml

from holdfast.errors import GraphError
from holdfast.graph.yaml_bounds import read_bounded

_PLAIN_BELOW: Final = 1e21
_LONGEST_NUMBER: Final = 100
_PLAIN_FROM: Final = 1e-6
"""Between these two the engine writes a number without an exponent."""


def read_yaml(file: Path) -> Mapping[str, object]:
    """The keys of a file; an empty file has none.

    Raises:
        GraphError: If it is no YAML, no map, stands for more than ``yaml_bounds`` allows, or holds
            what the engine reads otherwise.
    """
    try:
        document: object = yaml.load(read_bounded(file), _EngineLoader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f" in line {error.problem_mark.line + 1}"
        raise GraphError(f"{file} is not YAML: {error.problem}{line}. Correct it.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        told = " ".join(str(error).split())
        raise GraphError(f"{file} is not YAML: {told}. Correct it.") from error
    except RecursionError as error:
        raise GraphError(f"{file} is not YAML, and nested too deep besides. Correct it.") from error
    found = entries(document)
    if document is not None and not found:
        raise GraphError(f"{file} is not a map of keys; allowed is Pulumi's own format.")
    return found


def entries(value: object) -> Mapping[str, object]:
    """A map's entries by text; none for anything else."""
    if not isinstance(value, dict):
        return {}
    return {str(key): item for key, item in cast("dict[object, object]", value).items()}


def text_of(value: object) -> str:
    """A configuration value as the program gets it."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _float_text(value: float) -> str:
    if _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        return format(Decimal(repr(value)), "f")
    return re.sub(r"e([-+])0", r"e\1", repr(value))


class _EngineLoader(yaml.SafeLoader):
    """Plain scalars as gopkg.in/yaml.v3 resolves them; no key stands twice."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Looks at a mapping's keys; PyYAML itself would take the last of several equal ones."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value} stands there twice", key.start_mark
                )
            seen.add(key.value)
        super().flatten_mapping(node)


def _integer(_loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = str(node.value).replace("_", "")
    if len(text) > _LONGEST_NUMBER:
        raise yaml.constructor.ConstructorError(
            None, None, f"a number of {len(text)} digits stands there", node.start_mark
        )
    # Go takes a leading zero for octal, as C does.
    octal = re.fullmatch(r"([-+]?)0o?([0-7]+)", text)
    return int(f"{octal[1]}{octal[2]}", 8) if octal else int(text, 0)


def _float(_loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    value = float(node.value)
    # The engine's numbers have one kind; it writes a whole one without a point.
    return int(value) if value.is_integer() and abs(value) < _PLAIN_BELOW else value


def _date(_loader: yaml.SafeLoader, node: yaml.ScalarNode) -> object:
    raise yaml.constructor.ConstructorError(
        None,
        None,
        f"the date {node.value} stands without quotes, and the engine would rewrite it,",
        node.start_mark,
    )


_INT: Final = "tag:yaml.org,2002:int"
_FLOAT: Final = "tag:yaml.org,2002:float"
_DATE: Final = "tag:yaml.org,2002:timestamp"
_KEPT: Final = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")
_PLAIN: Final = tuple(
    (tag, re.compile(rf"^(?:{pattern})$"))
    for tag, pattern in (
        ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE"),
        (_INT, r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|0|[1-9][0-9_]*)"),
        (_FLOAT, r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"),
        (_DATE, r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"),
    )
)
# PyYAML looks a pattern up by a text's first character, and tries them in their order.
_EngineLoader.yaml_implicit_resolvers = {
    first: [
        *((tag, kept) for tag, kept in resolvers if tag in _KEPT),
        *(_PLAIN if first and first in "tTfF-+.0123456789" else ()),
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_EngineLoader.add_constructor(_INT, _integer)
_EngineLoader.add_constructor(_FLOAT, _float)
_EngineLoader.add_constructor(_DATE, _date)
