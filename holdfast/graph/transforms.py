"""Runs a program's resource transforms as the engine does: its own, its parents', the stack's.

The SDK serves each transform on a callback server; this calls it back over the same protocol.
"""

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from pulumi.runtime.proto import callback_pb2, resource_pb2

from holdfast.errors import GraphError
from holdfast.graph import requests
from holdfast.graph.loopback import DIRECT


@dataclass
class Transforms:
    """The transforms that one run has registered so far. Safe to use from several threads.

    Attributes:
        root: Directory of the project, to which a place in an error is relative.
    """

    root: Path
    _stack: list[callback_pb2.Callback] = field(default_factory=list[callback_pb2.Callback])
    _invokes: list[callback_pb2.Callback] = field(default_factory=list[callback_pb2.Callback])
    _own: dict[str, list[callback_pb2.Callback]] = field(
        default_factory=dict[str, list[callback_pb2.Callback]]
    )
    _channels: dict[str, grpc.Channel] = field(default_factory=dict[str, grpc.Channel])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add_stack(self, callback: callback_pb2.Callback) -> None:
        """Applies a transform to every resource registered from now on."""
        with self._lock:
            self._stack.append(callback)

    def add_invoke(self, callback: callback_pb2.Callback) -> None:
        """Applies a transform to every function call from now on."""
        with self._lock:
            self._invokes.append(callback)

    def add_resource(self, urn: str, callbacks: Iterable[callback_pb2.Callback]) -> None:
        """Applies a resource's own transforms to its descendants as well."""
        with self._lock:
            self._own[urn] = list(callbacks)

    def apply(
        self,
        request: resource_pb2.RegisterResourceRequest,
        parents: Mapping[str, str | None],
    ) -> None:
        """Rewrites a registration in place.

        Args:
            request: What the program asked for.
            parents: Parent by URN, of every resource so far.

        Raises:
            GraphError: If a transform raises.
        """
        with self._lock:
            chain = requests.transforms(request)
            has_own = bool(chain)
            ancestor: str | None = request.parent or None
            while ancestor is not None:
                chain.extend(self._own.get(ancestor, ()))
                ancestor = parents.get(ancestor)
            chain.extend(self._stack)
        if not chain:
            return
        options = _options_of(request)
        for callback in chain:
            asked = resource_pb2.TransformRequest(
                type=request.type,
                name=request.name,
                custom=request.custom,
                parent=request.parent,
                properties=request.object,
                options=options,
            )
            what = f"a transform of {request.type} {request.name!r}"
            answer = resource_pb2.TransformResponse.FromString(
                self._call(callback, asked.SerializeToString(), what)
            )
            if answer.HasField("properties"):
                request.object.CopyFrom(answer.properties)
            if answer.HasField("options"):
                options = answer.options
        dependencies = list(request.dependencies)
        _set_options(request, options)
        if not has_own:
            # The engine reads dependencies back only where the resource has its own transforms.
            request.ClearField("dependencies")
            request.dependencies.extend(dependencies)

    def apply_invoke(self, request: resource_pb2.ResourceInvokeRequest) -> None:
        """Rewrites a function call in place.

        Raises:
            GraphError: If a transform raises.
        """
        with self._lock:
            chain = list(self._invokes)
        for callback in chain:
            asked = resource_pb2.TransformInvokeRequest(
                token=request.tok,
                args=request.args,
                options=resource_pb2.TransformInvokeOptions(
                    provider=request.provider,
                    version=request.version,
                    plugin_download_url=request.pluginDownloadURL,
                ),
            )
            answer = resource_pb2.TransformInvokeResponse.FromString(
                self._call(callback, asked.SerializeToString(), f"a transform of {request.tok}")
            )
            if answer.HasField("args"):
                request.args.CopyFrom(answer.args)
            if answer.HasField("options"):
                request.provider = answer.options.provider

    def close(self) -> None:
        """Closes the connections to the program's callback server."""
        with self._lock:
            for channel in self._channels.values():
                channel.close()
            self._channels.clear()

    def _call(self, callback: callback_pb2.Callback, payload: bytes, what: str) -> bytes:
        with self._lock:
            channel = self._channels.get(callback.target)
            if channel is None:
                channel = grpc.insecure_channel(callback.target, options=[DIRECT])
                self._channels[callback.target] = channel
        # The SDK's own stub is untyped; this is what it does.
        invoke = channel.unary_unary(
            "/pulumirpc.Callbacks/Invoke",
            request_serializer=callback_pb2.CallbackInvokeRequest.SerializeToString,
            response_deserializer=callback_pb2.CallbackInvokeResponse.FromString,
        )
        try:
            answer = invoke(
                callback_pb2.CallbackInvokeRequest(token=callback.token, request=payload)
            )
        except grpc.RpcError as error:
            detail = error.details() if isinstance(error, grpc.Call) else None
            raise GraphError(self._explained(what, detail or str(error))) from error
        return answer.response

    def _explained(self, what: str, detail: str) -> str:
        """One sentence from what the SDK says, which is a token, the error and a traceback."""
        said, _, trace = (detail.partition(" error: ")[2] or detail).partition(":\n")
        frames = re.findall(r'File "([^"]+)", line ([0-9]+)', trace)
        if not frames:
            return f"{what} failed: {said}"
        file, line = frames[-1]
        return f"{requests.place(Path(file), int(line), self.root)}: {what} failed: {said}"


def _options_of(
    request: resource_pb2.RegisterResourceRequest,
) -> resource_pb2.TransformResourceOptions:
    options = resource_pb2.TransformResourceOptions(
        depends_on=request.dependencies,
        ignore_changes=request.ignoreChanges,
        replace_on_changes=request.replaceOnChanges,
        version=request.version,
        aliases=requests.aliases(request),
        provider=request.provider,
        custom_timeouts=request.customTimeouts,
        plugin_download_url=request.pluginDownloadURL,
        deleted_with=request.deletedWith,
        additional_secret_outputs=request.additionalSecretOutputs,
        providers=request.providers,
        hooks=request.hooks,
        hide_diff=request.hideDiffs,
        replace_with=request.replace_with,
    )
    setattr(options, "import", request.importId)
    if request.HasField("protect"):
        options.protect = request.protect
    if request.HasField("retainOnDelete"):
        options.retain_on_delete = request.retainOnDelete
    if request.deleteBeforeReplaceDefined:
        options.delete_before_replace = request.deleteBeforeReplace
    return options


def _set_options(
    request: resource_pb2.RegisterResourceRequest,
    options: resource_pb2.TransformResourceOptions,
) -> None:
    changed = resource_pb2.RegisterResourceRequest(
        dependencies=options.depends_on,
        ignoreChanges=options.ignore_changes,
        replaceOnChanges=options.replace_on_changes,
        aliases=requests.aliases(options),
        additionalSecretOutputs=options.additional_secret_outputs,
        providers=options.providers,
        hideDiffs=options.hide_diff,
        replace_with=options.replace_with,
    )
    for name in (
        "dependencies",
        "ignoreChanges",
        "replaceOnChanges",
        "aliases",
        "additionalSecretOutputs",
        "providers",
        "hideDiffs",
        "replace_with",
        "protect",
        "retainOnDelete",
    ):
        request.ClearField(name)
    request.MergeFrom(changed)
    request.version = options.version
    request.provider = options.provider
    request.pluginDownloadURL = options.plugin_download_url
    request.deletedWith = options.deleted_with
    request.importId = getattr(options, "import")
    request.customTimeouts.CopyFrom(options.custom_timeouts)
    request.hooks.CopyFrom(options.hooks)
    if options.HasField("protect"):
        request.protect = options.protect
    if options.HasField("retain_on_delete"):
        request.retainOnDelete = options.retain_on_delete
    request.deleteBeforeReplaceDefined = options.HasField("delete_before_replace")
    request.deleteBeforeReplace = options.delete_before_replace
