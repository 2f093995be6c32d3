"""Options that say which things of a kind are meant, from what the kind is told of as data."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import click

from cicd.automation.listing import Wanted
from cicd.automation.runs import running_kinds
from cicd.cli.completion import complete_key
from cicd.model import Kind
from cicd.words import plural

Decorator = Callable[[Callable[..., Any]], Any]
OWN = frozenset({"id", "status", "managed_by", "name", "age", "duration", "url"})
"""Columns that every kind may have: they are no word of a platform."""
MADE = "What this run has made."

unmanaged_option = click.option(
    "--unmanaged", "is_unmanaged", is_flag=True, help="Only what no stage of the project names."
)


def filters_of(
    kind: str, platforms: Sequence[Mapping[str, Kind]], several: Mapping[str, str]
) -> Decorator:
    """The filters of one kind, whichever of the platforms it is of; ``several``: field -> help of
    the option for some of its values."""
    if any(kinds[kind].runs for kinds in platforms):
        return run_filters([kinds[kind] for kinds in platforms])
    return content_filters(kind, platforms, several)


def run_filters(kinds: Collection[Kind]) -> Decorator:
    """Add the filters of what runs; the command gets them as ``wanted``."""
    versions = {f"{kind.version[0]}_name" for kind in kinds if kind.version}
    fields = _fields(kinds)

    def wanted(given: dict[str, Any]) -> Wanted:
        asked = {name: given.pop(f"field_{name}") for name in fields}
        chosen = {name: given.pop(name) for name in ("key", "statuses", "since", "is_unmanaged")}
        runs = [name for name in asked if name in versions and asked[name]]
        chosen["version"] = asked[runs[0]] if runs else None
        asked = {name: (text,) for name, text in asked.items() if text and name not in versions}
        return Wanted(fields=asked, name=given.pop("name", None), **chosen)

    options: Sequence[Decorator] = (
        click.option(
            "--key", metavar="GLOB", shell_complete=complete_key, help="Those of these keys."
        ),
        click.option(
            "--status", "statuses", multiple=True, metavar="S", help="DEAD, COMPLETED, failed …"
        ),
        *(
            _field_option(name, word, "NAME|ID" if name in versions else "ID", "Those")
            for name, word in reversed(fields.items())
        ),
        click.option("--since", metavar="7d", help="Started in the last 30m, 12h, 7d."),
        unmanaged_option,
    )
    return _decorator(options, wanted)


def content_filters(
    kind: str, platforms: Sequence[Mapping[str, Kind]], several: Mapping[str, str]
) -> Decorator:
    """Add the filters of what runs take in and make; the command gets them as ``wanted``."""
    makers = {run for kinds in platforms for run in running_kinds(kinds, only_runs=True)[:1]}
    found = _fields([kinds[kind] for kinds in platforms])
    # of the many facts that content may tell, those lead to others
    fields = {name: word for name, word in found.items() if name.endswith("_id")}
    fields = {name: word for name, word in fields.items() if name[:-3] not in makers}
    many = plural(kind).replace("_", " ").capitalize()

    def wanted(given: dict[str, Any]) -> Wanted:
        asked = {name: (text,) for name in fields if (text := given.pop(f"field_{name}"))}
        asked |= {name: texts for name in several if (texts := given.pop(f"field_{name}"))}
        maker = next(filter(None, [given.pop(f"maker_{run}") for run in makers]), None)
        name, is_unmanaged = given.pop("name"), given.pop("is_unmanaged")
        return Wanted(name=name, fields=asked, maker=maker, is_unmanaged=is_unmanaged)

    options: Sequence[Decorator] = (
        *(
            click.option(
                _spelled(name), f"field_{name}", multiple=True, metavar=name.upper(), help=text
            )
            for name, text in several.items()
        ),
        *(_field_option(name, word, "ID", many) for name, word in fields.items()),
        click.option("--name", metavar="GLOB", help=f"{many} with such a name."),
        *(
            click.option(
                _spelled(run), f"maker_{run}", metavar="ID", help="What this run has made."
            )
            for run in sorted(makers)
        ),
        unmanaged_option,
    )
    return _decorator(options, wanted)


def _fields(kinds: Iterable[Kind]) -> dict[str, str]:
    """Field -> its word, for those that only some platforms have."""
    return {
        name: head.lower()
        for kind in kinds
        for name, head in kind.columns.items()
        if head and name not in OWN
    }


def _field_option(name: str, word: str, metavar: str, those: str) -> Decorator:
    text = f"{those} of this {word}."
    return click.option(_spelled(word), f"field_{name}", metavar=metavar, help=text)


def _spelled(word: str) -> str:
    return f"--{word.replace(' ', '-').replace('_', '-')}"


def _decorator(
    options: Sequence[Decorator], wanted: Callable[[dict[str, Any]], Wanted]
) -> Decorator:
    """Adds the options, in the order in which help shows them."""

    def decorate(command: Callable[..., Any]) -> Any:
        @functools.wraps(command)
        def wrapper(**given: Any) -> Any:
            found = wanted(given)
            return command(wanted=found, **given)

        return functools.reduce(lambda made, option: option(made), reversed(options), wrapper)

    return decorate
