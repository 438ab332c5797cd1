"""What a policy pack found, in one model for every format.

Guarantees:
    Findings are sorted, so equal graphs give equal reports. A report that passed was made by a
    pack that ran every one of its policies to the end.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from holdfast.graph import Source

WAIVERS_TAG: Final = "waivers"
"""Tag of the policies that tell of accepted findings."""


class Level(StrEnum):
    """What a finding does to the check. Only advisory ones let it pass."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """One policy of the pack.

    Attributes:
        name: Its id.
        description: One sentence.
        level: What a violation of it does.
        severity: ``low``, ``medium``, ``high`` or ``critical``; empty when it says none.
        frameworks: Laws and standards that ask for it; may be empty.
        explanation: Why it is asked, what is right and what is wrong, in lines; may be empty.
        tags: What it belongs to, such as the item of a checklist.
    """

    name: str
    description: str
    level: Level
    severity: str
    frameworks: str
    explanation: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        policy: Id of the policy.
        level: What it does to the check.
        severity: As the policy says.
        urn: The resource; the stack's own URN for the stack as a whole.
        message: What was found, and the rule.
        fix: What to change; empty when the pack gives none.
        source: Where the program creates the resource; None when that is not known.
    """

    policy: str
    level: Level
    severity: str
    urn: str
    message: str
    fix: str
    source: Source | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The outcome of one check.

    Attributes:
        project: Project name.
        stack: Stack name.
        pack: Name of the policy pack.
        resources: How many resources were looked at.
        policies: Every policy that ran, sorted by name.
        findings: Sorted by level, policy, URN and message.
    """

    project: str
    stack: str
    pack: str
    resources: int
    policies: tuple[Policy, ...]
    findings: tuple[Finding, ...]

    @property
    def mandatory(self) -> tuple[Finding, ...]:
        """Findings that fail the check."""
        return tuple(item for item in self.findings if item.level is Level.MANDATORY)

    @property
    def passed(self) -> bool:
        """Whether nothing mandatory was found."""
        return not self.mandatory

    def is_waiver(self, finding: Finding) -> bool:
        """Whether a finding only tells of another that somebody accepted for a while.

        By its policy: one with the tag ``waivers`` that lets the check pass.
        """
        return finding.level is Level.ADVISORY and any(
            WAIVERS_TAG in policy.tags for policy in self.policies if policy.name == finding.policy
        )

    @property
    def exit_code(self) -> int:
        """0 when the check passed, 1 when it found something mandatory.

        A check that could not be run to its end raises, and so never gets a report.
        """
        return 0 if self.passed else 1
