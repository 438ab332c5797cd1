"""The one description of a deployed platform that infrastructure and runtime share.

``infra/outputs.py`` fills it, every region keeps a copy, and the runtime reads it with
:meth:`Platform.load`. On AWS and on the twin the contents differ in values, never in shape.
"""

from holdfast.contract.agents import (
    Approvals,
    Behaviour,
    Data,
    Model,
    Rollback,
    SafetyChecks,
    TokenBudget,
    Tools,
)
from holdfast.contract.base import Environment
from holdfast.contract.model import (
    SCHEMA_VERSION,
    Bucket,
    Consistency,
    Ingress,
    Jurisdiction,
    KillSwitch,
    Limiter,
    Mode,
    Objectives,
    Platform,
    Region,
    Role,
    Table,
)

__all__ = [
    "SCHEMA_VERSION",
    "Approvals",
    "Behaviour",
    "Bucket",
    "Consistency",
    "Data",
    "Environment",
    "Ingress",
    "Jurisdiction",
    "KillSwitch",
    "Limiter",
    "Mode",
    "Model",
    "Objectives",
    "Platform",
    "Region",
    "Role",
    "Rollback",
    "SafetyChecks",
    "Table",
    "TokenBudget",
    "Tools",
]
