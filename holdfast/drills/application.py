"""What a drill has to know of the agents that it rehearses: a typed document, ``agents.yaml``.

How to start them, how to give them work, and where to see from outside what has become of it.
What a document leaves out cannot be seen, and the checks that need it are not asked: a service
that elects nobody is rehearsed for how its users fare, not for its leader.

:data:`ORCHESTRATOR` is the document of ``agents/orchestrator``, which is rehearsed by default.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from holdfast.drills.history import Effect, Evidence, Outcome
from holdfast.errors import DrillError, GraphError
from holdfast.graph.yaml_files import read_yaml
from holdfast.twin.agents import NAMES, AgentProgram
from holdfast.twin.templates import expect_names, filled, names_in

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

Status = Annotated[int, Field(ge=100, le=599)]
HttpPath = Annotated[str, Field(pattern=r"^/[!-~]*$")]
Text = Annotated[str, Field(min_length=1)]

_TASK = frozenset({"tenant", "task"})
_PAGE = frozenset({"tenant", "minute"})
_ENTRY = frozenset({"task", "token", "region"})
_BODY_NAMES = frozenset({"tenant", "task"})


class Part(BaseModel):
    """Base of every part of the document: immutable, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Submission(Part):
    """How a user gives the agents a task, by POST.

    Attributes:
        path: HTTP path.
        body: JSON of the request, in whose texts ``{tenant}`` and ``{task}`` stand for those of
            the request. The same task always has the same body.
        accepted: Statuses by which an agent promises that the task will be done.
        refused: Statuses by which it says on purpose that the tenant's home is elsewhere. Every
            other status is a failure; no drill trips the kill switch or sends what is malformed.
    """

    path: HttpPath
    body: JsonValue
    accepted: Annotated[tuple[Status, ...], Field(min_length=1)] = (202,)
    refused: tuple[Status, ...] = (421,)

    @model_validator(mode="after")
    def _says_what_stands_for_what(self) -> Self:
        named: set[str] = set()
        for text in _texts(self.body):
            expect_names(text, _BODY_NAMES)
            named.update(names_in(text))
        _expect_all(named, _BODY_NAMES, "body")
        both = sorted(set(self.accepted) & set(self.refused))
        if both:
            raise ValueError(f"{both[0]} stands in accepted and in refused; allowed is one of them")
        return self

    def of(self, tenant: str, task: str) -> bytes:
        """The body that submits a task."""
        return json.dumps(_filled(self.body, {"tenant": tenant, "task": task})).encode()

    def outcome(self, status: int) -> Outcome:
        """What an answer means to the user."""
        if status in self.accepted:
            return Outcome.OK
        return Outcome.REFUSED if status in self.refused else Outcome.FAILED


class Leadership(Part):
    """The record of who leads a jurisdiction, as ``holdfast.coordination.Election`` keeps it.

    Attributes:
        key: Its key in the coordination table. The owner has to begin with the region and a slash.
    """

    key: Text


class Records(Part):
    """Where an accepted task is kept until it is done.

    Attributes:
        coordination: Its key in the coordination table; ``{tenant}`` and ``{task}`` stand for
            those of the task. None where it leaves no mark there.
        state: The same in the state table.
    """

    coordination: Text | None = None
    state: Text | None = None

    @model_validator(mode="after")
    def _tell_tasks_apart(self) -> Self:
        for name in ("coordination", "state"):
            template = getattr(self, name)
            if template is not None:
                expect_names(template, _TASK)
                _expect_all(set(names_in(template)), {"task"}, name)
        return self


class Effects(Part):
    """Where it stands what agents have done, in the order in which they did it.

    Attributes:
        key: Key of a page in the coordination table; ``{tenant}`` and ``{minute}`` stand for
            the tenant and the minutes since the epoch.
        attribute: Attribute of that item which holds a list of texts.
        entry: The form of each; ``{task}``, ``{token}`` and ``{region}`` stand for the task, the
            fencing token that it was done with, and the agent's region.
    """

    key: Text
    attribute: Text
    entry: Text

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        expect_names(self.key, _PAGE)
        expect_names(self.entry, _ENTRY)
        _expect_all(set(names_in(self.key)), _PAGE, "key")
        _expect_all(set(names_in(self.entry)), _ENTRY, "entry")
        return self

    def page(self, tenant: str, minute: int) -> str:
        """Key of the page for what was done for a tenant in a minute since the epoch."""
        return filled(self.key, {"tenant": tenant, "minute": str(minute)})

    def read(
        self, jurisdiction: str, page: str, item: "Mapping[str, AttributeValueTypeDef]"
    ) -> "list[Effect]":
        """The entries of a page, in order.

        Raises:
            ValueError: If an entry has another form.
        """
        form = re.compile(
            "".join(
                f"(?P<{part[1:-1]}>{'[0-9]+' if part == '{token}' else '.+?'})"
                if part.startswith("{")
                else re.escape(part)
                for part in re.split(r"(\{[a-z_]+\})", self.entry)
            )
        )
        found: list[Effect] = []
        for index, entry in enumerate(item.get(self.attribute, {}).get("L", [])):
            text = str(entry.get("S", ""))
            match = form.fullmatch(text)
            if match is None:
                raise ValueError(f"{page} holds {entry}; an entry is '{self.entry}'.")
            found.append(
                Effect(
                    jurisdiction=jurisdiction,
                    page=page,
                    index=index,
                    task=match["task"],
                    region=match["region"],
                    token=int(match["token"]),
                )
            )
        return found


class Log(Part):
    """How agents log, as one JSON object a line, that a fence refused a write.

    Attributes:
        event: Field that says what happened.
        stale_write: What stands there when a fence has refused a write.
        task: Field with the task's id.
        token: Field with the outdated token, a whole number.
    """

    event: Text = "event"
    stale_write: Text
    task: Text = "task"
    token: Text = "token"  # noqa: S105 - a fencing token's field


class Agents(Part):
    """Agents that a drill can rehearse.

    Attributes:
        name: Names their processes and logs.
        command: Program and arguments. ``python`` as the first is the interpreter that runs
            Holdfast; ``{address}`` and ``{port}`` stand for what to listen on, ``{region}`` and
            ``{contract}`` for the agent's region and the file of the platform's contract.
        env: Variables beside those that the twin gives every agent; the same names stand in them.
        ready: HTTP path that answers 200 once an agent takes tasks. None for the contract's
            health path, which it has to answer in any case: routing asks it.
        submit: How they are given work.
        leader: Who leads; None where nobody does.
        records: Where accepted tasks are kept.
        effects: Where done ones are; None where they leave no ledger.
        log: What their fences refused; None where they have none.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")] = "agent"
    command: Annotated[tuple[Text, ...], Field(min_length=1)]
    env: Mapping[str, str] = Field(default_factory=dict)
    ready: HttpPath | None = None
    submit: Submission
    leader: Leadership | None = None
    records: Records = Records()
    effects: Effects | None = None
    log: Log | None = None

    @model_validator(mode="after")
    def _names_what_there_is(self) -> Self:
        for template in (*self.command, *self.env.values()):
            expect_names(template, NAMES)
        return self

    @property
    def evidence(self) -> frozenset[Evidence]:
        """What they let a drill see."""
        seen = {
            Evidence.LEADER: self.leader,
            Evidence.COORDINATION: self.records.coordination,
            Evidence.STATE: self.records.state,
            Evidence.EFFECTS: self.effects,
            Evidence.STALE_WRITES: self.log,
        }
        return frozenset(kind for kind, told in seen.items() if told is not None)

    def program(self, *folders: Path) -> AgentProgram:
        """How to start them.

        Args:
            folders: Where Python finds their modules.
        """
        return AgentProgram(name=self.name, command=self.command, env=self.env, folders=folders)


def read_agents(file: Path) -> Agents:
    """Reads a document.

    Raises:
        DrillError: If there is none, or it says what cannot be.
    """
    try:
        document = read_yaml(file)
        return Agents.model_validate(document)
    except OSError as error:
        raise DrillError(
            f"The agents' file {file} cannot be read: {error.strerror}. Name another with --agents."
        ) from error
    except GraphError as error:
        raise DrillError(f"The agents' file is no use: {error}") from error
    except ValidationError as error:
        raise DrillError(f"{file}: {'; '.join(_problems(error))}.") from error


def task_key(template: str, tenant: str, task: str) -> str:
    """Key of a task's record."""
    return filled(template, {"tenant": tenant, "task": task})


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lease.

    Attributes:
        region: Where the holder runs, or None while nobody holds it.
        token: Fencing token on record.
    """

    region: str | None
    token: int


def holder(item: "Mapping[str, AttributeValueTypeDef]") -> Holder:
    """Reads the lease's item; its holder begins with the region and a slash."""
    name = item.get("holder", {}).get("S")
    token = int(item.get("token", {}).get("N", "0"))
    return Holder(None if name is None else name.split("/")[0], token)


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors():
        where = ".".join(str(step) for step in problem["loc"]) or "the document"
        cause = problem.get("ctx", {}).get("error")
        said = str(cause).rstrip(".") if isinstance(cause, Exception) else problem["msg"]
        yield f"{where}: {said}"


def _expect_all(named: set[str], needed: "set[str] | frozenset[str]", what: str) -> None:
    missing = sorted(needed - named)
    if missing:
        raise ValueError(
            f"{what} does not name {{{missing[0]}}}, so that it is the same for all. Write "
            f"{', '.join(f'{{{name}}}' for name in sorted(needed))} into it."
        )


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from _texts(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(entry)


def _filled(value: JsonValue, values: Mapping[str, str]) -> JsonValue:
    if isinstance(value, str):
        return filled(value, values)
    if isinstance(value, dict):
        return {key: _filled(entry, values) for key, entry in value.items()}
    if isinstance(value, list):
        return [_filled(entry, values) for entry in value]
    return value


ORCHESTRATOR = Agents(
    name="orchestrator",
    command=("python", "-m", "agents.orchestrator"),
    submit=Submission(
        path="/v1/tasks",
        body={
            "tenant": "{tenant}",
            "id": "{task}",
            "payload": "What should {tenant} do about {task}?",
        },
    ),
    leader=Leadership(key="leader#orchestrator"),
    records=Records(coordination="task#{tenant}/{task}", state="task#{tenant}/{task}"),
    effects=Effects(
        key="ledger#{tenant}#{minute}", attribute="ledger", entry="{task} {token} {region}"
    ),
    log=Log(stale_write="stale write refused"),
)
"""The reference agents, ``agents/orchestrator``."""
