"""Request in, reply out: what every route handler gets and gives. No handler sees a socket."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from cicd.emulator.api import limits
from cicd.emulator.errors import denied, invalid

if TYPE_CHECKING:
    from cicd.emulator.world import World

Guard = Literal["none", "aicore", "group", "destination"]
"""Who may call: anybody, a client of AI Core, the same within an existing resource group,
a client of the Destination service."""

MOST = 100_000
UNBOUNDED = sys.maxsize
"""What a page of an admin list may hold, and how far into a list one may skip."""
MOST_BYTES = 8 * 1024 * 1024
JSON_TYPE = re.compile(r"application/(json|[\w.-]+\+json)\s*(;.*)?", re.ASCII | re.IGNORECASE)
LABEL_TERM = re.compile(r"(ext\.ai\.sap\.com/[\w.-]+)(!?=)([^ =,]+)", re.ASCII)
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,19}")
T = TypeVar("T")


@dataclass(frozen=True)
class ApiCall:
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
        """Whatever JSON was sent; 400 when it does not parse, or says that it is something else."""
        said = self.headers.get("content-type", "")
        if said and not JSON_TYPE.fullmatch(said):
            raise invalid(f"Content-Type {said[:80]!r} is not supported, send application/json")
        try:
            text = self.raw_body.decode()
            loaded = json.loads(text, parse_constant=not_json)
            if "\\ud" in text.lower():
                # half a character can be written in JSON, but neither stored nor answered
                json.dumps(loaded, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise invalid("the request body is not valid JSON") from None
        return loaded

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
        if not WHOLE_NUMBER.fullmatch(text):
            raise invalid(f"{name} must be a whole number")
        value = int(text)
        if not minimum <= value <= maximum:
            bounds = f"from {minimum}" + (f" to {maximum}" if maximum < UNBOUNDED else "")
            raise invalid(f"{name} must be {bounds}")
        return value

    def identifier(self, name: str) -> str | None:
        """An id of the query; 400 for what can be none."""
        text = self.option(name)
        return None if text is None else limits.check(text, name, limits.ID)

    def identifiers(self, name: str) -> list[str]:
        """The ids of a list parameter; 400 for what can be none, and for too many."""
        found = self.options(name)
        if len(found) > limits.MANY:
            raise invalid(f"{name} takes at most {limits.MANY} ids")
        return [limits.check(text, name, limits.ID) for text in found]

    def flag(self, name: str) -> bool:
        """A true/false parameter, false when absent."""
        text = (self.option(name) or "false").lower()
        if text not in {"true", "false"}:
            raise invalid(f"{name} must be true or false")
        return text == "true"


@dataclass(frozen=True)
class Reply:
    """One answer: ``body`` is sent as JSON, or as it is when str or bytes; None is nothing."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """One entry of the API: method, path pattern, who may call, and what answers. ``name`` is what
    fault rules and the record of requests call it, ``deployment.create``: a kind and a verb."""

    name: str
    method: str
    path: str
    handler: Callable[[ApiCall], Reply]
    guard: Guard = "group"
    most_bytes: int = MOST_BYTES
    """The largest body it takes."""
    names: limits.Text | None = None
    """What the names in its path must look like, where the API says so."""

    def check_path(self, path: Mapping[str, str]) -> None:
        """400 for a path with a name that can be none."""
        if self.names:
            for name, value in path.items():
                limits.check(value, name, self.names)


def not_json(constant: str) -> Any:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(constant)


def listing(
    call: ApiCall,
    found: Sequence[T],
    show: Callable[[T], Any],
    *,
    default: int = 10_000,
    most: int = MOST,
) -> Reply:
    """A page of ``found``: ``{count, resources}``; count is of the page, or of all with $count."""
    skip = call.number("$skip", 0, maximum=UNBOUNDED)
    page = [show(item) for item in found[skip : skip + call.number("$top", default, maximum=most)]]
    return Reply({"count": len(found) if call.flag("$count") else len(page), "resources": page})


def search_term(call: ApiCall) -> tuple[str, bool] | None:
    """The ``$search`` term, and whether its case does not matter; None when there is none."""
    term = call.option("$search")
    if term is None:
        return None
    if not 1 <= len(term) <= 80 or "~" in term:
        raise invalid("$search must have 1 to 80 characters other than ~")
    return term, call.flag("searchCaseInsensitive")


def label_terms(
    call: ApiCall, name: str, *, term: re.Pattern[str] = LABEL_TERM, most: int = UNBOUNDED
) -> list[tuple[str, bool, str]]:
    """The terms of the selector ``name``, key=value or key!=value: key, whether equal, value."""
    terms = call.options(name)
    if len(terms) > most:
        raise invalid(f"{name} takes at most {most} terms")
    parsed = []
    for text in terms:
        if not (match := term.fullmatch(text)):
            raise invalid(f"{name} {text[:80]!r} is not key=value or key!=value")
        parsed.append((match[1], match[2] == "=", match[3].replace("{comma}", ",")))
    return parsed


def label_test(
    call: ApiCall, name: str, *, term: re.Pattern[str] = LABEL_TERM
) -> Callable[[Mapping[str, str]], bool]:
    """A test for labels that pass all terms of the selector ``name``."""
    terms = label_terms(call, name, term=term)

    def fits(labels: Mapping[str, str]) -> bool:
        return all((labels.get(key) == value) is wanted for key, wanted, value in terms)

    return fits
