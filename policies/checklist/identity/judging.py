"""Every allowing statement is asked all questions, and reported for the first that it fails.

Guarantees:
    A statement has one finding at most, at its own place, which says who may do what to what.

Does not guarantee:
    Denials in policies of resources: what somebody is allowed is judged by their own documents.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from policies.checklist.identity.becoming import others_to_become
from policies.checklist.identity.beyond import Beyond, too_far
from policies.checklist.identity.questions import NEVER
from policies.checklist.kill_switch.flag import COMPONENT
from policies.core.kinds import ROLE
from policies.core.rule import Violation
from policies.core.subjects import Resource, Stack
from policies.iam.account import Account, Document, Identity, account_of
from policies.iam.actions import unknown
from policies.iam.asking import Asked
from policies.iam.evaluate import Request

_SHOWN = 3
"""How many actions a message names."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One finding, and which rule reports it."""

    rule: str
    resource: Resource
    violation: Violation


@lru_cache(maxsize=2)
def judged(stack: Stack) -> Mapping[str, tuple[Judged, ...]]:
    """What is wrong with the permissions of a stack, by the rule that reports it."""
    found: dict[str, tuple[Judged, ...]] = {}
    account = account_of(stack)
    for document, holders in account.documents.items():
        for one in _document(account, document, holders):
            found[one.rule] = (*found.get(one.rule, ()), one)
    return found


def is_responder(identity: Identity) -> bool:
    """Whether it is the role that trips a switch, whose permissions have rules of their own."""
    return (
        identity.kind == ROLE
        and identity.resource is not None
        and identity.resource.component == COMPONENT
    )


def _document(account: Account, document: Document, given: list[Identity]) -> Iterator[Judged]:
    holders = tuple(holder for holder in given if not is_responder(holder))
    if given and not holders:
        return
    for statement in document.statements:
        asked = Asked(account=account, document=document, statement=statement, holders=holders)
        worst = next(_answers(asked), None)
        if worst is not None:
            yield Judged(
                rule=worst.rule,
                resource=document.resource,
                violation=Violation(
                    found=f"{asked.who} {worst.found}",
                    rule=worst.because,
                    fix=worst.fix,
                    at=document.place(statement),
                ),
            )


def _answers(asked: Asked) -> Iterator[Beyond]:
    """What is wrong with a statement, the most specific first."""
    names = (*asked.statement.actions, *asked.statement.not_actions)
    for name in unknown(names):
        yield Beyond(
            rule="identity-actions-known",
            found=f"is spoken of with {name}, which is no action of AWS's",
            because="a misspelt permission is missing, and a misspelt denial protects nobody",
            fix="spell it as AWS's service authorization reference does; if AWS has added it "
            "since, update policies/iam/actions.txt",
        )
    if not asked.statement.allows:
        return
    yield from _never(asked)
    yield from others_to_become(asked)
    yield from too_far(asked)


def _never(asked: Asked) -> Iterator[Beyond]:
    for row in NEVER:
        wanted = sorted(action.name for action in asked.actions if row.do(action))
        if not wanted:
            continue
        for target in row.to(asked.account):
            done = list(
                islice(
                    (
                        name
                        for name in wanted
                        for _ in islice(
                            asked.permits(
                                Request(
                                    action=name, resource=target.resource, context=target.context
                                )
                            ),
                            1,
                        )
                    ),
                    _SHOWN + 1,
                )
            )
            if done:
                more = " and more" if len(done) > _SHOWN else ""
                yield Beyond(
                    rule=row.rule,
                    found=f"may do {', '.join(done[:_SHOWN])}{more} on {target.name}",
                    because=row.because,
                    fix=row.fix,
                )
                break
