"""What a drill expects of the service that it rehearses: the other side of ``agents/orchestrator``.

A team that drills a service of its own gives it this interface, or writes its own application.
Pure: what to send, which items to read, and what is to be found in them.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.drills.history import Effect, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

SUBMIT_PATH = "/v1/tasks"
ELECTION_KEY = "leader#orchestrator"
STALE_WRITE = "stale write refused"
COMMAND = ("-m", "agents.orchestrator")

_ACCEPTED = 202
_MISDIRECTED = 421
_ENTRY_PARTS = 3


def submission(tenant: str, task: str) -> bytes:
    """The body that submits a task; the same task always has the same one."""
    return json.dumps(
        {"tenant": tenant, "id": task, "payload": f"What should {tenant} do about {task}?"}
    ).encode()


def outcome_of(status: int) -> Outcome:
    """What an answer means to the user: accepted, refused on purpose, or failed.

    No drill trips the kill switch or sends what is malformed, so a 403 is a failure as well: the
    service could not read the switch, and kept the user out to be safe.
    """
    if status == _ACCEPTED:
        return Outcome.OK
    return Outcome.REFUSED if status == _MISDIRECTED else Outcome.FAILED


def task_key(tenant: str, task: str) -> str:
    """Key of a task's record, in the coordination and in the state table."""
    return f"task#{tenant}/{task}"


def page_key(tenant: str, minute: int) -> str:
    """Key of the ledger page for what was accepted in a minute since the epoch."""
    return f"ledger#{tenant}#{minute}"


def effects(
    jurisdiction: str, page: str, item: "Mapping[str, AttributeValueTypeDef]"
) -> list[Effect]:
    """The entries of a ledger page, in order.

    Raises:
        ValueError: If an entry is not ``<task> <token> <region>``.
    """
    found: list[Effect] = []
    for index, entry in enumerate(item.get("ledger", {}).get("L", [])):
        parts = str(entry.get("S", "")).split(" ")
        if len(parts) != _ENTRY_PARTS:
            raise ValueError(f"{page} holds {entry}; an entry is '<task> <token> <region>'.")
        task, token, region = parts
        found.append(
            Effect(
                jurisdiction=jurisdiction,
                page=page,
                index=index,
                task=task,
                region=region,
                token=int(token),
            )
        )
    return found


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
