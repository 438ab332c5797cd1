"""A boto3 session for the twin's endpoints: what ``environment`` is to agents, in this process.

Nothing of the caller's AWS configuration is read: a profile that is not there would be an error,
and one that is could name other endpoints. Give clients :data:`DIRECT` as well: a proxy that the
caller needs for package indexes cannot reach a loopback address.
"""

import os

import boto3.session
import botocore.session
from botocore.config import Config

DIRECT = Config(proxies={})
"""Merge it into each client's configuration."""


def isolated_session() -> boto3.session.Session:
    """A session that knows neither the caller's profiles nor their files."""
    files = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    unnamed = {"profile": (None, None, None, None)}
    return boto3.session.Session(
        botocore_session=botocore.session.Session(session_vars={**files, **unnamed})
    )
