"""Requests that the emulator would answer as if it had obeyed, and did not. Pure.

Each entry says which service's operation, which parameter (None for the operation as such), and
why. They are refused with a ValidationException that names the parameter.
"""

from holdfast.twin.region.dynamo import Request

REFUSED: tuple[tuple[str, str, str | None, str], ...] = (
    (
        "secretsmanager",
        "CreateSecret",
        "AddReplicaRegions",
        "secrets are not replicated between the twin's regions; create one in each region",
    ),
    (
        "secretsmanager",
        "ReplicateSecretToRegions",
        None,
        "secrets are not replicated between the twin's regions; create one in each region",
    ),
    (
        "TrentService",
        "UpdatePrimaryRegion",
        None,
        "a multi-Region key keeps its primary region in the twin; make the key where it belongs",
    ),
)


def dropped_by_emulator(service: str, operation: str, request: Request) -> str | None:
    """Why a request cannot be obeyed, None when it can."""
    for name, refused, parameter, reason in REFUSED:
        if (service, operation) != (name, refused):
            continue
        if parameter is None:
            return f"The twin does not reproduce {operation}: {reason}."
        if request.get(parameter):
            return f"The twin does not reproduce {parameter} of {operation}: {reason}."
    return None
