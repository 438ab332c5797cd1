"""All documents of a stack, each with those whom it speaks for.

Every way of giving somebody a permission is followed: policies beside a role, user or group and
inside a role, policies that are attached one by one, by lists of roles, users and groups, or by
resources that claim the whole list for themselves, and what groups pass on to their members.

Guarantees:
    A document that nobody has yet is kept as well: whoever is given it later has what it says.
    What cannot be read is kept as unknown, with its place, and hides nothing else.

Does not guarantee:
    Anything about identities of other stacks, of which only names are known.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import chain
from typing import Final

from policies.core.arns import resource_of
from policies.core.kinds import (
    GROUP_POLICY,
    POLICY,
    POLICY_ATTACHMENT,
    ROLE,
    ROLE_ATTACHMENT,
    ROLE_ATTACHMENTS_EXCLUSIVE,
    ROLE_POLICY,
    USER_POLICY,
)
from policies.core.properties import Properties, Undetermined
from policies.core.subjects import Resource, Stack
from policies.iam.documents import Statement, statements
from policies.iam.managed import statements_of

USER: Final = "aws:iam/user:User"
GROUP: Final = "aws:iam/group:Group"

_BESIDE: Final[Mapping[str, tuple[str, str]]] = {
    ROLE_POLICY: (ROLE, "role"),
    USER_POLICY: (USER, "user"),
    GROUP_POLICY: (GROUP, "group"),
}
"""Whom a policy is written for, and the property that says so."""

ATTACHMENTS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    POLICY_ATTACHMENT: ("policyArn", {ROLE: "roles", USER: "users", GROUP: "groups"}),
    ROLE_ATTACHMENT: ("policyArn", {ROLE: "role"}),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": ("policyArn", {USER: "user"}),
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": ("policyArn", {GROUP: "group"}),
    ROLE_ATTACHMENTS_EXCLUSIVE: ("policyArns", {ROLE: "roleName"}),
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive": (
        "policyArns",
        {USER: "userName"},
    ),
    "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive": (
        "policyArns",
        {GROUP: "groupName"},
    ),
}
"""What attaches a policy: the property that names the policy, and those that name who gets it."""

_MEMBERSHIPS: Final[Mapping[str, tuple[str, str]]] = {
    "aws:iam/groupMembership:GroupMembership": ("group", "users"),
    "aws:iam/userGroupMembership:UserGroupMembership": ("groups", "user"),
}

_ARN_OF: Final = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12}):")


@dataclass(frozen=True, kw_only=True, eq=False)
class Document:
    """What a resource says in one of its properties.

    Attributes:
        resource: Where it stands.
        at: Path of the property.
        statements: Those of it.
        subject: The resource that it is about, where it is not ``resource`` itself.
    """

    resource: Resource
    at: str
    statements: tuple[Statement, ...]
    subject: Resource | None = None

    def place(self, statement: Statement) -> str:
        """Path of one of its statements."""
        return f"{self.at}.{statement.at}" if statement.at else self.at


@dataclass(eq=False)
class Identity:
    """A role, a user or a group, of this stack or known by its name only.

    Attributes:
        kind: Type token.
        name: Physical name; a pattern where it is not known.
        resource: Of this stack, where it is.
        documents: What it has, what its groups pass on included.
        boundary: What limits it; None where nothing does, or nobody can tell.
    """

    kind: str
    name: str
    resource: Resource | None = None
    documents: list[Document] = field(default_factory=list[Document])
    boundary: tuple[Statement, ...] | None = None

    @property
    def jurisdiction(self) -> str | None:
        """The one that its tag names."""
        return None if self.resource is None else self.resource.jurisdiction

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Those of all its documents."""
        return tuple(chain.from_iterable(one.statements for one in self.documents))


class Account:
    """The documents and identities of a stack.

    Attributes:
        stack: Whose they are.
        unknown: What could not be read: the resource, and the path.
        unjudged: Attached policies that nobody here knows: the attachment, the path, the ARN.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.unknown: list[tuple[Resource, str]] = []
        self.unjudged: list[tuple[Resource, str, str]] = []
        self._identities: dict[tuple[str, str], Identity] = {}
        self._holders: dict[Document, list[Identity]] = {}
        self._policies: dict[str, Document] = {}
        for tokens, read in (
            ((ROLE, USER, GROUP), self._known),
            ((POLICY,), self._managed),
            (tuple(_BESIDE), self._beside),
            ((ROLE,), self._inside),
            (tuple(ATTACHMENTS), self._attached),
            (tuple(_MEMBERSHIPS), self._joined),
            ((ROLE, USER), self._bounded),
        ):
            for resource in stack.of_type(*tokens):
                try:
                    read(resource)
                except Undetermined as unknown:
                    self.unknown.append((resource, unknown.path))

    @property
    def identities(self) -> tuple[Identity, ...]:
        """All that are named, those of other stacks included."""
        return tuple(self._identities.values())

    @property
    def documents(self) -> Mapping[Document, list[Identity]]:
        """Every document that gives permissions, and who has it."""
        return self._holders

    @cached_property
    def trusts(self) -> Mapping[str, Document]:
        """What says who may take a role, by the role's URN. One that is unknown is not there."""
        found: dict[str, Document] = {}
        for role in self.stack.of_type(ROLE):
            try:
                said = statements(role.properties, "assumeRolePolicy")
            except Undetermined:
                continue
            found[role.urn] = Document(resource=role, at="assumeRolePolicy", statements=said)
        return found

    @cached_property
    def id(self) -> str:
        """The account that most ARNs in documents are of; empty where none has one."""
        said = Counter[str]()
        for document in (*self._holders, *self.trusts.values()):
            for statement in document.statements:
                named = chain(statement.resources, *statement.principals.values())
                said.update(one for text in named for one in _ARN_OF.findall(f"{text}:"))
        # Of two that are named equally often the smaller: any rule, as long as it is one.
        return min(said, key=lambda account: (-said[account], account), default="")

    def arn_of(self, identity: Identity) -> str:
        """ARN of an identity, with the parts as patterns that are not known."""
        what = identity.kind.rpartition(":")[2].lower()
        return f"arn:aws:iam::{self.id or '*'}:{what}/{identity.name}"

    def _identity(self, kind: str, resource: Resource) -> Identity:
        name = "*" if resource.properties.is_unknown("name") else resource.properties.text("name")
        key = (kind, resource.urn if name in {"*", None} else f"{name}")
        return self._identities.setdefault(
            key, Identity(kind=kind, name=name or "*", resource=resource)
        )

    def _named(self, resource: Resource, at: str, kind: str) -> Iterator[Identity]:
        """The identities that a property names."""
        for name in resource.properties.names(at):
            if name is not None:
                plain = resource_of(name).rpartition("/")[2]
                yield self._identities.setdefault((kind, plain), Identity(kind=kind, name=plain))
            elif others := resource.referenced(at, (kind,)):
                for other in others:
                    yield self._identity(kind, other)
            else:
                raise Undetermined(at, resource.urn)

    def _known(self, resource: Resource) -> None:
        self._identity(resource.type, resource)

    def _document(self, resource: Resource, part: Properties) -> Document:
        said = statements(part, "policy")
        document = Document(resource=resource, at=part.at("policy"), statements=said)
        self._holders.setdefault(document, [])
        return document

    def _give(self, document: Document, identity: Identity) -> None:
        if document not in identity.documents:
            identity.documents.append(document)
            self._holders.setdefault(document, []).append(identity)

    def _managed(self, policy: Resource) -> None:
        self._policies[policy.urn] = self._document(policy, policy.properties)

    def _beside(self, policy: Resource) -> None:
        kind, at = _BESIDE[policy.type]
        document = self._document(policy, policy.properties)
        for identity in self._named(policy, at, kind):
            self._give(document, identity)

    def _inside(self, role: Resource) -> None:
        identity = self._identity(ROLE, role)
        # Of what the cloud answers both are unknown until the role exists; what the program
        # gives is judged by a rule on the role alone.
        if not role.properties.is_unknown("inlinePolicies"):
            for part in role.properties.objects("inlinePolicies"):
                self._give(self._document(role, part), identity)
        if not role.properties.is_unknown("managedPolicyArns"):
            for number, arn in enumerate(role.properties.names("managedPolicyArns")):
                at = f"managedPolicyArns[{number}]"
                if arn is None:
                    self.unknown.append((role, at))
                    continue
                for document in self._policy(role, at, arn):
                    self._give(document, identity)

    def _attached(self, attachment: Resource) -> None:
        at, named = ATTACHMENTS[attachment.type]
        holders = [
            identity for kind, to in named.items() for identity in self._named(attachment, to, kind)
        ]
        for number, arn in enumerate(attachment.properties.names(at)):
            place = f"{at}[{number}]" if at.endswith("s") else at
            if arn is None:
                policies = attachment.referenced(at, (POLICY,))
                if not policies:
                    raise Undetermined(at, attachment.urn)
                found = [self._policies[one.urn] for one in policies if one.urn in self._policies]
            else:
                found = list(self._policy(attachment, place, arn))
            for document in found:
                for identity in holders:
                    self._give(document, identity)

    def _policy(self, by: Resource, at: str, arn: str) -> Iterator[Document]:
        """The documents of a policy that something names by its ARN."""
        ours = [
            self._policies[one.urn]
            for one in self.stack.named(POLICY, arn)
            if one.urn in self._policies
        ]
        said = None if ours or self.stack.named(POLICY, arn) else statements_of(arn)
        if said is not None:
            yield Document(resource=by, at=at, statements=said)
        elif not ours and not self.stack.named(POLICY, arn):
            self.unjudged.append((by, at, arn))
        yield from ours

    def _joined(self, membership: Resource) -> None:
        groups, users = _MEMBERSHIPS[membership.type]
        members = list(self._named(membership, users, USER))
        for group in self._named(membership, groups, GROUP):
            for document in group.documents:
                for user in members:
                    # Judged with the group, which has no more than its members' denials.
                    user.documents.append(document)

    def _bounded(self, resource: Resource) -> None:
        if not resource.properties.is_given("permissionsBoundary"):
            return
        arn = resource.properties.names("permissionsBoundary")[0]
        if arn is None:
            policies = resource.referenced("permissionsBoundary", (POLICY,))
            documents = [self._policies[one.urn] for one in policies if one.urn in self._policies]
        else:
            documents = list(self._policy(resource, "permissionsBoundary", arn))
        if documents:
            said = chain.from_iterable(one.statements for one in documents)
            self._identity(resource.type, resource).boundary = tuple(said)


@lru_cache(maxsize=2)
def account_of(stack: Stack) -> Account:
    """The documents and identities of a stack, gathered once for all rules."""
    return Account(stack)
