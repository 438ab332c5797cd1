"""EC2 security groups and their rules, each rule a resource of its own."""

import re
from collections.abc import Iterator
from typing import ClassVar

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.ec2 import arn, find_one, tag_specification, tags_of, update_tags
from holdfast.twin.provider.rules import one_of, within
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept, recorded, refused
from holdfast.twin.provider.values import Doc, Object, compact

_GONE = ("InvalidGroup.NotFound", "InvalidGroupId.NotFound", "InvalidPermission.NotFound")
_DESCRIPTION = re.compile(r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}")
_INLINE = "inline rules fight with rules that are resources; use aws.vpc.SecurityGroup*Rule"
_DEFAULT_DESCRIPTION = "Managed by Pulumi"


class SecurityGroup(ResourceType):
    """A security group without rules; the AWS provider takes AWS's default one away too."""

    type_name = "aws:ec2/securityGroup:SecurityGroup"
    name_property = "name"
    properties = declared(
        {
            "description": kept(replaces=True, default=_DEFAULT_DESCRIPTION),
            "egress": refused(_INLINE),
            "ingress": refused(_INLINE),
            "name": kept(replaces=True),
            "namePrefix": refused("leave `name` out to get a name of its own"),
            "revokeRulesOnDelete": recorded("rules are resources, deleted before their group"),
            "tags": kept(),
            "vpcId": kept(replaces=True, computed=True),
        }
    )

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateSecurityGroup``."""
        answer = site.call(
            "ec2",
            "create_security_group",
            GroupName=inputs.text("name"),
            Description=inputs.text("description"),
            VpcId=inputs.maybe_text("vpcId"),
            TagSpecifications=tag_specification("security-group", inputs),
        )
        return answer.text("GroupId")

    def configure(self, site: Site, ident: str, inputs: Doc) -> None:
        """Takes away the rule that lets everything out."""
        del inputs
        everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        site.call("ec2", "revoke_security_group_egress", GroupId=ident, IpPermissions=[everything])

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``DescribeSecurityGroups``."""
        del state
        group = find_one(site, "describe_security_groups", "SecurityGroups", "GroupIds", ident)
        if group is None:
            return None
        return {
            "arn": arn(site, "security-group", ident),
            "name": group.text("GroupName"),
            "description": group.text("Description"),
            "vpcId": group.maybe_text("VpcId") or "",
            "ownerId": group.text("OwnerId"),
            "tagsAll": tags_of(group),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Tags."""
        update_tags(site, ident, old, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteSecurityGroup``."""
        del state
        site.find(_GONE, "ec2", "delete_security_group", GroupId=ident)


class _Rule(ResourceType):
    """What rules of both directions share."""

    egress: ClassVar[bool]
    authorize: ClassVar[str]
    """Operation that makes a rule."""
    revoke: ClassVar[str]
    """Operation that takes it away."""
    properties = declared(
        {
            "cidrIpv4": kept(),
            "cidrIpv6": kept(),
            "description": kept(),
            "fromPort": kept(),
            "ipProtocol": kept(),
            "prefixListId": refused("the emulator drops it"),
            "referencedSecurityGroupId": kept(),
            "securityGroupId": kept(replaces=True),
            "tags": kept(),
            "toPort": kept(),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """Exactly one peer, and ports where the protocol has them."""
        yield from one_of(inputs, _PEERS, "a rule names one peer")
        description = inputs.maybe_text("description")
        if description is not None and not _DESCRIPTION.fullmatch(description):
            yield Failure(
                "description",
                f"is {description!r}; allowed are 255 letters, digits, spaces and "
                "._-:/()#,@[]+=&;{}!$*",
            )
        if inputs.maybe_text("ipProtocol") in ("tcp", "udp"):
            for key in _PORTS:
                yield from within(inputs, key, 0, 65535)

    def create(self, site: Site, inputs: Doc) -> str:
        """``AuthorizeSecurityGroupIngress`` or ``...Egress``."""
        answer = site.call(
            "ec2",
            self.authorize,
            GroupId=inputs.text("securityGroupId"),
            IpPermissions=[_permission(inputs)],
            TagSpecifications=tag_specification("security-group-rule", inputs),
        )
        return answer.docs("SecurityGroupRules")[0].text("SecurityGroupRuleId")

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``DescribeSecurityGroupRules``."""
        del state
        rule = find_one(
            site,
            "describe_security_group_rules",
            "SecurityGroupRules",
            "SecurityGroupRuleIds",
            ident,
        )
        if rule is None or rule.flag("IsEgress") is not self.egress:
            return None
        # AWS says -1 for a port where the protocol has none.
        ports = {key: rule.maybe_number(name) for key, name in _PORTS.items()}
        return {
            "arn": arn(site, "security-group-rule", ident),
            "securityGroupRuleId": ident,
            "securityGroupId": rule.text("GroupId"),
            "ipProtocol": rule.text("IpProtocol"),
            "description": rule.maybe_text("Description"),
            "cidrIpv4": rule.maybe_text("CidrIpv4"),
            "cidrIpv6": rule.maybe_text("CidrIpv6"),
            "referencedSecurityGroupId": rule.doc("ReferencedGroupInfo").maybe_text("GroupId"),
            **{key: None if port == -1 else port for key, port in ports.items()},
            "tagsAll": tags_of(rule),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """``ModifySecurityGroupRules``, and tags."""
        watched = (*_PEERS, *_PORTS, "description", "ipProtocol")
        if any(old.raw(key) != new.raw(key) for key in watched):
            change = compact(
                IpProtocol=new.text("ipProtocol"),
                FromPort=new.maybe_number("fromPort"),
                ToPort=new.maybe_number("toPort"),
                CidrIpv4=new.maybe_text("cidrIpv4"),
                CidrIpv6=new.maybe_text("cidrIpv6"),
                ReferencedGroupId=new.maybe_text("referencedSecurityGroupId"),
                Description=new.maybe_text("description") or "",
            )
            site.call(
                "ec2",
                "modify_security_group_rules",
                GroupId=new.text("securityGroupId"),
                SecurityGroupRules=[{"SecurityGroupRuleId": ident, "SecurityGroupRule": change}],
            )
        update_tags(site, ident, old, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``RevokeSecurityGroupIngress`` or ``...Egress``."""
        if self.read(site, ident, state) is None:
            return
        site.find(
            _GONE,
            "ec2",
            self.revoke,
            GroupId=state.text("securityGroupId"),
            SecurityGroupRuleIds=[ident],
        )


class SecurityGroupIngressRule(_Rule):
    """Who may connect to the members of a group."""

    type_name = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    egress = False
    authorize = "authorize_security_group_ingress"
    revoke = "revoke_security_group_ingress"


class SecurityGroupEgressRule(_Rule):
    """Where the members of a group may connect to."""

    type_name = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
    egress = True
    authorize = "authorize_security_group_egress"
    revoke = "revoke_security_group_egress"


_PEERS = ("cidrIpv4", "cidrIpv6", "referencedSecurityGroupId")
_PORTS = {"fromPort": "FromPort", "toPort": "ToPort"}


def _permission(inputs: Doc) -> dict[str, object]:
    description = inputs.maybe_text("description")
    ipv4 = inputs.maybe_text("cidrIpv4")
    ipv6 = inputs.maybe_text("cidrIpv6")
    group = inputs.maybe_text("referencedSecurityGroupId")
    return compact(
        IpProtocol=inputs.text("ipProtocol"),
        FromPort=inputs.maybe_number("fromPort"),
        ToPort=inputs.maybe_number("toPort"),
        IpRanges=[compact(CidrIp=ipv4, Description=description)] if ipv4 else None,
        Ipv6Ranges=[compact(CidrIpv6=ipv6, Description=description)] if ipv6 else None,
        UserIdGroupPairs=[compact(GroupId=group, Description=description)] if group else None,
    )
