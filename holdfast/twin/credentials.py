"""The key of a twin: who shows it is the twin's owner, an agent of it, or was given it by them.

It is made anew whenever a twin starts, lies in files that only their owner reads, and is worth
nothing elsewhere.
"""

import base64
import secrets
from dataclasses import dataclass, field

_ID_PREFIX = "AKIATWIN"
"""Of the form that clients expect, and of nobody: AWS gives out none with it."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key as AWS clients take it.

    Attributes:
        key_id: What ``AWS_ACCESS_KEY_ID`` holds.
        secret: What ``AWS_SECRET_ACCESS_KEY`` holds.
    """

    key_id: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls) -> "Credentials":
        """A key that nobody can guess."""
        marks = base64.b32encode(secrets.token_bytes(10)).decode()[:12]
        return cls(key_id=_ID_PREFIX + marks, secret=secrets.token_urlsafe(30))

    def environment(self) -> dict[str, str]:
        """The variables by which AWS clients find it."""
        return {"AWS_ACCESS_KEY_ID": self.key_id, "AWS_SECRET_ACCESS_KEY": self.secret}
