"""What the provider calls is declared, and what runs code is not."""

import ast
from itertools import pairwise
from pathlib import Path

import botocore.session
from botocore import xform_name

from holdfast.twin.region.services import SERVICES

PROVIDER = Path(__file__).parents[3] / "holdfast" / "twin" / "provider"
CLIENTS = {"monitoring": "cloudwatch", "elasticloadbalancing": "elbv2"}


def declared(client: str) -> frozenset[str]:
    found = [s.operations for s in SERVICES if CLIENTS.get(s.handler, s.handler) == client]
    return frozenset[str]().union(*found)


def called_by_the_provider() -> set[tuple[str, str]]:
    """Service and operation wherever the two stand side by side in a call."""
    session = botocore.session.get_session()
    clients = {CLIENTS.get(service.handler, service.handler) for service in SERVICES}
    models = {client: session.get_service_model(client) for client in clients}
    names = {
        client: {xform_name(name): name for name in model.operation_names}
        for client, model in models.items()
    }
    found: set[tuple[str, str]] = set()
    for path in PROVIDER.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            texts = [one.value for one in call.args if isinstance(one, ast.Constant)]
            for client, operation in pairwise(texts):
                if client in clients and operation in names[str(client)]:
                    found.add((str(client), names[str(client)][str(operation)]))
    return found


def test_every_operation_that_the_provider_calls_is_declared() -> None:
    called = called_by_the_provider()
    assert len(called) > 100
    assert {pair for pair in called if pair[1] not in declared(pair[0])} == set()


def test_nothing_that_runs_code_or_gives_out_keys_is_declared() -> None:
    assert {service.signed_as for service in SERVICES}.isdisjoint({"lambda", "states", "codebuild"})
    assert declared("sts") == {"GetCallerIdentity"}
    assert not {name for name in declared("iam") if "AccessKey" in name or "CreateUser" in name}
