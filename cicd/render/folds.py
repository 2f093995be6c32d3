"""The list of changes in a comment: a line for each, or for many alike, its values folded under it.

What a person has to decide on comes first and is always seen: what is lost, what answers, what
runs. What only serves it (content, secrets) is folded together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from cicd.model import Action
from cicd.render import document as read
from cicd.render.dialect import Dialect
from cicd.render.document import Document
from cicd.render.escaped import longest_run, number, short
from cicd.words import count, printable

MOST_LINES = 12
"""How many lines are seen without unfolding anything."""
_SERVES = 9
"""The weight of what only serves others."""


Text = Callable[[str], str]


@dataclass(frozen=True)
class _Line:
    """Changes of one sort from which the same comes, told in one line. ``weight``: the less, the
    more it matters."""

    weight: int
    changes: tuple[Document, ...]

    def told(self, code: Text, escape: Text) -> str:
        """What it says after the verb, with these ways to write what is others' text."""
        first = self.changes[0]
        what = code(read.with_id(first))
        if len(self.changes) > 1:
            what = escape(count(len(self.changes), _noun(first)))
        sentence = escape(short(read.sentence(first)))
        return f"{what}{': ' if sentence else ''}{sentence}"


def folded(listed: Sequence[Document], room: int | None, dialect: Dialect) -> Iterator[str]:
    """The lines, in at most ``room`` characters (but for the last, that says what is left out).

    Every change has its line before any has its values.
    """
    lines = _lines(listed)
    seen = [line for line in lines if line.weight < _SERVES] or lines
    seen = seen[:MOST_LINES]
    # What has its line keeps it: values are given room only once each change is told of.
    rest = [change for line in lines if line not in seen for change in line.changes]
    left = _Budget(room)
    kept = [line for line in seen if left.take(_bare(line, dialect))]
    hidden = sum(len(line.changes) for line in seen) - sum(len(line.changes) for line in kept)
    closing = "</details>\n"
    opening = f"<details><summary>{_counted(rest, dialect)}</summary>\n"
    shown: list[Document] = []
    if rest and left.take(opening) and left.take(closing):
        shown = [change for change in rest if left.take(_head(change, dialect))]
    bare = 0  # changes that have values for which there is no room
    for line in kept:
        left.give(_bare(line, dialect))
        block = _block(line, left, dialect)
        is_bare = block == _bare(line, dialect)
        bare += sum(bool(_values(change, dialect)) for change in line.changes) if is_bare else 0
        left.take(block)
        yield block
    if shown:
        yield opening
    for change in shown:
        left.give(_head(change, dialect))
        text = whole if left.has(whole := _item(change, dialect)) else _head(change, dialect)
        bare += text != whole
        left.take(text)
        yield text
    if hidden := hidden + len(rest) - len(shown):
        yield left_out(hidden)
    elif bare:
        yield left_out(bare, "value list")
    if shown:
        yield closing


def left_out(count: int, what: str = "more change") -> str:
    """The line that says how many changes, or lists of their values, are not shown."""
    return f"{number(count, what)} left out: too long for this comment.\n"


def _lines(listed: Sequence[Document]) -> list[_Line]:
    """The changes, those that are told alike together, in their order; where there are too many,
    what matters most first."""
    alike: dict[tuple[str, ...], list[Document]] = {}
    for place, change in enumerate(listed):
        names = tuple(read.text(change, name) for name in ("action", "kind"))
        is_told = bool(read.text(change, "consequence"))
        group = (*names, read.sentence(change) if is_told else str(place))
        alike.setdefault(group, []).append(change)
    lines = [_Line(_weight(changes[0]), tuple(changes)) for changes in alike.values()]
    # Otherwise in the order of the plan, in which people follow what leads to what.
    if sum(line.weight < _SERVES for line in lines) > MOST_LINES:
        lines.sort(key=lambda line: line.weight)
    return lines


def _weight(change: Document) -> int:
    """How much a person has to look at it: the less, the more."""
    action, role = read.text(change, "action"), read.text(change, "role")
    if action in {Action.DELETE.value, Action.REPLACE.value}:
        return 0
    if read.items(change, "treatment") and action == Action.NO_OP.value:
        return 1
    roles = {"service": 2, "run": 3, "pointer": 4}
    is_known = not role or role in roles
    if is_known or read.texts(change, "templates") or action == Action.UPDATE.value:
        return roles.get(role, 5)
    return _SERVES


def _bare(line: _Line, dialect: Dialect) -> str:
    """A line with nothing to unfold."""
    told = line.told(dialect.code, dialect.escape)
    return f"- **{dialect.escape(_verb(line.changes[0]))}** {told}\n"


def _block(line: _Line, left: _Budget, dialect: Dialect) -> str:
    """The line with as much as there is room for folded under it."""
    verb = dialect.escape_in_html(_verb(line.changes[0]))
    told = line.told(dialect.code_in_html, dialect.escape_in_html)
    opening = f"<details><summary><b>{verb}</b> {told}</summary>\n\n"
    closing = "</details>\n"
    more = f"- and {len(line.changes)} more of them\n"
    kept: list[str] = []
    used = len(opening) + len(closing) + len(more)
    for change in line.changes:
        text = (
            _item(change, dialect, is_told=True)
            if len(line.changes) > 1
            else _values(change, dialect)
        )
        if not text or not left.has("x" * (used + len(text))):
            break
        kept.append(text)
        used += len(text) + 1
    if not kept:
        return _bare(line, dialect)
    if missing := len(line.changes) - len(kept):
        kept.append(f"- and {missing} more of them\n")
    return opening + "\n".join(kept) + closing


def _item(change: Document, dialect: Dialect, *, is_told: bool = False) -> str:
    """One change as an item of a list; ``is_told``: what comes of it stands above."""
    values = "".join(f"  {line}\n" for line in _values(change, dialect).splitlines())
    return f"{_head(change, dialect, is_told=is_told)}{values}"


def _head(change: Document, dialect: Dialect, *, is_told: bool = False) -> str:
    """The same without its values."""
    sentence = "" if is_told else dialect.escape(short(read.sentence(change)))
    head = f"- **{dialect.escape(_verb(change))}** {dialect.code(read.with_id(change))}"
    return f"{head}{': ' if sentence else ''}{sentence}\n"


def _values(change: Document, dialect: Dialect) -> str:
    """All that is to be said of one change: templates line by line, the rest as a fence; empty
    where there is nothing."""
    templates = [
        f"- template {dialect.escape(short(text))}\n" for text in read.texts(change, "templates")
    ]
    lines = [f"# {printable(short(text))}" for text in read.remarks(change)]
    lines += [line for field in read.differences(change) for line in _field(field)]
    lines += [line for field in read.items(change, "treatment") for line in _treated(field)]
    if not lines:
        return "".join(templates)
    fence = "`" * max(3, 1 + longest_run(lines))
    return "".join([*templates, "\n" if templates else ""]) + "\n".join(
        [f"{fence}diff", *lines, f"{fence}\n"]
    )


def _field(field: Document) -> Iterator[str]:
    path, reason = printable(short(read.text(field, "path"))), read.text(field, "reason")
    before, after = read.sides(field)
    had, has = (field.get(side) is not None for side in ("before", "after"))
    if had:
        yield f"- {path}: {before}"
    why = f" ({printable(short(reason))})" if reason else ""
    if has or not had:
        yield f"+ {path}: {after}{why}"
    elif why:
        yield f"# {path}:{why}"


def _treated(field: Document) -> Iterator[str]:
    """How it is treated: marked where that loosens or tightens a check."""
    path, reason = printable(short(read.text(field, "path"))), read.text(field, "reason")
    if field.get("before") is None and not reason:
        yield f"+ {path}: {read.value(field.get('after'))}"
        return
    before, after = read.sides(field)
    yield f"! {path}: {before} → {after}{f' ({printable(short(reason))})' if reason else ''}"


def _verb(change: Document) -> str:
    action = read.text(change, "action")
    return "unchanged" if action == Action.NO_OP.value else action


def _counted(changes: Iterable[Document], dialect: Dialect) -> str:
    """``5 more: 2 configurations, 3 artifacts``: how many are folded together, and of what."""
    found = list(changes)
    nouns = Counter(map(_noun, found))
    told = ", ".join(count(number, noun) for noun, number in nouns.items())
    return f"{len(found)} more: {dialect.escape_in_html(told)}"


def _noun(change: Document) -> str:
    return short(read.text(change, "kind")).replace("_", " ")


class _Budget:
    """How many characters are left; None: as many as one likes."""

    def __init__(self, room: int | None) -> None:
        self._room = room
        self._is_over = False

    def take(self, text: str) -> bool:
        """Use it up for a text and its line end, unless it does not fit or an earlier did not."""
        if self._room is None:
            return True
        if self._is_over or len(text) + 1 > self._room:
            self._is_over = True
            return False
        self._room -= len(text) + 1
        return True

    def give(self, text: str) -> None:
        """Take back what was used for a text."""
        self._is_over = False
        if self._room is not None:
            self._room += len(text) + 1

    def has(self, text: str) -> bool:
        return self._room is None or len(text) + 1 <= self._room
