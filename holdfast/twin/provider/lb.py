"""Elastic Load Balancing: load balancers and listeners. Target groups stand in ``lb_targets``.

The twin's ingress is the agents' own port on the region's address, so these types are kept as
configuration; ``LIMITS`` says what no packet passes through.
"""

from collections.abc import Iterator

from holdfast.twin.provider.attributes import (
    FLAG,
    NUMBER,
    TEXT,
    Table,
    from_attributes,
    to_attributes,
)
from holdfast.twin.provider.cloud import ApiError, Site
from holdfast.twin.provider.ec2 import DROPPED, all_refused, find_one
from holdfast.twin.provider.lb_common import (
    GONE,
    NAME_CHARACTERS,
    described,
    tags_of,
    update_tags,
)
from holdfast.twin.provider.rules import among, no_longer
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept, refused
from holdfast.twin.provider.values import Doc, Json, Object, compact, from_pairs, pairs

_NO_HTTP = "the twin's ingress passes TCP through and reads no HTTP"
_NO_TLS = "the twin has no TLS at its ingress"
_BALANCER: Table = {
    "clientKeepAlive": ("client_keep_alive.seconds", NUMBER),
    "desyncMitigationMode": ("routing.http.desync_mitigation_mode", TEXT),
    "dnsRecordClientRoutingPolicy": ("dns_record.client_routing_policy", TEXT),
    "dropInvalidHeaderFields": ("routing.http.drop_invalid_header_fields.enabled", FLAG),
    "enableCrossZoneLoadBalancing": ("load_balancing.cross_zone.enabled", FLAG),
    "enableDeletionProtection": ("deletion_protection.enabled", FLAG),
    "enableHttp2": ("routing.http2.enabled", FLAG),
    "enableZonalShift": ("zonal_shift.config.enabled", FLAG),
    "idleTimeout": ("idle_timeout.timeout_seconds", NUMBER),
    "preserveHostHeader": ("routing.http.preserve_host_header.enabled", FLAG),
}


class LoadBalancer(ResourceType):
    """A load balancer."""

    type_name = "aws:lb/loadBalancer:LoadBalancer"
    name_property = "name"
    properties = declared(
        {
            **{key: kept(computed=True) for key in _BALANCER},
            "enableCrossZoneLoadBalancing": kept(),
            "enableDeletionProtection": kept(),
            "internal": kept(replaces=True),
            "ipAddressType": kept(computed=True),
            "loadBalancerType": kept(replaces=True, default="application"),
            "name": kept(replaces=True),
            "namePrefix": refused("leave `name` out to get a name of its own"),
            "securityGroups": kept(computed=True),
            "subnets": kept(computed=True),
            "tags": kept(),
            **all_refused(
                DROPPED,
                "accessLogs",
                "connectionLogs",
                "customerOwnedIpv4Pool",
                "enablePrefixForIpv6SourceNat",
                "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
                "healthCheckLogs",
                "ipamPools",
                "minimumLoadBalancerCapacity",
                "secondaryIpsAutoAssignedPerSubnet",
                "subnetMappings",
            ),
            **all_refused(
                _NO_HTTP,
                "enableTlsVersionAndCipherSuiteHeaders",
                "enableWafFailOpen",
                "enableXffClientPort",
                "xffHeaderProcessingMode",
            ),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """Name, type and subnets."""
        yield from no_longer(inputs, "name", NAME_CHARACTERS)
        if (inputs.maybe_text("name") or "").startswith("internal-"):
            yield Failure("name", "begins with internal-, which AWS keeps to itself")
        yield from among(inputs, "loadBalancerType", ("application", "network", "gateway"))

    def also_replaces(self, state: Doc, inputs: Doc) -> frozenset[str]:
        """A network load balancer keeps its subnets, and whether it has security groups."""
        if inputs.maybe_text("loadBalancerType") != "network":
            return frozenset()
        found: set[str] = set()
        if "subnets" in inputs and set(state.texts("subnets")) - set(inputs.texts("subnets")):
            found.add("subnets")
        groups = bool(inputs.texts("securityGroups"))
        if "securityGroups" in inputs and bool(state.texts("securityGroups")) is not groups:
            found.add("securityGroups")
        return frozenset(found)

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateLoadBalancer``."""
        answer = site.call(
            "elbv2",
            "create_load_balancer",
            Name=inputs.text("name"),
            Subnets=inputs.texts("subnets") or None,
            SecurityGroups=inputs.texts("securityGroups") or None,
            Scheme="internal" if inputs.flag("internal") else "internet-facing",
            Type=inputs.text("loadBalancerType"),
            IpAddressType=inputs.maybe_text("ipAddressType"),
            Tags=pairs(inputs.table("tagsAll")) or None,
        )
        return answer.docs("LoadBalancers")[0].text("LoadBalancerArn")

    def configure(self, site: Site, ident: str, inputs: Doc) -> None:
        """Attributes."""
        attributes = to_attributes(inputs, _BALANCER)
        if attributes:
            site.call(
                "elbv2",
                "modify_load_balancer_attributes",
                LoadBalancerArn=ident,
                Attributes=pairs(attributes),
            )

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``DescribeLoadBalancers``, attributes and tags."""
        del state
        found = described(site, "describe_load_balancers", "LoadBalancers", ident)
        if found is None:
            return None
        attributes = site.call("elbv2", "describe_load_balancer_attributes", LoadBalancerArn=ident)
        subnets = [zone.text("SubnetId") for zone in found.docs("AvailabilityZones")]
        return {
            "enableCrossZoneLoadBalancing": False,
            **from_attributes(from_pairs(attributes.docs("Attributes")), _BALANCER),
            "arn": ident,
            "arnSuffix": ident.partition(":loadbalancer/")[2],
            "dnsName": found.text("DNSName"),
            "zoneId": found.text("CanonicalHostedZoneId"),
            "vpcId": _vpc_of(site, subnets),
            "name": found.text("LoadBalancerName"),
            "internal": found.text("Scheme") == "internal",
            "loadBalancerType": found.text("Type"),
            "ipAddressType": found.text("IpAddressType"),
            "subnets": sorted(subnets),
            "securityGroups": sorted(found.texts("SecurityGroups")),
            "subnetMappings": [{"subnetId": subnet} for subnet in sorted(subnets)],
            "tagsAll": tags_of(site, ident),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Subnets, groups, attributes and tags."""
        if sorted(old.texts("subnets")) != sorted(new.texts("subnets")) and "subnets" in new:
            site.call("elbv2", "set_subnets", LoadBalancerArn=ident, Subnets=new.texts("subnets"))
        groups = sorted(new.texts("securityGroups"))
        if sorted(old.texts("securityGroups")) != groups and "securityGroups" in new:
            site.call("elbv2", "set_security_groups", LoadBalancerArn=ident, SecurityGroups=groups)
        address = new.maybe_text("ipAddressType")
        if address is not None and address != old.maybe_text("ipAddressType"):
            site.call("elbv2", "set_ip_address_type", LoadBalancerArn=ident, IpAddressType=address)
        flags = ("enableCrossZoneLoadBalancing", "enableDeletionProtection")
        self.configure(site, ident, new.with_members(**{key: new.flag(key) for key in flags}))
        update_tags(site, ident, old, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteLoadBalancer``. Deletion protection refuses, as on AWS."""
        found = self.read(site, ident, state)
        if found is None:
            return
        if Doc(found).flag("enableDeletionProtection"):
            if not site.forced:
                raise _protected(ident)
            self.configure(site, ident, Doc({"enableDeletionProtection": False}))
        site.call("elbv2", "delete_load_balancer", LoadBalancerArn=ident)


class Listener(ResourceType):
    """A port of a load balancer, and where its connections go.

    On the twin every load balancer listens on one ingress port, which stands for 443: the
    ``port`` output is that one, so that what the program passes on leads somewhere.
    """

    type_name = "aws:lb/listener:Listener"
    properties = declared(
        {
            "defaultActions": kept(),
            "defaultActions.order": kept(computed=True),
            "defaultActions.targetGroupArn": kept(computed=True),
            "defaultActions.forward": kept(computed=True),
            **all_refused(
                _NO_HTTP,
                "defaultActions.authenticateCognito",
                "defaultActions.authenticateOidc",
                "defaultActions.fixedResponse",
                "defaultActions.jwtValidation",
                "defaultActions.redirect",
            ),
            "loadBalancerArn": kept(replaces=True),
            "port": kept(),
            "protocol": kept(computed=True),
            "tags": kept(),
            "tcpIdleTimeoutSeconds": kept(computed=True),
            **all_refused(
                _NO_TLS, "alpnPolicy", "certificateArn", "mutualAuthentication", "sslPolicy"
            ),
            **all_refused(
                _NO_HTTP,
                *(
                    f"routingHttpRequestXAmzn{name}HeaderName"
                    for name in (
                        "MtlsClientcert",
                        "MtlsClientcertIssuer",
                        "MtlsClientcertLeaf",
                        "MtlsClientcertSerialNumber",
                        "MtlsClientcertSubject",
                        "MtlsClientcertValidity",
                        "TlsCipherSuite",
                        "TlsVersion",
                    )
                ),
                *(
                    f"routingHttpResponse{name}HeaderValue"
                    for name in (
                        "AccessControlAllowCredentials",
                        "AccessControlAllowHeaders",
                        "AccessControlAllowMethods",
                        "AccessControlAllowOrigin",
                        "AccessControlExposeHeaders",
                        "AccessControlMaxAge",
                        "ContentSecurityPolicy",
                        "StrictTransportSecurity",
                        "XContentTypeOptions",
                        "XFrameOptions",
                    )
                ),
                "routingHttpResponseServerEnabled",
            ),
        }
    )

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateListener``."""
        answer = site.call(
            "elbv2",
            "create_listener",
            LoadBalancerArn=inputs.text("loadBalancerArn"),
            Protocol=inputs.maybe_text("protocol"),
            Port=inputs.maybe_number("port"),
            DefaultActions=[_action(item) for item in inputs.docs("defaultActions")],
            Tags=pairs(inputs.table("tagsAll")) or None,
        )
        return answer.docs("Listeners")[0].text("ListenerArn")

    def configure(self, site: Site, ident: str, inputs: Doc) -> None:
        """The idle timeout."""
        seconds = inputs.maybe_number("tcpIdleTimeoutSeconds")
        if seconds is not None:
            site.call(
                "elbv2",
                "modify_listener_attributes",
                ListenerArn=ident,
                Attributes=pairs({"tcp.idle_timeout.seconds": str(seconds)}),
            )

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``DescribeListeners``, attributes and tags."""
        del state
        found = described(site, "describe_listeners", "Listeners", ident)
        if found is None:
            return None
        answer = site.call("elbv2", "describe_listener_attributes", ListenerArn=ident)
        attributes = from_pairs(answer.docs("Attributes"))
        return {
            "arn": ident,
            "loadBalancerArn": found.text("LoadBalancerArn"),
            "port": found.maybe_number("Port"),
            "protocol": found.maybe_text("Protocol"),
            "defaultActions": [_read_action(item) for item in found.docs("DefaultActions")],
            "tcpIdleTimeoutSeconds": int(attributes.get("tcp.idle_timeout.seconds", "350")),
            "tagsAll": tags_of(site, ident),
        }

    def shown(self, site: Site, state: Doc) -> Object:
        """The port that users of the twin connect to."""
        port = site.cloud.ingress_port
        return {} if port is None or "port" not in state else {"port": port}

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Port, protocol, actions, idle timeout and tags."""
        site.call(
            "elbv2",
            "modify_listener",
            ListenerArn=ident,
            Protocol=new.maybe_text("protocol"),
            Port=new.maybe_number("port"),
            DefaultActions=[_action(item) for item in new.docs("defaultActions")],
        )
        self.configure(site, ident, new)
        update_tags(site, ident, old, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteListener``."""
        del state
        site.find(GONE, "elbv2", "delete_listener", ListenerArn=ident)


def _vpc_of(site: Site, subnets: list[str]) -> str:
    """The network of a load balancer is that of its subnets; the emulator has its own idea."""
    if not subnets:
        return ""
    subnet = find_one(site, "describe_subnets", "Subnets", "SubnetIds", subnets[0])
    return "" if subnet is None else subnet.text("VpcId")


def _action(item: Doc) -> dict[str, object]:
    forward = item.doc("forward")
    groups = [
        compact(TargetGroupArn=group.text("arn"), Weight=group.maybe_number("weight"))
        for group in forward.docs("targetGroups")
    ]
    return compact(
        Type=item.text("type"),
        Order=item.maybe_number("order"),
        TargetGroupArn=item.maybe_text("targetGroupArn"),
        ForwardConfig={"TargetGroups": groups} if groups else None,
    )


def _read_action(item: Doc) -> Json:
    groups = item.doc("ForwardConfig").docs("TargetGroups")
    return {
        "type": item.text("Type"),
        "order": item.maybe_number("Order"),
        "targetGroupArn": item.maybe_text("TargetGroupArn"),
        "forward": {
            "targetGroups": [
                {"arn": group.text("TargetGroupArn"), "weight": group.maybe_number("Weight")}
                for group in groups
            ]
        }
        if groups
        else None,
    }


def _protected(ident: str) -> ApiError:
    return ApiError(
        f"{ident} has deletion protection. Set enableDeletionProtection to false and deploy, "
        "or force the deletion",
        "OperationNotPermitted",
    )
