"""How agents are started in a region of a twin: by drills, and by ``holdfast twin agents``.

Guarantees:
    An agent has the environment that the twin hands out for its region, keys included, and beside
    it only where its contract and its code are and what its program asks for.

Does not guarantee:
    That it answers: whoever starts it asks its health path.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from holdfast.errors import ConfigurationError
from holdfast.twin.client import Twin
from holdfast.twin.templates import expect_names, filled

PYTHON = "python"
"""As the first word of a command, the interpreter that runs this."""

NAMES = ("region", "address", "port", "contract")
"""What a command and its environment may name in braces: the agent's region, the address and port
that it has to listen on, and the file of the platform's contract."""


@dataclass(frozen=True, kw_only=True)
class AgentProgram:
    """A program that runs once in each region.

    Attributes:
        name: Names its processes and their logs, together with the region.
        command: Program and arguments; see :data:`PYTHON` and :data:`NAMES`.
        env: Further variables, with the same names in their values.
        folders: Where Python finds its modules.

    Raises:
        ConfigurationError: If something else is named in braces.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    folders: Sequence[Path] = ()

    def __post_init__(self) -> None:
        try:
            for template in (*self.command, *self.env.values()):
                expect_names(template, NAMES)
        except ValueError as error:
            raise ConfigurationError(str(error)) from error

    def process(self, region: str) -> str:
        """Name of the process in a region."""
        return f"{self.name}-{region}"

    def start(self, twin: Twin, region: str, contract: Path) -> int:
        """Starts it in a region and returns its pid.

        Args:
            twin: A running twin.
            region: A region of it that is up.
            contract: File of the platform's contract.

        Raises:
            TwinError: If the region is not up, it already runs there, or it cannot start.
        """
        values = {
            "region": region,
            "address": twin.address(region),
            "port": str(twin.ingress_port),
            "contract": str(contract),
        }
        program, *arguments = (filled(word, values) for word in self.command)
        return twin.spawn(
            region,
            self.process(region),
            [sys.executable if program == PYTHON else program, *arguments],
            {
                "HOLDFAST_PLATFORM_FILE": str(contract),
                "PYTHONPATH": os.pathsep.join(str(folder.resolve()) for folder in self.folders),
                "PYTHONUNBUFFERED": "1",
                # glibc keeps an arena per thread; two are enough, and half the memory.
                "MALLOC_ARENA_MAX": "2",
                **{name: filled(value, values) for name, value in self.env.items()},
            },
        )
