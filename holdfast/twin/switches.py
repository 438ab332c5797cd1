"""The kill switches of what is deployed to a twin, for whoever operates it."""

from botocore.config import Config

from holdfast.contract import Platform
from holdfast.control import KillSwitch
from holdfast.coordination import DynamoDbStore
from holdfast.twin.client import Twin
from holdfast.twin.fronts.changes import Changes
from holdfast.twin.session import DIRECT, isolated_session

_TIMEOUT_S = 5


def switch_of(
    twin: Twin, platform: Platform, jurisdiction: str, region: str | None = None
) -> KillSwitch:
    """The switch of a jurisdiction.

    Args:
        twin: A running twin.
        platform: The contract of what is deployed to it.
        jurisdiction: Whose switch.
        region: Where to ask; None for any of the jurisdiction's serving regions.
    """
    home = platform.jurisdictions[jurisdiction]
    place = twin.environment(region or min(home.regions))
    # The stubs of the services that nobody here uses are not installed.
    client = isolated_session().client(  # pyright: ignore[reportUnknownMemberType]
        "dynamodb",
        region_name=place["AWS_REGION"],
        endpoint_url=place["AWS_ENDPOINT_URL"],
        aws_access_key_id=place["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=place["AWS_SECRET_ACCESS_KEY"],
        config=Config(
            connect_timeout=_TIMEOUT_S,
            read_timeout=_TIMEOUT_S,
            retries={"total_max_attempts": 1, "mode": "standard"},
        ).merge(DIRECT),
    )
    return KillSwitch(
        store=DynamoDbStore(home.coordination, client),
        environment=platform.environment,
        key=home.kill_switch.key,
    )


def arm_new(twin: Twin, platform: Platform, changes: Changes) -> tuple[str, ...]:
    """Arms the switches of a stack of which nothing was there before, as its operator would.

    A stack that was there is left alone: one of its flags may be missing because somebody
    deleted it, and a deletion arms nothing.

    Args:
        twin: A running twin.
        platform: The contract of what is deployed to it.
        changes: What the deployment did.

    Returns:
        The jurisdictions whose switches are armed now and were not before.
    """
    if changes.updated or changes.replaced or changes.unchanged or not changes.created:
        return ()
    names = tuple(sorted(platform.jurisdictions))
    for name in names:
        switch_of(twin, platform, name).arm(
            by="twin", reason="a rehearsal's first deployment", epoch=0
        )
    return names
