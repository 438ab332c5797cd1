"""Tags of a resource: what an update has to take away and what it has to set."""

from holdfast.twin.provider.values import Doc


def retag(old: Doc, new: Doc) -> tuple[list[str], dict[str, str]]:
    """The keys to remove and the tags to set, so that ``new``'s tags are all there are.

    Args:
        old: State, with ``tagsAll`` as the emulator holds it.
        new: Inputs, with ``tagsAll`` as they should be.
    """
    before = old.table("tagsAll")
    after = new.table("tagsAll")
    gone = sorted(key for key in before if key not in after)
    fresh = {key: after[key] for key in sorted(after) if before.get(key) != after[key]}
    return gone, fresh
