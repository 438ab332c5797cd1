"""Reading the platform's tables from outside: leaders, acknowledged writes, ledgers.

Every read is strongly consistent within its region, is sent to a region that the drill does not
take away, and does not go through the code under test.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.contract import Jurisdiction
from holdfast.drills import application
from holdfast.drills.application import Agents
from holdfast.drills.history import Effect, Leader, Plan, Readback, Request, Store
from holdfast.drills.target import Target
from holdfast.errors import DrillError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_ATTEMPTS = 5
_PAUSE_S = 0.2


@dataclass(frozen=True)
class _Place:
    """Where the audit of one jurisdiction reads."""

    jurisdiction: Jurisdiction
    region: str
    client: "DynamoDBClient"


class Audit:
    """Reads in a region of each jurisdiction that stays.

    Args:
        target: The platform.
        plan: What the drill is going to do.
        agents: Where they leave their marks.
        clock: Seconds since the start of the drill.
    """

    def __init__(
        self, target: Target, plan: Plan, agents: Agents, clock: Callable[[], float]
    ) -> None:
        self._clock = clock
        self._agents = agents
        self._places = {
            name: _Place(target.platform.jurisdictions[name], region, target.table_client(region))
            for name, region in sorted(plan.audited.items())
        }

    def leader(self, jurisdiction: str) -> Leader | None:
        """Who leads a jurisdiction now, or None if the record could not be read this time."""
        place = self._places[jurisdiction]
        leadership = self._agents.leader
        if leadership is None:
            return None
        try:
            item = _item(place, place.jurisdiction.coordination.name, leadership.key)
        except (BotoCoreError, ClientError):
            return None
        found = application.holder(item or {})
        return Leader(
            at_s=self._clock(), jurisdiction=jurisdiction, region=found.region, token=found.token
        )

    def read_back(self, requests: Iterable[Request], store: Store) -> list[Readback]:
        """Looks for the writes of acknowledged requests in the region that stays.

        Nothing, where agents leave no mark in that kind of table.

        Raises:
            DrillError: If the table does not answer.
        """
        found: list[Readback] = []
        records = self._agents.records
        template = records.state if store is Store.STATE else records.coordination
        for request in () if template is None else requests:
            place = self._places[request.jurisdiction]
            table = place.jurisdiction.coordination
            if store is Store.STATE:
                table = place.jurisdiction.state
            key = application.task_key(template or "", request.tenant, request.task)
            visible = self._insist(place, table.name, key) is not None
            found.append(
                Readback(
                    at_s=self._clock(),
                    store=store,
                    jurisdiction=request.jurisdiction,
                    task=request.task,
                    region=place.region,
                    visible=visible,
                )
            )
        return found

    def ledgers(self, tenants: Sequence[tuple[str, str]], minutes: Iterable[int]) -> list[Effect]:
        """Everything on the ledgers' pages.

        Args:
            tenants: Jurisdiction and tenant.
            minutes: Pages to read, in minutes since the epoch.

        Raises:
            DrillError: If the table does not answer, or a page holds something else.
        """
        found: list[Effect] = []
        wanted = list(minutes)
        ledger = self._agents.effects
        if ledger is None:
            return found
        for jurisdiction, tenant in tenants:
            place = self._places[jurisdiction]
            for minute in wanted:
                page = ledger.page(tenant, minute)
                item = self._insist(place, place.jurisdiction.coordination.name, page)
                try:
                    found += ledger.read(jurisdiction, page, item or {})
                except ValueError as error:
                    raise DrillError(str(error)) from error
        return found

    def _insist(
        self, place: _Place, table: str, key: str
    ) -> "Mapping[str, AttributeValueTypeDef] | None":
        problem: Exception | None = None
        for _ in range(_ATTEMPTS):
            try:
                return _item(place, table, key)
            except (BotoCoreError, ClientError) as error:
                problem = error
                time.sleep(_PAUSE_S)
        raise DrillError(
            f"Table {table} in {place.region}, which the drill leaves alone, did not answer "
            f"{_ATTEMPTS} times in a row: {problem}. Look into the region's log."
        )


def _item(place: _Place, table: str, key: str) -> "Mapping[str, AttributeValueTypeDef] | None":
    answer = place.client.get_item(TableName=table, Key={"pk": {"S": key}}, ConsistentRead=True)
    return answer.get("Item")
