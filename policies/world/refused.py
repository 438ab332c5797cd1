"""Resource types that a stack may not hold, each with what to do instead.

A type that stands neither here nor in a table is refused as well; these are the ones that people
reach for, and for which there is a better answer than "write a table".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_IN_PROPERTY: Final = "give the {} its `policy`, so that it has one that rules judge"
_STORE: Final = (
    "no rule tells whether it comes back, nor where its copies lie: keep state in a table or a "
    "bucket, or write a table in policies/world with the rules that it needs"
)
_GRANTS: Final = "leave it out: lists of grants are off, and permissions stand in policies"
_JOINED: Final = (
    "leave it out: regions share no link, so that losing one takes nothing from another and no "
    "network leads out of its jurisdiction"
)
_CODE: Final = (
    "run code as an agent, behind the region's load balancer: nothing here judges what a "
    "function may do, where it logs, and who may call it"
)

_STATIC: Final = (
    "leave it out: a credential that never ends is found by somebody one day; give the workload a "
    "role, and people an identity provider"
)

REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "aws:bedrock/agentAgent:AgentAgent": _CODE,
        "aws:bedrock/agentKnowledgeBase:AgentKnowledgeBase": _STORE,
        "aws:bedrock/agentPrompt:AgentPrompt": _CODE,
        "aws:dynamodb/globalTable:GlobalTable": "name the replicas in the Table",
        "aws:dynamodb/tableExport:TableExport": _STORE,
        "aws:dynamodb/tableReplica:TableReplica": "name the replicas in the Table",
        "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl": _JOINED,
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": (
            "leave it out: nothing is in a network's default group"
        ),
        "aws:ec2/instance:Instance": _CODE,
        "aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation": (
            "use a RouteTableAssociation for each subnet"
        ),
        "aws:ec2/networkAcl:NetworkAcl": (
            "use security groups: an access list knows no groups, and cuts off what they allow"
        ),
        "aws:ec2/networkAclRule:NetworkAclRule": (
            "use security groups: an access list knows no groups, and cuts off what they allow"
        ),
        "aws:ec2/securityGroupRule:SecurityGroupRule": (
            "use a SecurityGroupIngressRule or a SecurityGroupEgressRule, one for each opening"
        ),
        "aws:ec2/vpcPeeringConnection:VpcPeeringConnection": _JOINED,
        "aws:ec2transitgateway/peeringAttachment:PeeringAttachment": _JOINED,
        "aws:ec2transitgateway/transitGateway:TransitGateway": _JOINED,
        "aws:ec2transitgateway/vpcAttachment:VpcAttachment": _JOINED,
        "aws:efs/fileSystem:FileSystem": _STORE,
        "aws:iam/accessKey:AccessKey": _STATIC,
        "aws:iam/serviceSpecificCredential:ServiceSpecificCredential": _STATIC,
        "aws:iam/signingCertificate:SigningCertificate": _STATIC,
        "aws:iam/sshKey:SshKey": _STATIC,
        "aws:iam/userLoginProfile:UserLoginProfile": (
            "leave it out: people come by an identity provider, with a second factor"
        ),
        "aws:dynamodb/resourcePolicy:ResourcePolicy": (
            "leave it out: roles of the stack are allowed a table by their own policies"
        ),
        "aws:kms/grant:Grant": (
            "leave it out: a grant opens a key beside its policy, and outlives who asked for it"
        ),
        "aws:lambda/permission:Permission": _CODE,
        "aws:kms/keyPolicy:KeyPolicy": _IN_PROPERTY.format("Key"),
        "aws:lambda/function:Function": _CODE,
        "aws:lambda/functionUrl:FunctionUrl": _CODE,
        "aws:rds/cluster:Cluster": _STORE,
        "aws:rds/instance:Instance": _STORE,
        "aws:s3/bucketAcl:BucketAcl": _GRANTS,
        "aws:s3/bucketV2:BucketV2": "use a Bucket",
        "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration": (
            "leave it out: a website is public, and belongs into another account"
        ),
        "aws:secretsmanager/secretPolicy:SecretPolicy": (
            "leave it out: roles of the stack are allowed a secret by their own policies"
        ),
        "aws:sns/topicPolicy:TopicPolicy": _IN_PROPERTY.format("Topic"),
    }
)
"""What to do instead, by type token."""
