"""Nothing that a terminal or a CI system would take for a command gets through, whatever it is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cicd.model import Secret
from cicd.render.neutral import Command, neutral, neutral_json
from tests.render.ci_commands import ATTACKS, commands, foreign, github_commands

PIECES = st.sampled_from(
    [
        *(
            "##",
            "#",
            "[",
            "]",
            "vso",
            "teamcity",
            ":",
            "::",
            " ",
            "\t",
            "\n",
            "\r",
            "\x1b",
            "[31m",
            "x",
        ),
        *("\u200b", "\u202e", "\ufeff", "\x9b", "\\", '"', "\u0085", "\u2029", "\ud800", "é"),
        *ATTACKS,
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=5), max_size=12).map("".join)


def is_harmless(text: str) -> bool:
    return not foreign(text) and not commands(text)


@given(TEXTS)
@example("".join(ATTACKS))
def test_no_text_is_a_command(text: str) -> None:
    assert is_harmless(neutral(text))


@given(TEXTS)
def test_neutral_text_stays_as_it_is(text: str) -> None:
    assert neutral(neutral(text)) == neutral(text)


@pytest.mark.parametrize("text", ATTACKS)
def test_an_attack_can_still_be_read(text: str) -> None:
    words = re.findall(r"[A-Za-z]{4,}", text)
    said = neutral(text)
    assert is_harmless(said) and all(word in said for word in words)


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=40))
def test_ordinary_text_is_not_touched(text: str) -> None:
    if "##" not in text and "::" not in text:
        assert neutral(text) == text


@pytest.mark.parametrize(
    "text", ["a :: b", "C++::std", "# #", "## heading", "a ## b", "##", "[x] #1", "key │ ::x"]
)
def test_what_commands_nobody_stays(text: str) -> None:
    assert neutral(text) == text


def test_only_our_own_colours_stay_and_only_where_they_are_asked_for() -> None:
    painted = "\x1b[32m+ run\x1b[0m \x1b[8mhidden\x1b[2J"
    assert neutral(painted, has_colour=True) == "\x1b[32m+ run\x1b[0m \\x1b[8mhidden\\x1b[2J"
    assert neutral(painted) == "\\x1b[32m+ run\\x1b[0m \\x1b[8mhidden\\x1b[2J"
    assert not github_commands(neutral("\x1b[0m::error::x", has_colour=True).replace("\x1b[0m", ""))


VALUES = st.recursive(
    TEXTS | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.sampled_from([None, 2]))
def test_json_holds_the_same_and_commands_nobody(value: Any, indent: int | None) -> None:
    text = neutral_json(value, indent=indent)
    assert is_harmless(text)
    assert json.loads(text) == json.loads(json.dumps(value))


def test_json_shows_no_secret() -> None:
    assert neutral_json({"a": [Secret("tops3cret")]}) == '{"a": ["***"]}'


@given(TEXTS, TEXTS)
def test_a_command_of_our_own_is_one_line_and_one_command(data: str, title: str) -> None:
    line = str(Command("warning", data, {"title": title}))
    assert line.startswith("::warning title=") and "\n" not in line and "\r" not in line
    assert len(github_commands(line)) == 1 and "##[" not in line
    assert not re.search(r"(?i)##(?:vso|teamcity)\[", line)
    properties, _, _ = line.removeprefix("::warning ").partition("::")
    assert properties.count("=") == 1 + title.count("=") and "," not in properties


HERE = Path(__file__).parents[1]
GOLDEN = [*HERE.glob("render/golden/*"), *HERE.glob("github/golden/*")]


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.name)
def test_what_we_render_ourselves_passes_as_it_is(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert neutral(text) == text
