"""Platforms that somebody could ship by mistake, to show that a drill would notice.

A mutant changes what is deployed or how the agents are started, never the drill. Nothing in the
product switches a safety off: ``no-fencing`` replaces code in a process of its own.
"""

from collections.abc import Sequence
from typing import ClassVar

from holdfast.contract import Platform
from holdfast.drills.mutants.records import Record, one_global_name, with_ttl

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

    def platform(self, platform: Platform) -> Platform:
        """The contract that is shipped with the mistake."""
        return platform

    def records(self, platform: Platform, records: Sequence[Record]) -> Sequence[Record]:
        """The zone's records with the mistake."""
        del platform
        return records

    def command(self, command: Sequence[str]) -> Sequence[str]:
        """How agents are started with the mistake: arguments to the Python interpreter."""
        return command


class NoFencing(Mutant):
    """Agents write without their fencing token in the condition."""

    name = "no-fencing"
    mistake = (
        "Agents append to the ledger without the fencing token in the write's condition, so a "
        "leader that was frozen and replaced can still act when it thaws."
    )
    breaks = frozenset({"exactly-once", "fence"})

    def command(self, command: Sequence[str]) -> Sequence[str]:
        """Starts the same program in an interpreter whose fences let everything pass."""
        return ("-m", "holdfast.drills.mutants.without_fences", *command)


class UsDefaultRoute(Mutant):
    """One hostname for the world, with the US as the default of a geolocation policy."""

    name = "us-default-route"
    mistake = (
        "All jurisdictions share one hostname with a geolocation policy, whose default leads to "
        "the US: an EU tenant's user who travels is led out of the EU, and shares the fate of a "
        "region that has nothing to do with the EU."
    )
    breaks = frozenset({"others-undisturbed", "residency"})

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
        return one_global_name(records, _shared_name(platform), hostnames, default="us")


class LongTtl(Mutant):
    """Resolvers may keep addresses for ten minutes."""

    name = "long-ttl"
    mistake = (
        "The records' TTL is 600 s, so users go on asking the lost region long after the health "
        "check has taken it out of the answers."
    )
    breaks = frozenset({"recovery-time"})
    ttl_s: ClassVar[int] = 600

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
