"""Whether a request is allowed, as AWS decides it, as far as the request is known.

A request here may stand for many: its resource is a pattern, and of its context only some keys are
known. So each question has three answers (:class:`~policies.iam.conditions.Answer`), and a rule
takes the one that errs on its own side: what may be allowed counts where it hurts
(:func:`allowed_by`), and only what is sure to be allowed counts where it helps (:func:`is_sure`).

Guarantees:
    ``NO`` and ``YES`` hold for every request that fits. An explicit denial wins; what nobody allows
    is denied; a boundary allows nothing by itself.

Does not guarantee:
    The narrowest ``MAYBE``: denials that only together cover what one statement allows are not
    added up over statements. Policies of an organization, of sessions and of VPC endpoints: they
    are not in a stack's documents, or stand in no one's way.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from policies.core.arns import account_of
from policies.iam.conditions import MAYBE, NO, YES, Answer, Context, Fact, hold, resolve
from policies.iam.documents import Statement
from policies.iam.patterns import arn_covers, covers, overlap, whole


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request, or all those that fit.

    Attributes:
        action: In full, such as ``dynamodb:GetItem``.
        resource: ARN, or a pattern of those that are asked about.
        context: What is known of its other keys.
        principal: ARN of who asks; empty where that is not known.
        service: Service that asks, such as ``cloudwatch.amazonaws.com``, where one does.
    """

    action: str
    resource: str
    context: Context = field(default_factory=dict[str, Fact])
    principal: str = ""
    service: str = ""


def speaks(statement: Statement, request: Request) -> Answer:
    """Whether a statement of an identity's own policy applies to a request, whatever it says."""
    if not statement.covers(request.action):
        return NO
    where = _on(statement, request)
    return NO if where is NO else min(where, hold(statement, request.context))


def speaks_of(statement: Statement, request: Request) -> Answer:
    """Whether a statement of a resource's policy applies to a request, whatever it says."""
    who = _from(statement, request)
    if who is NO or not statement.covers(request.action):
        return NO
    return min(who, _on(statement, request), hold(statement, request.context))


def is_denied(statements: Iterable[Statement], request: Request) -> Answer:
    """Whether statements of an identity's policies deny a request."""
    return max((speaks(item, request) for item in statements if not item.allows), default=NO)


def allows(statements: Iterable[Statement], request: Request) -> Answer:
    """Whether statements of an identity's policies allow a request, denials left aside."""
    return max((speaks(item, request) for item in statements if item.allows), default=NO)


def decided(
    identity: Sequence[Statement],
    request: Request,
    *,
    boundary: Sequence[Statement] | None = None,
) -> Answer:
    """What policies of an identity say of a request, its boundary included.

    Returns:
        ``YES`` where every request that fits is allowed, ``NO`` where none is.
    """
    answer = min(allows(identity, request), ~is_denied(identity, request))
    if boundary is not None:
        answer = min(answer, allows(boundary, request), ~is_denied(boundary, request))
    return answer


def decided_by_resource(policy: Sequence[Statement], request: Request) -> tuple[Answer, Answer]:
    """What a resource's own policy says of a request: whether it allows it, and denies it."""
    allowed = max((speaks_of(item, request) for item in policy if item.allows), default=NO)
    denied = max((speaks_of(item, request) for item in policy if not item.allows), default=NO)
    return allowed, denied


def narrowed(statement: Statement, request: Request) -> Iterator[Request]:
    """The parts of a request that an allowing statement may cover, each as narrow as can be said.

    Yields:
        For each pattern of its resources that shares an ARN with the request's, the request on
        the narrower of both. Empty where the statement applies to none of it.
    """
    if not statement.covers(request.action) or hold(statement, request.context) is NO:
        return
    if not statement.resources:
        if _on(statement, request) is not NO:
            yield request
        return
    for pattern in _resolved(statement.resources, statement, request):
        if overlap(pattern, request.resource):
            inside = covers((request.resource,), pattern)
            yield replace(request, resource=pattern) if inside else request


def _on(statement: Statement, request: Request) -> Answer:
    if statement.not_resources:
        return ~_within(statement.not_resources, statement, request)
    if not statement.resources:
        # Trust policies name none, and AWS takes no other statement without.
        return YES
    return _within(statement.resources, statement, request)


def _within(patterns: tuple[str, ...], statement: Statement, request: Request) -> Answer:
    known = [resolve(pattern, statement, request.context) for pattern in patterns]
    if not any(overlap(whole(pattern), request.resource) for pattern, _ in known):
        return NO
    exact = tuple(pattern for pattern, is_exact in known if is_exact)
    return YES if exact and arn_covers(exact, request.resource) else MAYBE


def _resolved(patterns: tuple[str, ...], statement: Statement, request: Request) -> Iterator[str]:
    return (whole(resolve(pattern, statement, request.context)[0]) for pattern in patterns)


def _from(statement: Statement, request: Request) -> Answer:
    if statement.not_principals:
        return ~_among(statement.not_principals, request)
    return _among(statement.principals, request)


def _among(principals: Mapping[str, tuple[str, ...]], request: Request) -> Answer:
    named = principals.get("AWS", ())
    if "*" in named:
        return YES
    if request.service:
        return YES if request.service in principals.get("Service", ()) else NO
    if not request.principal:
        return MAYBE if named else NO
    account = account_of(request.principal)
    everybody = {account, f"arn:aws:iam::{account}:root"}
    return YES if request.principal in named or everybody & set(named) else NO
