"""Where this process runs."""

import os

REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
"""The first is what containers, functions and pods are given; boto3 reads only the second."""


def own_region() -> str | None:
    """The region that this process runs in; None where only AWS's configuration file says."""
    return next((os.environ[name] for name in REGION_VARIABLES if os.environ.get(name)), None)
