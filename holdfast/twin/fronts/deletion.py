"""Deleting resources: in which order, and which must not be.

Guarantees:
    Nothing is deleted before what depends on it is gone. Resources that do not depend on each
    other are deleted side by side. Each deletion is recorded as soon as it has happened.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter

from holdfast.errors import HoldfastError, TwinError
from holdfast.twin.fronts.stack_state import Record, StackState
from holdfast.twin.provider.core import Provider

WORKERS = 16


def delete_all(
    state: StackState,
    records: Sequence[Record],
    provider: Provider,
    on_line: Callable[[str], None],
    *,
    forced: bool = False,
) -> tuple[str, ...]:
    """Deletes resources, the dependent ones first; the URNs, sorted.

    Raises:
        TwinError: If one is protected and ``forced`` is not set, in which case nothing is
            deleted; or if deletions fail, in which case everything that can be deleted is.
    """
    protected = sorted(record.urn for record in records if record.protect)
    if protected and not forced:
        raise TwinError(
            f"{len(protected)} resources are protected and would have to be deleted: "
            f"{', '.join(protected)}. Take `protect` off and deploy, or force the deletion."
        )
    going = {record.urn for record in records}

    def delete(record: Record) -> None:
        if not record.retain_on_delete and record.deleted_with not in going:
            state.begin(record.urn, "delete")
            provider.delete(record.type, record.id, record.state, forced=forced)
        state.remove(record)
        on_line(f"deleted {record.type} {record.name}")

    failures = _in_order(records, delete)
    if failures:
        shown = "; ".join(f"{record.urn}: {error}" for record, error in failures)
        raise TwinError(
            f"{len(failures)} resources could not be deleted: {shown}. What was deleted is "
            "recorded; correct the cause and run the same command again."
        )
    return tuple(sorted(going))


def dependents_first(records: Iterable[Record]) -> Mapping[str, Collection[str]]:
    """For each record's key, the keys that must be gone before it may go."""
    records = list(records)
    by_urn: dict[str, list[Record]] = {}
    for record in records:
        by_urn.setdefault(record.urn, []).append(record)
    before: dict[str, set[str]] = {record.key: set() for record in records}
    for record in records:
        needs = {*record.dependencies, *filter(None, [record.parent])}
        for urn in needs:
            for needed in by_urn.get(urn, ()):
                if needed.key != record.key:
                    before[needed.key].add(record.key)
    return before


def _in_order(
    records: Sequence[Record], delete: Callable[[Record], None]
) -> list[tuple[Record, HoldfastError]]:
    """Deletes what nothing depends on any more, until nothing is left or can be deleted."""
    by_key = {record.key: record for record in records}
    sorter = TopologicalSorter(dependents_first(records))
    sorter.prepare()
    failures: list[tuple[Record, HoldfastError]] = []
    running: dict[Future[None], Record] = {}
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="twin-delete") as pool:
        while sorter.is_active():
            for key in sorted(sorter.get_ready()):
                running[pool.submit(delete, by_key[key])] = by_key[key]
            if not running:
                break  # What is left waits for something that could not be deleted.
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                record = running.pop(future)
                error = future.exception()
                if error is None:
                    sorter.done(record.key)
                elif isinstance(error, HoldfastError):
                    failures.append((record, error))
                else:
                    raise error
    return failures
