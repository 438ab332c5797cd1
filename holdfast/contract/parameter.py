"""The contract's text from the region's Parameter Store."""

from collections.abc import Mapping
from typing import Protocol, cast

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from holdfast.contract.place import own_region
from holdfast.errors import ContractError


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


def value_of_parameter(name: str, variable: str) -> str:
    """The value of a parameter.

    Args:
        name: Its name.
        variable: Where the name comes from, for errors.

    Raises:
        ContractError: If it cannot be read.
    """
    try:
        answer = _parameters().get_parameter(Name=name, WithDecryption=True)
    except (BotoCoreError, ClientError) as error:
        raise ContractError(
            f"{variable}={name} cannot be read: {error}. The process needs "
            "AWS_REGION, credentials and ssm:GetParameter on that parameter."
        ) from error
    return answer["Parameter"].get("Value", "")
