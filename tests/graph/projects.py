"""Small Pulumi projects for tests."""

import textwrap
from collections.abc import Mapping
from pathlib import Path


def project(
    directory: Path,
    program: str,
    *,
    config: str = "",
    files: Mapping[str, str] | None = None,
    name: str = "demo",
) -> Path:
    """Writes a project with one stack, ``dev``."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\nmain: app\n")
    (directory / "Pulumi.dev.yaml").write_text(textwrap.dedent(config) or "config: {}\n")
    (directory / "app").mkdir(exist_ok=True)
    (directory / "app" / "__main__.py").write_text(textwrap.dedent(program))
    for path, text in (files or {}).items():
        (directory / path).write_text(textwrap.dedent(text))
    return directory


EVERYTHING = """
    import pulumi
    import pulumi_aws as aws


    class Inner(pulumi.ComponentResource):
        def __init__(self, name, opts=None):
            super().__init__("demo:in:Inner", name, {"size": 3}, opts)
            self.topic = aws.sns.Topic(
                name, name=f"{name}-topic", opts=pulumi.ResourceOptions(parent=self)
            )
            self.register_outputs({"arn": self.topic.arn, "name": self.topic.name})


    class Outer(pulumi.ComponentResource):
        def __init__(self, name, opts=None):
            super().__init__("demo:out:Outer", name, None, opts)
            self.inner = Inner(f"{name}-inner", opts=pulumi.ResourceOptions(parent=self))
            self.free = aws.sns.Topic(
                f"{name}-free", opts=pulumi.ResourceOptions(parent=self, protect=False)
            )
            self.register_outputs({})


    def tag(args):
        if args.type_ == "aws:sqs/queue:Queue":
            return pulumi.ResourceTransformResult(
                props={**args.props, "tags": {"by": "stack"}}, opts=args.opts
            )
        return None


    def lengthen(args):
        return pulumi.ResourceTransformResult(
            props={**args.props, "delaySeconds": 7},
            opts=pulumi.ResourceOptions.merge(
                args.opts, pulumi.ResourceOptions(ignore_changes=["name"])
            ),
        )


    pulumi.runtime.register_resource_transform(tag)
    config = pulumi.Config()
    me = aws.get_caller_identity()
    outer = Outer("o", opts=pulumi.ResourceOptions(protect=True))
    key = aws.kms.Key("key", description="d", opts=pulumi.ResourceOptions(retain_on_delete=True))
    table = aws.dynamodb.Table(
        "table",
        name="t",
        hash_key="pk",
        attributes=[{"name": "pk", "type": "S"}],
        server_side_encryption={"enabled": True, "kms_key_arn": key.arn},
        replicas=[{"region_name": "eu-central-1", "kms_key_arn": key.arn}],
        region="eu-west-1",
        opts=pulumi.ResourceOptions(
            depends_on=[outer],
            aliases=[pulumi.Alias(name="old"), pulumi.Alias(parent=outer)],
            delete_before_replace=True,
            replace_on_changes=["hashKey"],
            custom_timeouts=pulumi.CustomTimeouts(create="5m"),
        ),
    )
    far = aws.Provider("far", region="eu-central-1")
    queue = aws.sqs.Queue(
        "queue",
        name="q",
        opts=pulumi.ResourceOptions(provider=far, transforms=[lengthen]),
    )
    secret = aws.ssm.Parameter(
        "parameter", type="SecureString", value=config.require_secret("token")
    )
    aws.s3.BucketObject("object", bucket="b", source=pulumi.StringAsset("hello"))
    found = aws.get_region_output(region=table.region)
    pulumi.export("found", found.region)
    pulumi.export("account", me.account_id)
    pulumi.export("shape", config.require_object("shape"))
    pulumi.export("flag", config.require("flag"))
    pulumi.export("token", config.require_secret("token"))
    pulumi.export("table", {"arn": table.arn, "name": table.name})
"""

EVERYTHING_CONFIG = """
    config:
      aws:region: eu-west-1
      demo:token: hush
      shape: {b: [1, 2.5, true], a: "x"}
      flag: true
"""
