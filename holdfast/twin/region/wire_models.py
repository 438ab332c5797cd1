"""What the emulator wants to know of AWS's service models, without loading them.

For each service it answers for, ministack asks botocore for the whole model, to learn the wire
protocol; EC2's alone costs 25 MB of memory and a third of a second. The protocol stands in the
first kilobytes of the model's file.

Guarantees:
    The metadata is what botocore's own loader would give.

Does not guarantee:
    Thrift for what asks for more: then the whole model is loaded after all.
"""

import functools
import gzip
import importlib
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

_HEAD_BYTES = 16 * 1024
_MARK = '"metadata":'


class WireModel:
    """A botocore ``ServiceModel`` of which at first only the metadata is there.

    Attributes:
        metadata: The model's ``metadata``.
    """

    def __init__(self, service: str, metadata: dict[str, object]) -> None:
        self.metadata = metadata
        self._service = service

    def __getattr__(self, name: str) -> object:
        return getattr(_whole_model(self._service), name)


@functools.cache
def wire_model(service: str) -> WireModel | None:
    """A service's metadata, None if botocore has no such service.

    Args:
        service: botocore's name of the service, such as ``elbv2``.
    """
    metadata = _metadata(service)
    return None if metadata is None else WireModel(service, metadata)


@functools.cache
def aws_service_names() -> frozenset[str]:
    """Every name that a request's signature may give an AWS service."""
    names: set[str] = set()
    for folder in _data().iterdir():
        metadata = _metadata(folder.name)
        if metadata is not None:
            named = (metadata.get("endpointPrefix"), metadata.get("signingName"))
            names |= {folder.name, *(str(name) for name in named if name)}
    return frozenset(names)


def _metadata(service: str) -> dict[str, object] | None:
    versions = sorted((_data() / service).glob("*/service-2.json.gz"))
    if not versions:
        return None
    with gzip.open(versions[-1], "rt", encoding="utf-8") as model:
        head = model.read(_HEAD_BYTES)
    start = head.index(_MARK) + len(_MARK)
    metadata, _ = json.JSONDecoder().raw_decode(head[start:].lstrip())
    return cast("dict[str, object]", metadata)


@functools.cache
def _whole_model(service: str) -> object:
    session: Any = importlib.import_module("botocore.session").get_session()
    return cast("object", session.get_service_model(service))


@functools.cache
def _data() -> Path:
    found = find_spec("botocore")
    origin = None if found is None else found.origin
    return Path(origin or "").parent / "data"
