"""The platform's contract, where processes of each region can read it.

Guarantees:
    Each serving region has its own copy, encrypted under its jurisdiction's key, so reading it
    needs no other region.

Does not guarantee:
    That all copies are of one deployment: an update that stops half way leaves some regions
    with the old contract until the next. Room for hundreds of tenants: a contract of more than
    8 KB is refused, and a platform that has them keeps them elsewhere.

Costs:
    Nothing up to 4 KB, and 0.05 USD a month for each region beyond.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from holdfast.errors import ConfigurationError

LONGEST_BYTES = 8_192
"""Of a parameter of the advanced tier, the larger of the two."""


@dataclass(frozen=True, kw_only=True)
class PlatformParameterArgs:
    """What is written where.

    Attributes:
        parameter_name: The same in every region; starts with a slash.
        document: The contract's JSON.
        key_arns: Key of each serving region, by region. Its keys are where copies go.
        tags: By region.
    """

    parameter_name: str
    document: pulumi.Input[str]
    key_arns: Mapping[str, pulumi.Input[str]]
    tags: Mapping[str, Mapping[str, str]]


class PlatformParameter(pulumi.ComponentResource):
    """Copies of one document.

    Attributes:
        arns: Of the parameter, by region.
    """

    arns: Mapping[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        args: PlatformParameterArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("holdfast:aws:PlatformParameter", name, None, opts)

        value = pulumi.Output.from_input(args.document).apply(_that_fits)
        self.arns = {
            region: aws.ssm.Parameter(
                f"{name}-{region}",
                region=region,
                name=args.parameter_name,
                description="The platform as its runtime sees it (holdfast.contract).",
                type="SecureString",
                tier="Intelligent-Tiering",
                key_id=key_arn,
                value=value,
                tags=args.tags[region],
                opts=pulumi.ResourceOptions(parent=self),
            ).arn
            for region, key_arn in args.key_arns.items()
        }
        self.register_outputs({"arns": self.arns})


def _that_fits(document: str) -> str:
    size = len(document.encode())
    if size > LONGEST_BYTES:
        raise ConfigurationError(
            f"The platform's contract has {size} bytes; a parameter holds at most "
            f"{LONGEST_BYTES}. List fewer tenants or jurisdictions in the stack file."
        )
    return document
