"""What makes a platform impossible, whatever its environment: rules over plain values.

Each rule returns the problems that it finds, with paths that start from the value it judged.

Guarantees:
    Values that pass every rule give a jurisdiction that survives the loss of any one region
    with a majority of its votes and a region that serves.
"""

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network

from holdfast.contract import Environment
from infra.problems import MISSING, Problem, listed, nearest
from infra.regions import JURISDICTIONS, REGIONS, VOTES, regions_of

MOST_EMAILS = 10
"""Addresses that one notification of AWS Budgets can go to."""

MOST_PRINCIPALS = 20
"""Responders whose ARNs fit into one statement of a policy, with room for its other statements."""

MOST_JURISDICTIONS = 10
"""More legal areas than AWS has regions for three votes in each."""

LONGEST_CONTRACT_BYTES = 8_192
"""Of a parameter of Parameter Store's advanced tier, which holds a region's copy."""

_CONTRACT_BYTES = 600
_JURISDICTION_BYTES = 300
_REGION_BYTES = 735
_REGION_NAMES = 6
"""What a contract's parts take at most, the last times the length of project and stack. Tests
compare them with contracts that hold answers as long as AWS's."""

_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")
_KEPT = re.compile(r"(aws|ssm).*|internal|sthree")
"""First parts of names that AWS keeps: of parameters, of load balancers, of buckets."""

_POOL_PREFIXES = range(8, 13)
_PRIVATE = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"))


def name_problems(*, stack: str, project: str) -> tuple[Problem, ...]:
    """What is wrong with the names that every physical name starts with.

    Hyphens separate the parts of physical names, so none may stand inside a part.
    """
    rename = "change `name` in Pulumi.yaml"
    problems = [
        Problem(
            path=(),
            given=name,
            wrong=f"the {what} name cannot start physical names",
            allowed="1 to 16 lower-case letters and digits, the first a letter, no hyphen",
            fix=fix,
        )
        for what, name, fix in (
            ("project", project, rename),
            ("stack", stack, "rename the stack and its file, `pulumi stack rename`"),
        )
        if not _NAME.fullmatch(name)
    ]
    if _KEPT.fullmatch(project):
        problems.append(
            Problem(
                path=(),
                given=project,
                wrong="AWS keeps physical names that start with this project name for itself",
                allowed="a name other than internal and sthree that starts with neither aws nor "
                "ssm",
                fix=rename,
            )
        )
    return tuple(problems)


def stack_problems(environment: Environment, stack: str) -> tuple[Problem, ...]:
    """A stack called after an environment is of that environment."""
    if stack not in set(Environment) or stack == environment:
        return ()
    return (
        Problem(
            path=(),
            given=environment,
            wrong=f"contradicts the name of the stack, {stack}",
            allowed=stack,
            fix=f"write {stack}, or give the stack a name that is no environment's",
        ),
    )


def jurisdiction_name_problems(name: str) -> tuple[Problem, ...]:
    """A jurisdiction is called after the legal area that its regions lie in."""
    if name in JURISDICTIONS:
        return ()
    close = nearest(name, JURISDICTIONS)
    return (
        Problem(
            path=(),
            given=name,
            wrong="is no legal area with three regions that can vote on one table",
            allowed=listed(JURISDICTIONS),
            fix=f"write {close}" if close else "choose one of these, and move its tenants there",
        ),
    )


def region_problems(region: str, jurisdiction: object) -> tuple[Problem, ...]:
    """A region of a jurisdiction lies under its law.

    Args:
        region: The region.
        jurisdiction: Name of the jurisdiction, or None when that is itself refused.
    """
    allowed = regions_of(jurisdiction) if isinstance(jurisdiction, str) else tuple(REGIONS)
    if region in allowed:
        return ()
    known = REGIONS.get(region)
    if known is None:
        wrong = "is no region that can hold a strongly consistent (MRSC) table"
    elif known.mrsc_set.lower() == jurisdiction:
        wrong = f"replicates with the {known.mrsc_set} set but lies in {known.law}"
    else:
        wrong = f"lies in {known.law}, not in {jurisdiction}"
    close = nearest(region, allowed)
    return (
        Problem(
            path=(),
            given=region,
            wrong=wrong,
            allowed=listed(allowed),
            fix=f"write {close}"
            if close and known is None
            else "write one of these, none of them twice",
        ),
    )


def vote_problems(
    *, home: str, replicas: Sequence[str], witness: str | None, active_passive: bool
) -> tuple[Problem, ...]:
    """A jurisdiction has exactly three votes, each in a region of its own.

    Args:
        home: Region of the first vote.
        replicas: The other regions that serve and vote.
        witness: Region that only votes, or None.
        active_passive: Whether exactly one of the serving regions may stand by.
    """
    votes = [home, *replicas, *([] if witness is None else [witness])]
    problems: list[Problem] = []
    if len(set(votes)) < len(votes):
        twice = sorted({region for region in votes if votes.count(region) > 1})
        problems.append(
            Problem(
                path=(),
                given=votes,
                wrong=f"{', '.join(twice)} would vote twice",
                allowed="a region of its own for home, for each replica and for the witness",
                fix="name another region",
            )
        )
    if len(votes) != VOTES:
        few = len(votes) < VOTES
        problems.append(
            Problem(
                path=("witness",),
                given=MISSING if witness is None else witness,
                wrong=f"makes {len(votes)} votes ({', '.join(votes)}); an MRSC table has {VOTES}",
                allowed="home, one replica and a witness; or home, two replicas and no witness",
                fix="name a witness" if few else "remove the witness or a replica",
            )
        )
    elif active_passive and witness is None:
        problems.append(
            Problem(
                path=("replicas",),
                given=list(replicas),
                wrong="active-passive routes users to one primary and one standby",
                allowed="one replica, and a witness",
                fix="make the second replica the witness, or the mode active-active",
            )
        )
    return tuple(problems)


def tenant_problems(
    tenants: Mapping[str, str], jurisdictions: Sequence[str]
) -> tuple[Problem, ...]:
    """A tenant's home is a jurisdiction of the file."""
    return tuple(
        Problem(
            path=(tenant,),
            given=home,
            wrong="is no jurisdiction of this file",
            allowed=listed(jurisdictions),
            fix=f"write {nearest(home, jurisdictions) or 'one of these'}, or add the jurisdiction",
        )
        for tenant, home in tenants.items()
        if home not in jurisdictions
    )


def contract_bytes(tenants: Mapping[str, str], *, serving: Sequence[int], names: str) -> int:
    """How long the contract of a platform gets, rather too much than too little.

    Args:
        tenants: Home jurisdiction by tenant.
        serving: Number of serving regions of each jurisdiction.
        names: Project and stack, which stand in most physical names.
    """
    region = _REGION_BYTES + _REGION_NAMES * len(names)
    entries = sum(len(f'"{tenant}":"{home}",') for tenant, home in tenants.items())
    return _CONTRACT_BYTES + _JURISDICTION_BYTES * len(serving) + region * sum(serving) + entries


def contract_problems(
    tenants: Mapping[str, str], *, serving: Sequence[int], names: str
) -> tuple[Problem, ...]:
    """The contract fits into the parameter that each region reads it from.

    AWS would only say so after everything else has been made. Arguments as of ``contract_bytes``.
    """
    length = contract_bytes(tenants, serving=serving, names=names)
    if length <= LONGEST_CONTRACT_BYTES:
        return ()
    room = LONGEST_CONTRACT_BYTES - contract_bytes({}, serving=serving, names=names)
    return (
        Problem(
            path=("tenants",),
            given=len(tenants),
            wrong=f"makes a contract of up to {length} bytes; a parameter holds "
            f"{LONGEST_CONTRACT_BYTES}",
            allowed=f"tenants of {max(room, 0)} characters together, their homes and quotation "
            "marks included",
            fix="list fewer tenants and keep the others elsewhere, or give a jurisdiction a "
            "witness instead of a third serving region",
        ),
    )


def principal_problems(principal: str, prefix: str) -> tuple[Problem, ...]:
    """Nobody whom the platform runs may trip, or be used to untrip, its own kill switch.

    Args:
        principal: Role or user, with ``*`` for any characters.
        prefix: What the names of all roles that the platform creates start with.
    """
    kind, _, name = principal.rsplit(":", maxsplit=1)[-1].partition("/")
    fixed, star, _ = name.partition("*")
    inside = fixed.startswith(prefix) or (bool(star) and prefix.startswith(fixed))
    if kind != "role" or not inside:
        return ()
    return (
        Problem(
            path=(),
            given=principal,
            wrong=f"takes in the platform's own roles, which start with {prefix}",
            allowed="roles and users outside the platform",
            fix="name the on-call's role, with more of its name before any *",
        ),
    )


def email_problems(emails: Sequence[str]) -> tuple[Problem, ...]:
    """Each address is subscribed once: a second subscription would be the first again."""
    return tuple(
        Problem(
            path=(str(position),),
            given=email,
            wrong="stands here twice",
            allowed="each address once",
            fix="remove it",
        )
        for position, email in enumerate(emails)
        if email in emails[:position]
    )


def rpo_problems(rpo_s: float) -> tuple[Problem, ...]:
    """Nobody promises to lose nothing of what is replicated after it is acknowledged."""
    if rpo_s > 0:
        return ()
    return (
        Problem(
            path=(),
            given=rpo_s,
            wrong="state tables replicate after they acknowledge, so a lost region can take the "
            "last seconds of them with it",
            allowed="more than 0",
            fix="write the seconds that you accept, such as 5; leases and kill flags lose nothing "
            "whatever you write",
        ),
    )


def network_problems(network: IPv4Network) -> tuple[Problem, ...]:
    """An address pool is private and has room for every region's network."""
    inside = any(network.subnet_of(private) for private in _PRIVATE)
    if inside and network.prefixlen in _POOL_PREFIXES:
        return ()
    return (
        Problem(
            path=(),
            given=str(network),
            wrong="cannot be cut into a network for each AWS region",
            allowed="a private network (RFC 1918) of prefix length "
            f"{_POOL_PREFIXES.start} to {_POOL_PREFIXES.stop - 1}",
            fix="write a part of 10.0.0.0/8, or remove the key",
        ),
    )
