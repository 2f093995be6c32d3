"""An inventory as text or as a page. Reads its document: see ``cicd.automation.inventory``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cicd.render.document import Document, items, text, texts
from cicd.render.moments import duration, parse
from cicd.render.page import page
from cicd.render.table import BOLD, DIM, GREEN, RED, YELLOW, cell_width, pad, paint
from cicd.words import count, printable

MANY = 6
"""From so many things of one kind on, a page shows a line of each that can be opened."""
COLOURS = {"FAILED": RED, "RUNNING": GREEN, "SUCCEEDED": GREEN, "PENDING": YELLOW}
MAIN = frozenset({"url", "type", "image"})
"""Of a map that has one of these, that stands for all of it."""
Rows = list[tuple[str, list[str]]]
"""Head and lines of what is told of a thing."""


def render_inventory(document: Document, *, colour: bool = False) -> str:
    """The whole inventory: what there is of each kind, the oldest first."""
    lines = [paint(printable(title_of(document)), BOLD, colour), printable(about(document))]
    for section in items(document, "sections"):
        things = items(section, "things")
        head = f"{text(section, 'title').upper()} ({len(things)})"
        lines += ["", paint(printable(head), BOLD, colour)]
        for thing in things:
            lines += ["", *_thing_lines(section, thing, colour)]
    if notes := texts(document, "notes"):
        lines += ["", paint("NOT IN THE STAGE FILE", BOLD, colour)]
        lines += [f"  {printable(note)}" for note in notes]
    return "\n".join(lines)


def render_inventory_page(document: Document) -> str:
    """The same as a page."""
    sections = [
        {
            "title": text(section, "title"),
            "kind": text(section, "kind"),
            "is_folded": len(items(section, "things")) >= MANY,
            "things": [_on_page(section, thing) for thing in items(section, "things")],
        }
        for section in items(document, "sections")
    ]
    return page(
        "inventory.html",
        title=title_of(document),
        about=about(document),
        sections=sections,
        notes=texts(document, "notes"),
    )


def title_of(document: Document) -> str:
    """What it is the inventory of."""
    select = ", ".join(texts(document, "select"))
    return f"Inventory of {select or text(document, 'stage')}"


def about(document: Document) -> str:
    """Where it all lives, and when that was read."""
    target = document.get("target")
    place = [str(value) for value in target.values()] if isinstance(target, Mapping) else []
    where = " ".join([text(document, "platform"), *place])
    counts = sum(len(items(section, "things")) for section in items(document, "sections"))
    read_at = moment(text(document, "read_at"))
    return f"{where} · {count(counts, 'thing')} · read {read_at}"


def moment(stamp: str) -> str:
    """A time to the second, as people write it."""
    then = parse(stamp)
    return f"{then:%Y-%m-%d %H:%M:%S} UTC" if then else ""


def rows_of(section: Document, thing: Document) -> Rows:
    """What is told of a thing: its times, then the fields of its kind in their order."""
    seconds = thing.get("seconds")
    took = duration(seconds) if isinstance(seconds, int | float) else ""
    times: Rows = [
        ("reason", [text(thing, "message")]),
        ("created", [moment(text(thing, "created_at"))]),
        ("started", [moment(text(thing, "started_at"))]),
        ("ended", [moment(text(thing, "completed_at"))]),
        ("took", [took]),
    ]
    details, heads = thing.get("details"), section.get("fields")
    if not isinstance(details, Mapping) or not isinstance(heads, Mapping):
        return [row for row in times if any(row[1])]
    # where it can be looked at, it need not be named twice
    linked = {text(one, "how") for one in items(thing, "related")}
    told = [
        (str(head), [*lines_of(details.get(name))])
        for name, head in heads.items()
        if head not in linked
    ]
    return [row for row in [*times, *told] if any(row[1])]


def lines_of(value: Any) -> Iterator[str]:
    """A value as lines: of a map or list one for each entry."""
    if isinstance(value, Mapping) and not MAIN.isdisjoint(value):
        yield in_line(value)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield f"{name}: {in_line(item)}"
    elif isinstance(value, list):
        yield from map(in_line, value)
    elif value is not None:
        yield in_line(value)


def in_line(value: Any) -> str:
    """A value on one line; of a map first what stands for all of it."""
    if isinstance(value, Mapping):
        main = [in_line(value[name]) for name in value if name in MAIN]
        rest = [f"{name} {in_line(item)}" for name, item in value.items() if name not in MAIN]
        return ", ".join([*main, *rest])
    if isinstance(value, list):
        return ", ".join(map(in_line, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _related(thing: Document) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    for one in items(thing, "related"):
        found.setdefault(text(one, "how"), []).append(one)
    return found


def _thing_lines(section: Document, thing: Document, colour: bool) -> Iterator[str]:
    status = text(thing, "status")
    shown = paint(printable(status), COLOURS.get(text(thing, "state"), DIM), colour)
    key = text(thing, "key")
    head = [paint(printable(text(thing, "name")), BOLD, colour), shown]
    yield "  " + "  ".join([*head, *([paint(printable(key), DIM, colour)] if key else [])])
    rows = rows_of(section, thing)
    rows += [
        (how, [f"{_words(one)} {text(one, 'name')}" for one in several])
        for how, several in _related(thing).items()
    ]
    if link := text(thing, "link"):
        rows.append(("console", [link]))
    yield from _columns(rows)


def _columns(rows: Rows) -> Iterator[str]:
    width = max((cell_width(head) for head, _ in rows), default=0)
    for head, lines in rows:
        for number, line in enumerate(lines):
            yield f"    {pad('' if number else printable(head), width)}  {printable(line)}"


def _words(thing: Document) -> str:
    return text(thing, "kind").replace("_", " ")


def _on_page(section: Document, thing: Document) -> dict[str, Any]:
    link, state = text(thing, "link"), text(thing, "state")
    return {
        "name": text(thing, "name"),
        "anchor": anchor(text(section, "kind"), text(thing, "name")),
        "key": text(thing, "key"),
        "status": text(thing, "status"),
        "state": state.lower() if state in COLOURS else "other",
        "started": moment(text(thing, "started_at") or text(thing, "created_at")),
        "link": link if link.startswith(("https://", "http://")) else "",
        "rows": rows_of(section, thing),
        "related": [(how, _anchors(several)) for how, several in _related(thing).items()],
    }


def _anchors(several: Sequence[Document]) -> list[tuple[str, str]]:
    return [
        (f"{_words(one)} {text(one, 'name')}", anchor(text(one, "kind"), text(one, "name")))
        for one in several
    ]


def anchor(kind: str, name: str) -> str:
    """Where on a page a thing is."""
    return f"{kind}/{name}"
