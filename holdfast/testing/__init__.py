"""Simulated time, clocks, network, stores and faults: test your own agents with them.

Everything that production code here takes as an argument (clock, store, nonces) has its
simulated counterpart, and the protocols' cores run in it unchanged.
"""

from holdfast.testing.candidate import Candidate, Parts
from holdfast.testing.election import Run, simulate_election
from holdfast.testing.linearizability import Operation, explain_history
from holdfast.testing.monitor import Monitor, Violation
from holdfast.testing.network import Conditions, Network
from holdfast.testing.programs import run_simulated
from holdfast.testing.store import LastWriterWinsStore, SingleRegionStore, StrongStore
from holdfast.testing.world import Entry, Process, World

__all__ = [
    "Candidate",
    "Conditions",
    "Entry",
    "LastWriterWinsStore",
    "Monitor",
    "Network",
    "Operation",
    "Parts",
    "Process",
    "Run",
    "SingleRegionStore",
    "StrongStore",
    "Violation",
    "World",
    "explain_history",
    "run_simulated",
    "simulate_election",
]
