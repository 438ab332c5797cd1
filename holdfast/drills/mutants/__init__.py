"""Platforms that somebody could ship by mistake, to show that a drill would notice.

A mutant changes what is deployed or how the agents are started, never the drill. Nothing in the
product switches a safety off: ``no-fencing`` replaces code in a process of its own.
"""

from collections.abc import Sequence
from typing import ClassVar

from holdfast.contract import Platform
from holdfast.drills.mutants.records import CONTINENTS, Record, one_global_name, with_ttl
from holdfast.twin.agents import PYTHON

__all__ = ["LongTtl", "Mutant", "NoFencing", "Record", "UsDefaultRoute"]


class Mutant:
    """A mistake, and what it must break. As it stands, it changes nothing.

    Attributes:
        name: Its name on the command line.
        mistake: What is wrong with the platform, in a sentence.
        breaks: Checks that have to fail; no other may.
    """

    name: ClassVar[str]
    mistake: ClassVar[str]
    breaks: ClassVar[frozenset[str]]

    def unfit(self, platform: Platform, command: Sequence[str]) -> str | None:
        """Why it cannot be made on a platform, to go on after its name; None if it can.

        Args:
            platform: The platform as it should be.
            command: How its agents are started.
        """
        del platform, command
        return None

    def platform(self, platform: Platform) -> Platform:
        """The contract that is shipped with the mistake."""
        return platform

    def records(self, platform: Platform, records: Sequence[Record]) -> Sequence[Record]:
        """The zone's records with the mistake."""
        del platform
        return records

    def command(self, command: Sequence[str]) -> Sequence[str]:
        """How agents are started with the mistake: program and arguments."""
        return command


class NoFencing(Mutant):
    """Agents write without their fencing token in the condition."""

    name = "no-fencing"
    mistake = (
        "Agents append to the ledger without the fencing token in the write's condition, so a "
        "leader that was frozen and replaced can still act when it thaws."
    )
    breaks = frozenset({"exactly-once", "fence"})

    def unfit(self, platform: Platform, command: Sequence[str]) -> str | None:
        """Fences can only be taken down in a module that a Python of ours runs."""
        del platform
        if tuple(command[:2]) == (PYTHON, "-m"):
            return None
        return f"needs agents whose command begins with {PYTHON} -m, not with {command[0]}"

    def command(self, command: Sequence[str]) -> Sequence[str]:
        """Starts the same program in an interpreter whose fences let everything pass."""
        return (command[0], "-m", "holdfast.drills.mutants.without_fences", *command[1:])


class UsDefaultRoute(Mutant):
    """One hostname for the world, with the US as the default of a geolocation policy."""

    name = "us-default-route"
    mistake = (
        "All jurisdictions share one hostname with a geolocation policy, whose default leads to "
        "the US: an EU tenant's user who travels is led out of the EU, and shares the fate of a "
        "region that has nothing to do with the EU."
    )
    breaks = frozenset({"others-undisturbed", "residency"})
    default: ClassVar[str] = "us"

    def unfit(self, platform: Platform, command: Sequence[str]) -> str | None:
        """It takes a default, and somebody to be led there by mistake."""
        del command
        unknown = sorted(set(platform.jurisdictions) - set(CONTINENTS))
        if unknown:
            return f"knows no continent of {unknown[0]}"
        if self.default in platform.jurisdictions and len(platform.jurisdictions) > 1:
            return None
        return f"needs a jurisdiction {self.default} and another one beside it"

    def platform(self, platform: Platform) -> Platform:
        """Every jurisdiction gets the same hostname."""
        shared = _shared_name(platform)
        return platform.model_copy(
            update={
                "jurisdictions": {
                    name: jurisdiction.model_copy(update={"hostname": shared})
                    for name, jurisdiction in platform.jurisdictions.items()
                }
            }
        )

    def records(self, platform: Platform, records: Sequence[Record]) -> Sequence[Record]:
        """The shared name by geolocation, with the jurisdictions' own names behind it."""
        hostnames = {
            name: jurisdiction.hostname for name, jurisdiction in platform.jurisdictions.items()
        }
        return one_global_name(records, _shared_name(platform), hostnames, default=self.default)


class LongTtl(Mutant):
    """Resolvers may keep addresses for ten minutes."""

    name = "long-ttl"
    mistake = (
        "The records' TTL is 600 s, so users go on asking the lost region long after the health "
        "check has taken it out of the answers."
    )
    breaks = frozenset({"recovery-time"})
    ttl_s: ClassVar[int] = 600

    def unfit(self, platform: Platform, command: Sequence[str]) -> str | None:
        """Where an RTO is as long, ten minutes are no mistake."""
        del command
        rto_s = platform.objectives.rto_s
        return f"is none where rto_s is {rto_s:g}" if rto_s >= self.ttl_s else None

    def platform(self, platform: Platform) -> Platform:
        """The contract tells the TTL that the records have."""
        return platform.model_copy(
            update={
                "jurisdictions": {
                    name: jurisdiction.model_copy(update={"dns_ttl_s": self.ttl_s})
                    for name, jurisdiction in platform.jurisdictions.items()
                }
            }
        )

    def records(self, platform: Platform, records: Sequence[Record]) -> Sequence[Record]:
        """The same records, kept for longer."""
        hostnames = {jurisdiction.hostname for jurisdiction in platform.jurisdictions.values()}
        return with_ttl(records, hostnames, self.ttl_s)


def _shared_name(platform: Platform) -> str:
    """A name beside those of the jurisdictions, in the platform's zone."""
    first = next(iter(platform.jurisdictions.values()))
    return f"api.{first.hostname.split('.', 1)[1]}"
