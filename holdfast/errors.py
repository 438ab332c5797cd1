"""Every error that Holdfast raises on purpose, in one tree.

::

    HoldfastError
    ├── ConfigurationError      a value that cannot work; refused before anything is made
    │   └── ContractError       a platform contract that this reader cannot use
    ├── CoordinationError       a lease, lock, election or versioned record
    │   ├── StoreUnavailableError   the store did not answer, or has no quorum
    │   ├── ConditionFailedError    somebody else changed the record first
    │   ├── ConflictError           bounded retries of a compare-and-swap ran out
    │   ├── LockTimeoutError        others kept a lock for longer than the caller would wait
    │   ├── PayloadMismatchError    one event id with two different payloads
    │   └── LeaseLostError          the caller no longer holds what it thinks it holds
    ├── ControlError            a request that must not be carried out
    │   ├── KilledError             the kill switch is tripped, or cannot be read
    │   └── ResidencyError          data would leave its jurisdiction
    ├── GraphError              a Pulumi program that cannot be turned into a graph
    ├── PolicyRunError          a policy pack that could not be run to its end
    ├── TwinError               the embedded cloud cannot do what was asked
    │   ├── UnsupportedResourceError    a resource or parameter the twin would get wrong
    │   └── PortInUseError              an address that somebody else holds
    └── DrillError              a drill that could not be carried out (not: one that failed)

An error's message says what was wrong, the value given, what is allowed and the fix, in that
order, so that it can be acted on without a debugger.
"""

from holdfast.namesake import refuse

# Every room imports this module, also where another project's ``holdfast/__init__.py`` was
# installed over this one's.
refuse()


class HoldfastError(Exception):
    """Root of every error that Holdfast raises on purpose."""


class ConfigurationError(HoldfastError):
    """A value that cannot work. Nothing has been created yet."""


class ContractError(ConfigurationError):
    """A platform contract of an unknown version or shape."""


class CoordinationError(HoldfastError):
    """A lease, lock, election or versioned record could not be used."""


class StoreUnavailableError(CoordinationError):
    """The store did not answer in time or refuses for want of a quorum.

    The write may or may not have been applied; the caller must look before it repeats it.
    """


class ConditionFailedError(CoordinationError):
    """The record is not what the caller's condition says, so nothing was written."""


class ConflictError(CoordinationError):
    """A compare-and-swap lost to other writers until its bounded retries ran out."""


class LockTimeoutError(CoordinationError):
    """Others kept a lock for longer than the caller was willing to wait."""


class PayloadMismatchError(CoordinationError):
    """An event's id was seen before with another payload, so nothing was done."""


class LeaseLostError(CoordinationError):
    """The caller's lease has ended, and with it the right to act."""


class ControlError(HoldfastError):
    """A request that must not be carried out."""


class KilledError(ControlError):
    """The kill switch is tripped, or cannot be read and so counts as tripped."""


class ResidencyError(ControlError):
    """Carrying the request out here would take data out of its jurisdiction."""


class GraphError(HoldfastError):
    """A Pulumi program that cannot be turned into a resource graph.

    Attributes:
        file: File of the program where it went wrong, where that is known.
        line: Line in that file, from 1.
    """

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.file = file
        self.line = line


class PolicyRunError(HoldfastError):
    """A policy pack that could not be run to its end. Counts as a failed check."""


class TwinError(HoldfastError):
    """The embedded cloud cannot do what was asked of it."""


class UnsupportedResourceError(TwinError):
    """A resource type or parameter that the twin would get wrong, and so refuses."""


class PortInUseError(TwinError):
    """An address that the twin needs is held by another process."""


class DrillError(HoldfastError):
    """A drill that could not be carried out. A drill that misses its objectives is no error."""
