"""What each policy of a pack is configured with, as Pulumi's engine works it out.

Guarantees:
    The defaults of a policy's schema, then what the pack itself sets for all and for each
    (``initial_config``), in the engine's order (``ReconcilePolicyPackConfig``).

Does not guarantee:
    The schema beyond its required properties: types of values are not looked at.
"""

from collections.abc import Iterator, Mapping

from pulumi.runtime.proto import analyzer_pb2

_ALL = "all"


def configured(info: analyzer_pb2.AnalyzerInfo) -> Mapping[str, analyzer_pb2.PolicyConfig]:
    """Level and properties by policy."""
    found: dict[str, analyzer_pb2.PolicyConfig] = {}
    for policy in info.policies:
        config = analyzer_pb2.PolicyConfig(enforcementLevel=policy.enforcementLevel)
        for name, schema in policy.configSchema.properties.fields.items():
            if "default" in schema.struct_value.fields:
                default = schema.struct_value.fields["default"]
                config.properties.fields[name].CopyFrom(default)
        found[policy.name] = config
    if _ALL in info.initialConfig:
        for config in found.values():
            config.enforcementLevel = info.initialConfig[_ALL].enforcementLevel
    for name in info.initialConfig:
        given = info.initialConfig[name]
        if name in found:
            found[name].enforcementLevel = given.enforcementLevel
            for key, value in given.properties.fields.items():
                found[name].properties.fields[key].CopyFrom(value)
    return found


def missing(
    info: analyzer_pb2.AnalyzerInfo, settings: Mapping[str, analyzer_pb2.PolicyConfig]
) -> Iterator[str]:
    """Each property that a policy needs and has not, in words."""
    for policy in info.policies:
        for name in policy.configSchema.required:
            if name not in settings[policy.name].properties.fields:
                yield f"{policy.name} needs the property {name}"
