"""The addresses and ports of a twin, and the file by which others find it.

A plan is a plain value: decided before anything starts, the same until the twin ends, and
kept in the state directory so that the next start uses the same addresses when they are
still free (deployed resources carry them).
"""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from holdfast.errors import TwinError
from holdfast.twin.credentials import Credentials
from holdfast.twin.region_config import Port

PLAN_FILE = "plan.json"
TWIN_FILE = "twin.json"
LOCK_FILE = "supervisor.lock"
"""The first file that a twin makes in its directory, and the one that it keeps."""


class RegionPlan(BaseModel):
    """Where one region lives.

    Attributes:
        address: Loopback address that belongs to this region alone.
        api_port: TCP port of its AWS API.
        peer_port: TCP port of its peer and control protocol.
        valkey_port: TCP port of its Valkey.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str
    api_port: Port
    peer_port: Port
    valkey_port: Port


class TwinPlan(BaseModel):
    """Where everything in a twin lives.

    Attributes:
        block: The twin's /24 of loopback addresses, such as ``127.81.4.0/24``.
        control_host: Address of the supervisor's control port.
        control_port: TCP port that takes control requests.
        dns_host: Address of the resolver.
        dns_port: UDP and TCP port of the resolver.
        ingress_port: TCP port of the load balancers, the same in every region.
        regions: By AWS name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    block: str
    control_host: str
    control_port: Port
    dns_host: str
    dns_port: Port
    ingress_port: Port
    regions: Mapping[str, RegionPlan]

    def region(self, name: str) -> RegionPlan:
        """Where one region lives.

        Raises:
            TwinError: If the twin has no such region.
        """
        if name not in self.regions:
            raise TwinError(
                f"the twin has no region {name!r}; it has {', '.join(sorted(self.regions))}. "
                "Name one of those, or start a twin that includes it."
            )
        return self.regions[name]

    def moved_from(self, before: "TwinPlan") -> bool:
        """Whether a region that both plans have lives elsewhere in this one."""
        both = self.regions.keys() & before.regions.keys()
        return self.ingress_port != before.ingress_port or any(
            self.regions[name] != before.regions[name] for name in both
        )

    @classmethod
    def load(cls, state_dir: Path) -> "TwinPlan | None":
        """The plan of the last twin in a directory, or None where none can be read."""
        try:
            return cls.model_validate_json((state_dir / PLAN_FILE).read_bytes())
        except (OSError, ValidationError):
            return None

    def save(self, state_dir: Path) -> None:
        """Keeps the plan for the next start in the same directory."""
        write_private(state_dir / PLAN_FILE, self.model_dump_json(indent=2))


class TwinRecord(BaseModel):
    """How to reach a running twin: the content of ``twin.json``.

    Attributes:
        pid: The supervisor.
        started: When the system says that process began, so that a reused pid is noticed.
        token: Proof of the right to control the twin; the file is readable by its owner only.
        credentials: The key of every region's AWS API.
        plan: Where everything lives.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    started: str
    token: str
    credentials: Credentials
    plan: TwinPlan

    @classmethod
    def load(cls, state_dir: Path) -> "TwinRecord | None":
        """The record in a directory, or None where there is none that can be read."""
        try:
            return cls.read(state_dir)
        except TwinError:
            return None

    @classmethod
    def read(cls, state_dir: Path) -> "TwinRecord":
        """The record in a directory.

        Raises:
            TwinError: If there is none, or what is wrong with it.
        """
        file = state_dir / TWIN_FILE
        try:
            return cls.model_validate_json(file.read_bytes())
        except FileNotFoundError as error:
            raise TwinError(f"there is no {TWIN_FILE}") from error
        except OSError as error:
            raise TwinError(f"its {TWIN_FILE} cannot be read ({error.strerror})") from error
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            at = f" at {place}" if place else ""
            raise TwinError(f"its {TWIN_FILE} is corrupt{at} ({first['msg']})") from error

    def save(self, state_dir: Path) -> None:
        """Publishes the twin to others who know the directory."""
        write_private(state_dir / TWIN_FILE, self.model_dump_json(indent=2))


PRIVATE_UMASK = 0o077
"""Of every process that writes into a twin's directory."""


def write_private(path: Path, text: str) -> None:
    """Replaces a file at once, readable by its owner only."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with naming(path):
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            partial.replace(path)
        except OSError:
            partial.unlink(missing_ok=True)
            raise


@contextmanager
def naming(path: Path) -> Generator[None]:
    """Lets an error of the system name the file that it is about: of an open one, it names none."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise
