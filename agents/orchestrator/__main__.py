"""Runs one orchestrator process: ``python -m agents.orchestrator``.

It takes its place from the environment: ``AWS_REGION``, the platform contract
(``HOLDFAST_PLATFORM_FILE`` or ``HOLDFAST_PLATFORM_PARAMETER``), and the address to listen on
(``HOLDFAST_TWIN_ADDRESS`` and ``HOLDFAST_INGRESS_PORT``; by default every address, port 8443).
Several processes of a region may share the port. ``HOLDFAST_TLS_CERTIFICATE_FILE`` and
``HOLDFAST_TLS_KEY_FILE`` name the certificate for the jurisdiction's hostname, with its chain, and
its private key, both PEM. They are read once: restart the processes, one after the other, when they
are renewed. Without them it serves on the twin alone, whose load balancers know no TLS.

Exit status: 0 after SIGTERM or SIGINT, 1 if the contract, the table, the port or the certificate
cannot be used.
"""

import os
import signal
import ssl
import sys
import threading

from agents.orchestrator.callers import Callers
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
CERTIFICATE = "HOLDFAST_TLS_CERTIFICATE_FILE"
KEY = "HOLDFAST_TLS_KEY_FILE"


def main() -> int:
    """Serves and stands for election until it is told to stop."""
    log_as_json()
    try:
        return _run(_region(), _port(), _tls(), Platform.load())
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


def _tls() -> ssl.SSLContext | None:
    """What proves to users who answers them; None on the twin."""
    certificate, key = os.environ.get(CERTIFICATE), os.environ.get(KEY)
    if not certificate and not key and "HOLDFAST_TWIN_ADDRESS" in os.environ:
        return None
    if not certificate or not key:
        raise ConfigurationError(
            f"{CERTIFICATE} and {KEY} are not both set, and only the twin serves plain HTTP. Set "
            "them to the PEM files of the hostname's certificate with its chain, and of its key."
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        raise ConfigurationError(
            f"{CERTIFICATE}={certificate} and {KEY}={key} cannot be used ({error}). Set them to "
            "readable PEM files that belong together."
        ) from error
    return context


def _run(region: str, port: int, tls: ssl.SSLContext | None, platform: Platform) -> int:
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
    address = os.environ.get("HOLDFAST_TWIN_ADDRESS", "")
    service = Service(
        address=address,
        callers=Callers.of(platform, address) if address else None,
        port=port,
        tls=tls,
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
