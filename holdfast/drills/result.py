"""What a drill hands back: the document that goes to disk, to a dashboard, to an auditor.

``DrillResult.model_json_schema()`` is its schema. ``schema_version`` is ``major.minor``; within a
major version fields are only added.
"""

from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from holdfast.contract import Objectives
from holdfast.drills.checks import Verdict
from holdfast.drills.history import Territory

RESULT_VERSION = "1.1"


class ExitCode(IntEnum):
    """What ``holdfast drill run`` exits with.

    ``PASSED``: every objective was met. ``MISSED``: at least one was not, or a mutant was caught.
    ``COULD_NOT_RUN``: the drill could not be carried out and says nothing about the platform.
    """

    PASSED = 0
    MISSED = 1
    COULD_NOT_RUN = 2


class Part(BaseModel):
    """Base of every part of a result: immutable, and closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Moment(Part):
    """Something that happened, for the timeline.

    Attributes:
        name: Stable name: ``killed``, ``led``, ``detected``, ``recovered``, ``restored``,
            ``returned``.
        at_s: When, in seconds after the first arrival.
        since_loss_s: When, in seconds after the injection.
        text: What, for people.
    """

    name: str
    at_s: float
    since_loss_s: float
    text: str


class Phase(Part):
    """A part of the drill and how long it took, in seconds."""

    name: str
    took_s: float


class Traffic(Part):
    """The requests of one jurisdiction's users.

    Attributes:
        jurisdiction: Whose.
        ok: Answered as asked.
        refused: Refused on purpose.
        failed: Everything else.
        median_ms: Median time to an answer, from when it was due, of those that succeeded.
        p99_ms: 99th percentile of the same.
        by_region: Requests by the region that their bytes went to; ``-`` where none.
    """

    jurisdiction: str
    ok: int
    refused: int
    failed: int
    median_ms: float | None
    p99_ms: float | None
    by_region: Mapping[str, int]


class MutantReport(Part):
    """A deliberate mistake and whether the drill saw it for what it is.

    Attributes:
        name: Name of the mutant.
        mistake: What was wrong with the platform, in a sentence.
        breaks: Checks that have to fail.
        caught: Whether exactly those failed.
    """

    name: str
    mistake: str
    breaks: tuple[str, ...]
    caught: bool


class Limit(Part):
    """Something that the target does not reproduce, so that this drill cannot speak of it."""

    subject: str
    text: str


class DrillResult(Part):
    """One rehearsal, judged.

    Attributes:
        schema_version: ``major.minor`` of this document.
        drill: Name of the drill.
        hypothesis: What it set out to refute.
        stack: Stack that was rehearsed.
        target: What it ran on: ``twin``.
        started_at: When, as an ISO 8601 UTC time.
        passed: Whether every check passed.
        lost_region: Region that was taken away.
        affected: Jurisdiction that lost it.
        objectives: What the platform promises.
        territories: Where each jurisdiction may be.
        verdicts: One per check that was asked.
        not_asked: Why the others were not, by the name of the check.
        moments: What happened, in order.
        phases: How long each part took.
        took_s: From the beginning to the verdict.
        workload_s: Length of the workload, the x axis of the timeline.
        rate_per_s: Arrivals a second.
        timeout_s: How long a user waited for an answer.
        dns_ttl_s: How long users kept an address.
        traffic: By jurisdiction.
        processors: What two busy processes got of this machine before the drill began; None if
            nobody asked.
        memory_peak_bytes: Highest sampled memory of target and agents; 0 if unknown.
        seed: Seed of the workload.
        mutant: The deliberate mistake, if one was built in.
        limits: What the target does not reproduce.
        versions: Of Holdfast and what it ran with.
        digests: SHA-256 of the contract, the stack file and the history, by name.
        events: Number of events in the history, by kind.
        history_file: Name of the history, beside this document.
        report_file: Name of the HTML report, beside this document.
    """

    schema_version: str = RESULT_VERSION
    drill: str
    hypothesis: str
    stack: str
    target: str
    started_at: str
    passed: bool
    lost_region: str
    affected: str
    objectives: Objectives
    territories: Mapping[str, Territory]
    verdicts: tuple[Verdict, ...]
    not_asked: Mapping[str, str] = Field(default_factory=dict)
    moments: tuple[Moment, ...]
    phases: tuple[Phase, ...]
    took_s: float
    workload_s: float
    rate_per_s: float
    timeout_s: float
    dns_ttl_s: int
    traffic: tuple[Traffic, ...]
    processors: float | None = None
    memory_peak_bytes: int
    seed: int
    mutant: MutantReport | None
    limits: tuple[Limit, ...]
    versions: Mapping[str, str]
    digests: Mapping[str, str]
    events: Mapping[str, int]
    history_file: str
    report_file: str

    @property
    def exit_code(self) -> ExitCode:
        """0 when every objective was met, 1 when one was missed."""
        return ExitCode.PASSED if self.passed else ExitCode.MISSED

    @property
    def failed_checks(self) -> tuple[str, ...]:
        """Names of the checks that did not pass, in order."""
        return tuple(verdict.check for verdict in self.verdicts if not verdict.passed)

    def moment(self, name: str) -> Moment | None:
        """The moment of that name, or None when it never came."""
        return next((moment for moment in self.moments if moment.name == name), None)

    def write(self, path: Path) -> None:
        """Writes the document as indented JSON."""
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "DrillResult":
        """Reads a document back.

        Raises:
            ValueError: If it does not fit.
        """
        return cls.model_validate_json(path.read_text(encoding="utf-8"))
