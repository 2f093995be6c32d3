"""Search: things of one kind by any of their fields or tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from cicd.emulator.sagemaker.account import Call
from cicd.emulator.sagemaker.errors import invalid
from cicd.emulator.sagemaker.listing import page
from cicd.emulator.sagemaker.nouns import (
    ENDPOINT,
    MODEL,
    PACKAGE,
    PACKAGE_GROUP,
    TRAINING_JOB,
    Noun,
)
from cicd.emulator.sagemaker.things import Thing

RESOURCES: Mapping[str, Noun] = {
    noun.word: noun for noun in (TRAINING_JOB, ENDPOINT, MODEL, PACKAGE, PACKAGE_GROUP)
}
TAG = "Tags."
METRIC = "Metrics."


def search(call: Call) -> Mapping[str, Any]:
    """One page of what fits an expression."""
    resource = str(call.body["Resource"])
    noun = RESOURCES.get(resource)
    if noun is None:
        raise invalid(f"Search of {resource} is not supported by this emulator.")
    expression = call.body.get("SearchExpression", {})
    things = call.account.things.all([noun.kind])
    wanted = [thing for thing in things if fits(expression, thing)]
    field = str(call.body.get("SortBy", "LastModifiedTime"))
    is_falling = call.body.get("SortOrder", "Descending") == "Descending"

    def by(thing: Thing) -> tuple[Any, str]:
        values = list(values_of(thing, field))
        return (values[0] if values else thing["CreationTime"], str(thing[noun.arn]))

    ordered = sorted(wanted, key=by, reverse=is_falling)
    shown, more = page(ordered, by, call.body, is_falling=is_falling)
    record = "Model" if noun is MODEL else noun.word
    found = [{record: {"Model": thing, **thing} if noun is MODEL else thing} for thing in shown]
    return {"Results": found, "TotalHits": {"Value": len(wanted), "Relation": "EqualTo"}, **more}


def fits(expression: Mapping[str, Any], thing: Thing) -> bool:
    """Whether a thing is as an expression says; one that says nothing fits all."""
    tests = [_passes(one, thing) for one in expression.get("Filters", [])]
    tests += [_any_inside(one, thing) for one in expression.get("NestedFilters", [])]
    tests += [fits(one, thing) for one in expression.get("SubExpressions", [])]
    if not tests:
        return True
    return any(tests) if expression.get("Operator") == "Or" else all(tests)


def _any_inside(nested: Mapping[str, Any], thing: Thing) -> bool:
    """Whether one item of a list in the thing passes all filters."""
    name = str(nested["NestedPropertyName"])
    filters = [
        {**one, "Name": str(one["Name"]).removeprefix(f"{name}.")} for one in nested["Filters"]
    ]
    items = [item for item in values_of(thing, name) if isinstance(item, dict)]
    return any(all(_passes(one, item) for one in filters) for item in items)


def _passes(filter_: Mapping[str, Any], thing: Mapping[str, Any]) -> bool:
    operator, wanted = str(filter_.get("Operator", "Equals")), str(filter_.get("Value", ""))
    values = list(values_of(thing, str(filter_["Name"])))
    if operator in ("Exists", "NotExists"):
        return bool(values) == (operator == "Exists")
    if operator == "NotEquals":
        return all(str(value) != wanted for value in values)
    return any(_holds(operator, value, wanted) for value in values)


def _holds(operator: str, value: Any, wanted: str) -> bool:
    if operator == "Equals":
        return str(value) == wanted
    if operator == "Contains":
        return wanted in str(value)
    if operator == "In":
        return str(value) in wanted.split(",")
    try:
        left, right = float(value), number_of(wanted)
    except (TypeError, ValueError):
        return False
    if left == right:
        return operator.endswith("OrEqualTo")
    return (left > right) is operator.startswith("Greater")


def number_of(text: str) -> float:
    """A number, or a moment as seconds since 1970. ValueError for what is neither."""
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def values_of(thing: Any, path: str) -> Iterator[Any]:
    """What a thing has at a path such as ``Tags.team``, ``Metrics.accuracy`` or
    ``ResourceConfig.InstanceType``."""
    if path.startswith(METRIC):
        metrics = thing.get("FinalMetricDataList", [])
        name = path.removeprefix(METRIC)
        yield from (one["Value"] for one in metrics if one["MetricName"] == name)
        return
    if path.startswith(TAG):
        tags = thing.get("Tags", [])
        yield from (one["Value"] for one in tags if one["Key"] == path.removeprefix(TAG))
        return
    first, _, rest = path.partition(".")
    found = thing.get(first) if isinstance(thing, dict) else None
    for value in found if isinstance(found, list) else [found]:
        if value is not None:
            yield from values_of(value, rest) if rest else [value]


OPERATIONS = {"Search": search}
