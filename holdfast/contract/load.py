"""Reading the contract back: from text, from a file, or from the region's parameter."""

import json
import os
from pathlib import Path

import boto3
from pydantic import ValidationError

from holdfast.contract.model import SCHEMA_VERSION, Platform
from holdfast.errors import ContractError

FILE_VARIABLE = "HOLDFAST_PLATFORM_FILE"
PARAMETER_VARIABLE = "HOLDFAST_PLATFORM_PARAMETER"


def parse(text: str) -> Platform:
    """Parses a contract.

    Args:
        text: The JSON of the stack's ``platform`` output.

    Raises:
        ContractError: If it is no JSON object, has another major version, or does not fit.
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ContractError(f"The platform contract is not JSON ({error}).") from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(version, str) or version.split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        raise ContractError(
            f"The platform contract has schema_version {version!r}; this reader understands "
            f"{SCHEMA_VERSION.split('.')[0]}.x. Deploy and run the same release of Holdfast."
        )
    try:
        return Platform.model_validate(document)
    except ValidationError as error:
        raise ContractError(f"The platform contract does not fit its schema: {error}") from error


def load() -> Platform:
    """Loads the contract of the platform that this process runs on.

    ``HOLDFAST_PLATFORM_FILE`` names a file (a mounted ConfigMap, say); without it,
    ``HOLDFAST_PLATFORM_PARAMETER`` names a parameter of the region's Parameter Store.

    Raises:
        ContractError: If neither is set, or what they name cannot be read or does not fit.
    """
    if path := os.environ.get(FILE_VARIABLE):
        try:
            return parse(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise ContractError(f"{FILE_VARIABLE}={path} cannot be read: {error}.") from error
    if name := os.environ.get(PARAMETER_VARIABLE):
        answer = boto3.client("ssm").get_parameter(Name=name, WithDecryption=True)
        return parse(answer["Parameter"]["Value"])
    raise ContractError(
        f"No platform contract: set {FILE_VARIABLE} to a file or {PARAMETER_VARIABLE} to a "
        "parameter name."
    )
