"""Plan documents as one page that needs nothing else: no script, no file beside it, no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cicd.model import Action
from cicd.render import document as read
from cicd.render.document import Document
from cicd.render.page import as_text, whole_page

_STYLE = """\
:root { color-scheme: light dark; --line: #8886; --soft: #8881; --red: #c62828; --green: #2e7d32; }
@media (prefers-color-scheme: dark) { :root { --red: #ff8a80; --green: #81c784; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h2 { border-bottom: 1px solid var(--line); margin-top: 2.5rem; }
code, td { font-family: ui-monospace, monospace; font-size: 13px; overflow-wrap: anywhere; }
p.about { opacity: .75; }
p.alert { border-left: 4px solid var(--red); padding: .25rem 1rem; background: var(--soft); }
p.warning { border-left: 4px solid #f9a825; padding: .25rem 1rem; background: var(--soft); }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0;
  padding: .4rem .8rem; }
summary { overflow-wrap: anywhere; }
b.delete, b.replace, td.before { color: var(--red); }
b.create, td.after { color: var(--green); }
table { border-collapse: collapse; width: 100%; }
th, td { border-top: 1px solid var(--line); padding: .2rem .6rem .2rem 0; text-align: left;
  vertical-align: top; }
@media print { body { margin: 0; max-width: none; } details { break-inside: avoid; } }
"""


def render_page(documents: Sequence[Document]) -> str:
    """A whole page with a section per plan; every change with its reason and its fields."""
    names = ", ".join(read.text(document, "stage") for document in documents)
    body = [line for document in documents for line in _section(document)]
    return whole_page(f"Plan: {names}", _STYLE, ["<h1>Plan</h1>", *body])


def _section(document: Document) -> Iterator[str]:
    stage, counted = read.text(document, "stage"), read.counted(document)
    yield f"<section>\n<h2>Stage {as_text(stage)}: {as_text(counted)}</h2>"
    about = [read.place(document)]
    for name in ("commit", "created_at", "tool_version"):
        if found := read.text(document, name):
            about.append(f"{name.replace('_', ' ')} {found}")
    yield f'<p class="about">{as_text(" · ".join(part for part in about if part))}</p>'
    if verdict := read.verdict(document):
        yield f"<p><b>{as_text(verdict)}</b></p>"
    if refusal := read.text(document, "refusal"):
        yield f'<p class="alert"><b>Refused:</b> {as_text(refusal)}</p>'
    changes = read.changes(document)
    for action, word in ((Action.DELETE, "Deletes"), (Action.REPLACE, "Replaces")):
        names = [
            read.with_id(item) for item in changes if read.text(item, "action") == action.value
        ]
        if names:
            listed = ", ".join(f"<code>{as_text(name)}</code>" for name in names)
            yield f'<p class="alert"><b>{word} {len(names)}:</b> {listed}</p>'
    if checks := read.loosened(document):
        listed = "; ".join(f"<code>{as_text(key)}</code> {_arrow(field)}" for key, field in checks)
        yield f'<p class="warning"><b>Loosened:</b> {listed}</p>'
    for warning in read.texts(document, "warnings"):
        yield f'<p class="warning">{as_text(warning)}</p>'
    for field in read.items(document, "treatment"):
        yield f"<p>stage {_arrow(field)}</p>"
    for change in read.listed(document):
        yield from _change(change)
    yield from _unchanged(document)
    for hint in read.texts(document, "hints"):
        yield f'<p class="about">{as_text(hint)}</p>'
    yield "</section>"


def _unchanged(document: Document) -> Iterator[str]:
    stays = [
        item
        for item in read.items(document, "changes")
        if read.text(item, "action") == Action.NO_OP.value and not read.items(item, "treatment")
    ]
    if stays:
        yield f"<details><summary>{len(stays)} unchanged</summary>\n<table>"
        for item in stays:
            key, reason = read.text(item, "key"), read.text(item, "reason")
            yield f"<tr><td>{as_text(key)}</td><td>{as_text(reason)}</td></tr>"
        yield "</table></details>"


def _arrow(field: Document) -> str:
    before, after = map(as_text, read.sides(field))
    reason = read.text(field, "reason")
    return f"{as_text(read.text(field, 'path'))}: {before} → {after}" + (
        f" ({as_text(reason)})" if reason else ""
    )


def _change(change: Document) -> Iterator[str]:
    action, sentence = read.text(change, "action"), read.sentence(change)
    name = f"<code>{as_text(read.with_id(change))}</code>"
    # open, so that it can be read on paper: a page has no room to save
    yield f'<details open><summary><b class="{as_text(action)}">{as_text(action)}</b> {name} '
    yield f"{as_text(sentence)}</summary>"
    for line in read.texts(change, "templates"):
        yield f"<p>template {as_text(line)}</p>"
    for line in read.remarks(change):
        yield f"<p>{as_text(line)}</p>"
    fields = [*read.differences(change), *read.items(change, "treatment")]
    if fields:
        yield "<table><tr><th>field</th><th>before</th><th>after</th><th>why</th></tr>"
        for field in fields:
            path, why = as_text(read.text(field, "path")), as_text(read.text(field, "reason"))
            before, after = map(as_text, read.sides(field))
            before = before if field.get("before") is not None else ""
            yield f'<tr><td>{path}</td><td class="before">{before}</td>'
            yield f'<td class="after">{after}</td><td>{why}</td></tr>'
        yield "</table>"
    yield "</details>"
