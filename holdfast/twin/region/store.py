"""What a region must not forget when its process is killed, in one SQLite file.

Guarantees:
    What a method wrote before it returned is read back after a SIGKILL of this process.

Does not guarantee:
    Survival of a crash of the machine: the file is not synced, for speed.
    That votes of deleted items are ever removed while their table exists: a register must
    outlive its item, or an old accept could bring the item back.
"""

import json
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from holdfast.errors import TwinError
from holdfast.twin.region.consensus import NO_BALLOT, Ballot, Item, Register, Slot

_SCHEMA = """
CREATE TABLE IF NOT EXISTS groups (
    gid TEXT PRIMARY KEY, name TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS slots (
    gid TEXT, key TEXT, promised_n INTEGER, promised_r TEXT, accepted_n INTEGER,
    accepted_r TEXT, register TEXT, seq INTEGER, PRIMARY KEY (gid, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS slots_by_seq ON slots (gid, seq);
CREATE TABLE IF NOT EXISTS items (
    gid TEXT, key TEXT, stamp INTEGER, origin TEXT, item TEXT, PRIMARY KEY (gid, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, peer TEXT, resource TEXT, slot TEXT, body TEXT,
    queued_ms INTEGER, UNIQUE (peer, resource, slot));
CREATE TABLE IF NOT EXISTS places (bucket TEXT PRIMARY KEY, region TEXT) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class StoredItem:
    """The local copy of an item.

    Attributes:
        key: Encoded key.
        version: Orders the copies of one key: the ballot that committed it, or for an
            eventually consistent table the write's time in microseconds and its region.
        item: None for a deleted item, which is remembered so that no older write revives it.
    """

    key: str
    version: Ballot
    item: Item | None


@dataclass(frozen=True, slots=True)
class Parcel:
    """Something that a peer has yet to receive.

    Attributes:
        id: Orders the parcels of a peer.
        resource: Table's or bucket's name, for the books.
        body: What to send.
        queued_ms: Wall clock when it was first queued, in milliseconds.
    """

    id: int
    resource: str
    body: str
    queued_ms: int


def damaged(file: Path) -> TwinError:
    """The error of a region whose state cannot be read back."""
    return TwinError(
        f"{file} cannot be read, as can happen when the machine itself has crashed. "
        "The twin cannot go on from it: end it and forget what was deployed with "
        "`holdfast twin down`, and bring it up anew."
    )


class Store:
    """One region's durable state. Not thread-safe: the event loop's thread alone uses it.

    Raises:
        TwinError: If the file is no database, or a damaged one.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            raise damaged(path) from error

    def _open(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("PRAGMA cache_size=-1024")
        self._db.executescript(_SCHEMA)
        # Reads every page once: a few milliseconds for what a twin holds.
        if self._db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("quick_check")
        found = self._db.execute("SELECT max(seq) FROM slots").fetchone()
        self._seq = int(found[0] or 0)

    def close(self) -> None:
        """Ends the use of the file."""
        self._db.close()

    @contextmanager
    def together(self) -> Generator[None, None, None]:
        """Everything written inside becomes durable at once, or nothing does."""
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # Table groups

    def groups(self) -> list[str]:
        """The bodies of all table groups."""
        return [str(row[0]) for row in self._db.execute("SELECT body FROM groups")]

    def put_group(self, gid: str, name: str, body: str) -> None:
        """Remembers a table group."""
        self._db.execute("INSERT OR REPLACE INTO groups VALUES (?, ?, ?)", (gid, name, body))

    def drop_group(self, gid: str) -> None:
        """Forgets a table group, its votes, its items."""
        with self.together():
            for table in ("groups", "slots", "items"):
                self._db.execute(f"DELETE FROM {table} WHERE gid = ?", (gid,))  # noqa: S608 -- fixed names

    def drop_slots(self, gid: str) -> None:
        """Forgets the votes of a group that is no longer strongly consistent."""
        self._db.execute("DELETE FROM slots WHERE gid = ?", (gid,))

    # Acceptor slots

    def slot(self, gid: str, key: str) -> Slot:
        """What this acceptor knows of a key."""
        row = self._db.execute(
            "SELECT promised_n, promised_r, accepted_n, accepted_r, register FROM slots"
            " WHERE gid = ? AND key = ?",
            (gid, key),
        ).fetchone()
        if row is None:
            return Slot()
        return Slot(
            Ballot(row[0], row[1]), Ballot(row[2], row[3]), register_from(json.loads(row[4]))
        )

    def put_slot(self, gid: str, key: str, slot: Slot) -> None:
        """Remembers a vote."""
        self._seq += 1
        self._db.execute(
            "INSERT OR REPLACE INTO slots VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                gid,
                key,
                slot.promised.counter,
                slot.promised.region,
                slot.accepted.counter,
                slot.accepted.region,
                json.dumps(register_to(slot.register), separators=(",", ":")),
                self._seq,
            ),
        )

    def changes(self, gid: str, after: int, limit: int) -> list[tuple[int, str, Ballot]]:
        """Keys that this acceptor voted on since ``after``: sequence number, key, ballot."""
        rows = self._db.execute(
            "SELECT seq, key, accepted_n, accepted_r FROM slots WHERE gid = ? AND seq > ?"
            " ORDER BY seq LIMIT ?",
            (gid, after, limit),
        )
        return [(int(row[0]), str(row[1]), Ballot(row[2], row[3])) for row in rows]

    def ballots(self, gid: str, prefix: str) -> dict[str, Ballot]:
        """The accepted ballot of every key that begins with ``prefix``."""
        rows = self._db.execute(
            "SELECT key, accepted_n, accepted_r FROM slots"
            " WHERE gid = ? AND key >= ? AND key < ? AND accepted_n > 0",
            (gid, prefix, prefix + "\U0010ffff"),
        )
        return {str(row[0]): Ballot(row[1], row[2]) for row in rows}

    def highest_counter(self) -> int:
        """The highest ballot counter that this acceptor has seen."""
        row = self._db.execute("SELECT max(promised_n) FROM slots").fetchone()
        return int(row[0] or 0)

    # Items

    def put_item(self, gid: str, stored: StoredItem) -> None:
        """Remembers the local copy of an item."""
        text = None if stored.item is None else json.dumps(stored.item, separators=(",", ":"))
        self._db.execute(
            "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?)",
            (gid, stored.key, stored.version.counter, stored.version.region, text),
        )

    def forget_item(self, gid: str, key: str) -> None:
        """Removes an item of a table without replicas, where no tombstone is needed."""
        self._db.execute("DELETE FROM items WHERE gid = ? AND key = ?", (gid, key))

    def drop_items(self, gid: str) -> None:
        """Removes every item of a table."""
        self._db.execute("DELETE FROM items WHERE gid = ?", (gid,))

    def version(self, gid: str, key: str) -> Ballot:
        """The version of the local copy of an item."""
        row = self._db.execute(
            "SELECT stamp, origin FROM items WHERE gid = ? AND key = ?", (gid, key)
        ).fetchone()
        return NO_BALLOT if row is None else Ballot(row[0], row[1])

    def items(self, gid: str) -> Iterator[StoredItem]:
        """Every item of a table, tombstones included."""
        for key, stamp, origin, text in self._db.execute(
            "SELECT key, stamp, origin, item FROM items WHERE gid = ?", (gid,)
        ):
            item = None if text is None else cast("Item", json.loads(text))
            yield StoredItem(key, Ballot(stamp, origin), item)

    # Outbox

    def enqueue(self, peer: str, resource: str, slot: str, body: str, now_ms: int) -> None:
        """Queues something for a peer. A later body for the same slot replaces the earlier.

        It keeps the earlier's place, so that an item that changes all the time is still sent.
        """
        self._db.execute(
            "INSERT INTO outbox (peer, resource, slot, body, queued_ms) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (peer, resource, slot) DO UPDATE SET body = excluded.body",
            (peer, resource, slot, body, now_ms),
        )

    def due(self, peer: str, before_ms: int, limit: int) -> list[Parcel]:
        """The oldest parcels for a peer that were queued before a time."""
        rows = self._db.execute(
            "SELECT id, resource, body, queued_ms FROM outbox WHERE peer = ? AND queued_ms <= ?"
            " ORDER BY id LIMIT ?",
            (peer, before_ms, limit),
        )
        return [Parcel(int(row[0]), str(row[1]), str(row[2]), int(row[3])) for row in rows]

    def delivered(self, parcels: Sequence[Parcel]) -> None:
        """Removes what a peer has confirmed, unless it was replaced in the meantime."""
        with self.together():
            for parcel in parcels:
                self._db.execute(
                    "DELETE FROM outbox WHERE id = ? AND body = ?", (parcel.id, parcel.body)
                )

    def drop_parcels(self, resource: str, peer: str | None = None) -> None:
        """Gives up what is queued for a table or bucket that is gone, or gone from a peer."""
        if peer is None:
            self._db.execute("DELETE FROM outbox WHERE resource = ?", (resource,))
        else:
            self._db.execute("DELETE FROM outbox WHERE resource = ? AND peer = ?", (resource, peer))

    def next_due_ms(self, peer: str) -> int | None:
        """When the oldest parcel for a peer was queued."""
        row = self._db.execute(
            "SELECT queued_ms FROM outbox WHERE peer = ? ORDER BY id LIMIT 1", (peer,)
        ).fetchone()
        return None if row is None else int(row[0])

    def pending(self) -> list[tuple[str, str, int, int]]:
        """By resource and peer: how much waits, and since when (wall clock, milliseconds)."""
        rows = self._db.execute(
            "SELECT resource, peer, count(*), min(queued_ms) FROM outbox GROUP BY resource, peer"
        )
        return [(str(row[0]), str(row[1]), int(row[2]), int(row[3])) for row in rows]

    # Buckets

    def put_place(self, bucket: str, region: str) -> None:
        """Remembers which region holds a bucket that another replicates to."""
        self._db.execute("INSERT OR REPLACE INTO places VALUES (?, ?)", (bucket, region))

    def place(self, bucket: str) -> str | None:
        """The region of a bucket, if it was remembered."""
        row = self._db.execute("SELECT region FROM places WHERE bucket = ?", (bucket,)).fetchone()
        return None if row is None else str(row[0])


def register_to(register: Register) -> dict[str, object]:
    """A register as JSON."""
    return {"by": dict(register.operations), "item": register.item}


def register_from(raw: dict[str, object]) -> Register:
    """The register in its JSON."""
    operations = cast("dict[str, str]", raw["by"])
    return Register(tuple(operations.items()), cast("Item | None", raw["item"]))


def ballot_to(ballot: Ballot) -> list[object]:
    """A ballot as JSON."""
    return [ballot.counter, ballot.region]


def ballot_from(raw: object) -> Ballot:
    """The ballot in its JSON."""
    counter, region = cast("tuple[int, str]", raw)
    return Ballot(counter, region)
