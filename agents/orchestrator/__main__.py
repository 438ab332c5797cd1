"""Runs one orchestrator process: ``python -m agents.orchestrator``.

It takes its place from the environment: ``AWS_REGION``, the platform contract
(``HOLDFAST_PLATFORM_FILE`` or ``HOLDFAST_PLATFORM_PARAMETER``), and the address to listen on
(``HOLDFAST_TWIN_ADDRESS`` and ``HOLDFAST_INGRESS_PORT``; by default every address, port 8443).
Several processes of a region may share the port.

Exit status: 0 after SIGTERM or SIGINT, 1 if the contract, the table or the port cannot be used.
"""

import os
import signal
import sys
import threading

from agents.orchestrator.desk import Desk
from agents.orchestrator.executor import Executor
from agents.orchestrator.ledger import Ledger
from agents.orchestrator.log import log, log_as_json
from agents.orchestrator.service import Front, Service
from holdfast.contract import Platform
from holdfast.control import KillMetrics, KillSwitch, Residency, cloudwatch_client
from holdfast.coordination import DynamoDbStore, Election, dynamodb_client
from holdfast.errors import ConfigurationError, HoldfastError

ELECTION_KEY = "leader#orchestrator"
HIGHEST_PORT = 65_535


def main() -> int:
    """Serves and stands for election until it is told to stop."""
    log_as_json()
    try:
        return _run(_region(), _port(), Platform.load())
    except (HoldfastError, OSError) as error:
        log("cannot run", reason=str(error))
        return 1


def _region() -> str:
    region = os.environ.get("AWS_REGION")
    if not region:
        raise ConfigurationError("AWS_REGION is not set. Set it to the region that this runs in.")
    return region


def _port() -> int:
    given = os.environ.get("HOLDFAST_INGRESS_PORT", "8443")
    if not given.isdecimal() or not 1 <= int(given) <= HIGHEST_PORT:
        raise ConfigurationError(
            f"HOLDFAST_INGRESS_PORT={given} is no TCP port. Set it to a number from 1 to "
            f"{HIGHEST_PORT}, or leave it out for 8443."
        )
    return int(given)


def _run(region: str, port: int, platform: Platform) -> int:
    residency = Residency(platform, region)
    home = next(j for j in platform.jurisdictions.values() if region in j.regions)
    # The lease and the switch have connections of their own: load must not starve them.
    control = DynamoDbStore(home.coordination)
    control.verify()
    kill = KillSwitch.of(platform, home.name, control)
    client = dynamodb_client()
    store = DynamoDbStore(home.coordination, client)
    desk = Desk(store=store, client=client, state_table=home.state.name, region=region)
    ledger = Ledger(client=dynamodb_client(), table=home.coordination.name, region=region)
    executor = Executor(desk=desk, ledger=ledger, kill=kill)
    election = Election(store=control, key=ELECTION_KEY, owner=f"{region}/{os.getpid()}")
    service = Service(
        address=os.environ.get("HOLDFAST_TWIN_ADDRESS", ""),
        port=port,
        front=Front(
            region=region,
            health_path=home.regions[region].ingress.health_path,
            desk=desk,
            residency=residency,
            kill=kill,
        ),
    )

    metrics = KillMetrics(platform=platform, region=region, kill=kill, client=cloudwatch_client())
    stopping = threading.Event()

    def stop(_signal: int, _frame: object) -> None:
        stopping.set()
        election.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    threading.Thread(target=service.serve_forever, name="http", daemon=True).start()
    threading.Thread(
        target=metrics.keep_publishing, args=(stopping,), name="kill-metrics", daemon=True
    ).start()
    threading.Thread(target=desk.keep_looking, name="health", daemon=True).start()
    log("serving", region=region, jurisdiction=home.name)
    election.run(executor.lead)
    service.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
