"""What ``holdfast twin up`` and its kin do: bring a twin up, and a stack to it."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer
from pydantic import JsonValue

from holdfast.cli.telling import troubles
from holdfast.cli.voice import Voice
from holdfast.contract import Platform
from holdfast.errors import TwinError
from holdfast.twin.client import Twin
from holdfast.twin.deployed import save_contract, url_of
from holdfast.twin.fronts.changes import Changes
from holdfast.twin.fronts.engine import find_pulumi
from holdfast.twin.launch import SUPERVISOR_LOG
from holdfast.twin.lock import Stage, look
from holdfast.twin.plan import LOCK_FILE, TwinPlan
from holdfast.twin.room import expect_room
from holdfast.twin.stack import (
    Front,
    FrontName,
    Outlook,
    forget_front,
    front_in_use,
    front_of,
    outlook_of,
    platform_of,
)
from holdfast.twin.status import RegionState
from holdfast.twin.switches import arm_new


@dataclass(frozen=True, slots=True)
class Target:
    """A stack, and where its twin keeps everything.

    Attributes:
        stack: Its name.
        project: Directory of its project.
        place: The twin's directory.
    """

    stack: str
    project: Path
    place: Path


def up(target: Target, *, engine: str, dns_port: int | None, same: str, voice: Voice) -> None:
    """Starts a twin where none runs, and deploys a stack to it.

    Args:
        target: What, and where.
        engine: Name of the front.
        dns_port: Port of the resolver, or None for any.
        same: Options that lead another command to the same twin.
        voice: Says how it goes.
    """
    name = FrontName(engine)
    _expect_place(target.place)
    # Some of what may be missing is known before the program has run, let alone a process.
    expect_room(target.place, region_count=1)
    if name is FrontName.PULUMI:
        find_pulumi()
    before = TwinPlan.load(target.place)
    voice.say(f"Reading stack {target.stack}.")
    outlook = outlook_of(target.project, target.stack)
    with _running(target, outlook, dns_port, same, voice) as twin:
        lines = _Lines(voice, None if name is FrontName.PULUMI else outlook.resource_count)
        front = front_of(
            name, project=target.project, stack=target.stack, twin=twin, on_line=lines.take
        )
        with explained(twin, same, outlives=not twin.is_ours):
            if before is not None and twin.plan.moved_from(before):
                voice.say("Some of its addresses are taken by now: it moves to others.")
                front.refresh()
            changes = front.up()
            platform = platform_of(changes)
            armed = arm_new(twin, platform, changes)
        save_contract(twin.state_dir, platform)
    if armed:
        voice.say(f"Armed the kill switch of {', '.join(armed)}, which AWS leaves to people.")
    _tell(twin, platform, changes, same, voice)


def _tell(twin: Twin, platform: Platform, changes: Changes, same: str, voice: Voice) -> None:
    """The end of ``up``: what there is now, and what to do next."""
    voice.say(f"{changes}.")
    for name, jurisdiction in sorted(platform.jurisdictions.items()):
        regions = ", ".join(sorted(jurisdiction.regions))
        voice.say(f"{name}: {jurisdiction.hostname} on {regions}")
    following = {
        "agents": f"holdfast twin agents up {same}",
        "status": f"holdfast twin status {same}",
        "end": f"holdfast twin down {same}",
    }
    voice.say(
        f"Next: `{following['agents']}` starts the agents, `{following['status']}` shows the "
        f"twin, `{following['end']}` ends it."
    )
    voice.result(
        {
            "state_dir": str(twin.state_dir),
            "regions": {
                region: {"endpoint": twin.endpoint(region), "users": url_of(twin, region)}
                for region in twin.regions
            },
            "jurisdictions": {
                name: {"hostname": one.hostname, "regions": sorted(one.regions)}
                for name, one in sorted(platform.jurisdictions.items())
            },
            "changes": _json(changes),
            "next": [*following.values()],
        }
    )


def _json(changes: Changes) -> dict[str, JsonValue]:
    """What a run did, without the outputs: those hold secrets."""
    return {
        "created": [*changes.created],
        "updated": [*changes.updated],
        "replaced": [*changes.replaced],
        "deleted": [*changes.deleted],
        "unchanged": [*changes.unchanged],
        "drifted": {urn: [*names] for urn, names in sorted(changes.drifted.items())},
    }


class _Lines:
    """Takes the lines of a deployment: counts our own front's, shows those of the real CLI."""

    def __init__(self, voice: Voice, resource_count: int | None) -> None:
        self._voice = voice
        self._total = resource_count
        self._done = 0

    def take(self, line: str) -> None:
        if self._total is None:
            self._voice.say(line)
            return
        self._done += 1
        self._voice.count("Deploying resources", self._done, self._total)


def _expect_place(place: Path) -> None:
    """Refuses a directory that holds other things than a twin: ``down`` would remove them."""
    if not place.is_dir() or (place / LOCK_FILE).exists():
        return
    # A supervisor that did not come so far has left its log and no more.
    others = sorted(path.name for path in place.iterdir() if path.name != SUPERVISOR_LOG.parts[0])
    if others:
        raise TwinError(
            f"{place} holds {others[0]}, which no twin has put there and `twin down` would "
            "remove. Name a --state-dir that is empty or does not exist."
        )


@contextmanager
def _running(
    target: Target, outlook: Outlook, dns_port: int | None, same: str, voice: Voice
) -> Generator[Twin]:
    """The stack's twin; one that was started here does not outlive a failure."""
    if look(target.place).stage in {Stage.STARTING, Stage.RUNNING}:
        yield _found(target, outlook, same)
        return
    # Detached only once the stack is on it: until then the twin ends with this process, so that
    # an interruption between any two lines leaves nothing behind.
    twin = Twin.start(
        state_dir=target.place,
        regions=outlook.regions,
        dns_port=dns_port,
        detached=False,
        on_region=_Regions(voice, len(outlook.regions)).take,
    )
    try:
        yield twin
    except BaseException:
        twin.stop()
        raise
    twin.detach()


def _found(target: Target, outlook: Outlook, same: str) -> Twin:
    """The twin that runs already.

    Raises:
        TwinError: If it is not fit to be deployed to, and how to make it so.
    """
    twin = Twin.attach(target.place)
    missing = sorted(set(outlook.regions) - set(twin.regions))
    if missing:
        raise TwinError(
            f"the twin in {target.place} runs without {', '.join(missing)}, which the stack now "
            f"names. Restart it: `holdfast twin stop {same}`, then `up` again."
        )
    trouble = _trouble(twin, same)
    if trouble:
        raise TwinError(trouble)
    return twin


class _Regions:
    """Counts the regions that have come up."""

    def __init__(self, voice: Voice, total: int) -> None:
        self._voice = voice
        self._total = total
        self._done = 0
        self._lock = threading.Lock()
        voice.count("Starting regions", 0, total)

    def take(self, _region: str) -> None:
        with self._lock:
            self._done += 1
            self._voice.count("Starting regions", self._done, self._total)


def _trouble(twin: Twin, same: str | None) -> str:
    """What keeps a twin's regions from serving, in one sentence; "" where nothing does.

    Args:
        twin: The twin.
        same: Options that lead another command to it, or None when it is about to be ended.
    """
    told = [
        f"{region.name} is {region.state}: {'; '.join(troubles(region, same))}"
        for region in twin.status().regions
        if region.state is not RegionState.UP or not region.answers
    ]
    if not told:
        return ""
    ended = "" if same is not None else "; the twin was ended again, see its logs and start anew"
    return "; ".join(told) + ended + "."


@contextmanager
def explained(twin: Twin, same: str, *, outlives: bool = True) -> Generator[None]:
    """Says which region has died, where that is why something did not work.

    Args:
        twin: The twin that something is done to.
        same: Options that lead another command to it.
        outlives: Whether it goes on when that fails.

    Raises:
        TwinError: In place of the client library's sentence.
    """
    try:
        yield
    except TwinError as error:
        trouble = _trouble(twin, same if outlives else None)
        if trouble:
            raise TwinError(trouble) from error
        raise


@contextmanager
def _front(target: Target, same: str, voice: Voice) -> Generator[tuple[Twin, Front]]:
    """The front that deployed to a twin that runs."""
    twin = Twin.attach(target.place)
    name = front_in_use(twin)
    with explained(twin, same):
        yield (
            twin,
            front_of(
                name, project=target.project, stack=target.stack, twin=twin, on_line=voice.say
            ),
        )


def preview(target: Target, same: str, voice: Voice) -> None:
    """Says what ``up`` would do."""
    with _front(target, same, voice) as (_, front):
        changes = front.preview()
    voice.say(f"{changes}.")
    voice.result(_json(changes))


def refresh(target: Target, same: str, voice: Voice) -> None:
    """Says what is no longer as it was deployed."""
    with _front(target, same, voice) as (_, front):
        changes = front.refresh()
    voice.say(f"{changes}.")
    for urn, properties in sorted(changes.drifted.items()):
        voice.say(f"{urn}: {', '.join(properties) or 'gone'}")
    voice.result(_json(changes))
    raise typer.Exit(1 if changes.drifted else 0)


def destroy(target: Target, same: str, voice: Voice, *, force: bool) -> None:
    """Removes every resource."""
    with _front(target, same, voice) as (twin, front):
        changes = front.destroy(forced=force)
    voice.say(f"{changes}.")
    voice.result(_json(changes))
    forget_front(twin)
