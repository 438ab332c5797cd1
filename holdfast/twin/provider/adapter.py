"""The provider in the form that Pulumi's experimental SDK serves: typed asynchronous requests.

Guarantees:
    Unknown values travel as the SDK's own sentinel text, because ``PropertyValue.computed()``
    cannot be marshalled by pulumi 3.272.

Does not guarantee:
    Secrecy inside the provider: it asks the engine for plain values, and the engine marks the
    outputs that came from secrets.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

import pulumi
from pulumi.provider.experimental import provider as experimental
from pulumi.provider.experimental.property_value import Computed, PropertyValue, ResourceReference
from pulumi.provider.experimental.provider import (
    CallRequest,
    CallResponse,
    CheckFailure,
    CheckRequest,
    CheckResponse,
    ConfigureRequest,
    ConfigureResponse,
    ConstructRequest,
    ConstructResponse,
    CreateRequest,
    CreateResponse,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    GetSchemaRequest,
    GetSchemaResponse,
    InvokeRequest,
    InvokeResponse,
    ParameterizeRequest,
    ParameterizeResponse,
    PropertyDiff,
    PropertyDiffKind,
    ReadRequest,
    ReadResponse,
    UpdateRequest,
    UpdateResponse,
)

from holdfast.errors import UnsupportedResourceError
from holdfast.twin.provider.core import Provider, Settings, settings_of
from holdfast.twin.provider.values import Json, Object

P = ParamSpec("P")
T = TypeVar("T")


class TwinProvider(experimental.Provider):
    """AWS resources realised in the twin, as a Pulumi provider.

    Attributes:
        forced: Whether ``delete`` may lift what protects a thing from it.
    """

    def __init__(self, provider: Provider, *, forced: bool = False) -> None:
        self._provider = provider
        self._configured: Settings | None = None
        self.forced = forced

    async def check_config(self, request: CheckRequest) -> CheckResponse:
        """Takes the AWS provider's configuration as it is."""
        return CheckResponse(request.new_inputs)

    async def diff_config(self, request: DiffRequest) -> DiffResponse:
        """No change of configuration replaces what exists."""
        del request
        return DiffResponse(changes=False)

    async def configure(self, request: ConfigureRequest) -> ConfigureResponse:
        """Takes the default region and the default tags."""
        settings = settings_of(plain(request.args))
        if self._configured not in (None, settings):
            raise UnsupportedResourceError(
                f"the program configures two AWS providers differently ({self._configured} and "
                f"{settings}), and one twin stands for all of them. Give each resource its "
                "`region`, and both providers the same region and default tags."
            )
        self._configured = self._provider.settings = settings
        return ConfigureResponse(
            accept_secrets=False, supports_preview=True, accept_resources=False
        )

    async def check(self, request: CheckRequest) -> CheckResponse:
        """Defaults filled in, failures named."""
        checked = await _in_thread(
            self._provider.check,
            _token(request.type),
            request.name,
            plain(request.old_inputs),
            plain(request.new_inputs),
            request.random_seed,
        )
        failures = [CheckFailure(failure.path, failure.reason) for failure in checked.failures]
        return CheckResponse(rich(checked.inputs), failures)

    async def diff(self, request: DiffRequest) -> DiffResponse:
        """What changes, in place or by replacement."""
        change = await _in_thread(
            self._provider.diff,
            _token(request.type),
            plain(request.old_state),
            plain(request.new_inputs),
        )
        ignored = set(request.ignore_changes)
        updates = [key for key in change.updates if key not in ignored]
        replaces = [key for key in change.replaces if key not in ignored]
        detail = {key: PropertyDiff(PropertyDiffKind.UPDATE, input_diff=False) for key in updates}
        detail.update(
            {
                key: PropertyDiff(PropertyDiffKind.UPDATE_REPLACE, input_diff=False)
                for key in replaces
            }
        )
        return DiffResponse(
            changes=bool(updates or replaces),
            replaces=replaces,
            delete_before_replace=bool(replaces) and change.delete_first,
            diffs=[*updates, *replaces],
            detailed_diff=detail,
        )

    async def create(self, request: CreateRequest) -> CreateResponse:
        """Makes a resource, or says what it would be."""
        inputs = plain(request.properties)
        if request.preview:
            ahead = await _in_thread(self._provider.preview, _token(request.type), {}, inputs)
            return CreateResponse("", rich(ahead))
        ident, state = await _in_thread(self._provider.create, _token(request.type), inputs)
        return CreateResponse(ident, rich(state))

    async def read(self, request: ReadRequest) -> ReadResponse:
        """The resource as it is now; an empty answer when it is gone."""
        known = plain(request.properties) or plain(request.inputs)
        state = await _in_thread(
            self._provider.read,
            _token(request.type),
            request.resource_id,
            known,
            plain(request.inputs),
        )
        if state is None:
            return ReadResponse("", {}, {})
        inputs = self._provider.inputs_of(_token(request.type), plain(request.inputs), state)
        return ReadResponse(request.resource_id, rich(state), rich(inputs))

    async def update(self, request: UpdateRequest) -> UpdateResponse:
        """Changes a resource in place, or says what it would become."""
        old, new = plain(request.olds), plain(request.news)
        if request.preview:
            ahead = await _in_thread(self._provider.preview, _token(request.type), old, new)
            return UpdateResponse(rich(ahead))
        state = await _in_thread(
            self._provider.update, _token(request.type), request.resource_id, old, new
        )
        return UpdateResponse(rich(state))

    async def delete(self, request: DeleteRequest) -> None:
        """Removes a resource."""
        await _in_thread(
            self._provider.delete,
            _token(request.type),
            request.resource_id,
            plain(request.properties),
            forced=self.forced,
        )

    async def invoke(self, request: InvokeRequest) -> InvokeResponse:
        """Answers a function."""
        answer = await _in_thread(self._provider.invoke, request.tok, plain(request.args), None)
        return InvokeResponse(rich(answer))

    async def get_schema(self, request: GetSchemaRequest) -> GetSchemaResponse:
        """Refused: programs use the installed pulumi-aws, which brings its own."""
        raise UnsupportedResourceError(
            f"the twin serves no schema (version {request.version} asked)"
        )

    async def parameterize(self, request: ParameterizeRequest) -> ParameterizeResponse:
        """Refused: the AWS provider has no parameters."""
        raise UnsupportedResourceError(f"the twin takes no parameters: {request.parameters}")

    async def construct(self, request: ConstructRequest) -> ConstructResponse:
        """Refused: the AWS provider has no remote components."""
        raise UnsupportedResourceError(f"the twin builds no component {request.resource_type}")

    async def call(self, request: CallRequest) -> CallResponse:
        """Refused: the AWS provider has no methods."""
        raise UnsupportedResourceError(f"the twin has no method {request.tok}")

    async def cancel(self) -> None:
        """Nothing to stop: each call is short and bounded by its own timeouts."""


async def _in_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """AWS clients block; the server must not."""
    return await asyncio.to_thread(function, *args, **kwargs)


def _token(qualified: str) -> str:
    """A resource's own type. The SDK gives the URN's, where its parents' types come first."""
    return qualified.rpartition("$")[2]


def plain(values: Mapping[str, PropertyValue]) -> Object:
    """Property values as JSON. Secrets are opened; unknowns are the sentinel text.

    Raises:
        UnsupportedResourceError: For an asset, an archive or a resource reference.
    """
    return {key: _plain(value, key) for key, value in values.items()}


def _plain(value: PropertyValue, path: str) -> Json:
    inner = value.value
    if isinstance(inner, pulumi.Asset | pulumi.Archive | ResourceReference | Computed):
        raise UnsupportedResourceError(
            f"{path} is a {type(inner).__name__}; the twin takes text, numbers, booleans, "
            "lists and maps only"
        )
    if isinstance(inner, float) and inner.is_integer():
        return int(inner)  # The wire knows one kind of number.
    if inner is None or isinstance(inner, bool | int | float | str):
        return inner
    if isinstance(inner, Mapping):
        return {key: _plain(item, f"{path}.{key}") for key, item in inner.items()}
    return [_plain(item, f"{path}[{index}]") for index, item in enumerate(inner)]


def rich(values: Object) -> dict[str, PropertyValue]:
    """JSON as property values."""
    return {key: _rich(value) for key, value in values.items()}


def _rich(value: Json) -> PropertyValue:
    if value is None or isinstance(value, bool | str):
        return PropertyValue(value)
    if isinstance(value, int | float):
        return PropertyValue(float(value))
    if isinstance(value, Mapping):
        return PropertyValue({key: _rich(item) for key, item in value.items()})
    return PropertyValue([_rich(item) for item in value])
