"""Edits after which the stack tells its runtime what the stack is not."""

from typing import Final

from tests.policies.shipped import Harm, adding, removing, setting, together, without

STACK: Final = "pulumi:pulumi:Stack::holdfast-prod"
EU: Final = "platform.jurisdictions.eu"
WEST: Final = f"{EU}.regions.eu-west-1"
AT: Final = "holdfast-prod"


def _says(name: str, path: str, value: str | int | list[str], rule: str) -> Harm:
    return Harm(name=name, edit=setting(STACK, path, value), rule=rule, at=AT)


CONTRACT_EDITS: Final[tuple[Harm, ...]] = (
    Harm(
        name="the stack exports nothing",
        edit=removing(STACK, "platform"),
        rule="contract-exported",
        at=AT,
    ),
    Harm(
        name="a jurisdiction is left out",
        edit=removing(STACK, EU),
        rule="contract-exported",
        at="eu-*",
    ),
    _says("a tenant has no home", "platform.tenants.acme", "mars", "contract-exported"),
    _says("production calls itself dev", "platform.environment", "dev", "contract-exported"),
    _says(
        "leases are taken in the table of state",
        f"{EU}.coordination.name",
        "holdfast-prod-eu-state",
        "contract-tables",
    ),
    _says(
        "leases are taken in the other jurisdiction's table",
        f"{EU}.coordination.name",
        "holdfast-prod-us-coordination",
        "contract-tables",
    ),
    _says("no table has that name", f"{EU}.state.name", "gone", "contract-tables"),
    _says(
        "leases are said to be eventual",
        f"{EU}.coordination.consistency",
        "eventual",
        "contract-tables",
    ),
    _says("state is said to be strong", f"{EU}.state.consistency", "strong", "contract-tables"),
    _says(
        "a region is said to hold leases",
        f"{EU}.coordination.regions",
        ["eu-west-1", "eu-west-3"],
        "contract-tables",
    ),
    _says(
        "another region is said to vote",
        f"{EU}.coordination.witness",
        "eu-central-1",
        "contract-tables",
    ),
    Harm(
        name="items are kept under another attribute",
        edit=setting("aws:dynamodb/table:Table::eu-coordination", "hashKey", "id"),
        rule="contract-tables",
        at="eu-coordination",
    ),
    _says("objects lie elsewhere", f"{WEST}.bucket.name", "elsewhere", "contract-buckets"),
    _says(
        "objects are copied elsewhere",
        f"{WEST}.bucket.replicates_to",
        ["elsewhere"],
        "contract-buckets",
    ),
    _says("agents speak plain text", f"{WEST}.limiter.port", 6380, "contract-limiter"),
    _says("another limiter is asked", f"{WEST}.limiter.host", "limits.example", "contract-limiter"),
    _says("another secret opens it", f"{WEST}.limiter.secret_arn", "arn:aws:x", "contract-limiter"),
    Harm(
        name="a region has no limiter",
        edit=without("aws:elasticache/replicationGroup:ReplicationGroup::eu-west-1-limiter"),
        rule="contract-limiter",
        at=AT,
    ),
    _says("users arrive elsewhere", f"{WEST}.ingress.hostname", "a.example", "contract-ingress"),
    _says("answers are said to live for an hour", f"{EU}.dns_ttl_s", 3600, "contract-ingress"),
    _says("a region is said to stand by", f"{WEST}.role", "standby", "contract-ingress"),
    _says("users resolve another name", f"{EU}.hostname", "eu.example.com", "contract-ingress"),
    _says(
        "agents look for the flag among state",
        f"{EU}.kill_switch.table",
        "holdfast-prod-eu-state",
        "contract-kill-switch",
    ),
    _says("the flag has another key", f"{EU}.kill_switch.key", "stop", "contract-kill-switch"),
    _says(
        "the switch has another role",
        f"{EU}.kill_switch.role_arn",
        "arn:aws:iam::123456789012:role/admin",
        "contract-kill-switch",
    ),
    Harm(
        name="a region does not tell of its switch",
        edit=removing(STACK, f"{EU}.kill_switch.topic_arns.eu-west-1"),
        rule="contract-kill-switch",
        at=AT,
    ),
    _says(
        "agents become administrators",
        f"{EU}.agent_role_arn",
        "arn:aws:iam::123456789012:role/admin",
        "contract-roles",
    ),
    Harm(
        name="a region does not keep the contract",
        edit=without("aws:ssm/parameter:Parameter::global-platform-eu-west-1"),
        rule="contract-parameter",
        at=AT,
    ),
    Harm(
        name="a region keeps a contract of somebody's own",
        edit=setting("aws:ssm/parameter:Parameter::global-platform-eu-west-1", "value", "{}"),
        rule="contract-parameter",
        at="global-platform-eu-west-1",
    ),
    Harm(
        name="a region keeps the contract under another name",
        edit=setting("aws:ssm/parameter:Parameter::global-platform-us-west-2", "name", "/other"),
        rule="contract-parameter",
        at="global-platform-*",
    ),
    Harm(
        name="the flag lies in the table of state",
        edit=together(
            setting(STACK, f"{EU}.kill_switch.table", "holdfast-prod-eu-state"),
            setting(STACK, f"{EU}.coordination.name", "holdfast-prod-eu-state"),
        ),
        rule="contract-tables",
        at=AT,
    ),
    Harm(
        name="agents of a jurisdiction have two roles",
        edit=adding(
            "aws:iam/role:Role",
            "second",
            {
                "name": "second",
                "assumeRolePolicy": '{"Version":"2012-10-17","Statement":[]}',
                "tags": {
                    "holdfast:component": "agent-identity",
                    "holdfast:jurisdiction": "eu",
                    "holdfast:environment": "prod",
                },
            },
        ),
        rule="contract-roles",
        at=AT,
    ),
)
