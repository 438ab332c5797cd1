"""What the twin's regions, name server and health checkers do not reproduce of AWS.

The table that docs and drill reports print, together with the provider's. Each line is
something that a drill on the twin cannot speak of.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """One thing that is not as on AWS.

    Attributes:
        subject: The service or part concerned.
        text: What is different, in one sentence.
    """

    subject: str
    text: str


LIMITS = (
    Limit("Regions", "Lie on one machine: losing the machine loses them all."),
    Limit(
        "Region loss",
        "Connections to a lost region's AWS endpoints are refused at once; those to its agents "
        "hang, as on AWS.",
    ),
    Limit(
        "Network",
        "Latency between users and regions decides routing but delays no packet; messages "
        "between regions are delayed by a fixed time.",
    ),
    Limit(
        "ElastiCache",
        "Is one Valkey process per region without TLS; it loses its memory, not its "
        "configuration, with its region.",
    ),
    Limit("Route 53", "Serves a change about a second after it was made; AWS takes up to 60 s."),
    Limit(
        "Route 53",
        "Routes by latencies estimated from distances, not by AWS's measurements.",
    ),
    Limit(
        "Route 53",
        "Answers SERVFAIL where it would need geoproximity or CIDR routing, an alias to anything "
        "but a load balancer or the same zone, or the target health of a load balancer.",
    ),
    Limit("Route 53", "Does not serve private hosted zones."),
    Limit(
        "Load balancers",
        "Are names that lead to their region's address and port; the name of one that was "
        "deleted still resolves.",
    ),
    Limit(
        "Health checks",
        "Are made by one checker in each of Route 53's eight locations; AWS has several.",
    ),
    Limit("Health checks", "Probe HTTPS as plain HTTP: nothing in the twin holds a certificate."),
    Limit(
        "Health checks",
        "By CloudWatch alarm or routing control are not evaluated: records that use one answer "
        "SERVFAIL.",
    ),
    Limit("Health checks", "Probe addresses of the twin only; any other counts as unhealthy."),
)
"""Every limit of what this package runs beside the emulator."""
