"""Which of a project's stacks a drill suits, and what to say of one that it does not."""

from collections.abc import Sequence
from pathlib import Path

from holdfast.drills.application import Agents
from holdfast.drills.casting import Misfit
from holdfast.drills.drill import Drill
from holdfast.drills.mutants import Mutant
from holdfast.drills.planning import plan_of
from holdfast.errors import HoldfastError
from holdfast.twin.stack import outlook_of

MOST_STACKS = 12
"""A stack takes about a second to look at, and somebody waits for the answer."""


def suited(
    drill: type[Drill], project: Path, *, agents: Agents, mutant: Mutant | None
) -> tuple[str, ...]:
    """The stacks that a drill suits, of the first ``MOST_STACKS`` by name.

    Stacks whose program cannot be run, or that show no contract before they are deployed, are
    left out.
    """
    found: list[str] = []
    for file in sorted(project.glob("Pulumi.*.yaml"))[:MOST_STACKS]:
        stack = file.name.removeprefix("Pulumi.").removesuffix(".yaml")
        try:
            platform = outlook_of(project, stack).platform
        except HoldfastError:
            continue
        if platform is None:
            continue
        if not isinstance(plan_of(drill, platform, agents=agents, mutant=mutant), Misfit):
            found.append(stack)
    return tuple(found)


def refusal(drill: type[Drill], stack: str, misfit: Misfit, others: Sequence[str]) -> str:
    """What to tell whoever asked for a stack that a drill does not suit."""
    instead = f"It fits {', '.join(others)}." if others else "It fits no stack of this project."
    return (
        f"Drill {drill.name} does not fit stack {stack}: {'; '.join(misfit.reasons)}. "
        f"Nothing was started. {instead}"
    )
