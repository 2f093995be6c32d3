"""A plan that could not be made: what it says in place of a plan, in the Markdown of a forge."""

from __future__ import annotations

from cicd.render import document as read
from cicd.render.dialect import GITHUB, Dialect
from cicd.render.document import Document

UNKNOWN = "*"
"""In place of the stage's name where planning failed before it was known; no stage is called so."""
MOST_PROBLEMS = 20
LONGEST_LINE = 500
"""Characters of one finding or message that are shown."""
REASONS = {
    3: "a stage file or a template is wrong",
    4: "login or connection",
    5: "refused",
    6: "it took too long",
    64: "wrong use of the command line",
    70: "a bug in cicd",
    130: "interrupted",
}
"""What the exit codes say."""


def is_failure(document: Document) -> bool:
    """Whether a document tells why there is no plan."""
    return isinstance(document.get("failure"), dict)


def reason_of(document: Document) -> str:
    """In a few words why there is no plan: what the exit code says, empty where it says nothing."""
    code = document["failure"].get("exit_code")
    return REASONS.get(code, "") if isinstance(code, int) else ""


def render_failure(
    document: Document,
    *,
    since: str = "",
    since_commit: str = "",
    limit: int | None = None,
    dialect: Dialect = GITHUB,
) -> str:
    """The section of a stage whose plan failed: that it did, for which commit, why, since when.

    At most ``limit`` characters: cut at whole findings.
    """
    stage, commit = read.text(document, "stage"), read.text(document, "commit")[:12]
    named = f"Stage {dialect.code(stage)}: " if not stage.endswith(UNKNOWN) else ""
    when = f" of commit {dialect.code(commit)}" if commit else ""
    begun = since_commit[:12] if since_commit[:12] != commit else ""
    found = _findings(document)
    reason = reason_of(document)
    if not reason and found:  # the only one that there is
        reason, *found = found
    why = dialect.escape(reason[:LONGEST_LINE].rstrip(".")) or "nobody knows why"
    lines = [
        f"### {named}plan failed\n",
        dialect.alert_head("CAUTION").rstrip("\n"),
        f"> **The plan{when} failed: {why}.** Nothing is known of what it changes.",
    ]
    if since:
        of = f", commit {dialect.code(begun)}" if begun else ""
        lines.append(f"> Failing since {dialect.escape(since)}{of}.")
    shown = [f"- {dialect.escape(text[:LONGEST_LINE])}" for text in found[:MOST_PROBLEMS]]
    if limit is not None:
        room = limit - sum(len(line) + 1 for line in lines) - 40
        while shown and sum(len(line) + 1 for line in shown) > room:
            shown.pop()
    if len(shown) < len(found):
        shown.append(f"- and {len(found) - len(shown)} more")
    return "\n".join([*lines, *(["", *shown] if shown else [])])[:limit] + "\n"


def _findings(document: Document) -> list[str]:
    """What was wrong, a line each."""
    failure = document["failure"]
    problems = [
        f"{place}: {read.text(item, 'message')}"
        for item in read.items(failure, "problems")
        if (place := _place(item))
    ]
    return problems or [line for line in read.text(failure, "message").splitlines() if line.strip()]


def _place(problem: Document) -> str:
    file, line = read.text(problem, "file"), problem.get("line")
    return f"{file}:{line}:{problem.get('column')}" if line else file
