"""A report as text for people, and in the formats that machines read.

Every format is a plain ``str`` and sorted, and says the same: which policies ran, what they
found, where in the program, and what to change.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from holdfast.check.model import Finding, Level, Report
from holdfast.check.plain import document, line, xml
from holdfast.check.sarif import to_sarif
from holdfast.graph import Source


def to_text(report: Report) -> str:
    """For a terminal: findings with place and fix, then one line that sums up."""
    lines: list[str] = []
    for finding in report.findings:
        severity = f", {finding.severity}" if finding.severity else ""
        lines.append(f"{line(finding.policy)} ({finding.level}{severity})")
        lines.append(f"  at: {line(_where(finding, report))}")
        lines.append(f"  found: {line(finding.message)}")
        if finding.fix:
            lines.append(f"  fix: {line(finding.fix)}")
        lines.append("")
    verdict = "passed" if report.passed else "failed"
    advisory = len(report.findings) - len(report.mandatory)
    waived = sum(map(report.is_waiver, report.findings))
    lines.append(
        f"{line(report.project)}/{line(report.stack)}: {verdict}. {len(report.policies)} policies "
        f"of {line(report.pack)} over {report.resources} resources: {len(report.mandatory)} "
        f"mandatory and {advisory} advisory findings" + (f", {waived} waived." if waived else ".")
    )
    return "\n".join(lines) + "\n"


def to_json(report: Report) -> str:
    """One object: verdict, policies and findings."""
    found = {
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
                "waived": report.is_waiver(finding),
                "file": None if finding.source is None else finding.source.file,
                "line": None if finding.source is None else finding.source.line,
            }
            for finding in report.findings
        ],
    }
    return document(found)


def to_junit(report: Report) -> str:
    """JUnit XML: one test case per policy; advisory findings are its output, and do not fail it."""
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
        told = "\n".join(
            line(f"{_where(finding, report)}: {_sentence(finding)}")
            for finding in report.findings
            if finding.policy == policy.name and finding.level is Level.ADVISORY
        )
        output = f"<system-out>{escape(told)}</system-out>" if told else ""
        cases.append(
            f"<testcase classname={quoteattr(report.pack)} name={quoteattr(policy.name)}>"
            f"{failures}{output}</testcase>"
        )
    name = quoteattr(f"{report.project}/{report.stack}")
    body = "\n".join(cases)
    suite = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<testsuite name={name} tests="{len(cases)}" failures="{failed}">\n'
        f"{body}\n</testsuite>\n"
    )
    return xml(suite)


def to_github(report: Report) -> str:
    """Workflow commands that GitHub shows beside the lines of a pull request."""
    lines: list[str] = []
    for finding in report.findings:
        command = "error" if finding.level is Level.MANDATORY else "notice"
        text = f"{_where(finding, report)}: {_sentence(finding)}"
        file, at = (None, None) if finding.source is None else _place(finding.source)
        lines.append(github_line(command, finding.policy, text, file, at))
    return "".join(lines)


def github_line(command: str, title: str, text: str, file: str | None, at: int | None) -> str:
    """One workflow command.

    Args:
        command: ``error``, ``warning`` or ``notice``.
        title: What GitHub shows above it.
        text: What it says.
        file: The file that it is about, if there is one.
        at: Line in that file, from 1.
    """
    fields = [f"title={_property(title)}"]
    if file is not None:
        fields.insert(0, f"file={_property(file)}" + ("" if at is None else f",line={at}"))
    return f"::{command} {','.join(fields)}::{_data(text)}\n"


def _place(source: Source) -> tuple[str, int]:
    return source.file, source.line


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
