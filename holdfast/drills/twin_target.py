"""The twin as a target: deploys the stack to it, runs agents in it, breaks and mends it.

Does not guarantee:
    That the twin ends: whoever started it stops it.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

from botocore.config import Config

from holdfast.contract import Platform
from holdfast.drills.history import Transfer
from holdfast.drills.mutants import Mutant
from holdfast.drills.mutants.records import Record, changes
from holdfast.drills.result import Limit
from holdfast.drills.target import Destination, Injection, Observation
from holdfast.twin.agents import AgentProgram
from holdfast.twin.client import Twin
from holdfast.twin.deployed import save_contract, serves
from holdfast.twin.differences import DIFFERENCES
from holdfast.twin.dns_client import DnsClient
from holdfast.twin.environment import ACCOUNT_ID
from holdfast.twin.provider.cloud import CONTROL_REGION, Cloud
from holdfast.twin.session import DIRECT, isolated_session
from holdfast.twin.stack import FrontName, front_of, platform_of
from holdfast.twin.switches import arm_new

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_READ_TIMEOUT_S = 2
_MOST_CONNECTIONS = 8


class TwinResolver:
    """One user's resolver: the twin's name server behind a cache that keeps to the TTL.

    Args:
        client: The user's own client.
        regions: Region by address.
        port: Ingress port of every region.
    """

    def __init__(self, client: DnsClient, regions: Mapping[str, str], port: int) -> None:
        self._client = client
        self._regions = regions
        self._port = port

    async def resolve(self, hostname: str, location: str) -> Destination:
        """Where a hostname leads a user at a location.

        Raises:
            TwinError: If there is no answer.
        """
        answer = await self._client.aresolve(hostname, location)
        return Destination(answer.address, self._port, self._regions.get(answer.address))

    def close(self) -> None:
        """Closes the resolver's socket."""
        self._client.close()


class TwinTarget:
    """A stack on a twin of its own. Made by :meth:`deploy`.

    Args:
        twin: The running twin.
        platform: The contract that agents and users get.
        program: How an agent is started.
    """

    name = "twin"

    def __init__(
        self,
        *,
        twin: Twin,
        platform: Platform,
        program: AgentProgram,
    ) -> None:
        self._twin = twin
        self._platform = platform
        self._program = program
        self._contract_file = save_contract(twin.state_dir, platform)

    @classmethod
    def deploy(
        cls,
        twin: Twin,
        *,
        project: Path,
        stack: str,
        program: AgentProgram,
        mutant: Mutant | None,
        on_line: Callable[[str], None],
    ) -> Self:
        """Deploys a stack to a twin that was started for it.

        Args:
            twin: A twin with every region of the stack.
            project: Directory of ``Pulumi.yaml``.
            stack: Name of the stack.
            program: How its agents are started.
            mutant: Mistake to ship with it.
            on_line: Takes a line for each resource.

        Raises:
            HoldfastError: If the stack cannot be deployed, or exports no contract.
        """
        front = front_of(
            FrontName.INPROCESS, project=project, stack=stack, twin=twin, on_line=on_line
        )
        changes = front.up()
        platform = platform_of(changes)
        arm_new(twin, platform, changes)
        if mutant is not None:
            cloud = Cloud(twin.endpoint, ACCOUNT_ID, credentials=twin.credentials)
            _ship(mutant, cloud, platform)
            platform = mutant.platform(platform)
            program = replace(program, command=mutant.command(program.command))
        return cls(twin=twin, platform=platform, program=program)

    @property
    def platform(self) -> Platform:
        """The contract of the platform."""
        return self._platform

    @property
    def limits(self) -> Sequence[Limit]:
        """What the twin does not reproduce."""
        return [Limit(subject=limit.subject, text=limit.text) for limit in DIFFERENCES]

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 of the contract that the agents got."""
        return {"contract": hashlib.sha256(self._contract_file.read_bytes()).hexdigest()}

    def start_agent(self, region: str) -> None:
        """Starts an agent in a region."""
        self._program.start(self._twin, region, self._contract_file)

    def serves(self, region: str, path: str | None) -> bool:
        """Whether a region's ingress answers a path with 200 now."""
        asked = path or self._platform.regions[region].ingress.health_path
        return serves(self._twin, region, asked)

    def resolver(self) -> TwinResolver:
        """A resolver for one user."""
        regions = {self._twin.address(region): region for region in self._twin.regions}
        return TwinResolver(self._twin.dns_client(), regions, self._twin.ingress_port)

    def table_client(self, region: str) -> "DynamoDBClient":
        """A client of a region's tables."""
        environment = self._twin.environment(region)
        # The stubs of the services that nobody here uses are not installed.
        return isolated_session().client(  # pyright: ignore[reportUnknownMemberType]
            "dynamodb",
            region_name=region,
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(
                connect_timeout=_READ_TIMEOUT_S,
                read_timeout=_READ_TIMEOUT_S,
                retries={"total_max_attempts": 1, "mode": "standard"},
                max_pool_connections=_MOST_CONNECTIONS,
            ).merge(DIRECT),
        )

    def kill(self, region: str) -> Injection:
        """Kills a region's servers and freezes its agents."""
        report = self._twin.kill(region)
        return Injection(report.started_s, report.ended_s)

    def restore(self, region: str) -> Injection:
        """Starts the servers again, lets them catch up, and thaws the agents."""
        report = self._twin.restore(region)
        return Injection(report.started_s, report.ended_s)

    def observe(self) -> Observation:
        """Health checks by region, and memory."""
        status = self._twin.status()
        healthy: dict[str, bool] = {}
        changed_s: dict[str, float | None] = {}
        for name, region in self._platform.regions.items():
            for check in status.health_checks:
                if region.ingress.hostname in check.target:
                    healthy[name] = check.healthy
                    changed_s[name] = check.changed_s
        return Observation(healthy, changed_s, status.memory_bytes)

    def transfers(self) -> Sequence[Transfer]:
        """What the regions have sent each other, by table or bucket, since each started."""
        return [
            Transfer(
                resource=sent.resource,
                source=region.name,
                target=sent.peer,
                bytes_sent=sent.sent_bytes,
            )
            for region in self._twin.status().regions
            for sent in region.sent
        ]

    def agent_log(self, region: str) -> Iterator[Mapping[str, object]]:
        """The JSON lines that the agents of a region have logged."""
        for agent in self._twin.status().agents:
            if agent.region == region:
                for line in agent.log.read_text(encoding="utf-8", errors="replace").splitlines():
                    try:
                        record: object = json.loads(line)
                    except json.JSONDecodeError:
                        continue
                    if isinstance(record, dict):
                        yield cast("Mapping[str, object]", record)


def _ship(mutant: Mutant, cloud: Cloud, platform: Platform) -> None:
    """Changes the zone's records behind the deployment's back."""
    hostname = next(iter(platform.jurisdictions.values())).hostname
    for zone in cloud.call("route53", CONTROL_REGION, "list_hosted_zones", {}).docs("HostedZones"):
        if not hostname.endswith(f".{zone.text('Name').rstrip('.')}"):
            continue
        listed = cloud.call(
            "route53",
            CONTROL_REGION,
            "list_resource_record_sets",
            {"HostedZoneId": zone.text("Id")},
        )
        before = [cast("Record", doc.members) for doc in listed.docs("ResourceRecordSets")]
        batch = changes(before, mutant.records(platform, before))
        if batch:
            cloud.call(
                "route53",
                CONTROL_REGION,
                "change_resource_record_sets",
                {"HostedZoneId": zone.text("Id"), "ChangeBatch": {"Changes": batch}},
            )
