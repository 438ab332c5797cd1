"""Whether this machine has the processor time that a rehearsal takes, asked before it starts.

A drill keeps the platform's own timers. On a machine that is busy with other things agents miss
their leases and probes their time limits, and after two minutes the report blames the platform.
So for a second as many processes as the drill keeps busy do nothing but count, and what they got
of the processors is what the drill would get. A machine that has too little to give is asked
twice more: short bursts of others' work are no reason to refuse.

How much is enough was measured: a drill of one jurisdiction uses 0.31 processors on the average,
one of two 0.49, one of three 0.77, and each a good deal more for some seconds. What is asked for
lies between.

Guarantees:
    What is measured includes everything that takes processor time away: other processes, their
    priorities, a container's quota, affinity, other virtual machines.

Does not guarantee:
    That it stays so. Who starts something heavy later finds it in the report as a missed objective.
"""

import os
import subprocess
import sys
from dataclasses import dataclass

from holdfast.errors import DrillError

SPINNERS = 2
FOR_S = 1.0
ATTEMPTS = 3
FIXED_CORES = 0.2
CORES_PER_JURISDICTION = 0.25
_STARTED_WITHIN_S = 20.0

_SPIN = """
import os, sys, time
spinners, for_s = int(sys.argv[1]), float(sys.argv[2])
children = []
while len(children) < spinners - 1:
    child = os.fork()
    if child == 0:
        children.clear()
        break
    children.append(child)
began = last = time.monotonic()
used = time.thread_time()
stall = 0.0
while last - began < for_s:
    now = time.monotonic()
    stall = max(stall, now - last)
    last = now
os.write(1, b"%f %f\\n" % ((time.thread_time() - used) / (last - began), stall))
for child in children:
    os.waitpid(child, 0)
"""


@dataclass(frozen=True, slots=True)
class Room:
    """What there is for a rehearsal.

    Attributes:
        cores: Processors that two busy processes got together, 0 to 2.
        stall_s: Longest time that one of them was kept waiting.
        load: The load average of the last minute.
    """

    cores: float
    stall_s: float
    load: float

    def trouble(self, jurisdictions: int) -> str | None:
        """Why a rehearsal of so many jurisdictions would not get far, or None if it would."""
        needed_cores = FIXED_CORES + CORES_PER_JURISDICTION * jurisdictions
        if self.cores >= needed_cores:
            return None
        return (
            f"two busy processes got {self.cores:.2f} processors between them, and waited up to "
            f"{1000 * self.stall_s:.0f} ms at a time (load average {self.load:.1f}); a drill needs "
            f"{needed_cores:.2f}"
        )


def measure(jurisdictions: int) -> Room:
    """Measures for about a second, and up to two times again while there is too little.

    Args:
        jurisdictions: How many are to be rehearsed.

    Returns:
        The best of what was found.

    Raises:
        DrillError: If nothing can be started, or takes forever.
    """
    found = [_measured()]
    while found[-1].trouble(jurisdictions) is not None and len(found) < ATTEMPTS:
        found.append(_measured())
    return max(found, key=lambda room: room.cores)


def _measured() -> Room:
    try:
        told = subprocess.run(
            (sys.executable, "-I", "-S", "-c", _SPIN, str(SPINNERS), str(FOR_S)),
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            timeout=FOR_S + _STARTED_WITHIN_S,
            # As a twin has: Linux shares processors out by session before it looks at processes.
            start_new_session=True,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise DrillError(
            f"This machine cannot be measured: {error}. Give it some rest and try again."
        ) from error
    found = [[float(number) for number in line.split()] for line in told.splitlines()]
    return Room(
        cores=sum(cores for cores, _ in found),
        stall_s=max(stall_s for _, stall_s in found),
        load=os.getloadavg()[0],
    )
