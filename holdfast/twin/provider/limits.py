"""What the provider does not reproduce of the AWS resources that it takes.

The docs and the drill reports print this table together with ``holdfast.twin.limits``. What a
single property cannot do stands with the property (``fates``), not here.
"""

from collections.abc import Mapping

from holdfast.twin.limits import Limit
from holdfast.twin.provider.registry import REALISED
from holdfast.twin.provider.spec import Property

LIMITS = (
    Limit(
        "IAM",
        "Roles, policies and permission boundaries are kept and read back; no call is refused "
        "because of them.",
    ),
    Limit(
        "KMS",
        "Keys encrypt and decrypt when asked to, but nothing that names a key is encrypted with "
        "it, and no key policy is enforced.",
    ),
    Limit(
        "DynamoDB",
        "Has no throughput: capacity, on-demand limits and table classes are kept, and nothing "
        "is ever throttled.",
    ),
    Limit(
        "DynamoDB",
        "Point-in-time recovery can be switched on and off; there are no backups to restore from.",
    ),
    Limit(
        "S3",
        "Bucket policies, public access blocks, ownership and default encryption are kept and "
        "enforce nothing; lifecycle rules remove nothing.",
    ),
    Limit(
        "Networks",
        "VPCs, subnets, routes, gateways, endpoints and security groups are kept and carry no "
        "packet: every process of the twin can reach every other one.",
    ),
    Limit(
        "Load balancers",
        "No packet passes through one: its name leads to the region's agents, target groups "
        "hold no targets, and every listener's port is the twin's one ingress port.",
    ),
    Limit(
        "ElastiCache",
        "Node types, node counts, zones, parameter groups, maintenance and encryption are kept; "
        "behind them is one Valkey with settings of its own, whose port is the output.",
    ),
    Limit(
        "CloudWatch",
        "Alarms on metrics that agents publish are evaluated by the emulator; Route 53 and other "
        "services publish no metrics, so alarms on those stay as they are.",
    ),
    Limit(
        "Health checks",
        "Are made as asked; the AWS provider leaves `enableSni=false` out when it makes one, so "
        "that AWS sends SNI until the next deployment changes it.",
    ),
    Limit("SNS", "E-mail subscriptions count as confirmed, and no e-mail is sent."),
    Limit("Budgets", "Nothing costs anything, so no budget is ever spent."),
    Limit(
        "Provider",
        "One configuration of the AWS provider serves a deployment by the Pulumi engine: a "
        "second one with another region or other default tags is refused.",
    ),
    Limit(
        "Provider",
        "Tells the Pulumi engine changes by whole properties, so that `replace_on_changes` of a "
        "part of one replaces nothing.",
    ),
    Limit(
        "Provider",
        "In process, imports, hooks, replacement triggers, `replace_with` and options about parts "
        "of properties are refused.",
    ),
    Limit(
        "Provider",
        "Service quotas, permissions of the caller and everything that AWS checks between "
        "services are not checked.",
    ),
)
"""Every limit of the resource types in ``REALISED``. Other types are refused by name."""


def fates() -> Mapping[str, Mapping[str, Property]]:
    """What becomes of each input property: rules by property path, by resource type."""
    return {name: REALISED[name].properties for name in sorted(REALISED)}
