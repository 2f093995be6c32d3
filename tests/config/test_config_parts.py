"""Small parts of reading a stage file at their bounds: what is meant, what a message says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cicd.config import formats
from cicd.config.edit import _before
from cicd.config.files import MAX_DEPTH, yaml_trees
from cicd.config.plain_secrets import _name_of
from cicd.config.rules import check_gates, is_elsewhere
from cicd.config.tree import Place
from cicd.config.validate import _dotted, _inside, _kind_of
from cicd.errors import InvalidStage
from cicd.values import Key
from tests.config.test_config_tree import node


@pytest.mark.parametrize(
    ("tree", "path", "name"),
    [
        ({"password": "x"}, ("password",), "password"),
        ({"a": {"token": "x"}}, ("a", "token"), "token"),
        ([{"name": "DB_PASSWORD", "value": "x"}], (0, "value"), "DB_PASSWORD"),
        ([{"key": "DB_PASSWORD", "value": "x"}], (0, "value"), "DB_PASSWORD"),
        ([{"name": "a", "key": "b", "value": "x"}], (0, "value"), "a"),
        ([{"name": "", "value": "x"}], (0, "value"), "value"),
        ([{"value": "x"}], (0, "value"), "value"),
        ({"value": "x"}, ("value",), "value"),
        ({"name": "n", "value": "x"}, ("value",), "n"),
        ({"key": "outer", "list": [{"value": "x"}]}, ("list", 0, "value"), "value"),
        (["x"], (0,), ""),
        ("x", (), ""),
    ],
)
def test_a_value_is_called_by_its_key_or_what_stands_beside_it(
    tree: Any, path: tuple[Any, ...], name: str
) -> None:
    assert _name_of(node(tree), path) == name


@pytest.mark.parametrize(
    ("name", "named", "elsewhere"),
    [
        ("model", [], True),
        ("model", ["model"], False),
        ("modle", ["model"], False),
        ("models", ["model"], False),
        ("other", ["model"], True),
        ("modelxyz", ["model"], True),
        ("model-2", ["model"], True),
    ],
)
def test_a_name_that_is_no_slip_of_one_of_the_stage_is_of_something_elsewhere(
    name: str, named: list[str], *, elsewhere: bool
) -> None:
    keys = {Key("model", one) for one in named} | {Key("job", name)}
    draft: Any = SimpleNamespace(named=keys, is_named=keys.__contains__)
    assert is_elsewhere(draft, Key("model", name)) is elsewhere


@pytest.mark.parametrize(
    ("value", "text", "said"),
    [
        (None, "null", "null"),
        ({}, "", "a map"),
        ([], "", "a list"),
        ("x", "x", 'the text "x"'),
        (5, "005", "005"),
        (True, "yes", "yes"),
    ],
)
def test_what_a_value_is_is_said_as_it_is_written(value: Any, text: str, said: str) -> None:
    assert _kind_of(value, node("x").but(value=value, text=text)) == said


def test_a_value_that_stands_nowhere_is_said_as_it_is() -> None:
    assert [_kind_of(value, None) for value in (5, "x", True)] == ["5", 'the text "x"', "True"]


@pytest.mark.parametrize(
    ("path", "text"),
    [((), ""), (("a",), "a"), (("a", 0, "b"), "a[0].b"), (("a", 1, 2), "a[1][2]")],
)
def test_a_path_is_written_with_points_and_brackets(path: tuple[Any, ...], text: str) -> None:
    assert _dotted(path) == (f"{text} " if text else "")
    assert _inside(path) == (f" in {text}" if text else "")


@pytest.mark.parametrize(
    ("there", "key", "before"),
    [
        ("ac", "b", "a"),
        ("abc", "d", "c"),
        ("cd", "a", "d"),
        ("a?c", "b", "?"),
        ("?", "a", "?"),
        ("c?", "a", "?"),
        ("?c", "a", "?"),
        ("abc", "!", "c"),
        ("a!", "?", "!"),
    ],
)
def test_a_new_entry_comes_behind_those_that_come_before_it(
    there: str, key: str, before: str
) -> None:
    """Of the order a to d; what has no place in it goes first, and a new one of that sort last."""
    entries = [(SimpleNamespace(value=name), None) for name in there]
    assert _before(entries, key, "abcd")[0].value == before


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("90s", 90), ("1m", 60), ("15m", 900), ("2h", 7200), ("1d", 86400), ("7d", 604800)],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: int) -> None:
    assert formats.seconds(text) == seconds


def test_what_is_nested_too_deeply_is_said_of_the_whole_file() -> None:
    with pytest.raises(InvalidStage) as error:
        yaml_trees("[" * 2000, "f.yaml")
    [problem] = error.value.problems
    assert (str(problem), problem.line, problem.column, problem.rule) == (
        "f.yaml: nested too deeply: flatten it",
        0,
        0,
        "too-complex",
    )


def test_what_is_merged_in_counts_as_deep_as_it_stands() -> None:
    def nested(levels: int) -> str:
        return "base: &b " + "{a: " * levels + "1" + "}" * levels + "\nover: {<<: *b}\n"

    deepest = MAX_DEPTH - 2
    yaml_trees(nested(deepest), "f")
    with pytest.raises(InvalidStage, match="nested deeper than 50 levels"):
        yaml_trees(nested(deepest + 1), "f")


def test_a_file_expands_to_fifty_thousand_values_at_most() -> None:
    """The list itself is one of them."""
    aliases = "a: &a [1,1,1,1,1,1,1,1,1]\nb: ["
    room = 50_000 - 1 - 10 - 1  # all of it, what a is, and the list of b
    fits, more = divmod(room, 10)
    yaml_trees(f"{aliases}{'*a,' * fits}{'1,' * more}]", "f")
    with pytest.raises(InvalidStage, match="expands to more than 50,000 values"):
        yaml_trees(f"{aliases}{'*a,' * fits}{'1,' * (more + 1)}]", "f")


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (None, None, ['job/j requires nothing of "f1": give min or max']),
        (0.5, None, []),
        (None, 0.5, []),
        (0.5, 0.5, []),
        (0.1, 0.5, []),
        (0.5, 0.1, ['job/j requires "f1" to be over its max: swap them']),
    ],
)
def test_a_gate_can_be_passed(low: float | None, high: float | None, said: list[str]) -> None:
    draft: Any = SimpleNamespace(place=lambda *_: Place("f", 1, 1), is_whole=lambda *_: True)
    gate: Any = SimpleNamespace(metric="f1", min=low, max=high)
    found = check_gates(draft, Key("job", "j"), [gate], ("jobs", 0))
    assert [problem.message for problem in found] == said
