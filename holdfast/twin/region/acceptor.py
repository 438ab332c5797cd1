"""This region's vote on the items of strongly consistent tables, as its peers ask for it.

Guarantees:
    A vote is durable before it is cast.

Does not guarantee:
    Anything about the items that this region serves: those are the replica's affair.
"""

from holdfast.twin.region.consensus import (
    Ballot,
    Register,
    Slot,
    Vote,
    accept,
    prepare,
)
from holdfast.twin.region.groups import Consistency, Group, Groups
from holdfast.twin.region.peers import Fields, RefusedError
from holdfast.twin.region.store import (
    Store,
    ballot_from,
    ballot_to,
    register_from,
    register_to,
)

CHANGES_PAGE = 500


class Acceptor:
    """One of the three votes."""

    def __init__(self, store: Store, groups: Groups) -> None:
        self._store = store
        self._groups = groups

    def prepare(self, gid: str, key: str, ballot: Ballot) -> Vote:
        """Promises, or refuses to."""
        before = self._store.slot(gid, key)
        slot, vote = prepare(before, ballot)
        if slot is not before:
            self._store.put_slot(gid, key, slot)
        return vote

    def accept(
        self, gid: str, key: str, ballot: Ballot, register: Register, following: Ballot
    ) -> Vote:
        """Accepts, or refuses to."""
        before = self._store.slot(gid, key)
        slot, vote = accept(before, ballot, register, following)
        if slot is not before:
            self._store.put_slot(gid, key, slot)
        return vote

    def slot(self, gid: str, key: str) -> Slot:
        """What it knows of a key."""
        return self._store.slot(gid, key)

    # The same, for peers

    def on_prepare(self, message: Fields) -> Fields:
        """``prepare {gid, key, ballot}``."""
        group = self._group(message)
        return vote_to(self.prepare(group.gid, message["key"], ballot_from(message["ballot"])))

    def on_accept(self, message: Fields) -> Fields:
        """``accept {gid, key, ballot, register, following}``."""
        group = self._group(message)
        vote = self.accept(
            group.gid,
            message["key"],
            ballot_from(message["ballot"]),
            register_from(message["register"]),
            ballot_from(message["following"]),
        )
        return vote_to(vote)

    def on_read(self, message: Fields) -> Fields:
        """``read {gid, key, known}``: the accepted ballot, and the value unless it is known."""
        slot = self._store.slot(self._group(message).gid, message["key"])
        reply: Fields = {"accepted": ballot_to(slot.accepted)}
        if slot.accepted != ballot_from(message["known"]):
            reply["register"] = register_to(slot.register)
        return reply

    def on_digest(self, message: Fields) -> Fields:
        """``digest {gid, prefix}``: the accepted ballot of each key that begins so."""
        ballots = self._store.ballots(self._group(message).gid, message["prefix"])
        return {"ballots": {key: ballot_to(ballot) for key, ballot in ballots.items()}}

    def on_changes(self, message: Fields) -> Fields:
        """``changes {gid, after}``: a page of the keys that were voted on since."""
        rows = self._store.changes(self._group(message).gid, message["after"], CHANGES_PAGE)
        return {
            "changes": [[key, ballot_to(ballot)] for _, key, ballot in rows],
            "after": rows[-1][0] if rows else message["after"],
            "more": len(rows) == CHANGES_PAGE,
        }

    def _group(self, message: Fields) -> Group:
        group = self._groups.get(str(message["gid"]))
        if group is None or group.consistency is not Consistency.STRONG:
            raise RefusedError("this region has no part in that table")
        return group


def vote_to(vote: Vote) -> Fields:
    """A vote as JSON."""
    return {
        "granted": vote.granted,
        "promised": ballot_to(vote.promised),
        "accepted": ballot_to(vote.accepted),
        "register": None if vote.register is None else register_to(vote.register),
    }


def vote_from(raw: Fields) -> Vote:
    """The vote in its JSON."""
    register = raw["register"]
    return Vote(
        granted=raw["granted"],
        promised=ballot_from(raw["promised"]),
        accepted=ballot_from(raw["accepted"]),
        register=None if register is None else register_from(register),
    )
