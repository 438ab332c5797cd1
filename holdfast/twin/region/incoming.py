"""A request at a region's AWS endpoint, as it came over the wire."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

SIGNATURE_PARAMETERS = frozenset(
    f"X-Amz-{part}"
    for part in ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
)
"""What a signature adds to the query of a URL that carries it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """One request without its body.

    Attributes:
        method: HTTP method.
        path: With its percent-encoding undone.
        raw_path: As it was sent: what was signed.
        query: Everything after the first question mark, as it was sent.
        fields: Each header with a lower-case name, in the order sent.
        headers: By lower-case name; values of one that was sent several times joined by commas.
    """

    method: str
    path: str
    raw_path: str
    query: str
    fields: tuple[tuple[str, str], ...]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, scope: Scope) -> "Incoming":
        """The request of an ASGI scope."""
        fields = tuple(
            (bytes(name).decode("latin-1").lower(), bytes(value).decode("latin-1"))
            for name, value in scope["headers"]
        )
        headers: dict[str, str] = {}
        for name, value in fields:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return cls(
            method=str(scope["method"]).upper(),
            path=str(scope["path"]),
            raw_path=bytes(scope["raw_path"]).decode("latin-1"),
            query=bytes(scope["query_string"]).decode("latin-1"),
            fields=fields,
            headers=headers,
        )

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """What stands in the query, decoded."""
        return parse_qsl(self.query, keep_blank_values=True)


class Denied(Exception):  # noqa: N818 -- an answer to somebody else, not a failure of ours
    """Why a request is not served.

    Attributes:
        code: AWS's name for it.
        message: What was given, what is allowed.
        status: HTTP status code.
    """

    def __init__(self, code: str, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
