"""What ``holdfast kill`` does."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from holdfast.cli.voice import Voice
from holdfast.contract import Platform
from holdfast.contract.model import Jurisdiction
from holdfast.control import KillState, KillSwitch
from holdfast.coordination import DynamoDbStore
from holdfast.errors import ConfigurationError
from holdfast.twin.client import Twin
from holdfast.twin.deployed import load_contract
from holdfast.twin.switches import switch_of

_TIMEOUT_S = 5
_NOT_IN_A_SESSION = re.compile(r"[^\w+=,.@-]", re.ASCII)
_LONGEST_SESSION = 64


@dataclass(frozen=True, slots=True)
class Whose:
    """Which switch.

    Attributes:
        jurisdiction: Its name.
        place: Directory of a twin, or None for the platform that the environment describes.
        region: Where to ask, or None for any serving region.
    """

    jurisdiction: str
    place: Path | None
    region: str | None


def status(whose: Whose, *, as_json: bool) -> None:
    """Says what the switch says."""
    state = switch_for(whose, "holdfast").state()
    _tell(whose, state, as_json=as_json)
    raise typer.Exit(1 if state.tripped else 0)


def trip(whose: Whose, by: str, reason: str, *, as_json: bool) -> None:
    """Trips the switch."""
    _expect_words(by, reason)
    _tell(whose, switch_for(whose, by).trip(by=by, reason=reason), as_json=as_json)


def arm(whose: Whose, by: str, reason: str, epoch: int, *, as_json: bool) -> None:
    """Arms the switch, if it is still at an epoch."""
    _expect_words(by, reason)
    _tell(whose, switch_for(whose, by).arm(by=by, reason=reason, epoch=epoch), as_json=as_json)


def _expect_words(by: str, reason: str) -> None:
    for option, given in (("--by", by), ("--reason", reason)):
        if not given.strip():
            raise ConfigurationError(
                f"{option} is empty. Say it: it stands in the flag for whoever looks next."
            )


def _tell(whose: Whose, state: KillState, *, as_json: bool) -> None:
    voice = Voice(as_json=as_json)
    says = "tripped" if state.tripped else "armed"
    if state.epoch:
        voice.say(
            f"{whose.jurisdiction}: {says} at epoch {state.epoch}, by {state.by}: {state.reason}"
        )
    else:
        voice.say(
            f"{whose.jurisdiction}: tripped at epoch 0: new, or somebody has deleted the flag"
        )
    voice.result(
        {
            "jurisdiction": whose.jurisdiction,
            "tripped": state.tripped,
            "epoch": state.epoch,
            "by": state.by,
            "reason": state.reason,
        }
    )


def switch_for(whose: Whose, by: str) -> KillSwitch:
    """The switch, on a twin or on AWS.

    Args:
        whose: Which.
        by: Who asks; on AWS the name of the session.

    Raises:
        ConfigurationError: If there is no such switch, or its role cannot be assumed.
    """
    if whose.place is not None:
        twin, platform = Twin.attach(whose.place), load_contract(whose.place)
        home = _home(platform, whose)
        return switch_of(twin, platform, home.name, whose.region)
    platform = Platform.load()
    home = _home(platform, whose)
    return _on_aws(platform, home, whose.region or min(home.regions), by)


def _home(platform: Platform, whose: Whose) -> Jurisdiction:
    home = platform.jurisdictions.get(whose.jurisdiction)
    if home is None:
        raise ConfigurationError(
            f"There is no jurisdiction {whose.jurisdiction}; allowed are "
            f"{', '.join(sorted(platform.jurisdictions))}."
        )
    if whose.region is not None and whose.region not in home.regions:
        raise ConfigurationError(
            f"{whose.region} does not serve {home.name}; allowed are "
            f"{', '.join(sorted(home.regions))}."
        )
    return home


def _on_aws(platform: Platform, home: Jurisdiction, region: str, by: str) -> KillSwitch:
    """The switch by its out-of-band role, whose session CloudTrail keeps under ``by``.

    Raises:
        ConfigurationError: If the role cannot be assumed.
    """
    config = Config(
        connect_timeout=_TIMEOUT_S,
        read_timeout=_TIMEOUT_S,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    session = _NOT_IN_A_SESSION.sub("-", by)[:_LONGEST_SESSION].ljust(2, "-")
    try:
        # The stubs of the services that nobody here uses are not installed.
        sts = boto3.client(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            "sts", region_name=region, config=config
        )
        answer = cast(
            "dict[str, dict[str, str]]",
            sts.assume_role(  # pyright: ignore[reportUnknownMemberType]
                RoleArn=home.kill_switch.role_arn, RoleSessionName=session
            ),
        )
    except (BotoCoreError, ClientError) as error:
        raise ConfigurationError(
            f"{home.kill_switch.role_arn} cannot be assumed: {error}. It takes the principals "
            "that the stack file names in kill_principals, users with a second factor."
        ) from error
    keys = answer["Credentials"]
    client = boto3.client(  # pyright: ignore[reportUnknownMemberType]
        "dynamodb",
        region_name=region,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=config,
    )
    return KillSwitch(
        store=DynamoDbStore(home.coordination, client),
        environment=platform.environment,
        key=home.kill_switch.key,
    )
