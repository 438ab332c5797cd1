"""A platform in one process: a web server per region and a table in a dict. Fast and obedient."""

import http.server
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from holdfast.contract import Platform
from holdfast.drills.application import ORCHESTRATOR, task_key
from holdfast.drills.history import Transfer
from holdfast.drills.result import Limit
from holdfast.drills.target import Destination, Injection, Observation
from holdfast.errors import TwinError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

Items = dict[tuple[str, str], dict[str, Any]]
"""DynamoDB items by table and key."""


class FakeTarget:
    """Serves, elects and replicates as it is told; every answer comes at once.

    Attributes:
        down: Regions that are lost.
        heals: Whether resolvers lead away from a lost region.
        leads: Whether anybody leads.
    """

    name = "fake"
    limits: Sequence[Limit] = ()
    digests: Mapping[str, str] = {}

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.items: Items = {}
        self.down: set[str] = set()
        self.heals = True
        self.leads = True
        self.token = 1
        self.broken: str | None = None
        self.refused: list[str] = []
        self.servers = {region: self._serve(region) for region in platform.regions}

    def _serve(self, region: str) -> http.server.ThreadingHTTPServer:
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if region in target.down:
                    return
                target.carry_out(region, body["tenant"], body["id"])
                self.send_response(202)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Says nothing."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def carry_out(self, region: str, tenant: str, task: str) -> None:
        home = self.platform.home_of(tenant)
        assert home is not None
        records, effects = ORCHESTRATOR.records, ORCHESTRATOR.effects
        assert records.coordination is not None
        assert effects is not None
        key = task_key(records.coordination, tenant, task)
        self.items[home.coordination.name, key] = {"pk": {"S": key}}
        self.items[home.state.name, key] = {"pk": {"S": key}}
        page = effects.page(tenant, int(time.time()) // 60)
        item = self.items.setdefault((home.coordination.name, page), {"ledger": {"L": []}})
        item["ledger"]["L"].append({"S": f"{task} {self.token} {region}"})

    def start_agent(self, region: str) -> None:
        """All of them run from the start."""

    def serves(self, region: str, path: str | None) -> bool:
        assert path is None
        return region not in self.down

    def resolver(self) -> "FakeTarget":
        return self

    async def resolve(self, hostname: str, location: str) -> Destination:
        del location
        for home in self.platform.jurisdictions.values():
            if home.hostname == hostname:
                up = [name for name in home.regions if not self.heals or name not in self.down]
                region = min(up)
                return Destination("127.0.0.1", self.servers[region].server_address[1], region)
        raise TwinError(f"no such name: {hostname}")

    def table_client(self, region: str) -> "DynamoDBClient":
        del region
        return cast("DynamoDBClient", self)

    def get_item(
        self,
        *,
        TableName: str,  # noqa: N803
        Key: dict[str, dict[str, str]],  # noqa: N803
        ConsistentRead: bool,  # noqa: N803
    ) -> dict[str, Any]:
        assert ConsistentRead
        key = Key["pk"]["S"]
        if ORCHESTRATOR.leader is not None and key == ORCHESTRATOR.leader.key:
            return {"Item": self._leader(TableName)} if self.leads else {}
        item = self.items.get((TableName, key))
        return {} if item is None else {"Item": item}

    def _leader(self, table: str) -> dict[str, Any]:
        for home in self.platform.jurisdictions.values():
            if home.coordination.name == table:
                up = sorted(name for name in home.regions if name not in self.down)
                return {
                    "holder": {"S": f"{up[0]}/1/n"},
                    "token": {"N": str(self.token + ("us-east-1" in self.down))},
                }
        raise AssertionError(table)

    def kill(self, region: str) -> Injection:
        if self.broken is not None:
            raise TwinError(self.broken)
        start_s = time.monotonic()
        self.down.add(region)
        return Injection(start_s, time.monotonic())

    def restore(self, region: str) -> Injection:
        start_s = time.monotonic()
        self.down.remove(region)
        self.refused.append("a task")
        return Injection(start_s, time.monotonic())

    def observe(self) -> Observation:
        return Observation({name: name not in self.down for name in self.servers}, {}, 7)

    def transfers(self) -> Sequence[Transfer]:
        return [
            Transfer(resource=home.state.name, source=one, target=other, bytes_sent=1)
            for home in self.platform.jurisdictions.values()
            for one, other in [sorted(home.regions)]
        ]

    def agent_log(self, region: str) -> Iterator[Mapping[str, object]]:
        assert region == "us-east-1"
        for task in self.refused:
            yield {"event": "stale write refused", "task": task, "token": 1}
            yield {"event": "something else"}

    def close(self) -> None:
        for server in self.servers.values():
            server.shutdown()
            server.server_close()
