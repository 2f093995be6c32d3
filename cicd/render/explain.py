"""Why something is as it is, as text: findings, the end of the log, what to look at next."""

from __future__ import annotations

from collections.abc import Sequence

from cicd.render.doctor import Finding, finding_lines
from cicd.render.table import BOLD, DIM, paint
from cicd.words import log_line, printable


def render_explanation(
    title: str,
    findings: Sequence[Finding],
    log: Sequence[str],
    commands: Sequence[str],
    *,
    colour: bool = False,
    symbols: bool = False,
) -> str:
    """``title`` names the thing, ``commands`` tell more; ``symbols``: marks as signs."""
    lines = [paint(printable(title), BOLD, colour)]
    lines += finding_lines(findings, colour=colour and symbols)
    if log:
        lines += ["", "the end of its log:"]
        lines += [paint(f"  │ {log_line(text)}", DIM, colour) for text in log]
    if commands:
        lines += ["", *(f"more: {printable(command)}" for command in commands)]
    return "\n".join(lines)


def render_rule(name: str, says: str, source: str, cure: str, here: Sequence[str]) -> str:
    """What a rule is about, what asks for it, and what to do; ``here``: its findings now."""
    lines = [f"{name}: {says}", *([f"source: {source}"] if source else []), f"to do: {cure}", ""]
    return "\n".join([*lines, *(here or ["No file of this project is against it now."])])
