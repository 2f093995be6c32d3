"""Request in, reply out: what every route handler gets and gives. No handler sees a socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from cicd.emulator.errors import denied, invalid

if TYPE_CHECKING:
    from cicd.emulator.world import World

Guard = Literal["none", "aicore", "group", "destination"]
"""Who may call: anybody, a client of AI Core, the same within an existing resource group,
a client of the Destination service."""

MOST = 100_000
T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """One request. Header names are lower case; ``query`` keeps every value of a name."""

    world: World
    method: str
    base_url: str
    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    raw_body: bytes = b""

    @cached_property
    def body(self) -> dict[str, Any]:
        """The JSON object sent; 400 when it is none."""
        loaded = self.json
        if not isinstance(loaded, dict):
            raise invalid("the request body must be a JSON object")
        return loaded

    @cached_property
    def json(self) -> Any:
        """Whatever JSON was sent; 400 when it does not parse."""
        try:
            return json.loads(self.raw_body)
        except (ValueError, RecursionError):
            raise invalid("the request body is not valid JSON") from None

    @property
    def group(self) -> str:
        """The resource group of the header; the guard ``group`` made sure that it exists."""
        name = self.headers.get("ai-resource-group", "")
        if not name:
            raise denied()
        return name

    def option(self, name: str) -> str | None:
        """A query parameter, with or without ``$`` (the Python SDK leaves it out)."""
        bare = name.removeprefix("$")
        for spelling in (f"${bare}", bare):
            if values := self.query.get(spelling):
                return values[-1]
        return None

    def options(self, name: str) -> list[str]:
        """A list parameter: comma-separated, repeated, or both."""
        return [
            part for value in self.query.get(name, []) for part in value.split(",") if part != ""
        ]

    def number(self, name: str, default: int, *, minimum: int = 0, maximum: int = MOST) -> int:
        """A whole number of the query; 400 outside its bounds."""
        text = self.option(name)
        if text is None:
            return default
        try:
            value = int(text)
        except ValueError:
            raise invalid(f"{name} must be a whole number") from None
        if not minimum <= value <= maximum:
            raise invalid(f"{name} must be from {minimum} to {maximum}")
        return value

    def flag(self, name: str) -> bool:
        """A true/false parameter, false when absent."""
        text = (self.option(name) or "false").lower()
        if text not in {"true", "false"}:
            raise invalid(f"{name} must be true or false")
        return text == "true"


@dataclass(frozen=True)
class Reply:
    """One answer: ``body`` is sent as JSON, or as it is when it is a str; None sends nothing."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """One entry of the API: method, path pattern, who may call, and what answers."""

    method: str
    path: str
    handler: Callable[[Call], Reply]
    guard: Guard = "group"


def listing(
    call: Call, found: Sequence[T], show: Callable[[T], Any], *, default: int = 10_000
) -> Reply:
    """A page of ``found``: ``{count, resources}``; count is of the page, or of all with $count."""
    skip = call.number("$skip", 0)
    page = [show(item) for item in found[skip : skip + call.number("$top", default)]]
    return Reply({"count": len(found) if call.flag("$count") else len(page), "resources": page})


def search(call: Call) -> Callable[[str | None], bool]:
    """A test for texts that hold the ``$search`` term; true for all when there is none."""
    term = call.option("$search")
    if term is None:
        return lambda text: True
    if not 1 <= len(term) <= 80 or "~" in term:
        raise invalid("$search must have 1 to 80 characters other than ~")
    if call.flag("searchCaseInsensitive"):
        folded = term.casefold()
        return lambda text: folded in (text or "").casefold()
    return lambda text: term in (text or "")
