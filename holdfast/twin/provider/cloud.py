"""The emulators as one cloud: a client for each service in each region, every call validated.

Guarantees:
    A call whose parameters break botocore's service model (a wrong type, an unknown enum
    value, a text too long or of the wrong form) is refused here, however lenient the emulator
    is. Clients are shared between threads.

Does not guarantee:
    What only AWS knows: quotas, permissions, values that two services must agree on.
"""

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape

from holdfast.errors import TwinError
from holdfast.twin.credentials import Credentials
from holdfast.twin.provider.values import Doc, Object, as_json
from holdfast.twin.session import DIRECT, isolated_session

CONTROL_REGION = "us-east-1"
"""Where AWS runs the control planes of its global services, IAM and Route 53."""

ACCOUNT = "000000000000"
"""The one account of a twin."""

GLOBAL_SERVICES = frozenset({"iam", "route53"})

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"total_max_attempts": 3, "mode": "standard"},
    max_pool_connections=32,
    s3={"addressing_style": "path"},
    # The emulators hold small objects only, and checksums over loopback prove nothing.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
).merge(DIRECT)


class ApiError(TwinError):
    """An AWS call that the twin's emulator refused.

    Attributes:
        code: AWS's error code, such as ``ResourceNotFoundException``.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class _Client(Protocol):
    """What is used of a boto3 client. Its operations are made at run time."""

    @property
    def meta(self) -> "_Meta": ...


class _Meta(Protocol):
    @property
    def method_to_api_mapping(self) -> Mapping[str, str]: ...
    @property
    def service_model(self) -> "_ServiceModel": ...


class _ServiceModel(Protocol):
    def operation_model(self, operation_name: str) -> OperationModel: ...


class Cloud:
    """Every region's emulator, by region name."""

    def __init__(
        self,
        endpoint: Callable[[str], str],
        account: str = ACCOUNT,
        *,
        credentials: Credentials | None = None,
        ingress_port: int | None = None,
    ) -> None:
        """Prepares clients, and connects to nothing yet.

        Args:
            endpoint: The API address of a region, as ``http://host:port``; raises a
                ``TwinError`` for a region that the twin does not have.
            account: Account number that ARNs carry; twelve digits.
            credentials: The twin's key; None for an emulator that looks at none.
            ingress_port: Port on which every load balancer listens in the twin; None where
                each listens on its own.
        """
        self.account = account
        self.ingress_port = ingress_port
        # An emulator on its own takes the account number from a key of twelve digits.
        self._credentials = credentials or Credentials(account, "none")
        self.endpoint = endpoint
        self._session = isolated_session()
        self._clients: dict[tuple[str, str], _Client] = {}
        self._lock = threading.Lock()

    def call(
        self, service: str, region: str, operation: str, parameters: Mapping[str, object]
    ) -> Doc:
        """One AWS call, and its answer as a document.

        Raises:
            ApiError: If the emulator refuses it.
            TwinError: If the parameters break the service's model, or nobody answers.
        """
        client = self.client(service, CONTROL_REGION if service in GLOBAL_SERVICES else region)
        name = client.meta.method_to_api_mapping[operation]
        shape = client.meta.service_model.operation_model(name).input_shape
        if shape is not None:
            problems = list(violations(shape, parameters, ""))
            if problems:
                raise TwinError(f"{service} {name} would be refused by AWS: {'; '.join(problems)}")
        method = cast("Callable[..., Mapping[str, object]]", getattr(client, operation))
        try:
            answer = method(**parameters)
        except ClientError as error:
            details = error.response.get("Error", {})
            code = str(details.get("Code", "Unknown"))
            message = f"{service} {name} in {region}: {code}: {details.get('Message', '')}"
            raise ApiError(message.rstrip(": "), code) from error
        except BotoCoreError as error:
            raise TwinError(f"{service} {name} in {region}: {error}") from error
        kept = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
        return Doc(cast("Object", as_json(kept)))

    def client(self, service: str, region: str) -> _Client:
        """The shared client of one service in one region."""
        with self._lock:
            found = self._clients.get((service, region))
            if found is None:
                # boto3's overloads name each service's client; this one is chosen by a value.
                make = cast("Callable[..., _Client]", getattr(self._session, "client"))  # noqa: B009
                found = make(
                    service,
                    region_name=region,
                    endpoint_url=self.endpoint(region),
                    aws_access_key_id=self._credentials.key_id,
                    aws_secret_access_key=self._credentials.secret,
                    config=_CONFIG,
                )
                self._clients[(service, region)] = found
            return found


class Site:
    """One region as a resource type sees it."""

    def __init__(self, cloud: Cloud, region: str, *, forced: bool = False) -> None:
        """Looks at one region.

        Args:
            cloud: All regions.
            region: This one.
            forced: Whether deleting may first lift what protects a thing from it: deletion
                protection, objects in a bucket, a secret's recovery window.
        """
        self.cloud = cloud
        self.region = region
        self.forced = forced

    @property
    def account(self) -> str:
        """Account number that ARNs carry."""
        return self.cloud.account

    def at(self, region: str) -> "Site":
        """Another region of the same cloud."""
        return Site(self.cloud, region, forced=self.forced)

    def call(self, service: str, operation: str, /, **parameters: object) -> Doc:
        """One AWS call in this region. Parameters that are None are left out.

        Raises:
            ApiError: If the emulator refuses it.
            TwinError: If the parameters break the service's model, or nobody answers.
        """
        given = {key: value for key, value in parameters.items() if value is not None}
        return self.cloud.call(service, self.region, operation, given)

    def find(
        self, missing: Iterable[str], service: str, operation: str, /, **parameters: object
    ) -> Doc | None:
        """One AWS call, or None where it fails with one of the codes that mean "not there"."""
        try:
            return self.call(service, operation, **parameters)
        except ApiError as error:
            if error.code in set(missing):
                return None
            raise

    def pages(
        self, service: str, operation: str, key: str, token: tuple[str, str], /, **given: object
    ) -> list[Doc]:
        """Every item of a list that AWS gives out in pages.

        Args:
            service: Service name.
            operation: Operation name.
            key: Member of each answer that holds the items.
            token: Names of the parameter and of the answer's member that carry the position.
            given: Parameters of every call.
        """
        found: list[Doc] = []
        position: str | None = None
        for _ in range(1000):  # A bound, not a limit: no twin holds a thousand pages.
            answer = self.call(service, operation, **given, **{token[0]: position})
            found.extend(answer.docs(key))
            position = answer.maybe_text(token[1])
            if not position:
                return found
        raise TwinError(f"{service} {operation} in {self.region} gives pages without end")


def violations(shape: Shape, value: object, path: str) -> Iterable[str]:
    """What in a value breaks a service model beyond what boto3 itself looks at.

    boto3 checks types and required members; it lets enums, forms and greatest lengths pass,
    which AWS does not.
    """
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        for key, item in cast("Mapping[str, object]", value).items():
            if key in shape.members:
                yield from violations(shape.members[key], item, f"{path}.{key}" if path else key)
    elif isinstance(shape, ListShape) and isinstance(value, list | tuple):
        yield from _list_violations(shape, cast("Sequence[object]", value), path)
    elif isinstance(shape, MapShape) and isinstance(value, Mapping):
        for key, item in cast("Mapping[str, object]", value).items():
            yield from violations(shape.value, item, f"{path}.{key}")
    elif isinstance(shape, StringShape) and isinstance(value, str):
        yield from _text_violations(shape, value, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number_violations(shape, value, path)


def _list_violations(shape: ListShape, items: Sequence[object], path: str) -> Iterable[str]:
    limit = shape.metadata.get("max")
    if isinstance(limit, int) and len(items) > limit:
        yield f"{path} has {len(items)} items; allowed are {limit}"
    for index, item in enumerate(items):
        yield from violations(shape.member, item, f"{path}[{index}]")


def _number_violations(shape: Shape, value: float, path: str) -> Iterable[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if isinstance(least, int | float) and value < least:
        yield f"{path} is {value}; the least allowed is {least}"
    if isinstance(most, int | float) and value > most:
        yield f"{path} is {value}; the most allowed is {most}"


def _text_violations(shape: StringShape, value: str, path: str) -> Iterable[str]:
    if shape.enum and value not in shape.enum:
        yield f"{path} is {value!r}; allowed are {', '.join(shape.enum)}"
    limit = shape.metadata.get("max")
    if isinstance(limit, int) and len(value) > limit:
        yield f"{path} has {len(value)} characters; allowed are {limit}"
    pattern = shape.metadata.get("pattern")
    if isinstance(pattern, str) and not _matches(pattern, value):
        yield f"{path} is {value!r}; it must match {pattern}"


def _matches(pattern: str, value: str) -> bool:
    """Whether a text has the form that a service model asks for.

    The models write Java's dialect. What Python cannot read is not enforced.
    """
    translated = re.sub(r"\\p\{[^}]*\}", lambda _: r"\w\s", pattern).replace(r"\u0020", " ")
    try:
        return re.fullmatch(translated, value, flags=re.DOTALL) is not None
    except re.error:
        return True
