"""Whether CloudWatch may do something for an alarm, by a resource's own policy.

A message that may be dropped is one that nobody hears: what is not sure to be allowed, or not sure
not to be denied, counts as refused.
"""

from typing import Final

from policies.core.subjects import Resource
from policies.iam.conditions import ABSENT, NO, YES, Context, Fact
from policies.iam.documents import statements
from policies.iam.evaluate import Request, decided_by_resource

CLOUDWATCH: Final = "cloudwatch.amazonaws.com"


def may(holder: Resource, action: str, arn: str, account: str) -> bool:
    """Whether CloudWatch may do something for every alarm of an account.

    Args:
        holder: What has the policy.
        action: Such as ``sns:Publish``.
        arn: What it is done to, in the region of the alarm.
        account: Twelve digits.

    Raises:
        Undetermined: If there is no policy that can be read.
    """
    request = Request(
        action=action, resource=arn, service=CLOUDWATCH, context=_context(arn, account)
    )
    allowed, denied = decided_by_resource(statements(holder.properties, "policy"), request)
    return allowed is YES and denied is NO


def _context(arn: str, account: str) -> Context:
    """What is known of a request that an alarm makes: CloudWatch speaks TLS, for the account."""
    region = arn.split(":")[3]
    return {
        "aws:sourceaccount": Fact((account,)),
        "aws:sourceowner": Fact((account,)),
        # Any of them: a policy for one alarm only drops what the others say.
        "aws:sourcearn": Fact((f"arn:aws:cloudwatch:{region}:{account}:alarm:any",)),
        "aws:securetransport": Fact(("true",)),
        "aws:principalisawsservice": Fact(("true",)),
        "aws:principalservicename": Fact((CLOUDWATCH,)),
        **dict.fromkeys(
            (
                "aws:principalaccount",
                "aws:principalarn",
                "aws:principalorgid",
                "aws:sourceip",
                "aws:sourcevpc",
                "aws:sourcevpce",
                "sns:endpoint",
                "sns:protocol",
            ),
            ABSENT,
        ),
    }
