"""Messages on a terminal break between words; in a pipe they are whole lines."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import Project
from tests.cli.test_cli_tree import ESCAPE, screen_of
from tests.render.ci_commands import github_commands

COMMANDS = (
    ("validate", "bad"),
    ("apply", "dev", "--local", "--plan", "nowhere/of/all/places/where/plans/may/be/plan.json"),
    ("rollback", "dev"),
    ("explain", "missing-parameter"),
    ("doctor", "dev", "--no-color"),
    ("plan", "dev", "--offline"),
)


def words_of(text: str) -> list[str]:
    return ESCAPE.sub("", text).split()


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_message_breaks_in_a_word_whatever_the_width(small: Project, columns: int) -> None:
    bad = (
        (small.root / "stages/dev.yaml")
        .read_text(encoding="utf-8")
        .replace("executable_id:", "executabel_id:")
    )
    small.write("stages/bad.yaml", bad + "nosuch: {a: 1}\n")
    for arguments in COMMANDS:
        code, screen = screen_of(small, columns, *arguments)
        piped = small.cicd(*arguments)
        assert code == piped.returncode
        whole = words_of(piped.stdout + piped.stderr)
        seen = ESCAPE.sub("", screen).replace("\r", "").split("\n")
        assert sorted(words_of(screen)) == sorted(whole), arguments
        for line in seen:
            assert len(line) <= columns or len(line.split()) == 1, (arguments, line)


@pytest.mark.parametrize("arguments", [("schema",), ("validate", "--rules", "-o", "json")])
def test_what_is_to_be_copied_stays_whole(small: Project, arguments: tuple[str, ...]) -> None:
    _, screen = screen_of(small, 60, *arguments)
    assert screen.replace("\r\n", "\n") == small.cicd(*arguments).stdout


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("command", ["::add-mask::true", "::stop-commands::x", "::error::y"])
def test_no_line_that_was_broken_begins_with_a_command(
    small: Project, columns: int, command: str
) -> None:
    words = " ".join([command] * 40)
    for arguments in (("plan", words), ("plan", "dev", "--offline", "--var", f"{words}=1")):
        _, screen = screen_of(small, columns, *arguments)
        seen = ESCAPE.sub("", screen).replace("\r", "")
        assert seen.count(command[2:]) > 30 and not github_commands(seen), arguments


@pytest.mark.parametrize("name", ["TERM=dumb", "NO_COLOR=1", "NO_COLOR="])
def test_a_terminal_that_wants_no_colour_gets_none(small: Project, name: str) -> None:
    variable, _, value = name.partition("=")
    plain = ("env", f"{variable}={value}")
    _, screen = screen_of(small, 80, "plan", "dev", "--offline", before=plain)
    assert "\x1b" not in screen
