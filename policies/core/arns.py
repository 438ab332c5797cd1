"""What can be read off an ARN."""

_PARTS = 6
"""``arn:partition:service:region:account:resource``."""


def region_of(text: str) -> str:
    """The region that an ARN names; empty for a global thing, and for what is no ARN."""
    return _parts(text)[3]


def account_of(text: str) -> str:
    """The account that an ARN is of; empty for what is nobody's, or no ARN."""
    return _parts(text)[4]


def service_of(text: str) -> str:
    """The service that an ARN is of; empty for what is no ARN."""
    return _parts(text)[2]


def resource_of(text: str) -> str:
    """The last part of an ARN, such as ``role/oncall``; of what is no ARN, all of it."""
    return _parts(text)[5]


def _parts(text: str) -> tuple[str, ...]:
    parts = text.split(":", _PARTS - 1)
    if len(parts) < _PARTS or parts[0] != "arn":
        return ("", "", "", "", "", text)
    return tuple(parts)
