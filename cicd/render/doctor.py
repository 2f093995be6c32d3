"""What ``cicd doctor`` found, as text: grouped, aligned, the cure under what needs one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Protocol

from cicd.words import count, printable

MARKS = {"ok": "✓", "warning": "!", "error": "✗", "skipped": "-"}
PLAIN = {"ok": "ok", "warning": "warning", "error": "ERROR", "skipped": "-"}
CODES = {"ok": "32", "warning": "33", "error": "31", "skipped": "2"}


class Finding(Protocol):
    """The finding of a platform, which this room does not know."""

    @property
    def check(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def cure(self) -> str: ...


def render_doctor(findings: Iterable[Finding], *, colour: bool = False) -> str:
    """One line for each finding and one that counts them; ``colour`` also brings the symbols."""
    found = list(findings)
    return "\n".join([*finding_lines(found, colour=colour), "", summary(found)])


def finding_lines(found: Sequence[Finding], *, colour: bool = False) -> list[str]:
    """One line for each finding, its cure below."""
    width = max((len(finding.check) for finding in found), default=0)
    lines: list[str] = []
    for check, group in groupby(found, key=lambda finding: finding.check):
        for place, finding in enumerate(group):
            label = check if place == 0 else ""
            lines += _lines(finding, label.ljust(width), colour=colour)
    return lines


def summary(findings: Iterable[Finding]) -> str:
    """``2 errors, 1 warning`` or that all is well."""
    states = [finding.state for finding in findings]
    counts = {name: states.count(name) for name in ("error", "warning")}
    parts = [count(number, name) for name, number in counts.items() if number]
    return ", ".join(parts) if parts else "All is well."


def _lines(finding: Finding, label: str, *, colour: bool) -> Iterator[str]:
    marks = MARKS if colour else PLAIN
    wide = max(map(len, marks.values()))
    mark = marks[finding.state].ljust(wide)
    painted = f"\x1b[{CODES[finding.state]}m{mark}\x1b[0m" if colour else mark
    yield f"{label}  {painted}  {printable(finding.text)}"
    if finding.cure:
        indent, arrow = " " * (len(label) + 2 + wide + 2), "→" if colour else ">"
        yield f"{indent}{arrow} {printable(finding.cure)}"
