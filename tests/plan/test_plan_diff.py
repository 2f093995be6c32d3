"""Field differences, per kind rules."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from cicd.model import FieldChange, Key, Kind, Ref, Secret
from cicd.plan.diff import diff_specs, freeze

PLAIN = Kind("thing")
REF = Ref(Key("execution", "train"), "artifacts.model")
Shown = list[tuple[str, Any, Any]]


def shown(live: Any, desired: Any, kind: Kind = PLAIN) -> Shown:
    return [(c.path, c.before, c.after) for c in diff_specs(live, desired, kind)]


@pytest.mark.parametrize(
    ("live", "desired", "expected"),
    [
        ({}, {}, []),
        ({"a": 1, "extra": 2}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, [("a", 1, True)]),
        ({"a": "1"}, {"a": 1}, [("a", "1", 1)]),
        ({}, {"a": None}, []),
        ({}, {"a": "x"}, [("a", None, "x")]),
        ({"a": "x"}, {"a": None}, [("a", "x", None)]),
        ({}, {"labels": {}}, []),
        ({}, {"labels": {"k": "v"}}, [("labels.k", None, "v")]),
        ({}, {"list": []}, []),
        ({"m": {"x": "1", "y": "2"}}, {"m": {"y": "2", "x": "1"}}, []),
        ({"m": {"x": "1"}}, {"m": {"x": "2"}}, [("m.x", "1", "2")]),
        ({"m": {"x": "1"}}, {"m": {"y": "1"}}, [("m.x", "1", None), ("m.y", None, "1")]),
        (
            {"m": {"a": "1", "b": "2", "c": "3"}},  # mostly changed: still field by field
            {"m": {"a": "9", "b": "8", "c": "7"}},
            [("m.a", "1", "9"), ("m.b", "2", "8"), ("m.c", "3", "7")],
        ),
        ({"m": {"n": {"o": 1}}}, {"m": {"n": {"o": 2}}}, [("m.n.o", 1, 2)]),
        ({"m": {"n": {"o": 1}}}, {"m": {"n": "flat"}}, [("m.n", {"o": 1}, "flat")]),
        ({"m": {"n": [1, "x"]}}, {"m": {}}, [("m.n", [1, "x"], None)]),
        ({"m": "flat"}, {"m": {"x": 1}}, [("m", "flat", {"x": 1})]),
        ({"l": ["a", "b", "c"]}, {"l": ["b", "c"]}, [("l.0", "a", None)]),
        ({"l": ["a"]}, {"l": ("a",)}, []),
        ({"l": [{"x": 1}]}, {"l": [{"x": 2}]}, [("l.0.x", 1, 2)]),
        ({"m": {"k": "line\nline"}}, {"m": {"k": "line\r\nline"}}, [("m.k", "line\nline",
          "line\r\nline")]),
        ({"m": {"ключ": "ä"}}, {"m": {"ключ": "ö"}}, [("m.ключ", "ä", "ö")]),
        ({"id": "e1"}, {"id": REF}, [("id", "e1", REF)]),
        ({"m": {"in": "e1"}}, {"m": {"in": REF}}, [("m.in", "e1", REF)]),
        ({"m": {"in": None}}, {"m": {}}, [("m.in", None, None)]),
        ({"l": [1]}, {"l": [1, {"x": "y"}]}, [("l.1", None, {"x": "y"})]),
        ({"l": [1, [2, {"x": "y"}]]}, {"l": [1]}, [("l.1", [2, {"x": "y"}], None)]),
        ({"m": {"n": {"o": 1}}}, {"m": {"n": {"o": 1, "p": {"q": [2]}}}},
          [("m.n.p", None, {"q": [2]})]),
        ({"m": {"n": {"o": "x"}}}, {"m": {"n": {"o": ["x", "z"]}}}, [("m.n.o", "x", ["x", "z"])]),
    ],
)  # fmt: skip
def test_differences(live: Any, desired: Any, expected: Shown) -> None:
    assert shown(live, desired) == expected


KIND = Kind(
    "thing",
    computed=frozenset({"state"}),
    write_only=frozenset({"password"}),
    defaults={"ttl": "24h", "port": 80},
    partial=frozenset({"executables"}),
    immutable={"ttl": "fixed at creation"},
)


@pytest.mark.parametrize(
    ("live", "desired", "expected"),
    [
        ({"state": "a"}, {"state": "b"}, []),
        ({}, {"password": Secret("s")}, []),
        ({}, {"port": 80}, []),
        ({}, {"port": 81}, [("port", 80, 81)]),
        ({"port": 99}, {}, []),
        (
            {"executables": {"a": {"v": 1}, "others": {"v": 9}}},
            {"executables": {"a": {"v": 1}}},
            [],
        ),
        (
            {"executables": {"a": {"v": 1}, "others": {"v": 9}}},
            {"executables": {"a": {"v": 2}, "b": {"v": 1}}},
            [("executables.a.v", 1, 2), ("executables.b", None, {"v": 1})],
        ),
    ],
)
def test_rules_of_a_kind(live: Any, desired: Any, expected: Shown) -> None:
    assert shown(live, desired, KIND) == expected


def test_an_immutable_field_says_why() -> None:
    assert diff_specs({"ttl": "1h"}, {"ttl": "2h"}, KIND) == (
        FieldChange("ttl", "1h", "2h", "fixed at creation"),
    )


def test_secrets_are_compared_and_stay_secrets() -> None:
    live, desired = {"m": {"key": Secret("one")}}, {"m": {"key": Secret("two")}}
    (change,) = diff_specs(live, desired, PLAIN)
    assert isinstance(change.before, Secret)
    assert change.after == Secret("two")
    assert "one" not in repr(change)
    assert not diff_specs(live, {"m": {"key": Secret("one")}}, PLAIN)


def test_freeze_tells_apart_what_python_mixes_up() -> None:
    values = [1, True, "1", None, [], {}, [1], {"1": 1}, "x", ["x"], False, 0, ""]
    assert len({freeze(value) for value in values}) == len(values)


def test_equal_specs_never_load_deepdiff() -> None:
    program = (
        "import sys; from cicd.plan.diff import diff_specs; from cicd.model import Kind;"
        "assert not diff_specs({'m': {'x': [1]}}, {'m': {'x': [1]}}, Kind('k'));"
        "assert 'deepdiff' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
