"""Pulumi's resource monitor in this process: what a program talks to instead of the engine.

Guarantees:
    Every registration becomes one node. URNs, inherited options, default providers, secrets,
    unknowns and transforms follow the engine (pkg/resource/deploy/source_eval.go).
    A URN that is registered twice is refused, with both places.

Does not guarantee:
    Components that another process implements, method calls on resources, state migrations, and
    hooks that an engine would run: a program that uses one gets an error that says so.
"""

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf import empty_pb2
from pulumi.runtime.proto import resource_pb2

from holdfast.errors import GraphError, HoldfastError
from holdfast.graph import requests
from holdfast.graph.model import STACK_TYPE, Node, Options, Source
from holdfast.graph.provider import Provider, Realised, Registration
from holdfast.graph.transforms import Transforms
from holdfast.graph.values import UNKNOWN, Secret, Value, reveal, struct_of, values_of

_PROVIDER_PREFIX = "pulumi:providers:"

# Features that change what the SDK sends. INVOKE_DEPENDS_ON is absent: without it the SDK itself
# holds a function call back while something it depends on does not exist yet.
_FEATURES = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACEMENT_TRIGGER,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_TRANSFORMS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_INVOKE_TRANSFORMS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_HOOKS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ERROR_HOOKS,
)


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What one run of a program is about.

    Attributes:
        project: Project name.
        stack: Stack name.
        root: Directory of ``Pulumi.yaml``.
        config: Configuration by full key.
        preview: Whether unknowns are allowed.
        provider: Answers registrations.
        on_node: Told of each resource as soon as it is answered, one at a time and providers
            before what they provide. Must not wait: the program does meanwhile.
    """

    project: str
    stack: str
    root: Path
    config: Mapping[str, str]
    preview: bool
    provider: Provider
    on_node: Callable[[Node], None]


@dataclass
class Monitor:
    """Answers one run of one program. Called by the SDK from several threads."""

    deployment: Deployment
    failure: HoldfastError | None = None
    _nodes: dict[str, Node] = field(default_factory=dict[str, Node])
    _places: dict[str, Source | None] = field(default_factory=dict[str, Source | None])
    _parents: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    _goals: dict[str, resource_pb2.RegisterResourceRequest] = field(
        default_factory=dict[str, resource_pb2.RegisterResourceRequest]
    )
    _preview_hooks: set[str] = field(default_factory=set[str])
    _transforms: Transforms = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._transforms = Transforms(self.deployment.root)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every node so far, sorted by URN."""
        with self._lock:
            return tuple(self._nodes[urn] for urn in sorted(self._nodes))

    @property
    def unanswered(self) -> tuple[str, ...]:
        """URNs whose registration has begun and not ended."""
        with self._lock:
            return tuple(sorted(set(self._places) - set(self._nodes)))

    def close(self) -> None:
        """Lets go of the program's callback server."""
        self._transforms.close()

    def RegisterResource(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        """Records a resource and answers with its provider's outputs."""
        with self._first_failure_is_kept(request.type, request.name, requests.stack_trace(request)):
            return self._register(request)

    def ReadResource(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.ReadResourceRequest
    ) -> resource_pb2.ReadResourceResponse:
        """Records a resource that the program only looks up."""
        asked = resource_pb2.RegisterResourceRequest(
            type=request.type,
            name=request.name,
            parent=request.parent,
            custom=True,
            object=request.properties,
            dependencies=request.dependencies,
            provider=request.provider,
            version=request.version,
            pluginDownloadURL=request.pluginDownloadURL,
            additionalSecretOutputs=request.additionalSecretOutputs,
            stackTrace=requests.stack_trace(request),
        )
        with self._first_failure_is_kept(request.type, request.name, requests.stack_trace(request)):
            answer = self._register(asked, read_id=request.id)
            return resource_pb2.ReadResourceResponse(urn=answer.urn, properties=answer.object)

    def RegisterResourceOutputs(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.RegisterResourceOutputsRequest
    ) -> empty_pb2.Empty:
        """Records what a component, or the stack, shows to the outside."""
        outputs = values_of(request.outputs)
        with self._lock:
            node = self._nodes[request.urn]
            self._nodes[request.urn] = requests.with_outputs(node, outputs)
        return empty_pb2.Empty()

    def Invoke(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.ResourceInvokeRequest
    ) -> resource_pb2.ResourceInvokeResponse:
        """Calls a provider's function."""
        with self._first_failure_is_kept(request.tok, "", None):
            self._transforms.apply_invoke(request)
            args = values_of(request.args)
            plain = {key: reveal(value) for key, value in args.items()}
            if request.tok == "pulumi:pulumi:getResource":
                return self._answer(self._look_up(str(plain.get("urn"))))
            provider = self._provider_of(
                request.tok, request.provider, request.version, request.pluginDownloadURL
            )
            region = self._region_of(request.tok, plain, provider)
            results = self.deployment.provider.invoke(request.tok, plain, region=region)
            return self._answer(results)

    def Call(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.ResourceCallRequest
    ) -> resource_pb2.ResourceInvokeResponse:
        """Refuses a method call on a resource: only the real provider could answer it."""
        raise self._keep(
            GraphError(
                f"the program calls the method {request.tok}, which needs the real provider. "
                f"Allowed are resources, components and functions; use one of these."
            )
        )

    def RegisterStackTransform(self, request: requests.Callback) -> empty_pb2.Empty:  # noqa: N802
        """Applies a transform to every resource from now on."""
        self._transforms.add_stack(request)
        return empty_pb2.Empty()

    def RegisterStackInvokeTransform(  # noqa: N802 - the protocol's name
        self, request: requests.Callback
    ) -> empty_pb2.Empty:
        """Applies a transform to every function call from now on."""
        self._transforms.add_invoke(request)
        return empty_pb2.Empty()

    def RegisterResourceHook(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.RegisterResourceHookRequest
    ) -> empty_pb2.Empty:
        """Remembers whether a hook runs in previews too. See ``_refuse_hooks``."""
        with self._lock:
            if request.on_dry_run:
                self._preview_hooks.add(request.name)
        return empty_pb2.Empty()

    def RegisterErrorHook(  # noqa: N802 - the protocol's name
        self, _request: resource_pb2.RegisterErrorHookRequest
    ) -> empty_pb2.Empty:
        """Accepts a hook for operations that fail, of which a preview has none."""
        return empty_pb2.Empty()

    def GetDeploymentInfo(self, _request: empty_pb2.Empty) -> resource_pb2.DeploymentInfo:  # noqa: N802
        """Which parts of the protocol this monitor speaks."""
        return resource_pb2.DeploymentInfo(supportedFeatures=_FEATURES)

    def SignalAndWaitForShutdown(self, _request: empty_pb2.Empty) -> empty_pb2.Empty:  # noqa: N802
        """The program has registered everything."""
        return empty_pb2.Empty()

    def _register(
        self, request: resource_pb2.RegisterResourceRequest, read_id: str | None = None
    ) -> resource_pb2.RegisterResourceResponse:
        if request.remote:
            raise GraphError(
                f"{request.type} {request.name!r} is implemented by another process. Allowed are "
                f"custom resources and components of this program."
            )
        urn = self._claim(request)
        own_transforms = requests.transforms(request)
        self._transforms.apply(request, self._parents)
        self._transforms.add_resource(urn, own_transforms)
        self._refuse_hooks(request)
        with self._lock:
            self._goals[urn] = request
        if not request.custom:
            node = self._node(urn, request, None, None, {})
        elif request.type.startswith(_PROVIDER_PREFIX):
            inputs = requests.provider_inputs(request)
            identity = UNKNOWN if self.deployment.preview else requests.provider_id(urn)
            realised = Realised(id=identity, outputs=inputs)
            node = self._node(urn, request, realised, None, inputs)
        else:
            node = self._realise(urn, request, read_id)
        with self._lock:
            self._record(node)
        return resource_pb2.RegisterResourceResponse(
            urn=urn,
            id=node.id if isinstance(node.id, str) else "",
            object=struct_of(node.outputs),
        )

    def _realise(
        self, urn: str, request: resource_pb2.RegisterResourceRequest, read_id: str | None
    ) -> Node:
        provider = self._provider_of(
            request.type, request.provider, request.version, request.pluginDownloadURL
        )
        inputs = values_of(request.object)
        registration = Registration(
            urn=urn,
            type=request.type,
            name=request.name,
            inputs=inputs,
            parent=request.parent or None,
            dependencies=tuple(sorted(request.dependencies)),
            property_dependencies=requests.property_dependencies(request),
            options=self._options(request),
            provider=provider,
            region=self._region_of(request.type, inputs, provider),
            read_id=read_id,
            source=self._places[urn],
            provider_inputs=self._nodes[provider].inputs if provider in self._nodes else {},
        )
        realised = self.deployment.provider.register(registration)
        outputs = dict(realised.outputs)
        for name in request.additionalSecretOutputs:
            value = outputs.get(name)
            if name in outputs and not isinstance(value, Secret):
                outputs[name] = Secret(value)
        realised = Realised(id=realised.id, outputs=outputs)
        return self._node(urn, request, realised, provider, inputs, external=read_id is not None)

    def _node(
        self,
        urn: str,
        request: resource_pb2.RegisterResourceRequest,
        realised: Realised | None,
        provider: str | None,
        inputs: Mapping[str, Value],
        *,
        external: bool = False,
    ) -> Node:
        if realised is None:
            inputs = values_of(request.object)
        return Node(
            urn=urn,
            type=request.type,
            name=request.name,
            custom=request.custom,
            external=external,
            id=None if realised is None else realised.id,
            inputs=inputs,
            outputs={} if realised is None else realised.outputs,
            parent=request.parent or None,
            dependencies=tuple(sorted(request.dependencies)),
            property_dependencies=requests.property_dependencies(request),
            options=self._options(request),
            provider=provider,
            region=None if provider is None else self._region_of(request.type, inputs, provider),
            source=self._places[urn],
        )

    def _refuse_hooks(self, request: resource_pb2.RegisterResourceRequest) -> None:
        bound = requests.hooks(request)
        if self.deployment.preview:
            bound = tuple(name for name in bound if name in self._preview_hooks)
        if bound:
            raise GraphError(
                f"{request.type} {request.name!r} has the hooks {', '.join(bound)}, which only "
                f"Pulumi's engine runs. Allowed in process are hooks in a preview that do not "
                f"run there; leave them out, or use the Pulumi CLI."
            )

    def _options(self, request: resource_pb2.RegisterResourceRequest) -> Options:
        parent = self._nodes.get(request.parent)
        inherited = () if parent is None else parent.options.aliases
        return requests.options(request, self.deployment.project, self.deployment.stack, inherited)

    def _claim(self, request: resource_pb2.RegisterResourceRequest) -> str:
        """Takes the URN, or says who has it. Also inherits what the parent hands down."""
        urn = requests.urn(
            self.deployment.stack,
            self.deployment.project,
            request.parent,
            request.type,
            request.name,
        )
        place = None
        if request.type != STACK_TYPE:
            place = requests.source(requests.stack_trace(request), self.deployment.root)
        with self._lock:
            if urn in self._places:
                raise GraphError(
                    f"{urn} is registered twice: at {self._places[urn]} and at {place}. Allowed "
                    f"is one resource of a type and name under a parent; rename one of them."
                )
            self._places[urn] = place
            self._parents[urn] = request.parent or None
            goal = self._goals.get(request.parent)
        if goal is not None:
            requests.inherit(request, goal)
        return urn

    def _provider_of(self, token: str, reference: str, version: str, url: str) -> str:
        """URN of the provider for a type or function; registers the default one when needed."""
        if reference:
            return reference.rpartition("::")[0]
        package = token.partition(":")[0]
        name = requests.default_provider_name(version, url)
        stack, project = self.deployment.stack, self.deployment.project
        urn = requests.urn(stack, project, "", _PROVIDER_PREFIX + package, name)
        with self._lock:
            if urn not in self._nodes:
                config = {
                    key.partition(":")[2]: value
                    for key, value in self.deployment.config.items()
                    if key.partition(":")[0] == package
                }
                inputs = requests.default_provider_inputs(config, version, url)
                self._places[urn] = None
                self._parents[urn] = None
                request = resource_pb2.RegisterResourceRequest(
                    type=_PROVIDER_PREFIX + package, name=name, custom=True
                )
                realised = Realised(
                    id=UNKNOWN if self.deployment.preview else requests.provider_id(urn),
                    outputs=inputs,
                )
                self._record(self._node(urn, request, realised, None, inputs))
        return urn

    def _record(self, node: Node) -> None:
        """Keeps a node and tells of it. Under the lock, so that they are told in that order."""
        self._nodes[node.urn] = node
        self.deployment.on_node(node)

    def _region_of(self, token: str, inputs: Mapping[str, Value], provider: str) -> str | None:
        with self._lock:
            node = self._nodes.get(provider)
        own = inputs.get("region")
        inherited = None if node is None else node.inputs.get("region")
        configured = self.deployment.config.get(f"{token.partition(':')[0]}:region")
        for region in (own, inherited, configured):
            if region is not None:
                return region if isinstance(region, str) else None
        return None

    def _look_up(self, urn: str) -> Mapping[str, Value]:
        with self._lock:
            node = self._nodes.get(urn)
        if node is None:
            raise GraphError(
                f"the program refers to {urn}, which it has not registered. Allowed are its own "
                f"resources; pass the resource itself."
            )
        return {"urn": urn, "id": node.id, "state": node.outputs}

    @staticmethod
    def _answer(results: Mapping[str, Value]) -> resource_pb2.ResourceInvokeResponse:
        answer = resource_pb2.ResourceInvokeResponse()
        # `return` is a keyword, so the field has no attribute syntax.
        getattr(answer, "return").CopyFrom(struct_of(results))
        return answer

    def _keep(self, error: HoldfastError) -> HoldfastError:
        with self._lock:
            if self.failure is None:
                self.failure = error
        return error

    @contextmanager
    def _first_failure_is_kept(
        self, type_token: str, name: str, trace: requests.StackTrace | None
    ) -> Generator[None]:
        """Turns whatever goes wrong inside into an error that names the resource and its place."""
        try:
            yield
        except HoldfastError as error:
            self._keep(error)
            raise
        except Exception as error:
            place = None
            if trace is not None:
                place = requests.source(trace, self.deployment.root)
            wrapped = GraphError(
                f"{'' if place is None else f'{place}: '}{type_token} {name} could not be "
                f"registered: {type(error).__name__}: {error}"
            )
            raise self._keep(wrapped) from error
