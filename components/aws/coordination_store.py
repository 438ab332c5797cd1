"""The table that decides who may act: leases, locks, idempotency records, the kill epoch.

Guarantees:
    Conditional writes and consistent reads are linearizable over the regions of one
    jurisdiction (DynamoDB multi-Region strong consistency), so two holders of a lease cannot
    both pass its condition. The loss of any one of its three regions stops nothing.

Does not guarantee:
    Availability with two of its three regions lost. Expiry: these tables have no TTL, so a
    sweeper removes old records. Transactions over several items. A change of its regions: AWS
    fixes them, like the consistency, when the table is made. Deletion protection of the replicas
    from the first deployment on: the AWS provider makes strongly consistent ones without it, and
    turns it on with the next ``pulumi up``.

Costs:
    Idle, storage only: 0.25 USD per GB, month and replica, 0.20 USD more for recovery. A write
    is billed once per replica (0.625 USD for a million of 1 KB each) and waits for one round trip
    to the nearest other region.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from holdfast.errors import ConfigurationError

VOTES = 3
"""AWS makes a strongly consistent table of exactly three regions."""


@dataclass(frozen=True, kw_only=True)
class CoordinationStoreArgs:
    """Where a coordination store lives.

    Attributes:
        table_name: Physical name, the same in every region.
        home_region: Region that owns the table and holds its first replica.
        replica_regions: Regions of the other replicas: two, or one and a witness.
        witness_region: Third vote beside two replicas. Stores the log only; nothing can be
            read there.
        key_arns: Customer managed key, by region of each replica.
        recovery_days: How far back the home region's replica can be restored; the others always
            keep 35 days.
        protected: Whether AWS and Pulumi refuse to delete the table.
        tags: For the table and its replicas.

    Raises:
        ConfigurationError: If the votes are not three.
    """

    table_name: str
    home_region: str
    replica_regions: tuple[str, ...]
    witness_region: str | None
    key_arns: Mapping[str, pulumi.Input[str]]
    recovery_days: int
    protected: bool
    tags: Mapping[str, str]

    def __post_init__(self) -> None:
        witness = () if self.witness_region is None else (self.witness_region,)
        votes = (self.home_region, *self.replica_regions, *witness)
        if len(set(votes)) != VOTES or len(votes) != VOTES:
            raise ConfigurationError(
                f"Table {self.table_name} would have its votes in {', '.join(votes)}. A strongly "
                f"consistent table has exactly {VOTES} different regions: give three replicas, "
                "or two and a witness."
            )


class CoordinationStore(pulumi.ComponentResource):
    """One strongly consistent table per jurisdiction.

    Attributes:
        table_name: Physical name, known once the table is there.
        table_arn: Of the replica in the home region.
    """

    table_name: pulumi.Output[str]
    table_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: CoordinationStoreArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("holdfast:aws:CoordinationStore", name, None, opts)

        table = aws.dynamodb.Table(
            name,
            name=args.table_name,
            region=args.home_region,
            billing_mode="PAY_PER_REQUEST",
            hash_key="pk",
            attributes=[{"name": "pk", "type": "S"}],
            point_in_time_recovery={
                "enabled": True,
                "recovery_period_in_days": args.recovery_days,
            },
            deletion_protection_enabled=args.protected,
            server_side_encryption={
                "enabled": True,
                "kms_key_arn": args.key_arns[args.home_region],
            },
            replicas=[
                {
                    "region_name": region,
                    "consistency_mode": "STRONG",
                    "kms_key_arn": args.key_arns[region],
                    "point_in_time_recovery": True,
                    "deletion_protection_enabled": args.protected,
                    "propagate_tags": True,
                }
                for region in args.replica_regions
            ],
            global_table_witness=(
                None if args.witness_region is None else {"region_name": args.witness_region}
            ),
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protected),
        )

        self.table_name = table.name
        self.table_arn = table.arn
        self.register_outputs({"tableName": self.table_name, "tableArn": self.table_arn})
