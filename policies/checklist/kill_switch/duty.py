"""What the role of a switch is there for: what of it is missing, and what is beyond it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from policies.checklist.kill_switch.flag import FLAG, written_by_tripping
from policies.core.kinds import KEYS
from policies.core.stores import replica_regions
from policies.core.subjects import Resource
from policies.iam.account import Account, Document, Identity
from policies.iam.actions import taken_in
from policies.iam.conditions import ABSENT, NO, YES, Context, Fact, hold
from policies.iam.documents import Statement
from policies.iam.evaluate import Request, decided, decided_by_resource, speaks, speaks_of
from policies.iam.patterns import covers, overlap
from policies.iam.resource_policies import resource_policies
from policies.iam.resources import aliases_of

READ: Final = "dynamodb:GetItem"
TRIP: Final = "dynamodb:UpdateItem"
DECRYPT: Final = "kms:Decrypt"
_ATTRIBUTES: Final = "dynamodb:attributes"
_LEADING: Final = "dynamodb:leadingkeys"
_OTHER: Final = "any-other-item"

Wrong = tuple[Resource, str, str]
"""The resource that is wrong, the path, and what is found there."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Duty:
    """A role of a switch, and the table with the flag that it is for.

    Attributes:
        account: The stack's documents.
        identity: The role with what it has.
        role: The role itself.
        table: Where its flag is.
    """

    account: Account
    identity: Identity
    role: Resource
    table: Resource

    @cached_property
    def tables(self) -> Mapping[str, str]:
        """The table's ARN by region."""
        name = self.table.properties.text("name") or "*"
        return {
            region: f"arn:aws:dynamodb:{region}:{self.account.id}:table/{name}"
            for region in sorted({self.table.region, *replica_regions(self.table)})
        }

    @cached_property
    def keys(self) -> Mapping[str, Resource | None]:
        """The key that encrypts the table by region; None where it is of another stack."""
        found: dict[str, Resource | None] = {}
        encryption = self.table.properties.object("serverSideEncryption")
        if encryption is not None and encryption.is_given("kmsKeyArn"):
            found[self.table.region] = None
        for replica in self.table.properties.objects("replicas"):
            if replica.is_given("kmsKeyArn"):
                found[replica.text("regionName") or ""] = None
        for at in ("serverSideEncryption", "replicas"):
            for key in self.table.referenced(at, KEYS):
                if key.region in found:
                    found[key.region] = key
        return found

    def known(self, region: str, **more: Fact) -> Context:
        """What is the same in every request that trips the switch in a region."""
        return {
            "aws:principalaccount": Fact((self.account.id,)),
            "aws:principalarn": Fact((self.account.arn_of(self.identity),)),
            "aws:requestedregion": Fact((region,)),
            "aws:securetransport": Fact(("true",)),
            "kms:calleraccount": Fact((self.account.id,)),
            **more,
        }


def too_much(duty: Duty) -> Iterator[Wrong]:
    """What the role may do beyond reading and changing the flag."""
    for document in duty.identity.documents:
        for statement in document.statements:
            if statement.allows:
                for found in _beyond(statement, duty):
                    yield document.resource, document.place(statement), found


def _beyond(statement: Statement, duty: Duty) -> Iterator[str]:
    if statement.not_actions or statement.not_resources:
        yield "the policy says what it does not cover"
        return
    for pattern in statement.actions:
        others = taken_in((pattern,), ()) - taken_in((READ, TRIP, DECRYPT), ())
        if others or not taken_in((pattern,), ()):
            yield f"{pattern} is allowed"
    if statement.covers(READ) or statement.covers(TRIP):
        yield from _other_items(statement, duty)
    if statement.covers(DECRYPT):
        services = statement.confined_to("kms:ViaService")
        if not services or not all(value.startswith("dynamodb.") for value in services):
            yield f"{DECRYPT} is allowed outside DynamoDB"


def _other_items(statement: Statement, duty: Duty) -> Iterator[str]:
    asked = (ABSENT, Fact((_OTHER,)), Fact((FLAG, _OTHER)))
    if any(hold(statement, {_LEADING: keys}) is not NO for keys in asked):
        yield f"items other than {FLAG!r} are allowed"
    others = Fact((*sorted(written_by_tripping(duty.account.stack)), _OTHER))
    confined = any(statement.condition(_ATTRIBUTES))
    if confined and hold(statement, {_LEADING: Fact((FLAG,)), _ATTRIBUTES: others}) is not NO:
        yield "attributes other than the flag's are allowed, against what the condition says"
    for pattern in statement.resources:
        if not covers(tuple(duty.tables.values()), pattern) and not statement.covers(DECRYPT):
            yield f"{pattern} is allowed"


def cannot(duty: Duty) -> Iterator[Wrong]:
    """What the role needs and is not sure to be allowed."""
    written = tuple(sorted(written_by_tripping(duty.account.stack)))
    missing: list[str] = []
    for region, arn in duty.tables.items():
        flag = Fact((FLAG,))
        asked = duty.known(region, **{_LEADING: flag, _ATTRIBUTES: Fact(written)})
        for action in (READ, TRIP):
            request = Request(action=action, resource=arn, context=asked)
            wrong = tuple(_in_the_way(duty, request, written))
            yield from wrong
            if not wrong and decided(duty.identity.statements, request) is not YES:
                missing.append(f"{action} is not allowed in {region}")
    for region, key in duty.keys.items():
        request = _decryption(duty, region, key)
        wrong = tuple(_in_the_way(duty, request, written))
        yield from wrong
        if not wrong and decided(duty.identity.statements, request) is not YES:
            missing.append(f"{DECRYPT}, which the table's key asks for, is not allowed in {region}")
        yield from _shut_out(duty, key, request)
    if missing:
        yield duty.role, "", " and ".join(missing)


def _decryption(duty: Duty, region: str, key: Resource | None) -> Request:
    more = {"kms:viaservice": Fact((f"dynamodb.{region}.amazonaws.com",))}
    aliases = () if key is None else aliases_of(key, duty.account.stack)
    if aliases:
        more["kms:resourcealiases"] = Fact(aliases)
    return Request(
        action=DECRYPT,
        resource=f"arn:aws:kms:{region}:{duty.account.id}:key/*",
        context=duty.known(region, **more),
        principal=duty.account.arn_of(duty.identity),
    )


def _in_the_way(duty: Duty, request: Request, written: tuple[str, ...]) -> Iterator[Wrong]:
    """Statements of the role that deny a request, or allow it only perhaps."""
    about: list[tuple[Document, Statement]] = []
    for document in duty.identity.documents:
        for statement in document.statements:
            if not statement.covers(request.action):
                continue
            if statement.allows:
                about.append((document, statement))
            elif speaks(statement, request) is not NO:
                found = "a Deny may keep the switch from being tripped"
                yield document.resource, document.place(statement), found
    if any(speaks(statement, request) is YES for _, statement in about):
        return
    for document, statement in about:
        if any(overlap(pattern, request.resource) for pattern in statement.resources):
            for found in _unmet(statement, request, written):
                yield document.resource, document.place(statement), found


def _unmet(statement: Statement, request: Request, written: tuple[str, ...]) -> Iterator[str]:
    """The conditions of a statement that a request is not sure to meet."""
    for operator, keys in statement.conditions.items():
        for key, values in keys.items():
            alone = replace(statement, conditions={operator: {key: values}})
            if hold(alone, request.context) is YES:
                continue
            if key.lower() == _ATTRIBUTES:
                lacking = ", ".join(sorted(set(written) - set(values)))
                what = lacking or "what a condition says of attributes"
                yield f"the flag cannot be tripped without {what}"
            else:
                yield f"a condition on {key.lower()} may keep the switch from being tripped"


def _shut_out(duty: Duty, key: Resource | None, request: Request) -> Iterator[Wrong]:
    """What keeps the role from a key by the key's own policy."""
    policies = () if key is None else resource_policies(duty.account.stack).of((key,))
    for document in policies:
        allowed, denied = decided_by_resource(document.statements, request)
        if denied is not NO:
            for statement in document.statements:
                if not statement.allows and speaks_of(statement, request) is not NO:
                    found = "a Deny may keep the switch from being tripped"
                    yield document.resource, document.place(statement), found
        elif allowed is not YES:
            found = f"the key's policy does not let {duty.role.name} decrypt by DynamoDB"
            yield document.resource, document.at, found
