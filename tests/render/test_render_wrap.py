"""Long lines break between words, on a terminal of any usual width, and lose nothing."""

from __future__ import annotations

import re

import pytest

from cicd.render.table import cell_width
from cicd.render.wrap import wrapped

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
TEXTS = [
    'stages/dev.yaml:14:7: deployment/serve binds input "modle", which executable serve does not '
    'declare (did you mean "model"?)',
    "execution/train │ ended as DEAD: the image of a container cannot be pulled, and nobody knows "
    "whether it ever could, as its tag is not to be found anywhere",
    "    warning: somebody else may have changed the stage too: the lock was lost when the machine "
    "went to sleep for an hour and came back again",
    "object store  warning  there is no object store secret default, where runs keep what they "
    "make, neither here nor anywhere else",
    "\x1b[31merror\x1b[0m: \x1b[1mthe plan no longer fits\x1b[0m: the commit, the variables and "
    "the live state have moved since it was made (plan again and have it reviewed)",
    "模型 用 了 太 多 内存 " * 20,
    "a\n\n  b " + "word " * 60 + "\nlast",
]


@pytest.mark.parametrize("width", range(60, 121, 10))
@pytest.mark.parametrize("text", TEXTS)
def test_no_line_is_wider_and_no_word_is_broken(text: str, width: int) -> None:
    lines = wrapped(text, width).split("\n")
    assert max(cell_width(COLOUR.sub("", line)) for line in lines) <= width
    assert " ".join(lines).split() == text.split()


@pytest.mark.parametrize("width", [None, 0, 10, 29, 100_000])
@pytest.mark.parametrize("text", TEXTS)
def test_a_pipe_and_a_screen_too_narrow_change_nothing(text: str, width: int | None) -> None:
    assert wrapped(text, width) == text


@pytest.mark.parametrize(
    "word", ["https://host/" + "x" * 100, "/".join(["folder"] * 30), "sha256:" + "0" * 64]
)
def test_a_word_that_alone_is_too_wide_stays_whole(word: str) -> None:
    lines = wrapped(f"error: cannot reach {word} (check the URL)", 60).split("\n")
    assert any(line.strip() == word for line in lines)


@pytest.mark.parametrize(
    ("text", "hang"),
    [
        ("word " * 30, 2),
        ("    " + "word " * 30, 6),
        ("execution/train │ " + "word " * 30, 18),
        ("image         ok       " + "word " * 30, 23),
        ("a" * 50 + "  " + "word " * 30, 2),
    ],
)
def test_the_rest_stands_below_where_the_text_began(text: str, hang: int) -> None:
    second = wrapped(text, 60).split("\n")[1]
    assert len(second) - len(second.lstrip()) == hang


@pytest.mark.parametrize("indent", [0, 12, 25])
def test_a_word_that_is_too_long_for_the_hang_begins_further_left(indent: int) -> None:
    url = "https://example.com/" + "a" * 35
    first, second = wrapped(f"{' ' * indent}key  {url[:5]} {url}", 60).split("\n")
    assert first.split() == ["key", url[:5]]
    assert second.strip() == url and len(second) <= 60
