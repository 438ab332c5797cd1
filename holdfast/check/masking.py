"""What a program keeps secret stays out of what a pack says of it.

A pack is shown secrets in plain text, as the engine shows them, and may quote what it judges.

Does not guarantee:
    Anything about secrets of fewer than four characters, which would mask half of every sentence,
    or about a pack that shows one in another spelling.
"""

from collections.abc import Iterator, Mapping, Sequence

from holdfast.graph import Graph, Secret, Value, reveal

_SHORTEST = 4
_MASK = "[secret]"


class Masking:
    """The secrets of one graph.

    Args:
        graph: Whose inputs and outputs are looked through.
    """

    def __init__(self, graph: Graph) -> None:
        found = {
            text
            for node in graph.nodes
            for values in (node.inputs, node.outputs)
            for text in _hidden(values)
        }
        # The longest first: a secret may stand in another.
        self._secrets = sorted((text for text in found if len(text) >= _SHORTEST), key=len)[::-1]

    def masked(self, text: str) -> str:
        """A text without the secrets.

        Args:
            text: What a pack said.
        """
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return text


def _hidden(value: Value) -> Iterator[str]:
    """Every text and number below something secret, as it would be quoted."""
    if isinstance(value, Secret):
        yield from _texts(reveal(value))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _hidden(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _hidden(item)


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        # As a message shows it that quotes with repr().
        yield repr(value)[1:-1]
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
