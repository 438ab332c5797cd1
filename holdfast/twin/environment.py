"""The environment variables of processes in the twin.

Nothing of the caller's AWS configuration or proxies is passed on: an agent in the twin can
reach the twin's endpoints and has a key that works nowhere else.
"""

import os

from holdfast.twin.credentials import Credentials
from holdfast.twin.plan import TwinPlan

ACCOUNT_ID = "000000000000"
"""AWS account of everything in the twin."""

PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV"),
    # Where what is compiled is kept.
    *("PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE"),
)


def base_environment() -> dict[str, str]:
    """What every process of the twin inherits: where programs and homes are, and no more."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def agent_environment(plan: TwinPlan, credentials: Credentials, region: str) -> dict[str, str]:
    """What a process in a region needs to find its AWS and its place.

    ``HOLDFAST_TWIN_ADDRESS`` and ``HOLDFAST_INGRESS_PORT`` are what it listens on to stand
    behind the region's load balancer; ``HOLDFAST_TWIN_DNS`` is the resolver, ``HOST:PORT``.

    Raises:
        TwinError: If the twin has no such region.
    """
    place = plan.region(region)
    return {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": f"http://{place.address}:{place.api_port}",
        **credentials.environment(),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "HOLDFAST_TWIN_ADDRESS": place.address,
        "HOLDFAST_INGRESS_PORT": str(plan.ingress_port),
        "HOLDFAST_TWIN_DNS": f"{plan.dns_host}:{plan.dns_port}",
    }
