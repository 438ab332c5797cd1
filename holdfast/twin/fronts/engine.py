"""A real Pulumi engine with the twin attached in place of the AWS provider.

Guarantees:
    The engine's state, home and a copy of the stack's configuration lie in the twin's state
    directory; nothing of the user's project is written. The engine never goes to a network:
    not for plugins, not for updates, not for a backend. An interrupt reaches the engine, and
    its process group is gone when ``run`` returns or raises.

Does not guarantee:
    Speed: each command starts the engine, a language host and the program anew.
"""

import contextlib
import ensurepip
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

from holdfast.errors import TwinError
from holdfast.graph.loopback import environment_without_proxy
from holdfast.graph.yaml_files import read_yaml
from holdfast.twin.fronts import tied
from holdfast.twin.fronts.attach import serve
from holdfast.twin.fronts.changes import Changes
from holdfast.twin.plan import PRIVATE_UMASK
from holdfast.twin.processes import ProcessIdentity
from holdfast.twin.provider.adapter import TwinProvider
from holdfast.twin.provider.core import Provider
from holdfast.twin.provider.values import Doc, Json, Object

COMMANDS = ("up", "preview", "refresh", "destroy")
QUIET_TIMEOUT_S = 120
STOP_GRACE_S = 20
"""How long an interrupted engine may take to finish the calls that it has begun."""

_FLAGS: Mapping[str, tuple[str, ...]] = {
    "up": ("--yes", "--skip-preview"),
    "preview": (),
    "refresh": ("--yes", "--skip-preview"),
    "destroy": ("--yes", "--skip-preview"),
}
_OPERATIONS: Mapping[str, str] = {
    "create": "created",
    "update": "updated",
    "replace": "replaced",
    "delete": "deleted",
    "same": "unchanged",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """One stack of one project, deployed by the Pulumi CLI to a twin.

    Attributes:
        project: Directory of the project's ``Pulumi.yaml``. Only read.
        stack: Name of the stack.
        state_dir: The twin's directory; the engine's files go into ``engine/`` below it.
        provider: What realises the resources.
        on_line: Takes each line of the engine's output as it comes.
    """

    project: Path
    stack: str
    state_dir: Path
    provider: Provider
    on_line: Callable[[str], None]

    def up(self) -> Changes:
        """Creates and updates what the program says.

        Raises:
            TwinError: If the engine is missing or fails; its output has said why.
        """
        return self.run("up")

    def preview(self) -> Changes:
        """What ``up`` would do. Makes nothing.

        Raises:
            TwinError: If the engine is missing or fails; its output has said why.
        """
        return self.run("preview")

    def refresh(self) -> Changes:
        """Reads every resource again and keeps what it is now.

        Raises:
            TwinError: If the engine is missing or fails; its output has said why.
        """
        return self.run("refresh")

    def destroy(self, *, forced: bool = False) -> Changes:
        """Removes every resource of the stack.

        Args:
            forced: Whether to remove protected resources too, lift deletion protection,
                empty buckets and skip recovery windows.

        Raises:
            TwinError: If the engine is missing or fails; its output has said why.
        """
        return self.run("destroy", forced=forced)

    def run(self, command: str, *, forced: bool = False) -> Changes:
        """One command of the engine. See ``up``, ``preview``, ``refresh``, ``destroy``."""
        if command not in COMMANDS:
            raise TwinError(f"{command!r} is no engine command; allowed are {', '.join(COMMANDS)}")
        executable = find_pulumi()
        home = self.state_dir / "engine"
        prepare_project(self.project, self.stack, home)
        drop_dead_locks(home / "backend")
        mend_checkpoints(home / "backend")
        log = home / "events.json"
        log.unlink(missing_ok=True)
        with serve(TwinProvider(self.provider, forced=forced)) as port:
            environment = engine_environment(home, port)
            self._quietly(executable, ["stack", "select", "--create", self.stack], environment)
            if command == "destroy" and forced:
                self._quietly(executable, ["state", "unprotect", "--all", "--yes"], environment)
            arguments = [command, *_FLAGS[command], "--color", "never", "--event-log", str(log)]
            code = self._stream([executable, *arguments, "--stack", self.stack], environment)
            if code != 0:
                raise TwinError(
                    f"`pulumi {command}` of stack {self.stack} failed with exit code {code}; "
                    "its output above says why"
                )
            outputs = self._outputs(executable, environment) if command == "up" else None
        return changes_of(read_events(log), refresh=command == "refresh", outputs=outputs or {})

    def _outputs(self, executable: str, environment: Mapping[str, str]) -> Object:
        text = self._quietly(
            executable,
            ["stack", "output", "--json", "--show-secrets", "--stack", self.stack],
            environment,
        )
        return cast("Object", json.loads(text))

    def _quietly(
        self, executable: str, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> str:
        """A short command; its output, told only when it fails."""
        try:
            done = subprocess.run(
                [executable, *arguments, "--non-interactive"],
                cwd=self.state_dir / "engine" / "project",
                env=dict(environment),
                umask=PRIVATE_UMASK,
                capture_output=True,
                text=True,
                timeout=QUIET_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise TwinError(
                f"`pulumi {arguments[0]} {arguments[1]}` did not end within {QUIET_TIMEOUT_S} s. "
                "Run the same command again when the machine is less busy."
            ) from error
        if done.returncode != 0:
            reason = done.stderr.strip() or done.stdout.strip()
            raise TwinError(f"`pulumi {arguments[0]} {arguments[1]}` failed: {reason}")
        return done.stdout

    def _stream(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Runs a command to its end, or ends it when we are interrupted."""
        process = subprocess.Popen(
            [sys.executable, "-I", tied.__file__, str(os.getpid()), *command, "--non-interactive"],
            cwd=self.state_dir / "engine" / "project",
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            umask=PRIVATE_UMASK,
            # A group of its own: an interrupt at the terminal comes once, from us, in order.
            start_new_session=True,
        )
        reader = threading.Thread(target=self._read, args=(process,), daemon=True)
        reader.start()
        try:
            code = process.wait()
            reader.join(5)
        except BaseException:
            _end(process)
            reader.join(5)
            raise
        return code

    def _read(self, process: "subprocess.Popen[str]") -> None:
        if process.stdout is not None:
            with process.stdout as lines:
                for line in lines:
                    self.on_line(line.rstrip("\n"))


def find_pulumi() -> str:
    """Path of the Pulumi CLI.

    Raises:
        TwinError: If it is not installed.
    """
    found = shutil.which("pulumi")
    if found is None:
        raise TwinError(
            "the Pulumi CLI is not on PATH, and `--engine pulumi` runs it. Install it from "
            "https://www.pulumi.com/docs/install, or leave the option out: the twin deploys "
            "the same program without it."
        )
    return found


def engine_environment(home: Path, port: int) -> dict[str, str]:
    """The environment that keeps the engine on this machine and attached to our provider.

    Args:
        home: The engine's directory.
        port: Where our provider listens.
    """
    # The program must run in the interpreter that we run in: it has the project installed.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    ours = environment_without_proxy()
    kept = {key: value for key, value in ours.items() if not key.startswith("AWS_")}
    return {
        **kept,
        "PATH": path,
        "PULUMI_PYTHON_CMD": sys.executable,
        "PULUMI_HOME": str(home / "home"),
        "PULUMI_BACKEND_URL": f"file://{home / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": os.environ.get("PULUMI_CONFIG_PASSPHRASE", ""),
        "PULUMI_DEBUG_PROVIDERS": f"aws:{port}",
        "PULUMI_DEBUG_COMMANDS": "true",  # makes the engine know --event-log
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        **_pip_path(kept.get("PYTHONPATH")),
    }


def _pip_path(python_path: str | None) -> dict[str, str]:
    """Makes pip importable for the language host, which lists the installed packages with it.

    A virtual environment that uv made has none; the interpreter carries a wheel of it.
    """
    if importlib.util.find_spec("pip") is not None:
        return {}
    bundled = Path(ensurepip.__file__).parent / "_bundled"
    wheels = sorted(str(wheel) for wheel in bundled.glob("pip-*.whl"))
    if not wheels:
        raise TwinError(
            f"the interpreter {sys.executable} has no pip, which the Pulumi CLI lists packages "
            "with. Install it: `python -m ensurepip`, or `uv pip install pip`."
        )
    return {"PYTHONPATH": os.pathsep.join(filter(None, [python_path, wheels[-1]]))}


def prepare_project(project: Path, stack: str, home: Path) -> None:
    """Writes the project file and the stack's configuration that the engine will use.

    The engine runs in a directory of ours, because it writes into the configuration file, and
    because a project may name a virtual environment that is not the one we run in.

    Raises:
        TwinError: If the project's or the stack's file is not there.
        GraphError: If one is no YAML.
    """
    for folder in ("project", "home", "backend"):
        (home / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = dict(_load(project / "Pulumi.yaml").members)
    main = Doc(settings).maybe_text("main") or "."
    settings["main"] = str((project / main).resolve())
    settings["runtime"] = "python"
    _save(home / "project" / "Pulumi.yaml", settings)
    name = f"Pulumi.{stack}.yaml"
    folder = Doc(settings).maybe_text("stackConfigDir") or "."
    settings.pop("stackConfigDir", None)
    given = dict(_load(project / folder / name).members)
    copy = home / "project" / name
    if "encryptionsalt" not in given and copy.exists():
        given["encryptionsalt"] = _load(copy).raw("encryptionsalt")
    _save(copy, {key: value for key, value in given.items() if value is not None})


def _load(path: Path) -> Doc:
    try:
        return Doc(cast("Object", read_yaml(path)))
    except OSError as error:
        raise TwinError(f"{path} cannot be read: {error}") from error


def _save(path: Path, content: Object) -> None:
    text = yaml.safe_dump(json.loads(json.dumps(content)), sort_keys=False)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def drop_dead_locks(backend: Path) -> None:
    """Removes locks of engines that were killed. A lock of one that runs stays."""
    for lock in (backend / ".pulumi" / "locks").rglob("*.json"):
        try:
            pid = Doc(cast("Object", json.loads(lock.read_text()))).number("pid")
        except (OSError, ValueError, TwinError):
            continue
        if ProcessIdentity.of(pid) is None:
            lock.unlink(missing_ok=True)


def mend_checkpoints(backend: Path) -> None:
    """Puts back what the engine knew before it was killed in the middle of writing it down.

    It moves the old checkpoint aside first, and reads none that has been cut off. Where nobody
    wrote in between, what is put back lacks the engine's last step at most.
    """
    for kept in (backend / ".pulumi" / "stacks").rglob("*.json.bak"):
        checkpoint = kept.with_suffix("")
        if _is_json(kept) and not _is_json(checkpoint):
            kept.replace(checkpoint)


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def _end(process: "subprocess.Popen[str]") -> None:
    """Asks an engine to finish what it has begun, then ends its whole group."""
    for ask in (signal.SIGINT, signal.SIGTERM):
        if process.poll() is not None:
            break
        process.send_signal(ask)
        try:
            process.wait(STOP_GRACE_S)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            continue
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(STOP_GRACE_S)


def read_events(log: Path) -> list[Doc]:
    """The engine's own account of a run, one event to a line."""
    try:
        lines = log.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [Doc(cast("Object", json.loads(line))) for line in lines if line.strip()]


def changes_of(events: Sequence[Doc], *, refresh: bool, outputs: Mapping[str, Json]) -> Changes:
    """What the engine did, from its events."""
    done: dict[str, set[str]] = {word: set() for word in _OPERATIONS.values()}
    drifted: dict[str, tuple[str, ...]] = {}
    for metadata in _steps(events):
        urn, operation = metadata.text("urn"), metadata.text("op")
        if refresh:
            if operation in ("update", "delete"):
                drifted[urn] = tuple(sorted(metadata.texts("diffs")))
            elif operation == "refresh":
                done["unchanged"].add(urn)
        elif operation in _OPERATIONS:
            done[_OPERATIONS[operation]].add(urn)
    done["deleted"] -= done["replaced"]
    sorted_urns = {word: tuple(sorted(urns)) for word, urns in done.items()}
    return Changes(
        created=sorted_urns["created"],
        updated=sorted_urns["updated"],
        replaced=sorted_urns["replaced"],
        deleted=sorted_urns["deleted"],
        unchanged=sorted_urns["unchanged"],
        drifted=drifted,
        outputs=outputs,
    )


def _steps(events: Sequence[Doc]) -> Iterator[Doc]:
    """The last word about each step on a resource that a provider manages."""
    for event in events:
        for kind in ("resourcePreEvent", "resOutputsEvent"):
            metadata = event.doc(kind).doc("metadata")
            if not metadata:
                continue
            state = metadata.doc("new") or metadata.doc("old")
            if state.flag("custom") and not metadata.text("type").startswith("pulumi:"):
                yield metadata
