"""Load balancers: where users reach a region."""

from typing import Final

from policies.world.kind import FIXED, LABEL, PRICE, TAGS, Kind, alike

_HTTP: Final = "it has a meaning for load balancers of HTTP only, which this one is not"

LOAD_BALANCER: Final = Kind(
    type="aws:lb/loadBalancer:LoadBalancer",
    judged={
        **alike(
            "residency-flow",
            "accessLogs.bucket",
            "accessLogs.enabled",
            "connectionLogs.bucket",
            "connectionLogs.enabled",
            "healthCheckLogs.bucket",
            "healthCheckLogs.enabled",
        ),
        **alike(
            "ingress-reachable",
            "enableCrossZoneLoadBalancing",
            "internal",
            "loadBalancerType",
            "subnets",
        ),
        "enableDeletionProtection": "ingress-protected",
        "region": "residency-region",
        "securityGroups": "network-ports",
    },
    neutral={
        "tags": TAGS,
        "name": LABEL,
        "namePrefix": LABEL,
        **alike(LABEL, "accessLogs.prefix", "connectionLogs.prefix", "healthCheckLogs.prefix"),
        **alike(PRICE, "minimumLoadBalancerCapacity.capacityUnits"),
        "enableZonalShift": "somebody may take a zone out of service, and back",
        **alike(
            _HTTP,
            "clientKeepAlive",
            "desyncMitigationMode",
            "dropInvalidHeaderFields",
            "enableHttp2",
            "enableTlsVersionAndCipherSuiteHeaders",
            "enableXffClientPort",
            "idleTimeout",
            "preserveHostHeader",
            "xffHeaderProcessingMode",
        ),
    },
    refused={
        "dnsRecordClientRoutingPolicy": "any zone's address must answer: leave it out",
        "enableWafFailOpen": "a firewall that is away lets nothing in: leave it out",
        "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic": (
            "its groups are asked whoever comes: leave it out"
        ),
        **alike(
            "the topology plans addresses: leave it out, and name `subnets`",
            "customerOwnedIpv4Pool",
            "enablePrefixForIpv6SourceNat",
            "ipAddressType",
            "ipamPools",
            "secondaryIpsAutoAssignedPerSubnet",
            "subnetMappings",
        ),
    },
)

LISTENER: Final = Kind(
    type="aws:lb/listener:Listener",
    judged={
        "region": "residency-region",
        **alike(
            "ingress-listens",
            "defaultActions[].targetGroupArn",
            "defaultActions[].type",
            "loadBalancerArn",
            "port",
            "protocol",
        ),
    },
    neutral={
        "tags": TAGS,
        "defaultActions[].order": "there is one action",
        "tcpIdleTimeoutSeconds": "how long a silent connection is kept",
    },
    refused={
        **alike(
            "agents end TLS themselves, so that nobody reads on the way: leave it out",
            "alpnPolicy",
            "certificateArn",
            "mutualAuthentication",
            "sslPolicy",
        ),
        **alike(
            "the listener forwards connections, and decides nothing: leave it out",
            "defaultActions[].authenticateCognito",
            "defaultActions[].authenticateOidc",
            "defaultActions[].fixedResponse",
            "defaultActions[].forward",
            "defaultActions[].jwtValidation",
            "defaultActions[].redirect",
        ),
        **alike(
            "a listener of connections sees no headers: leave it out",
            "routingHttpRequestXAmznMtlsClientcertHeaderName",
            "routingHttpRequestXAmznMtlsClientcertIssuerHeaderName",
            "routingHttpRequestXAmznMtlsClientcertLeafHeaderName",
            "routingHttpRequestXAmznMtlsClientcertSerialNumberHeaderName",
            "routingHttpRequestXAmznMtlsClientcertSubjectHeaderName",
            "routingHttpRequestXAmznMtlsClientcertValidityHeaderName",
            "routingHttpRequestXAmznTlsCipherSuiteHeaderName",
            "routingHttpRequestXAmznTlsVersionHeaderName",
            "routingHttpResponseAccessControlAllowCredentialsHeaderValue",
            "routingHttpResponseAccessControlAllowHeadersHeaderValue",
            "routingHttpResponseAccessControlAllowMethodsHeaderValue",
            "routingHttpResponseAccessControlAllowOriginHeaderValue",
            "routingHttpResponseAccessControlExposeHeadersHeaderValue",
            "routingHttpResponseAccessControlMaxAgeHeaderValue",
            "routingHttpResponseContentSecurityPolicyHeaderValue",
            "routingHttpResponseServerEnabled",
            "routingHttpResponseStrictTransportSecurityHeaderValue",
            "routingHttpResponseXContentTypeOptionsHeaderValue",
            "routingHttpResponseXFrameOptionsHeaderValue",
        ),
    },
)

TARGET_GROUP: Final = Kind(
    type="aws:lb/targetGroup:TargetGroup",
    judged={
        "region": "residency-region",
        **alike(
            "ingress-checked",
            "healthCheck.enabled",
            "healthCheck.healthyThreshold",
            "healthCheck.interval",
            "healthCheck.matcher",
            "healthCheck.path",
            "healthCheck.port",
            "healthCheck.protocol",
            "healthCheck.timeout",
            "healthCheck.unhealthyThreshold",
        ),
        **alike("ingress-listens", "port", "protocol", "targetType"),
        "loadBalancingCrossZoneEnabled": "ingress-reachable",
    },
    neutral={
        "tags": TAGS,
        "vpcId": FIXED,
        **alike(LABEL, "name", "namePrefix"),
        **alike(
            "what becomes of open connections",
            "connectionTermination",
            "deregistrationDelay",
            "preserveClientIp",
            "slowStart",
            "stickiness.cookieDuration",
            "stickiness.cookieName",
            "stickiness.enabled",
            "stickiness.type",
            "targetFailovers[].onDeregistration",
            "targetFailovers[].onUnhealthy",
            "targetHealthStates[].enableUnhealthyConnectionTermination",
            "targetHealthStates[].unhealthyDrainingInterval",
        ),
        **alike(
            _HTTP,
            "ipAddressType",
            "lambdaMultiValueHeadersEnabled",
            "loadBalancingAlgorithmType",
            "loadBalancingAnomalyMitigation",
            "protocolVersion",
        ),
    },
    refused={
        "proxyProtocolV2": "agents await TLS, and no header before it: leave it out",
        "targetControlPort": "agents register by address and port: leave it out",
        "targetGroupHealth": (
            "it decides when a region counts as lost, which its health check does: leave it out"
        ),
    },
)

KINDS: Final = (LOAD_BALANCER, LISTENER, TARGET_GROUP)
