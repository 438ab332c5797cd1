"""What a stack is known to have made, on disk before anything else is made.

Guarantees:
    Each change is appended to a journal before the next one begins, so that a process that is
    killed forgets nothing it was told. A line cut off by a crash is ignored. The state file is
    replaced at once and readable by its owner only: it holds secrets in plain text.

Does not guarantee:
    That a call which was under way when the process died left nothing behind: ``unfinished``
    names such resources.
"""

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Self, cast

from holdfast.errors import TwinError
from holdfast.twin.plan import naming
from holdfast.twin.provider.values import Doc, Json, Object

STATE_FILE = "stack.json"
JOURNAL_FILE = "stack.journal"
LOCK_FILE = "stack.lock"
_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One resource that exists.

    Attributes:
        urn: The engine's name for it.
        type: Type token.
        name: Logical name.
        id: Physical id.
        inputs: Checked inputs of its last deployment.
        state: All its properties as last seen.
        parent: URN of its parent.
        dependencies: URNs that it needs.
        property_dependencies: The same by input property.
        protect: Whether it must not be deleted.
        retain_on_delete: Whether deleting it only forgets it.
        deleted_with: URN of a resource whose deletion takes this one along.
        doomed: Whether a replacement exists and this one only waits to be deleted.
    """

    urn: str
    type: str
    name: str
    id: str
    inputs: Object
    state: Object
    parent: str | None = None
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict[str, tuple[str, ...]]
    )
    protect: bool = False
    retain_on_delete: bool = False
    deleted_with: str | None = None
    doomed: bool = False

    @property
    def key(self) -> str:
        """Unique among all records: a doomed one shares its URN with its replacement."""
        return f"{self.urn}::{self.id}" if self.doomed else self.urn

    @classmethod
    def load(cls, content: Object) -> Self:
        """A record from its JSON.

        Raises:
            TwinError: If a field is missing or of the wrong type.
        """
        doc = Doc(content)
        depends = doc.doc("property_dependencies")
        return cls(
            urn=doc.text("urn"),
            type=doc.text("type"),
            name=doc.text("name"),
            id=doc.text("id"),
            inputs=doc.doc("inputs").members,
            state=doc.doc("state").members,
            parent=doc.maybe_text("parent"),
            dependencies=tuple(doc.texts("dependencies")),
            property_dependencies={key: tuple(depends.texts(key)) for key in depends},
            protect=doc.flag("protect"),
            retain_on_delete=doc.flag("retain_on_delete"),
            deleted_with=doc.maybe_text("deleted_with"),
            doomed=doc.flag("doomed"),
        )


class StackState:
    """The records of one stack. Every method may be called from many threads."""

    def __init__(self, folder: Path) -> None:
        """Reads what is there.

        Raises:
            TwinError: If the files cannot be read or are of an unknown version.
        """
        self._folder = folder
        self._lock = threading.RLock()
        self._records: dict[str, Record] = {}
        self._outputs: Object = {}
        self._begun: dict[str, str] = {}
        self._journal: IO[str] | None = None
        self._load()

    @property
    def records(self) -> tuple[Record, ...]:
        """Every record, doomed ones included, sorted by key."""
        with self._lock:
            return tuple(self._records[key] for key in sorted(self._records))

    @property
    def outputs(self) -> Object:
        """The stack's outputs after the last complete deployment."""
        return self._outputs

    @property
    def unfinished(self) -> Mapping[str, str]:
        """Operations that had begun when a process died, by URN."""
        with self._lock:
            return dict(self._begun)

    def get(self, urn: str) -> Record | None:
        """The living record of a URN."""
        with self._lock:
            return self._records.get(urn)

    def begin(self, urn: str, operation: str) -> None:
        """Notes that an operation on the real thing is about to be sent."""
        with self._lock:
            self._begun[urn] = operation
            self._append({"begin": urn, "operation": operation})

    def end(self, urn: str) -> None:
        """Notes that it has come back, one way or the other, and left nothing to record."""
        with self._lock:
            self._begun.pop(urn, None)
            self._append({"end": urn})

    def put(self, record: Record) -> None:
        """Adds or replaces a record; ends the operation on it."""
        with self._lock:
            self._records[record.key] = record
            self._begun.pop(record.urn, None)
            self._append({"put": cast("Json", asdict(record))})

    def _replace(self, doomed: Record, new: Record) -> None:
        for record in (doomed, new):
            self._records[record.key] = record
        self._begun.pop(new.urn, None)

    def remove(self, record: Record) -> None:
        """Forgets a record; ends the operation on it."""
        with self._lock:
            self._records.pop(record.key, None)
            self._begun.pop(record.urn, None)
            self._append({"remove": record.key, "urn": record.urn})

    def supersede(self, old: Record, new: Record) -> None:
        """Puts a replacement in a record's place, which from then on waits to be deleted."""
        doomed = replace(old, doomed=True)
        with self._lock:
            self._replace(doomed, new)
            # One line: a crash between two would forget that one of them exists.
            lines = {"doomed": cast("Json", asdict(doomed)), "put": cast("Json", asdict(new))}
            self._append(lines)

    def finish(self, outputs: Object) -> None:
        """Keeps the stack's outputs after a complete deployment."""
        with self._lock:
            self._outputs = outputs
            self.save()

    def save(self) -> None:
        """Writes the state file anew and empties the journal."""
        with self._lock:
            content = {
                "version": _VERSION,
                "outputs": self._outputs,
                "unfinished": self._begun,
                "resources": [asdict(record) for record in self.records],
            }
            partial = self._folder / f".{STATE_FILE}.{os.getpid()}"
            with naming(partial), _private(partial, os.O_TRUNC) as file:
                json.dump(content, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._folder / STATE_FILE)
            self.close()
            (self._folder / JOURNAL_FILE).unlink(missing_ok=True)

    def close(self) -> None:
        """Lets go of the journal; its content stays."""
        with self._lock:
            if self._journal is not None:
                self._journal.close()
                self._journal = None

    def _append(self, line: Object) -> None:
        journal = self._folder / JOURNAL_FILE
        with naming(journal):
            if self._journal is None:
                self._journal = _private(journal, os.O_APPEND)
                # What a crash cut off stands on a line of its own.
                self._journal.write("\n")
            self._journal.write(json.dumps(line) + "\n")
            self._journal.flush()

    def _load(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / STATE_FILE
        if path.exists():
            try:
                content = Doc(cast("Object", json.loads(path.read_text(encoding="utf-8"))))
            except (OSError, ValueError) as error:
                raise TwinError(
                    f"{path} cannot be read: {error}. Restore it, or delete the directory to "
                    "start with an empty twin."
                ) from error
            if content.maybe_number("version") != _VERSION:
                raise TwinError(
                    f"{path} is of version {content.raw('version')}; this Holdfast reads version "
                    f"{_VERSION}. Take the twin down with the Holdfast that wrote it."
                )
            self._outputs = content.doc("outputs").members
            self._begun = content.table("unfinished")
            for item in content.docs("resources"):
                record = Record.load(item.members)
                self._records[record.key] = record
        for line in self._journal_lines():
            self._replay(line)

    def _journal_lines(self) -> Iterator[Doc]:
        path = self._folder / JOURNAL_FILE
        if not path.exists():
            return
        for line in path.read_text(encoding="utf-8").splitlines():
            # Cut off by the death of its writer, or empty.
            with contextlib.suppress(ValueError):
                yield Doc(cast("Object", json.loads(line)))

    def _replay(self, line: Doc) -> None:
        if "begin" in line:
            self._begun[line.text("begin")] = line.text("operation")
        elif "end" in line:
            self._begun.pop(line.text("end"), None)
        elif "doomed" in line:
            self._replace(
                Record.load(line.doc("doomed").members), Record.load(line.doc("put").members)
            )
        elif "put" in line:
            record = Record.load(line.doc("put").members)
            self._records[record.key] = record
            self._begun.pop(record.urn, None)
        elif "remove" in line:
            self._records.pop(line.text("remove"), None)
            self._begun.pop(line.text("urn"), None)


@contextlib.contextmanager
def exclusive(folder: Path) -> Generator[None]:
    """Holds a stack while it is deployed.

    Raises:
        TwinError: If another process deploys it.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _private(folder / LOCK_FILE, 0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise TwinError(
                f"another process is deploying the stack in {folder}. Wait for it to end."
            ) from error
        yield


def _private(path: Path, flags: int) -> IO[str]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8")
