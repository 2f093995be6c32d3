"""Order, cycles, dependents, Refs."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from cicd.errors import CicdError
from cicd.model import Key, Ref, Resource
from cicd.plan.graph import dependencies, dependents, in_order, reachable, refs_in, resolve


def edges_of(text: Mapping[str, str]) -> dict[Key, frozenset[Key]]:
    return {Key("k", a): frozenset(Key("k", b) for b in needs) for a, needs in text.items()}


@pytest.mark.parametrize(
    ("edges", "order"),
    [
        ({}, ""),
        ({"b": "", "a": ""}, "ba"),  # no needs: the order of the stage file
        ({"a": "c", "b": "", "c": ""}, "bca"),
        ({"a": "", "b": "a", "c": "", "d": "c"}, "abcd"),  # chains stay together
        ({"d": "bc", "c": "a", "b": "a", "a": ""}, "acbd"),
    ],
)
def test_what_is_needed_comes_first(edges: dict[str, str], order: str) -> None:
    assert "".join(key.name for key in in_order(edges_of(edges))) == order


def test_priority_decides_where_the_needs_leave_a_choice() -> None:
    edges = edges_of({"a": "b", "b": "", "z": ""})
    ordered = in_order(edges, lambda key: -ord(key.name))
    assert [key.name for key in ordered] == ["z", "b", "a"]


@pytest.mark.parametrize(
    ("edges", "cycle"),
    [
        ({"a": "a"}, "k/a → k/a"),
        ({"b": "a", "a": "b"}, "k/a → k/b → k/a"),
        ({"x": "", "c": "a", "a": "b", "b": "c"}, "k/a → k/b → k/c → k/a"),
    ],
)
def test_a_cycle_is_named_edge_by_edge(edges: dict[str, str], cycle: str) -> None:
    with pytest.raises(CicdError) as caught:
        in_order(edges_of(edges))
    assert caught.value.message.endswith(cycle)


def test_refs_are_found_and_answered_at_any_depth() -> None:
    here, there = Ref(Key("a", "x")), Ref(Key("b", "y"), "url")
    spec = {"one": here, "map": {"list": [there, 1, {"deep": (here,)}]}, "text": "${a/x.id}"}
    assert list(refs_in(spec)) == [here, there, here]
    answered = resolve(spec, lambda ref: "id-1" if ref == here else None)
    assert answered == {
        "one": "id-1",
        "map": {"list": [there, 1, {"deep": ["id-1"]}]},
        "text": "${a/x.id}",
    }


def test_needs_are_refs_and_what_is_declared() -> None:
    a, b, c = Key("k", "a"), Key("k", "b"), Key("k", "c")
    desired = [
        Resource(a, {"list": [{"id": Ref(b)}]}, depends_on=frozenset({c})),
        Resource(b, {}),
        Resource(c, {}),
    ]
    edges = dependencies(desired)
    assert edges == {a: {b, c}, b: frozenset(), c: frozenset()}
    assert dependents(edges) == {a: frozenset(), b: {a}, c: {a}}
    assert reachable(edges, [a]) == {a, b, c}
    assert reachable(edges, [b]) == {b}


@pytest.mark.parametrize(
    ("desired", "message"),
    [
        ([Resource(Key("k", "a"), {}), Resource(Key("k", "a"), {})], "k/a is defined twice"),
        ([Resource(Key("k", "a"), {"x": Ref(Key("k", "no"))})], "k/a needs k/no"),
    ],
)
def test_what_cannot_be_ordered_is_said(desired: list[Resource], message: str) -> None:
    with pytest.raises(CicdError, match=message):
        dependencies(desired)
