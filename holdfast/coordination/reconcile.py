"""Two views of the same records compared, and views of what is at hand."""

from holdfast.coordination.records.reconcile import (
    AsyncView,
    Drift,
    Kind,
    Record,
    Report,
    View,
    of_mapping,
    of_mapping_async,
    reconcile,
    reconcile_async,
)

__all__ = [
    "AsyncView",
    "Drift",
    "Kind",
    "Record",
    "Report",
    "View",
    "of_mapping",
    "of_mapping_async",
    "reconcile",
    "reconcile_async",
]
