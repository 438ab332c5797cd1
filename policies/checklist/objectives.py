"""Checklist items: what is promised when things go wrong is said, and is worth promising.

The contract's objectives are what alarms, drills and health checks are held to. One that is
missing holds nobody to anything, and one of a day is met by doing nothing.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from holdfast.contract import Environment
from policies.core.contract import contract_of
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    whole_rule,
)
from policies.core.subjects import Stack

_FREE: Final[Mapping[str, float]] = MappingProxyType({})
LONGEST_S: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        Environment.DEV: _FREE,
        Environment.TEST: _FREE,
        Environment.STAGING: MappingProxyType(
            # Redeployed, which takes minutes.
            {"rto_s": 900, "rpo_s": 300, "kill_s": 60, "rollback_s": 3600}
        ),
        Environment.PROD: MappingProxyType(
            # A flag, which takes seconds.
            {"rto_s": 900, "rpo_s": 300, "kill_s": 60, "rollback_s": 60}
        ),
    }
)
"""The longest that may be promised, in seconds, by environment."""


@whole_rule(
    id="disaster-recovery-objectives",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.HIGH,
    frameworks=("SOC 2 A1.2", "ISO 27001:2022 A.5.30"),
)
def recovery_is_promised(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """The contract says how soon a lost region is made up for, and how much may be lost with it.

    Why: alarms, health checks and drills are held to these two numbers.
    Good: ``rto_s: 60, rpo_s: 5``
    Bad: ``rpo_s: 86400``
    Fix: promise what a drill has measured.
    """
    yield from _unpromised(stack, "rto_s", "rpo_s")


@whole_rule(
    id="rollback-in-time",
    item=ChecklistItem.ROLLBACK,
    severity=Severity.HIGH,
    frameworks=("SOC 2 CC8.1",),
)
def rollback_is_promised(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """The contract says how soon a bad release is taken back, as fast as the environment can.

    Why: until it is taken back, a bad release acts.
    Good: ``rollback_s: 30`` in ``prod``, which rolls back by a flag
    Bad: ``rollback_s: 3600`` in ``prod``
    Fix: promise no more seconds than the way of rolling back takes.
    """
    yield from _unpromised(stack, "rollback_s")


@whole_rule(
    id="kill-switch-in-time",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.HIGH,
    frameworks=("EU AI Act Art. 14",),
)
def a_kill_is_promised(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """The contract says how soon after the switch is tripped no agent acts.

    Why: whoever trips the switch has to know when it is over.
    Good: ``kill_s: 10``
    Bad: ``kill_s: 3600``
    Fix: promise what the runtime keeps; it asks before every action.
    """
    yield from _unpromised(stack, "kill_s")


def _unpromised(stack: Stack, *names: str) -> Iterator[tuple[str, Violation]]:
    contract = contract_of(stack)
    if contract is None:
        # That there is none is reported once, by `environment-matrix`.
        return
    objectives = contract.properties.object("objectives")
    environment = contract.properties.text("environment") or ""
    longest = LONGEST_S.get(environment, LONGEST_S[Environment.PROD])
    for name in names:
        said = None if objectives is None else objectives.number(name)
        most = longest.get(name)
        if said is None or said < 0 or (said == 0 and name != "rpo_s"):
            found = "nothing is promised"
        elif most is not None and said > most:
            found = f"{said:g} s are promised"
        else:
            continue
        yield (
            contract.urn,
            Violation(
                found=found,
                rule=f"{environment or 'a stack'} promises "
                + ("a number of seconds" if most is None else f"{most:g} s or less"),
                fix="set it under `objectives` in the stack file",
                at=f"{contract.properties.path}.objectives.{name}",
            ),
        )


RULES: Final[tuple[Rule, ...]] = (
    recovery_is_promised,
    rollback_is_promised,
    a_kill_is_promised,
)
