"""Names and tags, from keys alone.

A physical name is ``<project>-<stack>-<scope>-<what>``, where the scope is a jurisdiction, a
region, an availability zone or ``global``. Names are plain strings, known in every preview.

Guarantees:
    Two different (kind, scope, what) never share a name, nor do two stacks: no part holds the
    separator except regions, which end in a digit, and ``what``, whose words do not start
    with one. Every name fits its service's rules. A name depends on its own keys only.

Does not guarantee:
    That nobody else has the name. Bucket names therefore end in the account id.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from holdfast.contract import Environment
from holdfast.errors import ConfigurationError

GLOBAL = "global"
"""Scope of what belongs to no jurisdiction and no region."""

TAG_PREFIX = "holdfast:"
"""Leads the keys of the platform's own tags."""

_HASH_CHARACTERS = 8


_INITIALS = {
    "central": "c",
    "east": "e",
    "north": "n",
    "northeast": "ne",
    "northwest": "nw",
    "south": "s",
    "southeast": "se",
    "southwest": "sw",
    "west": "w",
}
_SCOPE = re.compile(r"[a-z]+|[a-z]+(-[a-z]+)+-[0-9]+[a-z]?")
_WHAT = re.compile(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*")


class Kind(StrEnum):
    """What a physical name is for."""

    ALARM = "alarm"
    BUCKET = "bucket"
    BUDGET = "budget"
    CACHE_PARAMETERS = "cache parameter group"
    CACHE_SUBNETS = "cache subnet group"
    KEY_ALIAS = "key alias"
    LOAD_BALANCER = "load balancer"
    PARAMETER = "parameter"
    REPLICATION_GROUP = "replication group"
    ROLE = "role"
    SECRET = "secret"  # noqa: S105 - the kind of a thing, not a password
    TABLE = "table"
    TARGET_GROUP = "target group"
    TOPIC = "topic"


class Rule(NamedTuple):
    """What a service demands of a name.

    Attributes:
        longest: Most characters.
        pattern: Regular expression that the whole name matches.
        lead: What the name starts with.
        separator: What stands between its parts.
    """

    longest: int
    pattern: str
    lead: str = ""
    separator: str = "-"


RULES: Mapping[Kind, Rule] = MappingProxyType(
    {
        Kind.ALARM: Rule(255, r"[ -~]+"),
        Kind.BUCKET: Rule(63, r"(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9][a-z0-9-]+[a-z0-9]"),
        Kind.BUDGET: Rule(100, r"[^:\\]+"),
        Kind.CACHE_PARAMETERS: Rule(255, r"[a-z](-?[a-z0-9])*"),
        Kind.CACHE_SUBNETS: Rule(255, r"[a-z](-?[a-z0-9])*"),
        Kind.KEY_ALIAS: Rule(256, r"alias/(?!aws/)[A-Za-z0-9/_-]+", "alias/"),
        Kind.LOAD_BALANCER: Rule(32, r"(?!internal-)[A-Za-z0-9](-?[A-Za-z0-9])*"),
        Kind.PARAMETER: Rule(900, r"/(?!aws|ssm)[A-Za-z0-9_./-]+", "/", "/"),
        Kind.REPLICATION_GROUP: Rule(40, r"[a-z](-?[a-z0-9])*"),
        Kind.ROLE: Rule(64, r"[A-Za-z0-9_+=,.@-]+"),
        # A secret's ARN ends in a hyphen and six letters or digits; a name that does, too, misleads
        # Secrets Manager when it looks a secret up by a partial ARN.
        Kind.SECRET: Rule(512, r"(?!.*-[A-Za-z0-9]{6}$)[A-Za-z0-9/_+=.@-]+", "", "/"),
        Kind.TABLE: Rule(255, r"[A-Za-z0-9_.-]{3,}"),
        Kind.TARGET_GROUP: Rule(32, r"[A-Za-z0-9](-?[A-Za-z0-9])*"),
        Kind.TOPIC: Rule(256, r"[A-Za-z0-9_-]+"),
    }
)
"""What each service demands, from its API reference; narrower where that costs nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """Names and tags of one stack.

    Attributes:
        project: Name of the platform.
        stack: Name of the stack.
        environment: Which kind of environment the stack is.
    """

    project: str
    stack: str
    environment: Environment

    def logical(self, scope: str, what: str) -> str:
        """The name of a resource in the Pulumi program.

        Args:
            scope: A jurisdiction, region or zone, or ``GLOBAL``.
            what: What it is, words joined by hyphens.

        Raises:
            ConfigurationError: If scope or what cannot be part of a name.
        """
        return "-".join(_parts(scope, what))

    def physical(self, kind: Kind, scope: str, what: str) -> str:
        """The name of a resource in AWS, other than a bucket.

        In a name that would be longer than its service allows, the region is abbreviated as
        in AWS's zone ids (``euc1``); where that is not enough, a hash stands in the middle.

        Args:
            kind: What the name is for.
            scope: A jurisdiction, region or zone, or ``GLOBAL``.
            what: What it is, words joined by hyphens.

        Raises:
            ConfigurationError: If scope or what cannot be part of a name, or the service's
                rules cannot be met.
        """
        return _named(kind, (self.project, self.stack, *_parts(scope, what)))

    def bucket(self, scope: str, what: str, account_id: str) -> str:
        """The name of an S3 bucket, which all the accounts of the world share.

        Args:
            scope: A region, or ``GLOBAL``.
            what: What it holds, words joined by hyphens.
            account_id: Account that owns it, 12 digits.

        Raises:
            ConfigurationError: As ``physical``.
        """
        scope, what = _parts(scope, what)
        return _named(Kind.BUCKET, (self.project, self.stack, scope, f"{what}-{account_id}"))

    def tags(self, component: str, jurisdiction: str | None = None) -> dict[str, str]:
        """The tags of a resource.

        Args:
            component: The capability that it is part of, such as ``geo-store``.
            jurisdiction: The jurisdiction that it belongs to; None only for what is global and
                holds no tenant's data.
        """
        tags = {
            f"{TAG_PREFIX}project": self.project,
            f"{TAG_PREFIX}stack": self.stack,
            f"{TAG_PREFIX}environment": self.environment.value,
            f"{TAG_PREFIX}component": component,
        }
        if jurisdiction is not None:
            tags[f"{TAG_PREFIX}jurisdiction"] = jurisdiction
        return tags


def _parts(scope: str, what: str) -> tuple[str, str]:
    for part, given, pattern, allowed in (
        ("scope", scope, _SCOPE, f"a jurisdiction, region, zone or {GLOBAL}"),
        ("what", what, _WHAT, "lower-case words joined by hyphens, none starting with a digit"),
    ):
        if not pattern.fullmatch(given):
            raise ConfigurationError(
                f"{given!r} cannot be the {part} of a name. Allowed is {allowed}. Rename it."
            )
    return scope, what


def _abbreviated(scope: str) -> str:
    """A region as in AWS's zone ids, such as ``apne1``; other scopes as they are."""
    area, *directions = scope.split("-")
    return area + "".join(_INITIALS.get(word, word) for word in directions)


def _named(kind: Kind, parts: tuple[str, str, str, str]) -> str:
    rule = RULES[kind]
    name = rule.lead + rule.separator.join(parts)
    if len(name) > rule.longest:
        project, stack, scope, what = parts
        name = rule.lead + rule.separator.join((project, stack, _abbreviated(scope), what))
    if len(name) > rule.longest:
        digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH_CHARACTERS]
        end = f"-{digest}-{parts[-1]}"
        name = name[: max(0, rule.longest - len(end))].rstrip("-") + end
    if len(name) > rule.longest or not re.fullmatch(rule.pattern, name):
        raise ConfigurationError(
            f"{name!r} cannot name a {kind}. Allowed are at most {rule.longest} characters that "
            f"match {rule.pattern}. Shorten or reword {parts[-1]!r}."
        )
    return name
