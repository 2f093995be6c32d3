"""Every help page, walked: examples that work, one word for consent, one letter for the output."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest

from cicd.cli.root import COMMANDS, execute, main, sections

CONSENT = ["-y", "--yes", "--auto-approve"]


def pages(command: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands below one, itself first, each with the words that lead to it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child, name
            yield from pages(child, *path, name)


PAGES = dict(pages(main, "cicd"))
LEAVES = {path: page for path, page in PAGES.items() if not isinstance(page, click.Group)}


def parsed(line: str) -> click.Context:
    """What click makes of a command line; nothing is run. Raises click's errors."""
    program, *arguments = shlex.split(line)
    assert program == "cicd"
    command: click.Command = main
    context = command.make_context(program, arguments)
    while isinstance(command, click.Group):
        name, child, arguments = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        assert name and child, line
        context = child.make_context(name, arguments, parent=context)
        command = child
    return context


def shown(path: Sequence[str], width: int = 80) -> str:
    """A help page as it is printed."""
    page = PAGES[tuple(path)]
    context = click.Context(page, info_name=" ".join(path), terminal_width=width)
    return page.get_help(context)


def examples(path: Sequence[str]) -> list[str]:
    """The command lines that a help page shows."""
    below = shown(path).partition("Examples:\n")[2]
    return [line.strip() for line in below.splitlines() if line.strip()]


@pytest.mark.parametrize("path", PAGES, ids=" ".join)
def test_every_help_page_shows_examples_that_click_takes(path: tuple[str, ...]) -> None:
    lines = examples(path)
    assert len(lines) >= 2
    assert len(set(lines)) == len(lines)
    for line in lines:
        assert line.startswith(" ".join(path))
        assert parsed(line).command_path.startswith(" ".join(path))


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("path", PAGES, ids=" ".join)
def test_examples_are_never_wrapped(path: tuple[str, ...], width: int) -> None:
    page = shown(path, width)
    assert all(f"\n    {line}" in page for line in examples(path))


@pytest.mark.parametrize("width", [60, 72, 100])
@pytest.mark.parametrize("path", PAGES, ids=" ".join)
def test_no_line_of_a_help_page_ends_in_the_midst_of_a_word(
    path: tuple[str, ...], width: int
) -> None:
    whole, page = shown(path, 400), shown(path, width)
    assert set(page.split()) <= set(whole.split())
    assert "..." not in page.replace("]...", "").replace("KEY...", "")


def option(page: click.Command, name: str) -> click.Option | None:
    """The option that takes this spelling."""
    options = [param for param in page.params if isinstance(param, click.Option)]
    return next((one for one in options if name in one.opts), None)


@pytest.mark.parametrize(
    "name", ["apply", "destroy", "stop", "rollback", "unlock", "promote", "init"]
)
@pytest.mark.parametrize("spelling", CONSENT)
def test_what_asks_takes_one_word_for_consent(name: str, spelling: str) -> None:
    words = {"stop": "dev train", "rollback": "dev serve", "promote": "dev tst"}.get(name, "dev")
    assert parsed(f"cicd {name} {words} {spelling}").params["yes"] is True
    assert parsed(f"cicd {name} {words}").params["yes"] is False


def test_whatever_takes_consent_takes_every_spelling_of_it() -> None:
    for path, page in LEAVES.items():
        given = {spelling: option(page, spelling) for spelling in CONSENT}
        assert len(set(given.values())) == 1, path
        for param in page.params:
            if "do not ask" in (getattr(param, "help", None) or "").lower():
                assert param is given["--yes"], path


def test_the_old_word_of_unlock_still_counts() -> None:
    assert parsed("cicd unlock dev --force").params["yes"] is True


def test_whatever_has_an_output_takes_its_letter_too() -> None:
    found = [path for path, page in LEAVES.items() if option(page, "--output")]
    assert len(found) >= 10
    for path in found:
        assert option(LEAVES[path], "-o") is option(LEAVES[path], "--output"), path
        assert option(LEAVES[path], "-o") is not None


@pytest.mark.parametrize("name", ["plan dev", "status dev", "doctor", "executions dev"])
def test_the_letter_of_the_output_is_followed_by_a_format(name: str) -> None:
    assert parsed(f"cicd {name} -o json").params["output"] == "json"
    with pytest.raises(click.BadParameter):
        parsed(f"cicd {name} -o xml")


def test_the_list_of_commands_is_grouped_and_whole() -> None:
    page = shown(("cicd",))
    found = sections()
    titles = [page.index(f"\n{title}:\n") for title in found]
    assert titles == sorted(titles)
    assert len(titles) >= 4
    for section in found.values():
        for name in section:
            assert f"\n  {name} " in page
    names = [name for section in found.values() for name in section]
    assert len({*names}) == len(names) > len(COMMANDS)


def test_what_is_used_every_day_comes_first() -> None:
    names = list(COMMANDS)
    rare = {"schema", "unlock", "emulator", "template", "import", "destroy"}
    assert {"validate", "plan", "apply", "status", "logs"} == set(names[:5])
    assert min(names.index(name) for name in rare) > names.index("logs")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("plna", "plan"),
        ("stauts", "status"),
        ("aply", "apply"),
        ("roll-back", "rollback"),
        ("deploy", "apply"),
        ("delete", "destroy"),
        ("zzzzz", ""),
    ],
)
def test_a_command_that_there_is_not_names_the_nearest(
    word: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute([word, "dev"]) == 64
    said = capsys.readouterr().err
    assert f"No such command '{word}'." in said
    assert (f"Did you mean {meant}?" in said) if meant else "Did you mean" not in said


def test_the_reference_has_a_row_for_every_command() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `cicd ([a-z]+)", text, re.MULTILINE))
    assert sorted(COMMANDS.keys() - rows) == []
