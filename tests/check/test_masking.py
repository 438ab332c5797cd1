"""A pack may quote what it judges; what the program keeps secret is not shown."""

from dataclasses import replace
from pathlib import Path

from holdfast.check.masking import Masking
from holdfast.graph import Graph, Node, Options, Secret, Value


def _graph(**inputs: Value) -> Graph:
    node = Node(
        urn="urn:pulumi:s::p::t::n",
        type="t",
        name="n",
        custom=True,
        id=None,
        inputs=inputs,
        outputs={},
        parent=None,
        dependencies=(),
        property_dependencies={},
        options=Options(),
        provider=None,
        region=None,
        source=None,
    )
    return Graph(project="p", stack="s", root=Path(), preview=True, nodes=(node,), config={})


def test_secrets_at_any_depth_are_masked_and_other_values_are_not() -> None:
    masking = Masking(
        _graph(
            open="visible",
            hidden={"a": [Secret("hunter2")]},
            whole=Secret({"b": ["s3cr3t", 54321]}),
        )
    )
    said = "visible hunter2 s3cr3t 54321"
    assert masking.masked(said) == "visible [secret] [secret] [secret]"


def test_a_secret_that_stands_in_a_longer_one_leaves_no_rest() -> None:
    masking = Masking(_graph(short=Secret("hunter2"), long=Secret("hunter2-and-more")))
    assert masking.masked("<hunter2-and-more> <hunter2>") == "<[secret]> <[secret]>"


def test_a_secret_is_found_as_a_message_quotes_it_and_in_what_a_provider_answers() -> None:
    graph = _graph()
    node = replace(graph.nodes[0], outputs={"token": Secret("line\none")})
    masking = Masking(replace(graph, nodes=(node,)))
    assert masking.masked(f"found {'line' + chr(10) + 'one'!r}") == "found '[secret]'"
