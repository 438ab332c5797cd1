"""What the emulator drops or garbles of a request, put right where its modules are loaded.

Guarantees:
    Everything that ``CreateVpcEndpoint`` and ``ModifyVpcEndpoint`` take for gateway and interface
    endpoints is kept with the endpoint, survives a restart, and is described; what AWS refuses of
    an endpoint (private DNS without the network's DNS, a name that two endpoints would answer,
    two subnets in one zone, security groups on a gateway) is refused. The flags of a health check
    read back as they were given.

Does not guarantee:
    That a packet takes the way through an endpoint: nothing in the twin carries packets.
"""

import hashlib
import json
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Callable

Form = dict[str, Any]
Record = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]

_EVERYTHING = json.dumps(
    {"Statement": [{"Action": "*", "Effect": "Allow", "Principal": "*", "Resource": "*"}]}
)
"""The policy of an endpoint that was given none."""

_ID_CHARACTERS = 17


def amend(name: str, module: ModuleType) -> None:
    """Puts a module of the emulator right, once.

    Args:
        name: Its short name, such as ``ec2``.
        module: The module, just imported.
    """
    if name == "ec2" and "_amended" not in module.__dict__:
        module.__dict__["_amended"] = Endpoints(module)
    if name == "route53" and "_amended" not in module.__dict__:
        module.__dict__["_amended"] = _flags_in_lower_case(module)


def amend_on_load(app: ModuleType) -> None:
    """Has every module of the emulator amended when it is loaded.

    Args:
        app: ``ministack.app``.
    """
    load = cast("Callable[[str], ModuleType]", app.__dict__["_get_module"])

    def amended(name: str) -> ModuleType:
        module = load(name)
        amend(name, module)
        return module

    app.__dict__["_get_module"] = amended


def _flags_in_lower_case(module: ModuleType) -> bool:
    """XML spells a flag ``true``; ministack writes Python's ``True``, which clients read as no."""
    build = cast("Callable[[Element, Record], None]", module.__dict__["_build_health_check_el"])

    def spelled(parent: Element, check: Record) -> None:
        build(parent, check)
        for element in parent.iter():
            if element.text in ("True", "False"):
                element.text = element.text.lower()

    module.__dict__["_build_health_check_el"] = spelled
    return True


class Endpoints:
    """VPC endpoints, whole.

    Args:
        module: ``ministack.services.ec2``, whose operations on endpoints these replace.
    """

    def __init__(self, module: ModuleType) -> None:
        self._ec2 = module.__dict__
        self._create_bare = self._ec2["_create_vpc_endpoint"]
        self._modify_bare = self._ec2["_modify_vpc_endpoint"]
        self._ec2["_vpce_fields_xml"] = self._described
        actions = cast("dict[str, object]", self._ec2["_ACTION_MAP"])
        actions["CreateVpcEndpoint"] = self.create
        actions["ModifyVpcEndpoint"] = self.modify

    @property
    def _all(self) -> dict[str, Record]:
        return cast("dict[str, Record]", self._ec2["_vpc_endpoints"])

    def create(self, form: Form) -> Answer:
        """``CreateVpcEndpoint``."""
        wanted: Record = {
            "VpcId": self._text(form, "VpcId"),
            "ServiceName": self._text(form, "ServiceName"),
            "VpcEndpointType": self._text(form, "VpcEndpointType") or "Gateway",
            "SubnetIds": self._list(form, "SubnetId"),
            "RouteTableIds": self._list(form, "RouteTableId"),
            "Groups": self._list(form, "SecurityGroupId"),
            "PolicyDocument": self._text(form, "PolicyDocument") or _EVERYTHING,
            "PrivateDnsEnabled": self._text(form, "PrivateDnsEnabled") == "true",
        }
        network = self._ec2["_vpcs"].get(wanted["VpcId"])
        if network is None:
            return self._refused("InvalidVpcID.NotFound", f"no VPC {wanted['VpcId']}")
        if wanted["VpcEndpointType"] == "Interface" and not wanted["Groups"]:
            wanted["Groups"] = [network["DefaultSecurityGroupId"]]
        refusal = self._refusal(wanted, "")
        if refusal is not None:
            return refusal
        known = set(self._all)
        self._create_bare(form)
        (ident,) = set(self._all) - known
        self._all[ident].update(wanted)
        described = self._described(self._all[ident], tag="vpcEndpoint")
        return self._answer("CreateVpcEndpointResponse", described)

    def modify(self, form: Form) -> Answer:
        """``ModifyVpcEndpoint``."""
        ident = self._text(form, "VpcEndpointId")
        endpoint = self._all.get(ident)
        if endpoint is None:
            return cast("Answer", self._modify_bare(form))
        wanted = dict(endpoint)
        for key, parameter in (
            ("RouteTableIds", "RouteTableId"),
            ("SubnetIds", "SubnetId"),
            ("Groups", "SecurityGroupId"),
        ):
            gone = self._list(form, f"Remove{parameter}")
            kept = [item for item in endpoint.get(key, []) if item not in gone]
            fresh = [item for item in self._list(form, f"Add{parameter}") if item not in kept]
            wanted[key] = [*kept, *fresh]
        if self._text(form, "ResetPolicy") == "true":
            wanted["PolicyDocument"] = _EVERYTHING
        elif policy := self._text(form, "PolicyDocument"):
            wanted["PolicyDocument"] = policy
        if dns := self._text(form, "PrivateDnsEnabled"):
            wanted["PrivateDnsEnabled"] = dns == "true"
        refusal = self._refusal(wanted, ident)
        if refusal is not None:
            return refusal
        endpoint.update(wanted)
        return self._answer("ModifyVpcEndpointResponse", "<return>true</return>")

    def _refusal(self, wanted: Record, ident: str) -> Answer | None:
        """Why AWS would not have such an endpoint, None when it would."""
        for key, store, code in (
            ("SubnetIds", "_subnets", "InvalidSubnetId.NotFound"),
            ("RouteTableIds", "_route_tables", "InvalidRouteTableId.NotFound"),
            ("Groups", "_security_groups", "InvalidSecurityGroupId.NotFound"),
        ):
            for item in wanted[key]:
                found = self._ec2[store].get(item)
                if found is None or found.get("VpcId") != wanted["VpcId"]:
                    return self._refused(code, f"{item} is not in {wanted['VpcId']}")
        if wanted["VpcEndpointType"] == "Gateway":
            for key in ("SubnetIds", "Groups", "PrivateDnsEnabled"):
                if wanted[key]:
                    return self._refused("InvalidParameter", f"a gateway endpoint has no {key}")
            return None
        if wanted["RouteTableIds"]:
            return self._refused("InvalidParameter", "an interface endpoint has no route tables")
        zones = [self._ec2["_subnets"][item]["AvailabilityZone"] for item in wanted["SubnetIds"]]
        if len(set(zones)) < len(zones):
            return self._refused("DuplicateSubnetsInSameZone", f"two subnets in one of {zones}")
        return self._dns_refusal(wanted, ident) if wanted["PrivateDnsEnabled"] else None

    def _dns_refusal(self, wanted: Record, ident: str) -> Answer | None:
        network = self._ec2["_vpcs"][wanted["VpcId"]]
        if not (network.get("EnableDnsSupport", True) and network.get("EnableDnsHostnames", False)):
            return self._refused(
                "InvalidParameter",
                "private DNS needs enableDnsSupport and enableDnsHostnames of the VPC",
            )
        for other in self._all.values():
            same = other["VpcId"] == wanted["VpcId"] and other["VpcEndpointId"] != ident
            if same and _names(other) and other["ServiceName"] == wanted["ServiceName"]:
                return self._refused(
                    "InvalidParameter",
                    f"private-dns-enabled cannot be set: {other['VpcEndpointId']} answers for "
                    f"{wanted['ServiceName']} in the VPC already",
                )
        return None

    def _described(self, endpoint: Record, tag: str = "item") -> str:
        """One endpoint as ``DescribeVpcEndpoints`` shows it."""
        groups = "".join(
            f"<item><groupId>{group}</groupId><groupName>"
            f"{escape(self._ec2['_security_groups'].get(group, {}).get('GroupName', ''))}"
            "</groupName></item>"
            for group in endpoint.get("Groups", [])
        )
        names = "".join(
            f"<item><dnsName>{name}</dnsName>"
            f"<hostedZoneId>{_drawn('Z', zone)}</hostedZoneId></item>"
            for name, zone in _names_and_zones(endpoint)
        )
        interfaces = [
            f"eni-{_drawn('', endpoint['VpcEndpointId'], subnet)}"
            for subnet in endpoint.get("SubnetIds", [])
            if endpoint["VpcEndpointType"] == "Interface"
        ]
        flag = "true" if endpoint.get("PrivateDnsEnabled") else "false"
        return f"""<{tag}>
        <vpcEndpointId>{endpoint["VpcEndpointId"]}</vpcEndpointId>
        <vpcEndpointType>{endpoint["VpcEndpointType"]}</vpcEndpointType>
        <vpcId>{endpoint["VpcId"]}</vpcId>
        <serviceName>{escape(endpoint["ServiceName"])}</serviceName>
        <state>{endpoint["State"]}</state>
        <ownerId>{endpoint["OwnerId"]}</ownerId>
        <policyDocument>{escape(endpoint.get("PolicyDocument") or _EVERYTHING)}</policyDocument>
        <routeTableIdSet>{_items(endpoint.get("RouteTableIds", []))}</routeTableIdSet>
        <subnetIdSet>{_items(endpoint.get("SubnetIds", []))}</subnetIdSet>
        <groupSet>{groups}</groupSet>
        <privateDnsEnabled>{flag}</privateDnsEnabled>
        <requesterManaged>false</requesterManaged>
        <networkInterfaceIdSet>{_items(interfaces)}</networkInterfaceIdSet>
        <dnsEntrySet>{names}</dnsEntrySet>
        {self._ec2["_tag_set_xml"](endpoint["VpcEndpointId"])}
    </{tag}>"""

    def _text(self, form: Form, name: str) -> str:
        return str(self._ec2["_p"](form, name))

    def _list(self, form: Form, name: str) -> list[str]:
        return cast("list[str]", self._ec2["_parse_member_list"](form, name))

    def _answer(self, root: str, inner: str) -> Answer:
        return cast("Answer", self._ec2["_xml"](200, root, inner))

    def _refused(self, code: str, message: str) -> Answer:
        return cast("Answer", self._ec2["_error"](code, escape(message), 400))


def _names_and_zones(endpoint: Record) -> list[tuple[str, str]]:
    if endpoint["VpcEndpointType"] != "Interface":
        return []
    ident, service = endpoint["VpcEndpointId"], endpoint["ServiceName"]
    _, _, region, short = service.split(".", 3)
    own = f"{ident}-{_drawn('', ident)[:8]}.{short}.{region}.vpce.amazonaws.com"
    private = [(name, ident) for name in _names(endpoint)]
    return [(own, f"{region}.vpce"), *private]


def _names(endpoint: Record) -> list[str]:
    """Names of the service that an endpoint answers inside its network."""
    if not endpoint.get("PrivateDnsEnabled"):
        return []
    _, _, region, short = endpoint["ServiceName"].split(".", 3)
    return [f"{short}.{region}.amazonaws.com"]


def _drawn(lead: str, *of: str) -> str:
    """An id as AWS would draw it, the same for the same thing."""
    return lead + hashlib.sha256("|".join(of).encode()).hexdigest()[:_ID_CHARACTERS]


def _items(values: list[str]) -> str:
    return "".join(f"<item>{value}</item>" for value in values)
