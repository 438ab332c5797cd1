"""A report, or what kept it from being made, as SARIF 2.1.0 for code scanning.

Source:
    OASIS, Static Analysis Results Interchange Format 2.1.0; GitHub, SARIF support for code
    scanning (``security-severity``, and fingerprints that tell a finding again after its line
    has moved).
"""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from holdfast.check.model import Finding, Level, Policy, Report
from holdfast.check.plain import document

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final[Mapping[str, str]] = MappingProxyType(
    {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
)
_SCORES: Final[Mapping[str, str]] = MappingProxyType(
    {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0"}
)
"""GitHub's scale: critical above 9, high from 7, medium from 4."""


def to_sarif(report: Report) -> str:
    """SARIF 2.1.0, for code scanning."""
    places = {policy.name: place for place, policy in enumerate(report.policies)}
    results = [_result(finding, places) for finding in report.findings]
    for finding, result in zip(report.findings, results, strict=True):
        if report.is_waiver(finding):
            # Code scanning closes it, and shows who accepted it and why.
            result["suppressions"] = [{"kind": "external", "justification": finding.message}]
    return _log(report.pack, [_rule(policy) for policy in report.policies], results, [])


def failure_to_sarif(message: str, file: str | None, line: int | None) -> str:
    """What kept a check from being made, as a notification: there are no results to trust.

    Args:
        message: What went wrong.
        file: Where in the program, if that is known.
        line: Line in that file, from 1.
    """
    told: dict[str, object] = {"level": "error", "message": {"text": message}}
    if file is not None:
        told["locations"] = [{"physicalLocation": _physical(file, line)}]
    return _log("", [], [], [told])


def _log(
    pack: str,
    rules: list[dict[str, object]],
    results: list[dict[str, object]],
    failures: list[dict[str, object]],
) -> str:
    name = f"holdfast check ({pack})" if pack else "holdfast check"
    invocation: dict[str, object] = {"executionSuccessful": not failures}
    if failures:
        invocation["toolExecutionNotifications"] = failures
    run = {
        "tool": {"driver": {"name": name, "rules": rules}},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return document({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(policy: Policy) -> dict[str, object]:
    properties: dict[str, object] = {
        "severity": policy.severity,
        "frameworks": policy.frameworks,
        "tags": ["security", *policy.tags],
    }
    if policy.severity in _SCORES:
        properties["security-severity"] = _SCORES[policy.severity]
    rule: dict[str, object] = {
        "id": policy.name,
        "shortDescription": {"text": policy.description},
        "defaultConfiguration": {"level": _level(policy.level, policy.severity)},
        "properties": properties,
    }
    if policy.explanation:
        rule["help"] = {"text": policy.explanation}
    return rule


def _result(finding: Finding, places: Mapping[str, int]) -> dict[str, object]:
    location: dict[str, object] = {
        "logicalLocations": [{"fullyQualifiedName": finding.urn, "kind": "resource"}]
    }
    if finding.source is not None:
        location["physicalLocation"] = _physical(finding.source.file, finding.source.line)
    text = f"{finding.message} Fix: {finding.fix}" if finding.fix else finding.message
    cause = f"{finding.policy}\n{finding.urn}\n{finding.message}"
    result: dict[str, object] = {
        "ruleId": finding.policy,
        "level": _level(finding.level, finding.severity),
        "message": {"text": text},
        "locations": [location],
        "partialFingerprints": {
            "cause/v1": hashlib.sha256(cause.encode(errors="replace")).hexdigest()
        },
    }
    if finding.policy in places:
        result["ruleIndex"] = places[finding.policy]
    return result


def _physical(file: str, line: int | None) -> dict[str, object]:
    place: dict[str, object] = {"artifactLocation": {"uri": quote(file)}}
    if line is not None:
        place["region"] = {"startLine": line}
    return place


def _level(level: Level, severity: str) -> str:
    """SARIF's own word: an advisory finding is a note, whatever its severity."""
    return "note" if level is Level.ADVISORY else _LEVELS.get(severity, "error")
