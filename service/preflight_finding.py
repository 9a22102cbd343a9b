"""What a preflight finds."""

from collections.abc import Iterable

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that would fail, or that a person should know: which check, about what, and what to do.

    `blocks`: a problem, which keeps Live Mode off; else a notice.
    """

    check: str
    subject: str
    problem: str
    what_to_do: str
    blocks: bool = True


def problem(check: str, subject: str, what: str, what_to_do: str) -> Finding:
    """Return a finding that keeps Live Mode off."""
    return Finding(check=check, subject=subject, problem=what, what_to_do=what_to_do)


def notice(check: str, subject: str, what: str, what_to_do: str) -> Finding:
    """Return a finding that a person should know of."""
    return Finding(check=check, subject=subject, problem=what, what_to_do=what_to_do, blocks=False)


def blocking(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings that keep Live Mode off."""
    return tuple(finding for finding in findings if finding.blocks)


def some(names: Iterable[str], shown_max: int = 5) -> str:
    """Return names as one text, the first few of many."""
    known = sorted(set(names))
    more = f" and {len(known) - shown_max} more" if len(known) > shown_max else ""
    return ", ".join(map(repr, known[:shown_max])) + more
