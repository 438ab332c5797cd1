"""Whether a service may do something for our account, by a resource's own policy.

A message that may be dropped is one that nobody hears: what is not sure to be allowed, or not sure
not to be denied, counts as refused.
"""

from typing import Final

from policies.core.subjects import Resource
from policies.iam.conditions import ABSENT, NO, YES, Context, Fact
from policies.iam.documents import statements
from policies.iam.evaluate import Request, decided_by_resource

CLOUDWATCH: Final = "cloudwatch.amazonaws.com"


def may(
    holder: Resource, action: str, arn: str, account: str, *, service: str = CLOUDWATCH
) -> bool:
    """Whether a service may do something for an account; of CloudWatch, for each of its alarms.

    Args:
        holder: What has the policy.
        action: Such as ``sns:Publish``.
        arn: What it is done to, in the region of the alarm.
        account: Twelve digits.
        service: Who does it.

    Raises:
        Undetermined: If there is no policy that can be read.
    """
    request = Request(
        action=action, resource=arn, service=service, context=_context(arn, account, service)
    )
    allowed, denied = decided_by_resource(statements(holder.properties, "policy"), request)
    return allowed is YES and denied is NO


def _context(arn: str, account: str, service: str) -> Context:
    """What is known of a request that an alarm makes: CloudWatch speaks TLS, for the account."""
    region = arn.split(":")[3]
    source = {
        # Any of them: a policy for one alarm only drops what the others say.
        CLOUDWATCH: Fact((f"arn:aws:cloudwatch:{region}:{account}:alarm:any",)),
    }.get(service, Fact((), open=True))
    return {
        "aws:sourceaccount": Fact((account,)),
        "aws:sourceowner": Fact((account,)),
        "aws:sourcearn": source,
        "aws:securetransport": Fact(("true",)),
        "aws:principalisawsservice": Fact(("true",)),
        "aws:principalservicename": Fact((service,)),
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
