"""A report as text for people, and in the formats that machines read.

Every format is a plain ``str`` and sorted, and says the same: which policies ran, what they
found, where in the program, and what to change.
"""

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from holdfast.check.model import Finding, Level, Report

# XML has no way to write these, not even escaped.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def to_text(report: Report) -> str:
    """For a terminal: findings with place and fix, then one line that sums up."""
    lines: list[str] = []
    for finding in report.findings:
        severity = f", {finding.severity}" if finding.severity else ""
        lines.append(f"{finding.policy} ({finding.level}{severity})")
        lines.append(f"  {_where(finding, report)}")
        lines.append(f"  {finding.message}")
        if finding.fix:
            lines.append(f"  fix: {finding.fix}")
        lines.append("")
    verdict = "passed" if report.passed else "failed"
    advisory = len(report.findings) - len(report.mandatory)
    lines.append(
        f"{report.project}/{report.stack}: {verdict}. {len(report.policies)} policies of "
        f"{report.pack} over {report.resources} resources: {len(report.mandatory)} mandatory and "
        f"{advisory} advisory findings."
    )
    return "\n".join(lines) + "\n"


def to_json(report: Report) -> str:
    """One object: verdict, policies and findings."""
    document = {
        "project": report.project,
        "stack": report.stack,
        "pack": report.pack,
        "passed": report.passed,
        "resources": report.resources,
        "policies": [
            {
                "name": policy.name,
                "description": policy.description,
                "level": policy.level,
                "severity": policy.severity,
                "frameworks": policy.frameworks,
            }
            for policy in report.policies
        ],
        "findings": [
            {
                "policy": finding.policy,
                "level": finding.level,
                "severity": finding.severity,
                "urn": finding.urn,
                "message": finding.message,
                "fix": finding.fix,
                "file": None if finding.source is None else finding.source.file,
                "line": None if finding.source is None else finding.source.line,
            }
            for finding in report.findings
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def to_sarif(report: Report) -> str:
    """SARIF 2.1.0, for code scanning."""
    rules = [
        {
            "id": policy.name,
            "shortDescription": {"text": policy.description},
            "properties": {"severity": policy.severity, "frameworks": policy.frameworks},
        }
        for policy in report.policies
    ]
    results = [_sarif_result(finding) for finding in report.findings]
    driver = {"name": f"holdfast check ({report.pack})", "rules": rules}
    document = {
        "$schema": _SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _sarif_result(finding: Finding) -> dict[str, object]:
    location: dict[str, object] = {
        "logicalLocations": [{"fullyQualifiedName": finding.urn, "kind": "resource"}]
    }
    if finding.source is not None:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": quote(finding.source.file)},
            "region": {"startLine": finding.source.line},
        }
    return {
        "ruleId": finding.policy,
        "level": "error" if finding.level is Level.MANDATORY else "note",
        "message": {"text": _sentence(finding)},
        "locations": [location],
    }


def to_junit(report: Report) -> str:
    """JUnit XML: one test case per policy; advisory findings do not fail it."""
    cases: list[str] = []
    failed = 0
    for policy in report.policies:
        own = [finding for finding in report.mandatory if finding.policy == policy.name]
        failed += bool(own)
        failures = "".join(
            f"<failure message={quoteattr(finding.message)}>"
            f"{escape(f'{_where(finding, report)}: {_sentence(finding)}')}</failure>"
            for finding in own
        )
        cases.append(
            f"<testcase classname={quoteattr(report.pack)} name={quoteattr(policy.name)}>"
            f"{failures}</testcase>"
        )
    name = quoteattr(f"{report.project}/{report.stack}")
    body = "\n".join(cases)
    document = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<testsuite name={name} tests="{len(cases)}" failures="{failed}">\n'
        f"{body}\n</testsuite>\n"
    )
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", document)


def to_github(report: Report) -> str:
    """Workflow commands that GitHub shows beside the lines of a pull request."""
    lines: list[str] = []
    for finding in report.findings:
        command = "error" if finding.level is Level.MANDATORY else "notice"
        fields = [f"title={_property(finding.policy)}"]
        if finding.source is not None:
            fields.insert(0, f"file={_property(finding.source.file)},line={finding.source.line}")
        text = f"{_where(finding, report)}: {_sentence(finding)}"
        lines.append(f"::{command} {','.join(fields)}::{_data(text)}")
    return "".join(f"{line}\n" for line in lines)


def _where(finding: Finding, report: Report) -> str:
    subject = finding.urn or f"stack {report.stack}"
    return subject if finding.source is None else f"{finding.source}: {subject}"


def _sentence(finding: Finding) -> str:
    return f"{finding.message} Fix: {finding.fix}" if finding.fix else finding.message


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


FORMATS: Final[Mapping[str, Callable[[Report], str]]] = MappingProxyType(
    {
        "text": to_text,
        "json": to_json,
        "sarif": to_sarif,
        "junit": to_junit,
        "github": to_github,
    }
)
"""Every format by the name that ``holdfast check --format`` takes."""
