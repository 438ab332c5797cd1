"""Makes the policy SDK hand rules our ``Properties`` instead of its proxies.

The SDK turns every property of every resource into Python objects once per policy, and then
skips a policy that touches an unknown value, with an advisory note. With ours nothing is
decoded that no rule reads, and an unknown value fails the rule that reads it.
"""

from types import SimpleNamespace

import pulumi_policy.policy as sdk
from google.protobuf import struct_pb2

from policies.core.properties import Properties


def install() -> None:
    """Replaces the SDK's decoding in this process. Once per process, before the pack is served.

    Raises:
        RuntimeError: If this version of the SDK decodes in another way, so that a pack which
            would fail open does not start at all.
    """
    names = ("json_format", "deserialize_properties", "unknown_checking_proxy")
    missing = [name for name in names if not hasattr(sdk, name)]
    if missing:
        raise RuntimeError(
            f"pulumi_policy.policy lacks {', '.join(missing)}; allowed is pulumi-policy 1.21. "
            f"Install that version, or adapt policies/core/lazy.py."
        )
    replacements = {
        "json_format": SimpleNamespace(MessageToDict=_decode),
        "deserialize_properties": _same,
        "unknown_checking_proxy": _same,
    }
    for name, replacement in replacements.items():
        setattr(sdk, name, replacement)


def _decode(message: struct_pb2.Struct) -> Properties:
    return Properties(message)


def _same(properties: Properties, _proxy_secrets: object = None) -> Properties:
    return properties
