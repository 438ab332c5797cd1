"""A small deployment engine over ``holdfast.graph``: the twin without a Pulumi CLI.

Guarantees:
    What was made is on disk before the next thing is made, so a run that fails or is
    interrupted can be run again and goes on from there. Replacements are made before what they
    replace is deleted, unless their type or an option says otherwise. Deletions follow the
    dependencies backwards. A protected resource is deleted only when asked to explicitly.

Does not guarantee:
    Everything of Pulumi's engine: ``import``, hooks, replacement triggers, ``replace_with`` and
    nested paths in ``ignore_changes`` and ``replace_on_changes`` are refused by name.
"""

import threading
from collections.abc import Callable
from pathlib import Path

from holdfast.graph import reveal, run
from holdfast.twin.fronts.changes import Changes
from holdfast.twin.fronts.deletion import delete_all
from holdfast.twin.fronts.deployer import Deployer
from holdfast.twin.fronts.graph_values import json_of
from holdfast.twin.fronts.refreshing import refresh_all
from holdfast.twin.fronts.stack_state import StackState, exclusive
from holdfast.twin.provider.cloud import Cloud
from holdfast.twin.provider.core import Provider, Settings
from holdfast.twin.provider.values import Object


class InProcess:
    """One stack of one project, deployed to a twin by this process."""

    def __init__(
        self,
        *,
        project: Path,
        stack: str,
        state_dir: Path,
        cloud: Cloud,
        on_line: Callable[[str], None],
    ) -> None:
        """Prepares a deployment; nothing happens yet.

        Args:
            project: Directory of the project's ``Pulumi.yaml``. Only read.
            stack: Name of the stack.
            state_dir: The twin's directory; the state goes into ``inprocess/`` below it.
            cloud: The twin's emulators.
            on_line: Takes one line for each thing that happens, as it happens; never called
                by two threads at once.
        """
        self._project = project
        self._stack = stack
        self._folder = state_dir / "inprocess"
        self._cloud = cloud
        self._on_line = _one_at_a_time(on_line)

    def up(self) -> Changes:
        """Creates, updates, replaces and deletes until all is as the program says.

        Raises:
            TwinError: If a resource cannot be made; what was made is kept and recorded.
            GraphError: If the program fails.
        """
        with exclusive(self._folder):
            state = StackState(self._folder)
            deployer = Deployer(state, self._cloud, self._on_line, preview=False)
            try:
                graph = run(self._project, self._stack, provider=deployer, preview=False)
            finally:
                deployer.wait()
                state.save()
            deleted = deployer.prune()
            outputs = {key: json_of(reveal(item)) for key, item in graph.outputs.items()}
            state.finish(outputs)
            return deployer.changes(deleted=deleted, outputs=outputs)

    def preview(self) -> Changes:
        """What ``up`` would do. Makes nothing.

        Raises:
            TwinError: If a resource cannot be made.
            GraphError: If the program fails.
        """
        with exclusive(self._folder):
            state = StackState(self._folder)
            deployer = Deployer(state, self._cloud, self._on_line, preview=True)
            try:
                run(self._project, self._stack, provider=deployer, preview=True)
            finally:
                deployer.wait()
            return deployer.changes(deleted=deployer.obsolete(), outputs={})

    def refresh(self) -> Changes:
        """Reads every resource again, tells the drift, and keeps what it is now.

        Raises:
            TwinError: If the emulator does not answer.
        """
        with exclusive(self._folder):
            state = StackState(self._folder)
            changes = refresh_all(state, Provider(self._cloud), self._on_line)
            state.save()
            return changes

    def destroy(self, *, forced: bool = False) -> Changes:
        """Deletes every resource, the dependent ones first.

        Args:
            forced: Whether to delete protected resources too, lift deletion protection, empty
                buckets and skip recovery windows.

        Raises:
            TwinError: If a resource is protected, or cannot be deleted. What was deleted is
                recorded, so that it can be tried again.
        """
        with exclusive(self._folder):
            state = StackState(self._folder)
            provider = Provider(self._cloud, Settings())
            try:
                deleted = delete_all(state, state.records, provider, self._on_line, forced=forced)
            finally:
                state.save()
            state.finish({})
            return Changes(deleted=deleted)

    def outputs(self) -> Object:
        """The stack's outputs after its last complete ``up``; empty when there was none."""
        return StackState(self._folder).outputs


def _one_at_a_time(on_line: Callable[[str], None]) -> Callable[[str], None]:
    lock = threading.Lock()

    def call(line: str) -> None:
        with lock:
            on_line(line)

    return call
