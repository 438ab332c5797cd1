"""What must be asked before acting: may anything act at all, and may it act here?"""

from holdfast.control.kill import AsyncKillSwitch, KillSwitch
from holdfast.control.kill_core import KillState, WhenUnreadable
from holdfast.control.kill_metrics import KillMetrics, cloudwatch_client
from holdfast.control.residency import Decision, Misdirected, Residency, Serve, UnknownTenant

__all__ = [
    "AsyncKillSwitch",
    "Decision",
    "KillMetrics",
    "KillState",
    "KillSwitch",
    "Misdirected",
    "Residency",
    "Serve",
    "UnknownTenant",
    "WhenUnreadable",
    "cloudwatch_client",
]
