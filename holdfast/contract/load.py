"""Where a process finds the contract of the platform it runs on."""

import json
import os
from pathlib import Path
from typing import cast

from holdfast.errors import ContractError

FILE_VARIABLE = "HOLDFAST_PLATFORM_FILE"
PARAMETER_VARIABLE = "HOLDFAST_PLATFORM_PARAMETER"


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
        # The AWS SDK takes a third of a second to import, and a program that only describes a
        # platform never reads one.
        from holdfast.contract.parameter import value_of_parameter  # noqa: PLC0415

        return value_of_parameter(name, PARAMETER_VARIABLE)
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
    except (json.JSONDecodeError, RecursionError) as error:
        raise ContractError(f"The platform contract is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise ContractError(
            f"The platform contract is a JSON {type(document).__name__}; it must be an object. "
            "Pass the stack's `platform` output unchanged."
        )
    return cast("dict[str, object]", document)
