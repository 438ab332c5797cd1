"""Small policy packs for tests."""

import textwrap
from pathlib import Path

HEAD = """
from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ResourceValidationPolicy,
    Severity,
    StackValidationPolicy,
)
"""


def pack(directory: Path, program: str) -> Path:
    """Writes a pack."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (directory / "__main__.py").write_text(HEAD + textwrap.dedent(program))
    return directory


NAMED = """
    def named(args, report):
        if args.resource_type == "aws:sns/topic:Topic" and "name" not in list(args.props):
            report("found no name. Fix: give it a name.")

    def few(args, report):
        topics = [r for r in args.resources if r.resource_type == "aws:sns/topic:Topic"]
        if len(topics) > 1:
            report(f"found {len(topics)} topics", topics[-1].urn)

    PolicyPack(
        name="small",
        policies=[
            ResourceValidationPolicy(
                name="named",
                description="Topics have names.",
                validate=named,
                enforcement_level=EnforcementLevel.MANDATORY,
                severity=Severity.HIGH,
            ),
            StackValidationPolicy(
                name="few", description="There are few topics.", validate=few
            ),
        ],
    )
"""

ONE = """
    {body}

    PolicyPack(
        name="one",
        policies=[
            ResourceValidationPolicy(
                name="one",
                description="One rule.",
                validate=one,
                enforcement_level=EnforcementLevel.{level},
            )
        ],
    )
"""


def one(directory: Path, body: str, level: str = "MANDATORY") -> Path:
    """A pack of one policy, whose function ``one(args, report)`` is given."""
    text = textwrap.dedent(ONE).format(body=textwrap.dedent(body).strip(), level=level)
    return pack(directory, text)
