"""Runs a Pulumi Python project in this process and returns its resource graph.

Guarantees:
    The program sees what Pulumi's own executor would show it: configuration, arguments, working
    directory, import path. It ends in a complete graph or in one error; never in half a graph.

Does not guarantee:
    The project's own virtual environment: the program runs with the packages of this process.
    A program that blocks outside Pulumi is not interrupted; the time limit covers what it awaits.
"""

import asyncio
import contextvars
import gc
import logging
import time
import traceback
from collections.abc import Callable, Coroutine, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from google.protobuf import empty_pb2
from pulumi import RunError
from pulumi.runtime import Settings, configure, run_in_stack, set_all_config
from pulumi.runtime.proto import engine_pb2
from pulumi.runtime.settings import ROOT

from holdfast.errors import GraphError
from holdfast.graph import requests
from holdfast.graph.interrupts import CtrlC, heeding_ctrl_c
from holdfast.graph.isolation import isolated, run_program
from holdfast.graph.model import Graph, Node, Source
from holdfast.graph.monitor import Deployment, Monitor
from holdfast.graph.preview import PreviewProvider
from holdfast.graph.project import Project, StackConfig, read_config, read_project
from holdfast.graph.provider import Provider

_LOG = logging.getLogger(__name__)
_WORKERS = 32
_LOOK_EVERY_S = 0.1
_CANCELLED_WITHIN_S = 5
_T = TypeVar("_T")


def run(
    project: Path,
    stack: str,
    *,
    provider: Provider | None = None,
    preview: bool | None = None,
    config: Mapping[str, str] | None = None,
    on_node: Callable[[Node], None] = lambda _node: None,
    timeout_s: float = 600,
) -> Graph:
    """Runs a project's program for one stack and returns what it registered.

    Args:
        project: Directory that holds ``Pulumi.yaml``.
        stack: Stack name; ``Pulumi.<stack>.yaml`` must exist.
        provider: Answers registrations. By default one that makes nothing.
        preview: Whether outputs may be unknown. By default True without a provider of one's
            own, and False with one.
        config: Values that win over the stack file's, by full key or by the project's own key.
        on_node: Told of each resource while the program still runs: one at a time, from any
            thread, providers before what they provide. It must not wait. Inputs and options are
            final; what a component shows to the outside is still to come.
        timeout_s: How long the program and its provider may take together.

    Returns:
        The whole graph, the stack and default providers included.

    Raises:
        GraphError: If the project cannot be read, the program raises (the message names file,
            line and cause), registers a URN twice, or does not end in time.
        HoldfastError: Whatever a provider of one's own raises of that kind, unchanged.
        KeyboardInterrupt: On Ctrl-C, whatever the program and the SDK make of it.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise GraphError(
            "a program cannot run inside a running event loop. Allowed is a thread without one; "
            "call `await asyncio.to_thread(run, ...)`."
        )
    found = read_project(project)
    settings = read_config(found, stack, config or {})
    deployment = Deployment(
        project=found.name,
        stack=stack,
        root=found.root,
        config=settings.values,
        preview=preview if preview is not None else provider is None,
        provider=provider if provider is not None else PreviewProvider(),
        on_node=on_node,
    )
    monitor = Monitor(deployment)
    with heeding_ctrl_c() as ctrl_c:
        # Every setting of the SDK is a context variable, so a copied context leaves none behind.
        contextvars.copy_context().run(_run, monitor, found, settings, ctrl_c, timeout_s)
    return Graph(
        project=found.name,
        stack=stack,
        root=found.root,
        preview=deployment.preview,
        nodes=monitor.nodes,
        config={
            key: value for key, value in settings.values.items() if key not in settings.secrets
        },
    )


@contextmanager
def _collector_at_rest(preview: bool) -> Generator[None]:  # noqa: FBT001 - one call, above
    """Pauses the garbage collector for a preview: a third of its time went into finding nothing.

    A preview is short and keeps nearly all that it makes. A deployment may take minutes.
    """
    was_on = gc.isenabled()
    if preview:
        gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Engine:
    """Receives the program's log messages."""

    def Log(self, request: engine_pb2.LogRequest) -> empty_pb2.Empty:  # noqa: N802
        levels = {
            engine_pb2.DEBUG: logging.DEBUG,
            engine_pb2.INFO: logging.INFO,
            engine_pb2.WARNING: logging.WARNING,
        }
        _LOG.log(levels.get(request.severity, logging.ERROR), "%s", request.message)
        return empty_pb2.Empty()

    def RequirePulumiVersion(  # noqa: N802 - the protocol's name
        self, _request: engine_pb2.RequirePulumiVersionRequest
    ) -> empty_pb2.Empty:
        # There is no CLI whose version could be wrong.
        return empty_pb2.Empty()


def _run(
    monitor: Monitor,
    project: Project,
    config: StackConfig,
    ctrl_c: CtrlC,
    timeout_s: float,
) -> None:
    deployment = monitor.deployment
    ROOT.set(None)
    set_all_config(dict(config.values), sorted(config.secrets))
    configure(
        Settings(
            project=project.name,
            stack=deployment.stack,
            monitor=monitor,
            engine=_Engine(),
            dry_run=deployment.preview,
            organization="organization",
            root_directory=str(project.root),
        )
    )
    loop = asyncio.new_event_loop()
    places = _Places(project.root)
    loop.set_task_factory(places.new_task)
    # What a failed program leaves unfinished is reported once, by us.
    loop.set_exception_handler(lambda _loop, _context: None)
    executor = ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="holdfast-graph")
    loop.set_default_executor(executor)
    asyncio.set_event_loop(loop)
    try:
        with isolated(project.program, project.root), _collector_at_rest(deployment.preview):
            awaited = _awaited(project.program, ctrl_c, timeout_s)
            _await_program(loop, awaited, monitor, project, places)
    finally:
        try:
            _cancel_rest(loop)
        finally:
            executor.shutdown(wait=monitor.failure is None, cancel_futures=True)
            monitor.close()
            asyncio.set_event_loop(None)
            loop.close()


async def _awaited(program: Path, ctrl_c: CtrlC, timeout_s: float) -> None:
    """Runs a program to its end, or for as long as it may.

    Its own end is not waited for: once interrupted or cancelled it need not come, because the SDK
    first waits for every registration, and some wait for what is never going to be made.

    Raises:
        KeyboardInterrupt: On Ctrl-C.
        TimeoutError: If it takes too long.
    """
    running = asyncio.ensure_future(run_in_stack(lambda: _run_to_exit(program)))
    until_s = time.monotonic() + timeout_s
    while not running.done():
        if ctrl_c.pressed:
            raise KeyboardInterrupt
        if time.monotonic() > until_s:
            raise TimeoutError(f"did not end within {timeout_s} s")
        await asyncio.wait({running}, timeout=_LOOK_EVERY_S)
    running.result()


def _await_program(
    loop: asyncio.AbstractEventLoop,
    awaited: Coroutine[None, None, None],
    monitor: Monitor,
    project: Project,
    places: "_Places",
) -> None:
    try:
        loop.run_until_complete(awaited)
    except TimeoutError as error:
        waiting = ", ".join(monitor.unanswered) or "an output that nothing resolves"
        monitor.failure = monitor.failure or GraphError(
            f"{project.program} {error}; it waits for {waiting}. "
            f"Allowed is a program that ends; look there, or raise `timeout_s`."
        )
        raise monitor.failure from error
    except (Exception, SystemExit) as error:
        if monitor.failure is not None:
            raise monitor.failure from error.__cause__
        raise _explained(project, _as_error(error), places.of(error)) from error
    if monitor.failure is not None:
        # The program swallowed it; the graph is not whole all the same.
        raise monitor.failure


def _run_to_exit(program: Path) -> None:
    """Runs a program; an exit with a failure becomes an error that the event loop can carry."""
    try:
        run_program(program)
    except SystemExit as error:
        if error.code not in {None, 0}:
            raise _as_error(error) from error


def _as_error(error: BaseException) -> BaseException:
    """An exit as an error: inside an ``apply`` even one with 0 leaves half a graph."""
    if not isinstance(error, SystemExit):
        return error
    return GraphError(f"the program ended itself with SystemExit: {error.code}")


def _cancel_rest(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        # One that does not heed its cancellation is left behind with the loop.
        loop.run_until_complete(asyncio.wait(tasks, timeout=_CANCELLED_WITHIN_S))


def _explained(project: Project, error: BaseException, place: Source | None) -> GraphError:
    file, line = (None, None) if place is None else (place.file, place.line)
    if isinstance(error, RunError):
        # The program speaks to its user, who has no business in its lines.
        return GraphError(str(error), file=file, line=line)
    where = str(project.program) if place is None else str(place)
    what = str(error) if isinstance(error, GraphError) else f"{type(error).__name__}: {error}"
    return GraphError(f"{where}: {what}", file=file, line=line)


class _Places:
    """Remembers where in the program each error of a task came from.

    An error that is awaited twice has lost its traceback the second time, and the SDK awaits
    many of its tasks twice.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._seen: list[tuple[BaseException, Source]] = []

    def new_task(
        self,
        loop: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, _T] | Generator[Any, None, _T],
    ) -> "asyncio.Task[_T]":
        """Makes a task that is looked at when it ends, before anybody awaits it."""
        task = asyncio.Task(coroutine, loop=loop)
        task.add_done_callback(self._look)
        return task

    def of(self, error: BaseException) -> Source | None:
        """The innermost line of the program that an error came through."""
        chain: list[BaseException] = []
        link: BaseException | None = error
        while link is not None and link not in chain:
            chain.append(link)
            link = link.__cause__ or link.__context__
        for link in chain:
            found = self._innermost(link.__traceback__)
            if found is not None:
                return found
        return next((place for seen, place in self._seen if seen in chain), None)

    def _look(self, task: "asyncio.Task[_T]") -> None:
        error = None if task.cancelled() else task.exception()
        place = None if error is None else self._innermost(error.__traceback__)
        if error is not None and place is not None:
            self._seen.append((error, place))

    def _innermost(self, trace: TracebackType | None) -> Source | None:
        for frame in reversed(traceback.extract_tb(trace)):
            file = Path(frame.filename)
            inside = file.is_relative_to(self._root) and "site-packages" not in file.parts
            if inside and not file.is_relative_to(Path(__file__).parent):
                return requests.place(file, frame.lineno or 0, self._root)
        return None
