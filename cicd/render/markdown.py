"""A plan document as a section of a comment, in the Markdown of a forge.

Names, reasons and values come from stage files, from the platform and from logs: each of them goes
through ``escape`` or into a fence that is longer than any run of backticks inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cicd.model import Action
from cicd.render import document as read
from cicd.render.commits import short_commit
from cicd.render.dialect import GITHUB, Dialect
from cicd.render.document import Document
from cicd.render.escaped import short
from cicd.render.folds import folded, left_out
from cicd.render.lifecycle import lines
from cicd.words import some

escape = GITHUB.escape
MOST_NAMED = 20
"""How many deletes or replaces the warning names, and how many warnings are shown."""


def render_section(
    document: Document, *, limit: int | None = None, dialect: Dialect = GITHUB
) -> str:
    """One stage's section: headline with counts, what it comes to, what is deleted, replaced or
    loosened, a line for each change under which its values are folded, and what was seen beside.

    At most ``limit`` characters: cut at whole changes, with a line saying how many are left out.
    """
    headline = f"### Stage {dialect.code(read.text(document, 'stage'))}: {read.counted(document)}\n"
    changes = read.changes(document)
    parts = [
        part
        for part in (
            _about(document, dialect),
            _verdict(document),
            _refusal(document, dialect),
            _lifecycle(document, dialect),
            _removals(changes, dialect),
            _loosened(document, dialect),
            _warnings(document, dialect),
            _treatment(document, dialect),
        )
        if part
    ]
    beside = _hints(document, dialect)
    listed = read.listed(document)
    whole = "\n".join([headline, *parts, *folded(listed, None, dialect), *beside])
    # Tried whole first, since nearly all plans fit and cutting takes a second rendering.
    if limit is None or len(whole) <= limit:
        return whole
    # a line end joins two parts; the line that says what is left out must always have its room
    room = limit - len(headline) - (len(left_out(len(listed))) + 1 if listed else 0)
    kept = []
    for part in [*parts, *beside]:
        if len(part) + 1 <= room:
            kept.append(part)
            room -= len(part) + 1
    above, below = [p for p in kept if p not in beside], [p for p in kept if p in beside]
    return "\n".join([headline, *above, *folded(listed, room, dialect), *below])[: max(limit, 0)]


def _about(document: Document, dialect: Dialect) -> str:
    """Where it goes and what is deployed; not worth a line when nothing changes."""
    if not read.changes(document):
        return ""
    parts = [dialect.escape(part) for part in read.place(document).split(" · ") if part]
    if commit := read.text(document, "commit"):
        parts.append(f"commit {dialect.code(short_commit(commit))}")
    return " · ".join(parts) + "\n" if parts else ""


def _verdict(document: Document) -> str:
    found = read.verdict(document)
    return f"**{found[:1].upper()}{found[1:]}.**\n" if found else ""


def _loosened(document: Document, dialect: Dialect) -> str:
    """A block that names every check that becomes weaker, up to a bound."""
    found = read.loosened(document)
    lines = []
    for key, field in found[:MOST_NAMED]:
        before, after = read.sides(field)
        path = dialect.escape(short(read.text(field, "path")))
        lines.append(
            f"{dialect.code(key)} {path}: {dialect.escape(before)} → {dialect.escape(after)}"
        )
    if len(found) > MOST_NAMED:
        lines.append(f"and {len(found) - MOST_NAMED} more")
    return dialect.alert("WARNING", [f"**Loosened:** {'; '.join(lines)}"]) if found else ""


def _treatment(document: Document, dialect: Dialect) -> str:
    """What else of the stage's own limits and protection differs."""
    found = [
        f for f in read.items(document, "treatment") if read.text(f, "reason") != read.LOOSENED
    ]
    return "\n".join(
        f"- stage {dialect.escape(read.text(field, 'path'))}: "
        f"{' → '.join(map(dialect.escape, read.sides(field)))}\n"
        for field in found
    )


def _refusal(document: Document, dialect: Dialect) -> str:
    refusal = read.text(document, "refusal")
    return (
        dialect.alert("CAUTION", [f"**Refused:** {dialect.escape(short(refusal))}"])
        if refusal
        else ""
    )


def _lifecycle(document: Document, dialect: Dialect) -> str:
    """What stands before the changes of what serves."""
    status = document.get("lifecycle")
    found = lines(status) if isinstance(status, Mapping) else ()
    told = [f"**{about.capitalize()}:** {dialect.escape(short(said))}" for about, said in found]
    return dialect.alert("IMPORTANT", told) if told else ""


def _removals(changes: Iterable[Document], dialect: Dialect) -> str:
    """A block that names every delete and replace, up to a bound."""
    lines = []
    for action, word in ((Action.DELETE, "Deletes"), (Action.REPLACE, "Replaces")):
        found = [item for item in changes if read.text(item, "action") == action.value]
        names = [dialect.code(read.with_id(item)) for item in found]
        if found:
            lines.append(f"**{word} {len(found)}:** {some(names, MOST_NAMED)}")
    return dialect.alert("CAUTION", lines) if lines else ""


def _warnings(document: Document, dialect: Dialect) -> str:
    found = read.texts(document, "warnings")
    lines = [dialect.escape(short(text)) for text in found[:MOST_NAMED]]
    if len(found) > MOST_NAMED:
        lines.append(f"and {len(found) - MOST_NAMED} more")
    return dialect.alert("WARNING", lines) if lines else ""


def _hints(document: Document, dialect: Dialect) -> list[str]:
    """What was seen beside the plan, such as what nobody names; it asks for no decision."""
    found = read.texts(document, "hints")[:MOST_NAMED]
    return [f"{dialect.escape(short(text))}\n" for text in found]
