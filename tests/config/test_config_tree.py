"""Trees with places: ways into them, what is merged, left out, hidden, and what words are near."""

from __future__ import annotations

from typing import Any

import pytest

from cicd.config import tree
from cicd.config.plain_dialect import _as_map
from cicd.config.tree import MAX_MESSAGE, Node, Paths, Place
from cicd.values import Hidden


def node(value: Any, line: int = 1) -> Node:
    """Plain data as a tree; the n-th leaf stands in line n."""
    counter = iter(range(line, line + 1000))

    def made(item: Any) -> Node:
        if isinstance(item, dict):
            pairs = {key: made(child) for key, child in item.items()}
            return Node(
                {
                    key: child.but(key_place=Place("f", child.place.line, 1))
                    for key, child in pairs.items()
                },
                Place("f", 0, 0),
            )
        if isinstance(item, list):
            return Node([made(child) for child in item], Place("f", 0, 0))
        return Node(item, Place("f", next(counter), 5), str(item))

    return made(value)


TREE = node({"a": {"b": 1, "c": [2, {"d": 3}]}, "e": None})


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("a", ("a",), True),
        ("a", ("b",), False),
        ("a", ("a", "b"), False),
        ("a", (), False),
        ("a.b", ("a", "b"), True),
        ("a.b", ("a",), False),
        ("a.*", ("a", 0), True),
        ("a.*", ("a",), False),
        ("a.*.c", ("a", "x", "c"), True),
        ("a.*.c", ("a", "x", "d"), False),
        ("*.c", ("x", "c"), True),
        ("*", ("x",), True),
        ("*", (0,), True),
        ("a.**", ("a",), True),
        ("a.**", ("a", "b", 0), True),
        ("a.*.**", ("a",), False),
        ("a.*.**", ("a", "b"), True),
        ("a.b.**", ("a", "c", "d"), False),
        ("**", ("a", "b"), False),
    ],
)
def test_a_path_fits_a_pattern(pattern: str, path: tree.Path, *, expected: bool) -> None:
    assert (path in Paths(pattern)) is expected
    assert (path in Paths("z.y", pattern, "a.x.y.z")) is expected
    assert path not in Paths()


def test_a_place_is_shown_as_far_as_it_is_known() -> None:
    assert [str(Place("f", *at)) for at in ((3, 4), (3,), ())] == ["f:3:4", "f:3:0", "f"]
    assert sorted([Place("f", 2, 1), Place("f", 1, 9), Place("e", 9)]) == [
        Place("e", 9),
        Place("f", 1, 9),
        Place("f", 2, 1),
    ]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("a\nb\x1b[0m\u2028", "a\\nb\\x1b[0m\\u2028"),
        ("é\x7f\x9f", "é\\x7f\\x9f"),
        ("x" * MAX_MESSAGE, "x" * MAX_MESSAGE),
        ("x" * (MAX_MESSAGE + 1), "x" * MAX_MESSAGE + "…"),
    ],
)
def test_a_message_stays_on_its_line_and_is_no_file(message: str, expected: str) -> None:
    problem = Place("f", 3, 4).problem(message, "rule")
    assert (problem.file, problem.line, problem.column) == ("f", 3, 4)
    assert (problem.message, problem.rule, problem.severity) == (expected, "rule", "error")
    assert Place("f").problem("m", "rule", "warning").severity == "warning"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("a", "b"), 1),
        (("a", "c", 0), 2),
        (("a", "c", 1, "d"), 3),
        (("e",), None),
        (("x",), "nothing"),
        (("a", "c", 2), "nothing"),
        (("a", "c", "d"), "nothing"),
        (("a", "b", "x"), "nothing"),
        (("a", "x", "y"), "nothing"),
    ],
)
def test_a_way_leads_to_a_node_or_to_nothing(path: tree.Path, expected: Any) -> None:
    found = TREE.get(*path)
    assert (found.value if found else "nothing") == expected


def test_a_leaf_is_what_holds_no_other() -> None:
    found = [TREE.get("a", "b"), TREE.get("e"), TREE.get("a"), TREE.get("a", "c"), TREE]
    assert [item is not None and item.is_leaf for item in found] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_a_path_is_written_at_its_closest_parent() -> None:
    assert TREE.place_of("a", "b") == Place("f", 1, 5)
    assert TREE.place_of("a", "b", key=True) == Place("f", 1, 1)
    assert TREE.place_of("a", "c", 0, key=True) == Place("f", 2, 5)
    assert TREE.place_of("a", "b", "x", key=True) == Place("f", 1, 5)
    assert TREE.place_of("x") == TREE.place


def test_a_place_in_a_block_of_text_is_counted_from_its_first_character() -> None:
    block = Node("one\ntwo\nthree", Place("f", 2, 4), block=Place("f", 3, 7))
    assert block.place_at(1, 1) == Place("f", 3, 7)
    assert block.place_at(2, 3) == Place("f", 4, 9)
    assert [block.place_of_offset(at) for at in (0, 2, 3, 4, 9)] == [
        Place("f", 3, 7),
        Place("f", 3, 9),
        Place("f", 3, 10),
        Place("f", 4, 7),
        Place("f", 5, 8),
    ]
    assert block.but(block=None).place_of_offset(9) == Place("f", 2, 4)


def test_a_tree_is_plain_data_again() -> None:
    assert tree.plain(TREE) == {"a": {"b": 1, "c": [2, {"d": 3}]}, "e": None}
    assert tree.plain(TREE, lambda leaf: leaf.text) == {
        "a": {"b": "1", "c": ["2", {"d": "3"}]},
        "e": "None",
    }


def test_leaves_come_in_the_order_of_the_file() -> None:
    assert [(path, leaf.value) for path, leaf in tree.leaves(TREE)] == [
        (("a", "b"), 1),
        (("a", "c", 0), 2),
        (("a", "c", 1, "d"), 3),
        (("e",), None),
    ]


def test_what_came_from_the_environment_is_hidden_wherever_it_ends_up() -> None:
    secret = Node("s3cret", Place("f", 9, 1), "${env.X}", is_hidden=True)
    held = tree.with_leaves(TREE, {("a", "b"): secret, ("a", "c", 1, "d"): secret.but(value=5)})
    found = tree.hidden({"a": {"b": "made", "c": ["x", {"d": "y"}], "z": "w"}, "e": 5}, held)
    assert found == {"a": {"b": "made", "c": ["x", {"d": "y"}], "z": "w"}, "e": 5}
    places = [found["a"]["b"], found["a"]["c"][0], found["a"]["c"][1]["d"], found["a"]["z"]]
    assert [isinstance(text, Hidden) for text in places] == [True, False, True, False]
    assert not isinstance(tree.hidden("x", None), Hidden)
    assert tree.hidden_texts(held) == {Place("f", 9, 1): ("5", "${env.X}")}


def test_leaves_are_changed_and_all_else_is_shared() -> None:
    new = node("new")
    assert tree.with_leaves(TREE, {}) is TREE
    assert tree.with_leaves(TREE, {(): new}) is new
    changed = tree.with_leaves(TREE, {("a", "c", 1, "d"): new, ("e",): new})
    assert tree.plain(changed) == {"a": {"b": 1, "c": [2, {"d": "new"}]}, "e": "new"}
    assert changed.get("a", "b") is TREE.get("a", "b")
    assert tree.plain(TREE)["e"] is None


def test_what_is_taken_out_of_a_map_is_remembered() -> None:
    cut = tree.without(TREE, {("a", "b"), ("a", "c", 0), ("a", "c", 1, "d"), ("x",)})
    assert tree.plain(cut) == {"a": {"c": [{}]}, "e": None}
    lost = [cut.lost, cut.value["a"].lost, cut.value["a"].value["c"].value[0].lost]
    assert lost == [set(), {"b"}, {"d"}]
    again = tree.without(cut, {("a", "c")})
    assert again.value["a"].lost == {"b", "c"}
    assert tree.is_whole(TREE)
    assert not tree.is_whole(again)
    assert not tree.is_whole(node([1, 2]).but(value=[again]))
    assert tree.is_whole(tree.without(TREE, {("a", "c", 0)}))


def by_key(item: Node) -> str | None:
    found = item.get("key")
    return str(found.value) if found else None


@pytest.mark.parametrize(
    ("base", "over", "expected"),
    [
        (1, 2, 2),
        ({"a": 1, "b": 2}, {"b": 3, "c": 4}, {"a": 1, "b": 3, "c": 4}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": 1}, [2], [2]),
        ([1], {"a": 2}, {"a": 2}),
        ([1, 2], [3], [3]),
        ([1, 2], [], []),
        ([], [3], [3]),
        ([{"key": "a"}], [], [{"key": "a"}]),
        ([{"key": "a"}], [3], [3]),
        ([{"key": "a"}, 1], [{"key": "a"}], [{"key": "a"}]),
        (
            [{"key": "a", "x": 1}, {"key": "b"}],
            [{"key": "c"}, {"key": "a", "y": 2}],
            [{"key": "a", "x": 1, "y": 2}, {"key": "b"}, {"key": "c"}],
        ),
        (
            [{"key": "a", "x": 1}],
            [{"key": "a", "y": 2}, {"key": "a", "z": 3}],
            [{"key": "a", "x": 1, "y": 2}, {"key": "a", "z": 3}],
        ),
    ],
)
def test_one_tree_is_laid_over_another(base: Any, over: Any, expected: Any) -> None:
    lower, upper = node(base), node(over, 100)
    merged = tree.merge(lower, upper, by_key)
    assert tree.plain(merged) == expected
    assert tree.plain(lower) == base
    assert tree.plain(upper) == over


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("confguration", ' (did you mean "configuration"?)'),
        ("CONFIGURATION", ' (did you mean "configuration"?)'),
        ("deployments", ' (did you mean "Deployment"?)'),
        ("xyz", ""),
        ("", ""),
    ],
)
def test_the_closest_word_is_proposed_where_one_is_near(word: str, expected: str) -> None:
    assert tree.did_you_mean(word, ["configuration", "Deployment", "execution"]) == expected
    assert tree.did_you_mean(word, []) == ""


@pytest.mark.parametrize(
    ("word", "expected"), [("tyope", True), ("ype", False), ("tap", False), ("name", True)]
)
def test_a_slip_spares_the_first_letter(word: str, *, expected: bool) -> None:
    assert tree.is_like(word, ["type", "name"]) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], {}),
        ([{"key": "a", "v": 1}, {"key": "b", "v": [2]}], {"a": 1, "b": [2]}),
        ([{"key": "a", "v": 1}, {"key": "a", "v": 2}], None),
        ([{"key": "a"}], None),
        ([{"v": 1}], None),
        ([{"key": 5, "v": 1}], None),
        ([{"key": "a", "v": 1, "w": 2}], None),
        (["a"], None),
        ({"a": 1}, {}),
    ],
)
def test_a_list_of_keys_and_values_is_a_map_where_each_key_comes_once(
    value: Any, expected: dict[str, Any] | None
) -> None:
    found = _as_map(node(value), "v")
    assert found is expected or {key: tree.plain(item) for key, item in (found or {}).items()} == (
        expected
    )
    for item in (found or {}).values():
        assert item.key_place is not None and item.key_place.file == "f"


@pytest.mark.parametrize(
    ("value", "text"),
    [("x", "x"), (5, "5"), (1.5, "1.5"), (True, "true"), (None, "null"), ("", "")],
)
def test_a_value_that_is_said_stands_where_it_is_said(value: Any, text: str) -> None:
    place = Place("--set a", 1)
    found = tree.as_node({"m": [value]}, Node(None, place, is_hidden=True))
    leaf = found.get("m", 0)
    assert leaf is not None
    assert (leaf.value, leaf.text, leaf.place, leaf.is_hidden) == (value, text, place, True)
    assert tree.plain(found) == {"m": [value]}
