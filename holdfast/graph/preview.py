"""The provider that makes nothing: a preview without an engine, a plugin or credentials.

Guarantees:
    What the program gave stays known; every other output of a resource is unknown, ids
    included. So nothing that a real preview could not know is known here.

Does not guarantee:
    Defaults that a real provider fills in during a preview (such as a table's billing mode):
    they stay unknown here.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from holdfast.errors import GraphError
from holdfast.graph.provider import Realised, Registration
from holdfast.graph.values import UNKNOWN, Value

PLACEHOLDER_ACCOUNT: Final = "123456789012"
"""Account id in AWS's own documentation; stands for the account that a preview cannot know."""

PLACEHOLDER_REGION: Final = "us-east-1"
"""Stands for the provider's region where neither the program nor the stack names one."""


def _caller_identity(_args: Mapping[str, Value], _region: str) -> Mapping[str, Value]:
    return {
        "accountId": PLACEHOLDER_ACCOUNT,
        "arn": f"arn:aws:iam::{PLACEHOLDER_ACCOUNT}:user/preview",
        "id": PLACEHOLDER_ACCOUNT,
        "userId": "AIDACKCEVSQ6C2EXAMPLE",
    }


def _region(args: Mapping[str, Value], region: str) -> Mapping[str, Value]:
    asked = args.get("region") or args.get("name")
    name = asked if isinstance(asked, str) else region
    return {
        "description": name,
        "endpoint": f"ec2.{name}.amazonaws.com",
        "id": name,
        "name": name,
        "region": name,
    }


def _availability_zones(_args: Mapping[str, Value], region: str) -> Mapping[str, Value]:
    letters = "abc"
    return {
        "groupNames": [f"{region}-zg-1"],
        "id": region,
        "names": [f"{region}{letter}" for letter in letters],
        "region": region,
        "zoneIds": [f"{region}-az{number}" for number in range(1, len(letters) + 1)],
    }


def _partition(_args: Mapping[str, Value], _region: str) -> Mapping[str, Value]:
    return {
        "dnsSuffix": "amazonaws.com",
        "id": "aws",
        "partition": "aws",
        "reverseDnsPrefix": "com.amazonaws",
    }


_Function = Callable[[Mapping[str, Value], str], Mapping[str, Value]]

_FUNCTIONS: Final[Mapping[str, _Function]] = MappingProxyType(
    {
        "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
        "aws:index/getRegion:getRegion": _region,
        "aws:index/getAvailabilityZones:getAvailabilityZones": _availability_zones,
        "aws:index/getPartition:getPartition": _partition,
    }
)


class PreviewProvider:
    """Answers every registration with its inputs, and a few functions with placeholders.

    The functions are ``aws.get_caller_identity`` (account ``123456789012``),
    ``aws.get_region`` (the region asked for, else the stack's, else ``us-east-1``),
    ``aws.get_availability_zones`` (zones ``a`` to ``c`` of that region) and
    ``aws.get_partition`` (``aws``).
    """

    def register(self, registration: Registration) -> Realised:
        """The inputs, with an unknown id, or the id that the program looks up."""
        return Realised(
            id=UNKNOWN if registration.read_id is None else registration.read_id,
            outputs=registration.inputs,
        )

    def invoke(
        self, token: str, args: Mapping[str, Value], *, region: str | None
    ) -> Mapping[str, Value]:
        """A fixed placeholder.

        Raises:
            GraphError: For a function without a placeholder: guessing would make a graph that
                no cloud would give.
        """
        function = _FUNCTIONS.get(token)
        if function is None:
            allowed = ", ".join(sorted(_FUNCTIONS))
            raise GraphError(
                f"the program calls {token}, which a preview without a cloud cannot answer. "
                f"Allowed are {allowed}. Take the value from the stack's configuration, or "
                f"build it from names that the program knows."
            )
        return function(args, region or PLACEHOLDER_REGION)
