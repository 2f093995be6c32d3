"""What the shell may complete: stages and the keys in them. Quiet whatever happens, no network.

Switched on by click's own means, in the start file of the shell::

    eval "$(_CICD_COMPLETE=bash_source cicd)"              # ~/.bashrc
    eval "$(_CICD_COMPLETE=zsh_source cicd)"               # ~/.zshrc
    _CICD_COMPLETE=fish_source cicd | source               # ~/.config/fish/completions/cicd.fish
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from cicd.errors import CicdError

if TYPE_CHECKING:
    from cicd.model import Kind
    from cicd.values import Key

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _quietly(complete: Completer) -> Completer:
    """A mistake in a file, or anything else, just means that there is nothing to offer."""

    def wrapped(
        ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        try:
            return complete(ctx, param, incomplete)
        except Exception:
            return []

    return wrapped


@_quietly
def complete_stage(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """For STAGE: the names in ``stages/``, or files once a path is typed."""
    if incomplete.startswith((".", "~")) or "/" in incomplete:
        return [CompletionItem(incomplete, type="file")]
    given = _given_stages(ctx)
    return [
        CompletionItem(name, help=file)
        for file in _stage_files()
        if (name := Path(file).stem).startswith(incomplete) and name not in given
    ]


@_quietly
def complete_run(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """For KEY of ``logs``: ``run/train``, and just ``train``."""
    kinds = _kinds()
    keys = [key for key in _keys(ctx) if kinds[key.kind].runs]
    short = [key.name for key in keys] if "/" not in incomplete else []
    return _items([*short, *map(str, keys)], incomplete)


@_quietly
def complete_kind(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """For KIND of ``list``: what the stages have."""
    from cicd.words import plural

    return _items(sorted({plural(key.kind) for key in _keys(ctx)}), incomplete)


@_quietly
def complete_platform(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """For ``--platform``: those there are."""
    from cicd.platforms.registry import PLATFORMS

    return _items(PLATFORMS, incomplete)


@_quietly
def complete_key(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """For ``--select`` and ``--exclude``: every key."""
    return _items(map(str, _keys(ctx)), incomplete)


@_quietly
def complete_rerun(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """For ``--rerun``: runs."""
    kinds = _kinds()
    return _items((str(key) for key in _keys(ctx) if kinds[key.kind].is_run), incomplete)


@_quietly
def complete_replace(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """For ``--replace``: services."""
    kinds = _kinds()
    return _items((str(key) for key in _keys(ctx) if kinds[key.kind].is_service), incomplete)


def _items(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(incomplete)]


def _given_stages(ctx: click.Context) -> tuple[str, ...]:
    """The stages that are typed already."""
    one, several = ctx.params.get("stage"), ctx.params.get("stages")
    # behind an option without its value click has sorted nothing yet: they are still in args
    return (*(several or ()), *((one,) if one else ()), *ctx.args)


# imported on use: ``cicd.cli.options`` needs this module for every command, --help too


def _stage_files() -> list[str]:
    from cicd.automation.git import find_root
    from cicd.config import stage_files

    return stage_files(find_root(Path.cwd()))


def _keys(ctx: click.Context) -> list[Key]:
    """The keys of the stages that are typed already, else of all there are."""
    from cicd.automation.git import find_root
    from cicd.config import GitFacts, GitOverride, Surroundings, load_stage
    from cicd.platforms.registry import DIALECTS

    root = find_root(Path.cwd())
    keys: list[Key] = []
    for name in _given_stages(ctx) or _stage_files():
        with suppress(CicdError):
            stage = load_stage(
                name,
                Surroundings(
                    root=root,
                    env=os.environ,
                    variables=ctx.params.get("variables") or {},
                    git=GitFacts(),
                    dialects=DIALECTS,
                    # as with --local: a credential that is not set is no mistake
                    application=GitOverride(repository=root.as_uri(), revision="HEAD", commit=""),
                    stand_ins="local",
                ),
            )
            keys += [resource.key for resource in stage.resources]
    # a name that the platform gives is not known for sure: with --local it is another one
    kinds = _kinds()
    return [key for key in dict.fromkeys(keys) if "name" not in kinds[key.kind].computed]


def _kinds() -> Mapping[str, Kind]:
    from cicd.platforms.registry import every_kind

    return every_kind()
