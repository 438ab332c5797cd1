"""What runs on a stack that was deployed to a twin: its contract, and agents that go by it.

Does not guarantee:
    That the contract is that of the stack file as it is now: it is that of the latest ``up``.
"""

import http.client
from http import HTTPStatus
from pathlib import Path

from holdfast.contract import Platform
from holdfast.errors import ContractError, TwinError
from holdfast.twin.client import Twin
from holdfast.twin.plan import write_private

CONTRACT_FILE = "platform.json"
"""In the twin's directory: what ``HOLDFAST_PLATFORM_FILE`` names for its agents."""

_READ_TIMEOUT_S = 2


def save_contract(state_dir: Path, platform: Platform) -> Path:
    """Keeps the contract that a deployment ended in, for agents to load."""
    file = state_dir / CONTRACT_FILE
    write_private(file, platform.model_dump_json(indent=2))
    return file


def load_contract(state_dir: Path) -> Platform:
    """The contract of what is deployed.

    Raises:
        TwinError: If nothing is.
    """
    file = state_dir / CONTRACT_FILE
    try:
        return Platform.parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise TwinError(
            f"nothing is deployed to the twin in {state_dir}: it has no {CONTRACT_FILE}. "
            "Deploy with `holdfast twin up`."
        ) from error
    except ContractError as error:
        told = " ".join(str(error).split())
        raise TwinError(f"{file} cannot be used: {told} Run `holdfast twin up` again.") from error


def url_of(twin: Twin, region: str) -> str:
    """Where the agents of a region are reached, past DNS."""
    return f"http://{twin.address(region)}:{twin.ingress_port}"


def serves(twin: Twin, region: str, path: str) -> bool:
    """Whether a region's ingress answers a path with 200 now."""
    line = http.client.HTTPConnection(
        twin.address(region), twin.ingress_port, timeout=_READ_TIMEOUT_S
    )
    try:
        line.request("GET", path)
        return line.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()
