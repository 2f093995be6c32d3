"""YAML 1.2 as Argo and KServe read it: which text is what, and what is refused with its line."""

from __future__ import annotations

import math
from typing import Any

import pytest

from cicd.emulator.workflow.yaml12 import load_yaml


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("True", True),
        ("false", False),
        ("~", None),
        ("", None),
        ("Null", None),
        ("0o17", 15),
        ("0x1F", 31),
        ("017", 17),
        ("-3", -3),
        ("+3", 3),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("'1'", "1"),
        ("=", "="),
    ],
)
def test_a_plain_text_means_what_it_means_in_yaml_1_2(text: str, expected: Any) -> None:
    [found] = load_yaml(f"a: {text}")
    assert found == {"a": expected}
    assert type(found["a"]) is type(expected)


def test_all_documents_are_read_and_maps_may_take_in_others() -> None:
    text = (
        "base: &b {x: 1, y: 2}\nmore: &m {z: 3}\nd: {<<: *b, y: 4}\ne: {<<: [*b, *m]}\n---\n- 5\n"
    )
    first, second = load_yaml(text)
    assert first["d"] == {"x": 1, "y": 4}
    assert first["e"] == {"x": 1, "y": 2, "z": 3}
    assert second == [5]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 'key "a" already set in map'),
        ("x:\n  - {k: 1, k: 1}\n", 2, 'key "k" already set in map'),
        ("a: 1\nb: [\n", 3, ""),
        ("a: *gone\n", 1, "undefined alias"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(ValueError, match=f"line {line}") as error:
        list(load_yaml(text))
    assert what in str(error.value)


def test_a_character_that_no_yaml_may_have_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"^yaml: unacceptable character #x0001: .*$"):
        list(load_yaml("a: \x01"))
