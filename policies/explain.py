"""What ``holdfast explain`` and docs/policies.md say of a rule beneath its one sentence."""

from policies.core.rule import ChecklistItem
from policies.waivers import NEVER_IN_PROD


def explained(explanation: str, item: ChecklistItem, rule: str) -> str:
    """The parts of a rule's explanation, a line each, and how to waive it.

    Args:
        explanation: The rule's own lines: why, good, bad, fix.
        item: The item of the checklist that it belongs to.
        rule: Its id.
    """
    if item is ChecklistItem.WAIVERS:
        waive = "never: a waiver of the rules on waivers would undo them all"
    else:
        waive = f"add a Waiver of {rule} to policies/waivers.py: resource, reason, owner, dates"
        if item in NEVER_IN_PROD:
            waive += "; never in prod"
    return f"{explanation}\nWaive: {waive}.".strip()
