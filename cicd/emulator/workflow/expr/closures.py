"""The functions of ``{{=…}}`` that evaluate something for every item of a list."""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key
from typing import Any

from cicd.emulator.workflow.expr.formatting import printed
from cicd.emulator.workflow.expr.operators import BadExpression, add, less, truth

Each = Callable[..., Any]
Closure = Callable[..., Any]


def _true(items: list[Any], each: Each) -> list[int]:
    """The places of the items for which it holds."""
    return [place for place, item in enumerate(items) if truth(each(item, place))]


def _first(items: list[Any], each: Each, order: int) -> int | None:
    places = list(range(len(items)))[::order]
    return next((place for place in places if truth(each(items[place], place))), None)


def _at(items: list[Any], place: int | None) -> Any:
    return None if place is None else items[place]


def _count(items: list[Any], each: Each | None) -> int:
    if each is None:
        return sum(truth(item) for item in items)
    return len(_true(items, each))


def _sum(items: list[Any], each: Each | None) -> Any:
    found: Any = 0
    for place, item in enumerate(items):
        found = add(found, each(item, place) if each else item)
    return found


def _groups(items: list[Any], each: Each) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for place, item in enumerate(items):
        found.setdefault(printed(each(item, place)), []).append(item)
    return found


def _reduced(items: list[Any], each: Each, *start: Any) -> Any:
    if not items and not start:
        raise BadExpression("reduce of empty array with no initial value")
    found, rest = (start[0], items) if start else (items[0], items[1:])
    for place, item in enumerate(rest, 0 if start else 1):
        found = each(item, place, found)
    return found


def in_order(items: list[Any], keys: list[Any], order: str = "asc") -> list[Any]:
    """The items by their keys, equal ones as they came."""
    if order not in ("asc", "desc"):
        raise BadExpression(f"unknown order: {order}")

    def compare(one: int, other: int) -> int:
        return -1 if less(keys[one], keys[other]) else 1 if less(keys[other], keys[one]) else 0

    places = sorted(range(len(items)), key=cmp_to_key(compare), reverse=order == "desc")
    return [items[place] for place in places]


CLOSURES: dict[str, tuple[Closure, int]] = {
    "map": (lambda items, each: [each(item, place) for place, item in enumerate(items)], 0),
    "filter": (lambda items, each: [items[place] for place in _true(items, each)], 0),
    "find": (lambda items, each: _at(items, _first(items, each, 1)), 0),
    "findIndex": (lambda items, each: _first(items, each, 1), 0),
    "findLast": (lambda items, each: _at(items, _first(items, each, -1)), 0),
    "findLastIndex": (lambda items, each: _first(items, each, -1), 0),
    "all": (lambda items, each: all(truth(each(x, place)) for place, x in enumerate(items)), 0),
    "any": (lambda items, each: any(truth(each(x, place)) for place, x in enumerate(items)), 0),
    "none": (lambda items, each: not any(truth(each(x, p)) for p, x in enumerate(items)), 0),
    "one": (lambda items, each: len(_true(items, each)) == 1, 0),
    "count": (_count, 0),
    "sum": (_sum, 0),
    "groupBy": (_groups, 0),
    "sortBy": (
        lambda items, each, *order: in_order(
            items, [each(item, place) for place, item in enumerate(items)], *order
        ),
        1,
    ),
    "reduce": (_reduced, 1),
}
"""Name -> what it does, and how many arguments may follow the predicate."""
