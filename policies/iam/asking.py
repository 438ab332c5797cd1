"""Whether a statement lets anybody who has it do something, after all their denials."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from policies.core.kinds import ROLE
from policies.iam.account import Account, Document, Identity
from policies.iam.actions import Action, taken_in
from policies.iam.conditions import NO, YES, Fact
from policies.iam.documents import Statement
from policies.iam.evaluate import Request, allows, is_denied, narrowed


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """An allowing statement, with all that decides what it comes to.

    Attributes:
        account: The stack's documents.
        document: Where it stands.
        statement: The statement.
        holders: Who has the document; empty where it is nobody's yet.
    """

    account: Account
    document: Document
    statement: Statement
    holders: Sequence[Identity]

    @cached_property
    def actions(self) -> frozenset[Action]:
        """All that it speaks of."""
        return taken_in(self.statement.actions, self.statement.not_actions)

    @property
    def jurisdictions(self) -> tuple[str, ...]:
        """Those that it belongs to, by its holders or by the policy itself."""
        tags = {holder.jurisdiction for holder in self.holders}
        found = tags | {self.document.resource.jurisdiction}
        return tuple(sorted(name for name in found if name is not None))

    @property
    def who(self) -> str:
        """Whom it speaks for, for messages."""
        names = sorted(holder.name for holder in self.holders)
        if not names:
            return "whoever is given this policy"
        return ", ".join("a role without a name" if name == "*" else name for name in names)

    def permits(self, request: Request) -> Iterator[Request]:
        """The parts of a request that it may allow to somebody who has it.

        Yields:
            Requests as narrow as can be said. Empty where nobody can do any of it.
        """
        for holder in self.holders or (None,):
            known = replace(request, context={**self._context(holder), **request.context})
            for part in narrowed(self.statement, known):
                if self._is_open(holder, part):
                    yield part

    def _is_open(self, holder: Identity | None, request: Request) -> bool:
        if holder is None:
            return is_denied(self.document.statements, request) is not YES
        if is_denied(holder.statements, request) is YES:
            return False
        limits = holder.boundary
        return limits is None or not (
            allows(limits, request) is NO or is_denied(limits, request) is YES
        )

    def _context(self, holder: Identity | None) -> Mapping[str, Fact]:
        """What is the same in all requests of somebody of this account."""
        known: dict[str, Fact] = {}
        if self.account.id:
            known["aws:principalaccount"] = Fact((self.account.id,))
            known["kms:calleraccount"] = Fact((self.account.id,))
        if holder is not None and holder.name != "*" and self.account.id:
            known["aws:principalarn"] = Fact((self.account.arn_of(holder),))
            kind = "AssumedRole" if holder.kind == ROLE else "User"
            known["aws:principaltype"] = Fact((kind,))
        return known
