"""Plans and outcomes as text for a terminal or a CI log."""

from __future__ import annotations

import json
import re
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from cicd.model import Action, Change, FieldChange, Key, Outcome, Plan, Ref, Result, Secret
from cicd.render.lifecycle import lines as lifecycle_lines
from cicd.words import log_line, printable

MAX_VALUE = 60
"""Longest value shown in a plan, in characters; longer ones are cut in the middle."""

_RED, _GREEN, _YELLOW, _MAGENTA, _CYAN, _DIM, _BOLD = "31", "32", "33", "35", "36", "2", "1"

_SYMBOLS = {
    Action.CREATE: ("+", _GREEN),
    Action.UPDATE: ("~", _YELLOW),
    Action.REPLACE: ("±", _MAGENTA),
    Action.RUN: ("▶", _CYAN),
    Action.DELETE: ("-", _RED),
    Action.NO_OP: ("=", _DIM),
}
_RESULTS = {
    Result.APPLIED: _GREEN,
    Result.UNCHANGED: _DIM,
    Result.FAILED: _RED,
    Result.SKIPPED: _YELLOW,
    Result.TIMED_OUT: _RED,
    Result.DEFERRED: _CYAN,
    Result.HELD: _YELLOW,
}
_TIMELESS = {Result.SKIPPED, Result.DEFERRED, Result.HELD}
INTERNAL = frozenset({"inputs", "files"})
"""Digests that a run carries, which tell a person nothing."""


def render_plan(plan: Plan, *, colour: bool = False, verbose: bool = False) -> str:
    """What would change and why; ``verbose`` adds what stays and what a new thing consists of."""
    place = [f"stage {plan.stage}", plan.platform, plan.place]
    lines = [_paint(printable(" · ".join(part for part in place if part)), _BOLD, colour)]
    lines += [f"  stage: {_field_line(field)}" for field in plan.treatment]
    for change in plan.changes:
        is_treated = change.treatment and not change.is_new
        is_kept = plan.is_destroy and change.live
        if verbose or change.action is not Action.NO_OP or is_treated or is_kept:
            lines += _change_lines(change, colour=colour, verbose=verbose)
    if plan.lifecycle:
        told = lifecycle_lines(plan.lifecycle.document)
        lines += [_paint(f"{about}: {printable(said)}", _YELLOW, colour) for about, said in told]
    lines += [_paint(f"warning: {printable(text)}", _YELLOW, colour) for text in plan.warnings]
    hints = [_paint(printable(text), _DIM, colour) for text in plan.hints]
    return "\n".join([*lines, summary_line(plan), *hints])


def summary_line(plan: Plan) -> str:
    """``Plan: 1 to create, …`` or, with nothing to do, that there is nothing to do."""
    counts = plan.summary
    if plan.is_destroy:
        return _destroy_line(plan)
    if not plan.has_changes:
        return f"No changes. {_resources_are(counts[Action.NO_OP])} as desired."
    shown = [Action.CREATE, Action.UPDATE, Action.REPLACE, Action.RUN, Action.DELETE]
    parts = [
        f"{counts[action]} to {action.value}"
        for action in shown
        if action is not Action.REPLACE or counts[action]
    ]
    return f"Plan: {', '.join(parts)}, {counts[Action.NO_OP]} unchanged"


def _destroy_line(plan: Plan) -> str:
    kept = sum(change.reason.startswith("kept") for change in plan.changes)
    told = f", {kept} kept" if kept else ""
    if plan.has_changes:
        return f"Plan: {plan.summary[Action.DELETE]} to delete{told}"
    return f"Nothing to destroy{told}."


def _resources_are(count: int) -> str:
    return "1 resource is" if count == 1 else f"{count} resources are"


def _change_lines(change: Change, *, colour: bool, verbose: bool) -> Iterator[str]:
    symbol, code = _SYMBOLS[change.action]
    name = f"{change.key} {change.id}" if _needs_id(change) else str(change.key)
    head = _paint(f"{symbol} {printable(name)}", code, colour)
    told = change.consequence or change.reason
    if change.action is Action.NO_OP:
        yield f"  {head} ({printable(told)})" if told else f"  {head}"
    else:
        yield f"  {head}: {printable(told)}" if told else f"  {head}"
    for line in change.templates:
        yield f"      {printable(line)}"
    for field in _shown_fields(change, verbose=verbose):
        yield f"      {_field_line(field)}"
    if verbose and change.is_new:
        for field in change.values:
            if field.path.partition(".")[0] not in INTERNAL:
                yield f"      {printable(field.path)}: {show(field.after)}"
    for field in change.treatment:
        if not change.is_new:
            yield f"      {_field_line(field)}"
        elif verbose:
            yield f"      {printable(field.path)}: {show(field.after)}"


def _shown_fields(change: Change, *, verbose: bool) -> Iterator[FieldChange]:
    """The differences. What is behind a run or a service is in the sentence, and in full only if
    ``verbose``; then the id of what was swapped tells nothing."""
    if verbose and not change.is_new:
        yield from (cause for cause in change.causes if cause.reason != "file" or cause.before)
    told: set[str] = set()
    if change.causes:  # they tell what stands behind these
        told = {"inputs", *(cause.path for cause in change.causes)}
        told |= {key.kind for key in change.depends_on}
    for field in change.fields:
        is_told = field.path in told
        is_told |= is_of_template(field.path, change.templates)
        if not is_told:
            yield field


def is_of_template(path: str, lines: Iterable[str]) -> bool:
    """Whether a field is about a template that one of these lines is about: they begin with its
    name."""
    _, _, rest = path.partition(".")
    names = (re.split(r"[ :]", line, maxsplit=1)[0] for line in lines)
    return any(rest == name or rest.startswith(f"{name}.") for name in names)


def _needs_id(change: Change) -> bool:
    return (
        change.action in {Action.DELETE, Action.REPLACE}
        and bool(change.id)
        and change.id not in {change.key.name, *change.reason.split()}
    )


def _field_line(field: FieldChange) -> str:
    reason = f" ({printable(field.remark)})" if field.remark else ""
    if isinstance(field.after, Secret) and field.before == field.after:
        return f"{printable(field.path)}: {show(field.after)}{reason}"
    before, after = show_both(field.before, field.after)
    return f"{printable(field.path)}: {before} → {after}{reason}"


def show(value: Any, *, longest: int = MAX_VALUE) -> str:
    """One value on one line: quoted like JSON, secrets as ``***``; one of more than ``longest``
    characters cut in the middle, with its length; of a long map the keys only."""
    if value is None:
        return "(none)"
    if isinstance(value, Ref):
        return known_after_apply(value)
    if isinstance(value, Secret):
        return str(value)
    text = json.dumps(value, ensure_ascii=False, default=_show_inside)
    if isinstance(value, Mapping) and len(text) > longest:
        text = f"{{{', '.join(map(str, value))}}}"  # what it has says more than a torn middle
    return _cut(printable(text), longest)


def show_both(before: Any, after: Any, *, longest: int = MAX_VALUE) -> tuple[str, str]:
    """Two values, each as ``show`` has it; long texts that begin alike from where they differ."""
    texts = [value for value in (before, after) if isinstance(value, str)]
    whole = [printable(json.dumps(text, ensure_ascii=False)) for text in texts]
    alike = _alike(*whole) if len(whole) == 2 else 0
    # Where they differ early both are shown from the start, which people recognise.
    if alike < longest // 2:
        return show(before, longest=longest), show(after, longest=longest)
    start = alike - longest // 3
    one, two = (_cut_end(f"…{text[start:]}", longest, len(text)) for text in whole)
    return one, two


def _alike(one: str, two: str) -> int:
    """How many characters two texts begin with alike; 0 where they are the same."""
    lengths = range(1, min(len(one), len(two)) + 1)
    return 0 if one == two else bisect(lengths, False, key=lambda n: one[:n] != two[:n])


def _cut_end(text: str, longest: int, length: int) -> str:
    shown = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return f"{shown} ({length:,} characters)"


def _show_inside(value: Any) -> Any:
    """What json cannot write by itself."""
    if isinstance(value, Mapping):
        return dict(value)
    return "(known after apply)" if isinstance(value, Ref) else str(value)


def known_after_apply(ref: Ref | str) -> str:
    """What it will be is not known yet, and whose it will be is."""
    whose = ref.name if isinstance(ref, Ref) else ref
    return f"{printable(whose)} (known after apply)"


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    tail = (longest - 1) // 2
    return f"{text[: longest - 1 - tail]}…{text[-tail:]} ({len(text):,} characters)"


def render_outcomes(
    outcomes: Iterable[Outcome],
    *,
    colour: bool = False,
    verbose: bool = False,
    more: Callable[[Key], str] | None = None,
) -> str:
    """What became of each change, its error, the end of its log and its url below; unchanged ones
    only if ``verbose``. ``more``: the command that tells more of a failure."""
    ended = list(outcomes)
    shown = [item for item in ended if verbose or item.result is not Result.UNCHANGED]
    rows = [_outcome_row(item) for item in shown]
    lines: list[str] = []
    for item, line in zip(shown, _table(rows), strict=True):
        lines.append(_paint(f"  {line}", _RESULTS[item.result], colour))
        if item.error:
            lines += [f"      {printable(part)}" for part in item.error.splitlines()]
        lines += [_paint(f"      │ {log_line(text)}", _DIM, colour) for text in item.log]
        if more and item.is_explainable:
            lines.append(f"      more: {printable(more(item.key))}")
        if item.url:
            lines.append(f"      {printable(item.url)}")
    order = [*Result]
    counts = Counter(item.word for item in sorted(ended, key=lambda item: order.index(item.result)))
    parts = [f"{count} {word}" for word, count in counts.items()]
    return "\n".join([*lines, f"Done: {', '.join(parts) or 'nothing to do'}"])


def _outcome_row(item: Outcome) -> list[str]:
    took = f"{item.seconds:.1f} s" if item.result not in _TIMELESS else ""
    action = "" if item.action is Action.NO_OP else item.action.value
    # of what goes on without us the first status says nothing
    status = "" if item.is_started else item.status
    return [str(item.key), action, item.word, status, took, item.id]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines with aligned columns; a column that is empty everywhere takes no room."""
    clean = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*clean, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width
        ).rstrip()
        for row in clean
    ]


def _paint(text: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text
