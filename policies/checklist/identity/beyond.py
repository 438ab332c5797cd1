"""What a statement reaches beyond what it is for: other jurisdictions, other accounts, everything.

Reading counts here as much as writing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from policies.core.arns import account_of, region_of, resource_of, service_of
from policies.core.jurisdictions import (
    ELSEWHERE,
    INFERENCE_PREFIXES,
    REGIONS,
    lies_in,
    listing,
)
from policies.core.kinds import BUCKET, DATA
from policies.core.subjects import JURISDICTION_TAG
from policies.iam.asking import Asked
from policies.iam.conditions import Fact
from policies.iam.evaluate import Request
from policies.iam.patterns import covers, overlap, whole
from policies.iam.resources import arns_of

WORLDWIDE: Final = frozenset(
    {
        "a4b",
        "account",
        "aws-portal",
        "billing",
        "budgets",
        "ce",
        "cloudfront",
        "globalaccelerator",
        "health",
        "iam",
        "organizations",
        "pricing",
        "route53",
        "route53domains",
        "shield",
        "sso",
        "sts",
        "support",
        "tag",
        "trustedadvisor",
        "waf",
    }
)
"""Services whose resources lie in no region."""

INVOCATIONS: Final = frozenset({"bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"})
"""What sends a prompt to a model, whatever the API is called."""

_HEAD: Final = 4
"""Parts of an ARN up to its region."""

_REPORT: Final = "cloudwatch:PutMetricData"
_PROFILES: Final = "inference-profile/"
_EVERY: Final = re.compile(r"(?:[a-z][a-z-]*[/:])?[*?]+(?:[/:][*?]*)?")
"""A resource of a kind, whatever its name."""


@dataclass(frozen=True, kw_only=True)
class Beyond:
    """Something that a statement reaches and should not.

    Attributes:
        rule: Id of the rule that reports it.
        found: What it reaches, after who it is that does.
        because: What it breaks.
        fix: How to put it right.
    """

    rule: str
    found: str
    because: str
    fix: str


def too_far(asked: Asked) -> Iterator[Beyond]:
    """What a statement reaches beyond what it is for, the worst first."""
    yield from _models(asked)
    yield from _abroad(asked)
    yield from _too_wide(asked)


def _patterns(asked: Asked) -> tuple[str, ...]:
    # Whoever says what is left out names all the rest.
    return tuple(map(whole, asked.statement.resources)) or ("*",)


def _abroad(asked: Asked) -> Iterator[Beyond]:
    services = (
        {action.service for action in asked.actions if action.named} - WORLDWIDE - {"bedrock"}
    )
    if not asked.jurisdictions:
        yield from _of_nobody(asked, services)
    for jurisdiction in asked.jurisdictions:
        for pattern in _patterns(asked):
            reached = next(_places(asked, pattern, jurisdiction, services), None)
            if reached is not None:
                yield Beyond(
                    rule="residency-permission",
                    found=f"may use {pattern}, which takes in {reached}",
                    because=f"what belongs to {jurisdiction} stays in {listing(jurisdiction)}",
                    fix="name resources of the jurisdiction's own regions",
                )
                return


def _of_nobody(asked: Asked, services: set[str]) -> Iterator[Beyond]:
    """Data of jurisdictions that somebody of none may use."""
    for resource in asked.account.stack.of_type(*DATA):
        for arn in arns_of(resource, asked.account.id):
            if service_of(arn) in services and _in_service(asked, arn):
                yield Beyond(
                    rule="residency-permission",
                    found=f"may use {resource.name} of {resource.jurisdiction}, and is of no "
                    "jurisdiction",
                    because="whoever uses data of a jurisdiction belongs to it",
                    fix=f"set the tag {JURISDICTION_TAG} on the role or on the policy",
                )
                return


def _in_service(asked: Asked, arn: str) -> bool:
    service = service_of(arn)
    names = sorted(a.name for a in asked.actions if a.service == service and a.named)
    return any(next(asked.permits(Request(action=name, resource=arn)), None) for name in names)


def _places(asked: Asked, pattern: str, jurisdiction: str, services: set[str]) -> Iterator[str]:
    """What a pattern takes in outside of a jurisdiction."""
    for service in sorted(services):
        if service == "s3":
            yield from _buckets(asked, pattern, jurisdiction)
        for region in _foreign(pattern, jurisdiction):
            there = f"arn:aws:{service}:{region}:*:*"
            if overlap(pattern, there) and _may(asked, service, there, region):
                yield f"{service} in {region}"


@cache
def _foreign(pattern: str, jurisdiction: str) -> tuple[str, ...]:
    """Regions outside of a jurisdiction that a pattern may name."""
    head = pattern.split(":", 4)[:4]
    if len(head) == _HEAD and not set("*?") & set("".join(head)):
        return () if not head[3] or lies_in(head[3], jurisdiction) else (head[3],)
    everywhere = {region for some in REGIONS.values() for region in some} | set(ELSEWHERE)
    return tuple(sorted(one for one in everywhere if not lies_in(one, jurisdiction)))


def _may(asked: Asked, service: str, there: str, region: str) -> bool:
    known = {"aws:requestedregion": Fact((region,))}
    names = sorted(
        action.name for action in asked.actions if action.service == service and action.named
    )
    return any(
        next(asked.permits(Request(action=name, resource=there, context=known)), None)
        for name in names
    )


def _buckets(asked: Asked, pattern: str, jurisdiction: str) -> Iterator[str]:
    """Buckets that a pattern takes in and that do not belong to a jurisdiction."""
    if not overlap(pattern, "arn:aws:s3:::*"):
        return
    ours: list[str] = []
    for bucket in asked.account.stack.of_type(BUCKET):
        arns = arns_of(bucket, asked.account.id)
        if bucket.jurisdiction == jurisdiction:
            ours += arns
        elif any(overlap(pattern, arn) and _in_service(asked, arn) for arn in arns):
            yield f"bucket {bucket.name} of {bucket.jurisdiction}"
    if not covers(tuple(ours), pattern) and _reads_objects(asked, pattern):
        yield "buckets that are not in this stack, and lie nobody knows where"


def _reads_objects(asked: Asked, arn: str) -> bool:
    names = sorted(a.name for a in asked.actions if a.service == "s3" and a.named)
    return any(next(asked.permits(Request(action=name, resource=arn)), None) for name in names)


def _models(asked: Asked) -> Iterator[Beyond]:
    """Models that may be called and run outside of the jurisdiction."""
    called = sorted(action.name for action in asked.actions if action.name in INVOCATIONS)
    for pattern in _patterns(asked) if called else ():
        request = Request(action=called[0], resource=pattern)
        if next(asked.permits(request), None) is None:
            continue
        for jurisdiction in asked.jurisdictions or ("",):
            if not jurisdiction:
                yield Beyond(
                    rule="residency-inference-permission",
                    found="may call models, and no jurisdiction is named",
                    because="whatever sends prompts to a model belongs to a jurisdiction",
                    fix=f"set the tag {JURISDICTION_TAG} on the policy or on its role",
                )
            elif leaves(pattern, jurisdiction):
                yield Beyond(
                    rule="residency-inference-permission",
                    found=f"may call models by {pattern}",
                    because=f"requests of {jurisdiction} are answered in {listing(jurisdiction)}",
                    fix="name models and profiles by ARNs of the jurisdiction's own regions, "
                    "and profiles by a prefix that stays there",
                )


def leaves(pattern: str, jurisdiction: str) -> bool:
    """Whether an ARN or pattern takes in models that may run outside a jurisdiction."""
    fixed = re.split(r"[*?]", resource_of(pattern), maxsplit=1)[0]
    profiles = fixed.startswith(_PROFILES) or _PROFILES.startswith(fixed)
    stays = tuple(
        f"{_PROFILES}{prefix}."
        for prefix, home in INFERENCE_PREFIXES.items()
        if home == jurisdiction
    )
    abroad = profiles and not fixed.startswith(stays)
    return abroad or not lies_in(region_of(pattern), jurisdiction)


def _too_wide(asked: Asked) -> Iterator[Beyond]:
    reports = any(action.name == _REPORT for action in asked.actions)
    if reports and not asked.statement.confined_to("cloudwatch:namespace"):
        yield Beyond(
            rule="identity-scope",
            found="may report metrics under any name",
            because="alarms believe what is reported, so everybody reports under their own name",
            fix="confine cloudwatch:PutMetricData by the condition key cloudwatch:namespace",
        )
    named = [action for action in asked.actions if action.named]
    for pattern in _patterns(asked) if named else ():
        account = account_of(pattern)
        if account and account not in {asked.account.id, "aws"} and service_of(pattern) != "s3":
            yield Beyond(
                rule="identity-scope",
                found=f"may use {pattern}, of other accounts",
                because="agents use what is of this account",
                fix="write the account of this stack",
            )
        elif _EVERY.fullmatch(resource_of(pattern)) and not _is_confined(asked, pattern):
            actions = ", ".join(sorted(action.name for action in named)[:3])
            yield Beyond(
                rule="identity-scope",
                found=f"may do {actions} on whatever {pattern} takes in",
                because="a permission names what it is for, so that what is added later, or by "
                "others, is not in it",
                fix="name the resources",
            )


def _is_confined(asked: Asked, pattern: str) -> bool:
    """Whether something other than its ARN says which resource is meant."""
    # A key's id is drawn when it is made; its alias is chosen before.
    aliases = [
        value
        for operator, values in asked.statement.condition("kms:ResourceAliases")
        if operator.lower().removeprefix("foranyvalue:") in {"stringequals", "stringlike"}
        for value in values
    ]
    named = bool(aliases) and not any(value in {"*", "alias/*"} for value in aliases)
    return service_of(pattern) == "kms" and named
