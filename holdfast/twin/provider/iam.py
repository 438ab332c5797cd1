"""IAM: roles, their inline policies, managed policies and attachments.

The twin keeps these as configuration and enforces none of it; see ``LIMITS``.
"""

import json
from collections.abc import Iterator

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.rules import policy_document, within
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept, recorded, refused
from holdfast.twin.provider.tags import retag
from holdfast.twin.provider.values import Doc, Json, Object, from_pairs, pairs

_GONE = ("NoSuchEntity", "NoSuchEntityException")
_PREFIX = "leave `name` out to get a name of its own"
_OLD_VERSIONS = 4
"""AWS keeps five versions of a policy, the default one among them."""
_MARKERS = ("Marker", "Marker")


class Role(ResourceType):
    """A role that services or people take."""

    type_name = "aws:iam/role:Role"
    name_property = "name"
    properties = declared(
        {
            "assumeRolePolicy": kept(document="policy"),
            "description": kept(),
            "forceDetachPolicies": recorded("heeded when the role is deleted"),
            "inlinePolicies": refused("deprecated and exclusive; use aws.iam.RolePolicy"),
            "managedPolicyArns": refused("deprecated; use aws.iam.RolePolicyAttachment"),
            "maxSessionDuration": kept(default=3600),
            "name": kept(replaces=True),
            "namePrefix": refused(_PREFIX),
            "path": kept(replaces=True, default="/"),
            "permissionsBoundary": kept(),
            "tags": kept(),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """Documents, durations and names."""
        yield from policy_document(inputs, "assumeRolePolicy", most=2048)
        yield from within(inputs, "maxSessionDuration", 3600, 43200)

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateRole``."""
        site.call(
            "iam",
            "create_role",
            RoleName=inputs.text("name"),
            Path=inputs.text("path"),
            AssumeRolePolicyDocument=inputs.text("assumeRolePolicy"),
            Description=inputs.maybe_text("description"),
            MaxSessionDuration=inputs.number("maxSessionDuration"),
            PermissionsBoundary=inputs.maybe_text("permissionsBoundary"),
            Tags=pairs(inputs.table("tagsAll")) or None,
        )
        return inputs.text("name")

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``GetRole``."""
        answer = site.find(_GONE, "iam", "get_role", RoleName=ident)
        if answer is None:
            return None
        role = answer.doc("Role")
        boundary = role.doc("PermissionsBoundary").maybe_text("PermissionsBoundaryArn")
        return {
            "arn": role.text("Arn"),
            "name": role.text("RoleName"),
            "path": role.text("Path"),
            "uniqueId": role.text("RoleId"),
            "createDate": role.text("CreateDate"),
            "description": role.maybe_text("Description") or "",
            "maxSessionDuration": role.maybe_number("MaxSessionDuration"),
            "permissionsBoundary": boundary or "",
            "assumeRolePolicy": _text(role.raw("AssumeRolePolicyDocument")),
            "tagsAll": from_pairs(
                site.pages("iam", "list_role_tags", "Tags", _MARKERS, RoleName=ident)
            ),
            "forceDetachPolicies": state.flag("forceDetachPolicies"),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Everything but name and path."""
        if old.maybe_text("assumeRolePolicy") != new.maybe_text("assumeRolePolicy"):
            site.call(
                "iam",
                "update_assume_role_policy",
                RoleName=ident,
                PolicyDocument=new.text("assumeRolePolicy"),
            )
        if old.maybe_text("description") != new.maybe_text("description"):
            description = new.maybe_text("description") or ""
            site.call("iam", "update_role_description", RoleName=ident, Description=description)
        if old.maybe_number("maxSessionDuration") != new.maybe_number("maxSessionDuration"):
            duration_s = new.number("maxSessionDuration")
            site.call("iam", "update_role", RoleName=ident, MaxSessionDuration=duration_s)
        boundary = new.maybe_text("permissionsBoundary")
        if boundary and boundary != old.maybe_text("permissionsBoundary"):
            site.call(
                "iam",
                "put_role_permissions_boundary",
                RoleName=ident,
                PermissionsBoundary=boundary,
            )
        elif old.maybe_text("permissionsBoundary") and not boundary:
            site.call("iam", "delete_role_permissions_boundary", RoleName=ident)
        gone, fresh = retag(old, new)
        if gone:
            site.call("iam", "untag_role", RoleName=ident, TagKeys=gone)
        if fresh:
            site.call("iam", "tag_role", RoleName=ident, Tags=pairs(fresh))

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteRole``. Policies that others put on it refuse, unless told to detach."""
        if site.find(_GONE, "iam", "get_role", RoleName=ident) is None:
            return
        if state.flag("forceDetachPolicies") or site.forced:
            _strip(site, ident)
        site.find(_GONE, "iam", "delete_role", RoleName=ident)


class RolePolicy(ResourceType):
    """A policy inside a role."""

    type_name = "aws:iam/rolePolicy:RolePolicy"
    name_property = "name"
    properties = declared(
        {
            "name": kept(replaces=True),
            "namePrefix": refused(_PREFIX),
            "policy": kept(document="policy"),
            "role": kept(replaces=True),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """The document, and its size in a role."""
        yield from policy_document(inputs, "policy", most=10_240)

    def create(self, site: Site, inputs: Doc) -> str:
        """``PutRolePolicy``."""
        _put_role_policy(site, inputs)
        return f"{inputs.text('role')}:{inputs.text('name')}"

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``GetRolePolicy``."""
        del state
        role, _, name = ident.partition(":")
        answer = site.find(_GONE, "iam", "get_role_policy", RoleName=role, PolicyName=name)
        if answer is None:
            return None
        return {
            "role": role,
            "name": name,
            "namePrefix": "",
            "policy": _text(answer.raw("PolicyDocument")),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """``PutRolePolicy`` overwrites."""
        del ident, old
        _put_role_policy(site, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteRolePolicy``."""
        del state
        role, _, name = ident.partition(":")
        site.find(_GONE, "iam", "delete_role_policy", RoleName=role, PolicyName=name)


class Policy(ResourceType):
    """A managed policy."""

    type_name = "aws:iam/policy:Policy"
    name_property = "name"
    owned_elsewhere = ("attachmentCount",)
    properties = declared(
        {
            "delayAfterPolicyCreationInMs": recorded(
                "nothing in the twin lags behind a new policy"
            ),
            "description": kept(replaces=True),
            "name": kept(replaces=True),
            "namePrefix": refused(_PREFIX),
            "path": kept(replaces=True, default="/"),
            "policy": kept(document="policy"),
            "tags": kept(),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """The document, and its size."""
        yield from policy_document(inputs, "policy", most=6144)

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreatePolicy``."""
        answer = site.call(
            "iam",
            "create_policy",
            PolicyName=inputs.text("name"),
            Path=inputs.text("path"),
            PolicyDocument=inputs.text("policy"),
            Description=inputs.maybe_text("description"),
            Tags=pairs(inputs.table("tagsAll")) or None,
        )
        return answer.doc("Policy").text("Arn")

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``GetPolicy`` and its default version."""
        del state
        answer = site.find(_GONE, "iam", "get_policy", PolicyArn=ident)
        if answer is None:
            return None
        policy = answer.doc("Policy")
        version = site.call(
            "iam",
            "get_policy_version",
            PolicyArn=ident,
            VersionId=policy.text("DefaultVersionId"),
        ).doc("PolicyVersion")
        return {
            "arn": ident,
            "name": policy.text("PolicyName"),
            "path": policy.text("Path"),
            "policyId": policy.text("PolicyId"),
            "description": policy.maybe_text("Description") or "",
            "attachmentCount": policy.maybe_number("AttachmentCount") or 0,
            "policy": _text(version.raw("Document")),
            "tagsAll": from_pairs(
                site.pages("iam", "list_policy_tags", "Tags", _MARKERS, PolicyArn=ident)
            ),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """A new default version; the oldest goes when AWS's five are full."""
        if old.maybe_text("policy") != new.maybe_text("policy"):
            versions = _old_versions(site, ident)
            if len(versions) >= _OLD_VERSIONS:
                site.call("iam", "delete_policy_version", PolicyArn=ident, VersionId=versions[0])
            site.call(
                "iam",
                "create_policy_version",
                PolicyArn=ident,
                PolicyDocument=new.text("policy"),
                SetAsDefault=True,
            )
        gone, fresh = retag(old, new)
        if gone:
            site.call("iam", "untag_policy", PolicyArn=ident, TagKeys=gone)
        if fresh:
            site.call("iam", "tag_policy", PolicyArn=ident, Tags=pairs(fresh))

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """Old versions, then ``DeletePolicy``."""
        del state
        if site.find(_GONE, "iam", "get_policy", PolicyArn=ident) is None:
            return
        for version in _old_versions(site, ident):
            site.call("iam", "delete_policy_version", PolicyArn=ident, VersionId=version)
        site.find(_GONE, "iam", "delete_policy", PolicyArn=ident)


class RolePolicyAttachment(ResourceType):
    """A managed policy on a role."""

    type_name = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    properties = declared({"policyArn": kept(replaces=True), "role": kept(replaces=True)})

    def create(self, site: Site, inputs: Doc) -> str:
        """``AttachRolePolicy``."""
        role, arn = inputs.text("role"), inputs.text("policyArn")
        site.call("iam", "attach_role_policy", RoleName=role, PolicyArn=arn)
        return f"{role}/{arn}"

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``ListAttachedRolePolicies``."""
        del state
        role, _, arn = ident.partition("/")
        if site.find(_GONE, "iam", "get_role", RoleName=role) is None:
            return None
        attached = site.pages(
            "iam", "list_attached_role_policies", "AttachedPolicies", _MARKERS, RoleName=role
        )
        if arn not in {item.text("PolicyArn") for item in attached}:
            return None
        return {"role": role, "policyArn": arn}

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Nothing of an attachment changes in place."""

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DetachRolePolicy``."""
        del state
        role, _, arn = ident.partition("/")
        site.find(_GONE, "iam", "detach_role_policy", RoleName=role, PolicyArn=arn)


def _text(document: Json) -> str:
    """A document as text: botocore has parsed it already."""
    return document if isinstance(document, str) else json.dumps(document)


def _put_role_policy(site: Site, inputs: Doc) -> None:
    site.call(
        "iam",
        "put_role_policy",
        RoleName=inputs.text("role"),
        PolicyName=inputs.text("name"),
        PolicyDocument=inputs.text("policy"),
    )


def _old_versions(site: Site, arn: str) -> list[str]:
    """Versions that are not the default, oldest first."""
    versions = site.pages("iam", "list_policy_versions", "Versions", _MARKERS, PolicyArn=arn)
    old = [version for version in versions if not version.flag("IsDefaultVersion")]
    return sorted((item.text("VersionId") for item in old), key=lambda name: int(name[1:]))


def _strip(site: Site, role: str) -> None:
    attached = site.pages(
        "iam", "list_attached_role_policies", "AttachedPolicies", _MARKERS, RoleName=role
    )
    for item in attached:
        site.call("iam", "detach_role_policy", RoleName=role, PolicyArn=item.text("PolicyArn"))
    for name in site.call("iam", "list_role_policies", RoleName=role).texts("PolicyNames"):
        site.call("iam", "delete_role_policy", RoleName=role, PolicyName=name)
