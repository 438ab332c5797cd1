"""The provider: as whom a deployment works, and whom it asks."""

from typing import Final

from policies.world.kind import Kind, alike

PROVIDER: Final = Kind(
    type="pulumi:providers:aws",
    neutral={
        "region": "every rule about a place counts it in where a resource names no own",
        "version": "the lock file pins the SDK, which brings its plugin",
        **alike(
            "it can only keep a deployment away from an account",
            "allowedAccountIds",
            "forbiddenAccountIds",
        ),
        **alike(
            "how often and how fast it asks",
            "maxRetries",
            "retryMode",
            "tokenBucketRateLimiterCapacity",
        ),
        **alike("which doors of AWS it knocks at", "useDualstackEndpoint", "useFipsEndpoint"),
        **alike(
            "asked before a deployment, and answered by every call in it",
            "skipCredentialsValidation",
            "skipMetadataApiCheck",
            "skipRegionValidation",
        ),
    },
    refused={
        **alike(
            "whoever deploys brings credentials of a short life: leave it out",
            "accessKey",
            "assumeRoleWithWebIdentity",
            "assumeRoles",
            "profile",
            "secretKey",
            "sharedConfigFiles",
            "sharedCredentialsFiles",
            "token",
        ),
        **alike(
            "somebody else than AWS would answer, or read on the way: leave it out",
            "customCaBundle",
            "ec2MetadataServiceEndpoint",
            "ec2MetadataServiceEndpointMode",
            "endpoints",
            "httpProxy",
            "httpsProxy",
            "insecure",
            "noProxy",
            "pluginDownloadURL",
            "s3UsEast1RegionalEndpoint",
            "s3UsePathStyle",
            "stsRegion",
        ),
        **alike(
            "tags say what belongs to whom, and stand at what they are about: leave it out",
            "defaultTags",
            "ignoreTags",
            "tagPolicyCompliance",
        ),
        "skipRequestingAccountId": "a deployment knows which account it works in: leave it out",
        "userAgents": "calls of a deployment are known by the engine's name: leave it out",
    },
)

KINDS: Final = (PROVIDER,)
