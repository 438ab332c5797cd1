"""Where a process finds the contract of the platform it runs on."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from holdfast.contract.place import own_region
from holdfast.errors import ContractError

FILE_VARIABLE = "HOLDFAST_PLATFORM_FILE"
PARAMETER_VARIABLE = "HOLDFAST_PLATFORM_PARAMETER"


class _Parameters(Protocol):
    """What is used of a boto3 client of Parameter Store."""

    def get_parameter(
        self,
        *,
        Name: str,  # noqa: N803 - the API's name
        WithDecryption: bool,  # noqa: N803 - the API's name
    ) -> Mapping[str, Mapping[str, str]]: ...


def _parameters() -> _Parameters:
    # The stubs of the services that nobody here uses are not installed.
    client = boto3.client(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        "ssm", region_name=own_region()
    )
    return cast("_Parameters", client)


def contract_text() -> str:
    """The JSON of the contract that the environment of this process points to.

    ``HOLDFAST_PLATFORM_FILE`` names a file (a mounted ConfigMap, say); without it,
    ``HOLDFAST_PLATFORM_PARAMETER`` names a parameter of the region's Parameter Store.

    Raises:
        ContractError: If neither is set, or what they name cannot be read.
    """
    if path := os.environ.get(FILE_VARIABLE):
        try:
            return Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ContractError(
                f"{FILE_VARIABLE}={path} cannot be read: {error}. Point it to the stack's "
                "`platform` output, saved as JSON."
            ) from error
    if name := os.environ.get(PARAMETER_VARIABLE):
        try:
            answer = _parameters().get_parameter(Name=name, WithDecryption=True)
        except (BotoCoreError, ClientError) as error:
            raise ContractError(
                f"{PARAMETER_VARIABLE}={name} cannot be read: {error}. The process needs "
                "AWS_REGION, credentials and ssm:GetParameter on that parameter."
            ) from error
        return answer["Parameter"].get("Value", "")
    raise ContractError(
        f"No platform contract: neither {FILE_VARIABLE} nor {PARAMETER_VARIABLE} is set. Set the "
        "first to a file or the second to the name of a parameter."
    )


def json_object(text: str) -> dict[str, object]:
    """Decodes a JSON object.

    Args:
        text: What should be one.

    Raises:
        ContractError: If it is not JSON, or JSON of another kind.
    """
    try:
        document: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise ContractError(f"The platform contract is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise ContractError(
            f"The platform contract is a JSON {type(document).__name__}; it must be an object. "
            "Pass the stack's `platform` output unchanged."
        )
    return cast("dict[str, object]", document)
