"""What a pack asks for: a list of its rules, the explanation of one, and a page of all.

The text is the pack's own: each rule's sentence is its description, and what follows (why, what
is good, what is bad, the fix, how to waive it) are its remediation steps. So it needs no network,
and works for packs of others.
"""

import difflib
import textwrap
from collections.abc import Iterable

from holdfast.check.model import Policy
from holdfast.errors import PolicyRunError

_WIDTH = 96


def listing(policies: Iterable[Policy]) -> str:
    """The rules by what they belong to, a line each.

    Args:
        policies: Of one pack.
    """
    lines: list[str] = []
    for tag, group in _by_tag(policies):
        lines.append(tag)
        lines += [f"  {policy.name} ({_kind(policy)}): {policy.description}" for policy in group]
        lines.append("")
    return "\n".join(lines)


def explanation(policies: Iterable[Policy], name: str) -> str:
    """All that a pack says of one of its rules.

    Args:
        policies: Of one pack.
        name: Which.

    Raises:
        PolicyRunError: If it has no such rule.
    """
    known = {policy.name: policy for policy in policies}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise PolicyRunError(
            f"the pack has no rule {name}.{hint} `holdfast rules` lists all {len(known)}."
        )
    policy = known[name]
    parts = [f"{policy.name} ({_kind(policy)})", _wrapped(policy.description)]
    if policy.frameworks:
        parts.append(_wrapped(f"Asked for by: {policy.frameworks}"))
    parts += [_wrapped(line) for line in policy.explanation.splitlines()]
    return "\n\n".join(parts) + "\n"


def page(policies: Iterable[Policy], title: str, introduction: str) -> str:
    """All rules as a page of documentation, in Markdown.

    Args:
        policies: Of one pack.
        title: Of the page.
        introduction: What stands above the rules.
    """
    parts = [f"# {title}", introduction]
    for tag, group in _by_tag(policies):
        parts.append(f"## {tag}")
        for policy in group:
            parts += [f"### {policy.name}", f"*{_kind(policy)}.* {policy.description}"]
            rows = [_row(line) for line in policy.explanation.splitlines() if line]
            if policy.frameworks:
                rows.append(f"- **Asked for by**: {policy.frameworks}")
            if rows:
                parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _row(line: str) -> str:
    head, colon, rest = line.partition(":")
    return f"- **{head}**:{rest}" if colon else f"- {line}"


def _by_tag(policies: Iterable[Policy]) -> list[tuple[str, list[Policy]]]:
    groups: dict[str, list[Policy]] = {}
    for policy in policies:
        groups.setdefault(policy.tags[0] if policy.tags else "other", []).append(policy)
    return sorted(groups.items())


def _kind(policy: Policy) -> str:
    return f"{policy.level}, {policy.severity}" if policy.severity else str(policy.level)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
