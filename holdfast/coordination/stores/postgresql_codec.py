"""Requests and replies as PostgreSQL puts them. Pure: shared by the sync and async adapters.

One row per key, ``(key text primary key, item jsonb not null)``. A write is one statement: it
locks the row, judges the condition on the locked row, writes, and returns both the old and the
new item. Rows are the only thing that is locked, and only for the length of the statement.
"""

# Statements are made of the table's name, which is checked to need no quoting, of words that
# stand here, and of the numbers of parameters.
# ruff: noqa: S608

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from holdfast.coordination.stores.store import (
    Absent,
    AllOf,
    Always,
    AnyOf,
    AtMost,
    Condition,
    Delete,
    Equals,
    Get,
    Item,
    Outcome,
    Put,
    Reply,
    Request,
    Update,
    Value,
    holds,
)
from holdfast.errors import ConfigurationError

MAX_REPETITIONS = 8
"""How often a write is repeated that met a row which was deleted and made again under it."""

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?")
_BYTES = "base64"
_EMPTY = "'{}'::jsonb"

# Rolled back, and worth another try: serialization failure, deadlock, lock or statement time
# limit, out of resources, a server that is a standby or is starting.
_PASSING = frozenset({"40001", "40P01", "55P03", "57014", "25006", "57P03"})
_PASSING_CLASSES = frozenset({"53"})
# No repetition will help until somebody changes something: a value that cannot be stored, no such
# database, wrong credentials, no such table, no permission, another table's shape, a key that is
# too long.
_FINAL_CLASSES = frozenset({"22", "23", "28", "3D", "3F", "42", "54"})


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement and its parameters, in the order of their numbers."""

    sql: bytes
    parameters: tuple[bytes, ...]


class PostgreSqlCodec:
    """Translates for one table.

    Args:
        table: Name of the table, with its schema if it is not on the search path.

    Raises:
        ConfigurationError: If the name would need quoting.
    """

    def __init__(self, table: str) -> None:
        if not _IDENTIFIER.fullmatch(table):
            raise ConfigurationError(
                f"table={table!r} is no plain PostgreSQL name. Use lower-case letters, digits and "
                "underscores, with a schema and a dot before it if need be."
            )
        self._table = table

    @property
    def table_name(self) -> str:
        """Name of the table."""
        return self._table

    def creation(self) -> Statement:
        """The statement that makes the table where it does not exist."""
        return _statement(
            f"CREATE TABLE IF NOT EXISTS {self._table} (key text PRIMARY KEY, item jsonb NOT NULL)"
        )

    def inspection(self) -> Statement:
        """The statement that shows whether this server keeps what it acknowledges."""
        return _statement(
            "SELECT pg_is_in_recovery(), current_setting('fsync'), "
            "current_setting('synchronous_commit'), current_setting('full_page_writes'), "
            f"(SELECT count(*) FROM (SELECT key, item FROM {self._table} LIMIT 0) shape)"
        )

    def statement(self, request: Request) -> Statement:
        """The statement of a request.

        Args:
            request: The request.

        Raises:
            ConfigurationError: If it holds text that PostgreSQL cannot store.
        """
        values = _Values()
        key = values.text(request.key)
        if isinstance(request, Get):
            return values.statement(f"SELECT item FROM {self._table} WHERE key = {key}")
        when = f"({_expression(request.when, values)}) IS TRUE"
        created = "SELECT NULL::jsonb AS item WHERE false"
        if isinstance(request, Delete):
            changed = (
                f"DELETE FROM {self._table} t USING locked WHERE t.key = {key} AND {when} "
                "RETURNING t.item"
            )
        else:
            changed = (
                f"UPDATE {self._table} t SET item = {_changed(request, values)} FROM locked "
                f"WHERE t.key = {key} AND {when} RETURNING t.item"
            )
            if holds(request.when, None):
                created = (
                    f"INSERT INTO {self._table} (key, item) "
                    f"SELECT {key}, {_changed(request, values, old=_EMPTY)} "
                    "WHERE NOT EXISTS (SELECT 1 FROM locked) "
                    "ON CONFLICT (key) DO NOTHING RETURNING item"
                )
        return values.statement(
            # The condition is judged on `locked`: the row as it is once it is locked, not as it
            # was when the statement began.
            f"WITH locked AS MATERIALIZED "
            f"(SELECT item FROM {self._table} WHERE key = {key} FOR UPDATE), "
            f"changed AS ({changed}), created AS ({created}) "
            "SELECT (SELECT item FROM locked), (SELECT item FROM changed), "
            "(SELECT item FROM created)"
        )

    def reply(self, request: Request, row: Sequence[bytes | None] | None) -> Reply | None:
        """The reply to a statement that was carried out.

        Args:
            request: The request.
            row: The first row of its result, as text; None if there is none.

        Returns:
            None if a row was deleted and made again while the statement ran: nothing was
            written, and the statement must be sent again.
        """
        if isinstance(request, Get):
            return Reply(Outcome.APPLIED, _decode(row[0]) if row else None)
        locked, changed, created = row or (None, None, None)
        if changed is not None or created is not None:
            gone = isinstance(request, Delete)
            return Reply(Outcome.APPLIED, None if gone else _decode(changed or created))
        if locked is not None:
            return Reply(Outcome.REFUSED, _decode(locked))
        if not holds(request.when, None):
            return Reply(Outcome.REFUSED, None)
        return Reply(Outcome.APPLIED, None) if isinstance(request, Delete) else None

    def failed(self, sqlstate: str, message: str) -> Reply:
        """The reply to a statement that the server reported an error for.

        Args:
            sqlstate: The five characters of the error.
            message: The server's message.

        Raises:
            ConfigurationError: If the request can never succeed.
        """
        kind = sqlstate[:2]
        if sqlstate in _PASSING or kind in _PASSING_CLASSES:
            return Reply(Outcome.RETRY, reason=f"{sqlstate}: {message}")
        if kind in _FINAL_CLASSES:
            raise ConfigurationError(
                f"PostgreSQL refuses requests to table {self._table} ({sqlstate}: {message}). "
                "Check the connection string, the table (create() makes it), the key, the value "
                "and the permissions of this role."
            )
        return Reply(Outcome.UNKNOWN, reason=f"{sqlstate}: {message}")

    def check_inspection(self, row: Sequence[bytes | None]) -> None:
        """Refuses a server that can forget what it has acknowledged.

        Args:
            row: What :meth:`inspection` returned.

        Raises:
            ConfigurationError: If it is a standby, or commits before it has written.
        """
        if row[0] == b"t":
            raise ConfigurationError(
                f"The server of table {self._table} is a standby (pg_is_in_recovery), so it "
                "answers with what was true before. Connect to the primary: add "
                "target_session_attrs=read-write to the connection string."
            )
        names = ("fsync", "synchronous_commit", "full_page_writes")
        for name, value in zip(names, row[1:4], strict=True):
            if value == b"off":
                raise ConfigurationError(
                    f"The server of table {self._table} runs with {name}=off, so a crash takes "
                    f"back leases that it has granted. Set {name} to on for this role: "
                    f"fencing tokens must never shrink."
                )


class _Values:
    """Parameters, numbered as they come."""

    def __init__(self) -> None:
        self._values: list[bytes] = []

    def text(self, value: str) -> str:
        return self._add(_utf8(value), "text")

    def json(self, item: Item) -> str:
        plain = {name: _plain(value) for name, value in item.items()}
        for name in plain:
            _utf8(name)
        return self._add(json.dumps(plain, ensure_ascii=False).encode(), "jsonb")

    def value(self, value: Value) -> str:
        return self._add(json.dumps(_plain(value), ensure_ascii=False).encode(), "jsonb")

    def number(self, value: int) -> str:
        return self._add(str(value).encode(), "numeric")

    def statement(self, sql: str) -> Statement:
        return Statement(sql.encode(), tuple(self._values))

    def _add(self, value: bytes, kind: str) -> str:
        self._values.append(value)
        return f"${len(self._values)}::{kind}"


def _statement(sql: str) -> Statement:
    return Statement(sql.encode(), ())


def _utf8(text: str) -> bytes:
    """Text as PostgreSQL takes it."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        encoded = None
    if encoded is None or b"\0" in encoded:
        raise ConfigurationError(
            f"The text {text!r} holds a NUL character or half a surrogate pair, which PostgreSQL "
            "cannot store. Leave it out, or store bytes."
        )
    return encoded


def _changed(request: Put | Update, values: _Values, old: str = "locked.item") -> str:
    """The item after a write, as an expression over the one before."""
    if isinstance(request, Put):
        return values.json(request.item)
    base = f"({old} || {values.json(request.assign)})"
    changed = base
    for name, amount in request.add.items():
        attribute = values.text(name)
        raised = f"coalesce(({base} -> {attribute})::numeric, 0) + {values.number(amount)}"
        changed = f"({changed} || jsonb_build_object({attribute}, {raised}))"
    for name in request.remove:
        changed = f"({changed} - {values.text(name)})"
    return changed


def _expression(condition: Condition, values: _Values) -> str:
    match condition:
        case Always() | AllOf(()):
            return "true"
        case AnyOf(()):
            return "false"
        case Absent(attribute):
            return f"NOT jsonb_exists(locked.item, {values.text(attribute)})"
        case Equals(attribute, value):
            return f"locked.item -> {values.text(attribute)} = {values.value(value)}"
        case AtMost(attribute, bound):
            found = f"locked.item -> {values.text(attribute)}"
            return (
                f"CASE WHEN jsonb_typeof({found}) = 'number' "
                f"THEN ({found})::numeric <= {values.number(bound)} ELSE false END"
            )
        case AllOf(conditions) | AnyOf(conditions):
            word = " AND " if isinstance(condition, AllOf) else " OR "
            return "(" + word.join(_expression(each, values) for each in conditions) + ")"


def _plain(value: Value) -> str | int | bool | dict[str, str]:
    """A value as JSON has it. JSON knows no bytes, and no other value here is an object."""
    if isinstance(value, str):
        _utf8(value)
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()}
    return value


def _decode(encoded: bytes | None) -> Item | None:
    if encoded is None:
        return None
    found = cast("Mapping[str, object]", json.loads(encoded))
    return {name: _decode_value(name, value) for name, value in found.items()}


def _decode_value(name: str, plain: object) -> Value:
    match plain:
        case bool() | int() | str():
            return plain
        case {"base64": str(text)}:
            return base64.b64decode(text)
        case _:
            raise ConfigurationError(
                f"Attribute {name} holds {plain!r}; records of this store hold text, whole "
                "numbers, booleans and bytes. Keep other rows in another table."
            )
