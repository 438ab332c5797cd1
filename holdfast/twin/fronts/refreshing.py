"""Reading every resource of a stack again, and telling what is no longer as it was."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from holdfast.twin.fronts.changes import Changes
from holdfast.twin.fronts.stack_state import Record, StackState
from holdfast.twin.provider.core import Provider

WORKERS = 16


def refresh_all(state: StackState, provider: Provider, on_line: Callable[[str], None]) -> Changes:
    """Reads every living resource and records what it is now.

    Returns:
        The drift, by URN with the properties that differ; resources without any are unchanged.

    Raises:
        TwinError: If an emulator does not answer.
    """
    drifted: dict[str, tuple[str, ...]] = {}
    unchanged: list[str] = []

    def look(record: Record) -> None:
        now = provider.read(record.type, record.id, record.state, record.inputs)
        if now is None:
            state.remove(record)
            drifted[record.urn] = ()
            on_line(f"gone {record.type} {record.name}")
            return
        differing = provider.drift(record.type, record.state, now)
        if differing:
            drifted[record.urn] = differing
            on_line(f"drifted {record.type} {record.name}: {', '.join(differing)}")
        else:
            unchanged.append(record.urn)
        # As the engine does: what a program ignores the changes of is from now on what is there.
        inputs = provider.inputs_of(record.type, record.inputs, now)
        state.put(replace(record, inputs=inputs, state=now))

    living = [record for record in state.records if not record.doomed]
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="twin-refresh") as pool:
        list(pool.map(look, living))
    return Changes(
        drifted={urn: drifted[urn] for urn in sorted(drifted)}, unchanged=tuple(sorted(unchanged))
    )
