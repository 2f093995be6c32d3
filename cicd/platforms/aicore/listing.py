"""Whole lists out of pages, whatever stands between and cuts them shorter than was asked.

No sign of the end is believed alone. ``count`` in an answer is the number of its items on one
server and that of the whole list on another; gateways give fewer items than ``$top`` asks for, or
know no ``$skip``. So a list of several pages ends where nothing more comes, also beyond its count,
which may be from a moment ago; what does not go together is an error, and never "not there".
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cicd.errors import ConnectionFailed, PlatformError

PAGE = 10_000
MOST = 1_000_000
"""Items that a list may have: a server that always has one more page would fill any memory."""
PASSES = 10
"""How often a long list is read at most whose order moves meanwhile."""
LONG = 100
"""From so many items on a page that is shorter than asked may have been cut by a gateway."""
DISAGREEMENTS = 3
"""How often a list is read whose count says that there is more than comes."""
STALLED = 3
"""Pages one after the other that bring nothing new, although each is another one."""
TAILS = 10
"""Pages one after the other that are less than half as long as the longest one."""
CURE = "what stands between may cut or change answers: look at the proxy or gateway"

Document = dict[str, Any]
Ask = Callable[[str, Mapping[str, Any]], Any]
"""Path and parameters -> the JSON that is answered to a GET."""


@dataclass
class Listing:
    """One list of one server. ``name``: how errors call it. ``is_paged``: whether the server takes
    ``$top``. ``is_thorough``: believe no count that may be that of a page; look for another one."""

    ask: Ask
    path: str
    params: Mapping[str, Any]
    name: str
    is_paged: bool = True
    is_thorough: bool = False
    sleep: Callable[[float], None] = time.sleep
    found: dict[str, Document] = field(default_factory=dict)

    def read(self) -> list[Document]:
        """Every item, each once however the pages shift while they are read. Raises
        ConnectionFailed where there must be more than comes."""
        short = 0
        for number in range(PASSES):
            before = len(self.found)
            # cut elsewhere each time: what lies between two pages once does not the next time
            one = Pass(self, max(1, PAGE - number))
            one.read()
            # A count may be ahead of the list, or the list of the count, for a moment. Less than it
            # says several times in a row is a list that was cut, and what it lacks would be made
            # anew.
            if one.missing:
                short += 1
                if short == DISAGREEMENTS:
                    raise self.disagrees(one.missing, len(self.found))
                self.sleep(0.5 * short)
                continue
            # Nothing has moved, or a second way through, cut at other places, has brought nothing
            # new.
            if one.is_whole or (len(self.found) == before and before >= (self.count() or 0)):
                break
        return list(self.found.values())

    def count(self) -> int | None:
        """How many items the server says a list has, None where it does not tell."""
        try:
            return number_in(self.ask(f"{self.path}/$count", self.params), self.name)
        except PlatformError:
            return None

    def disagrees(self, count: int, there: int) -> ConnectionFailed:
        """The error for a list that says of itself what is not so."""
        return ConnectionFailed(
            f"{self.name} says that it has {count:,} items and gives {there:,}", hint=CURE
        )


@dataclass
class Pass:
    """One way through all pages of a list. ``missing``: the count that was not reached, 0 if none.
    ``is_whole``: whether no item can have moved past us from one page to another."""

    listing: Listing
    top: int
    order: dict[str, None] = field(default_factory=dict)
    passed: int = 0
    counted: int = 0
    is_whole: bool = True
    first: tuple[str, ...] = ()
    longest: int = 0
    tails: int = 0
    stalled: int = 0

    @property
    def missing(self) -> int:
        return self.counted if self.counted > max(self.passed, len(self.listing.found)) else 0

    def read(self) -> None:
        """Put every item of every page into ``listing.found``."""
        while True:
            items, count = self._page()
            named = {_identity(item): item for item in items}
            self.first = self.first or tuple(named)
            has_news = not items or bool(named.keys() - self.order.keys())
            # The first page again: ``$skip`` means nothing to this server.
            if not has_news and tuple(named) == self.first:
                self._again(len(items))
                return
            is_pushed = self._follow(named)
            self.stalled = 0 if has_news else self.stalled + 1
            if not has_news and (is_pushed or self.stalled == STALLED):
                return
            self.passed += len(items)
            if count is not None and (count > len(items) or not self.order.keys() - named.keys()):
                self.counted = max(self.counted, count)
            if not items or self._is_end(len(items), count) or self._is_chased(len(items)):
                return
            if self.passed > MOST:
                raise ConnectionFailed(
                    f"{self.listing.name} lists more than {MOST:,} items", hint="check the base URL"
                )

    def _page(self) -> tuple[Sequence[Document], int | None]:
        listing = self.listing
        paging = {"$top": self.top} if listing.is_paged else {}
        paging |= {"$skip": self.passed} if self.passed else {}
        answer = listing.ask(listing.path, {**listing.params, **paging})
        items = resources(answer, listing.name)
        count = number_in(answer.get("count"), f"{listing.name}: count")
        if count is not None and count < len(items):
            raise listing.disagrees(count, len(items))
        return items, count

    def _follow(self, named: Mapping[str, Document]) -> bool:
        """Take what a page has; whether what comes twice was only pushed by new ones in front, from
        the end of a page onto the next one. Any other item that comes twice tells that another may
        have moved past us the other way."""
        again = [name for name in named if name in self.order]
        pushed = list(self.order)[len(self.order) - len(again) :] if again else []
        is_pushed = again == list(named)[: len(again)] == pushed
        self.is_whole = self.is_whole and is_pushed
        self.listing.found.update(named)
        self.order.update(dict.fromkeys(named))
        return is_pushed

    def _is_end(self, size: int, count: int | None) -> bool:
        """Whether the count tells that this was the last page. One that is that of this very page
        is believed of a short one where pages are not cut, as far as anybody can tell."""
        if count is None or count > size or size >= self.top or self.listing.is_thorough:
            return False
        is_first = self.passed == size
        # where a page was as long as asked before, nothing cuts them
        return size < LONG if is_first else self.longest >= self.top

    def _is_chased(self, size: int) -> bool:
        """Whether what comes is as new as the question: a list that grows at its end as quickly as
        it is read."""
        self.longest = max(self.longest, size)
        self.tails = self.tails + 1 if 2 * size < self.longest else 0
        return self.tails == TAILS

    def _again(self, size: int) -> None:
        """A page without anything new: the server knows no ``$skip``. More than was asked for is
        all that there is; as many as that, or a round number, may be the first of many."""
        if size > self.top or self.counted > len(self.order):
            return
        count = self.listing.count()
        if count is None and (size == self.top or size % LONG == 0):
            raise ConnectionFailed(
                f"{self.listing.name} gives the same {size:,} items again and again", hint=CURE
            )
        self.counted = max(self.counted, count or 0)


def find_in(
    ask: Callable[[str, Mapping[str, Any]], tuple[Sequence[Any], Sequence[Document]]],
    path: str,
    params: Mapping[str, Any],
    ids: Collection[str],
    *,
    only_first_page: bool,
) -> list[Document]:
    """The items of a list that have these ids, page after page until all are found or nothing new
    comes. ``ask``: path and parameters -> the ids on a page, and the items that are wanted."""
    found: dict[str, Document] = {}
    seen: set[Any] = set()
    while len(found) < len(ids):
        paging = {"$top": PAGE, **({"$skip": len(seen)} if seen else {})}
        page, items = ask(path, {**params, **paging})
        found |= {str(item["id"]): item for item in items}
        if only_first_page or seen.issuperset(page) or len(seen) > MOST:
            break
        seen.update(page)
    return list(found.values())


def number_in(value: Any, name: str) -> int | None:
    """A count, also as text; None where there is none. Raises ConnectionFailed for what is none."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # as some gateways write every number
    text = str(value).strip()
    if isinstance(value, int | str) and not isinstance(value, bool) and text.isdecimal():
        return int(text)
    raise ConnectionFailed(f"{name} is no number", hint=CURE)


def resources(answer: Any, url: str) -> Sequence[Document]:
    """The items of a list answer. An answer without a list is an error, never an empty list."""
    items = answer.get("resources") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        raise ConnectionFailed(
            f"{url} does not answer with a list of resources", hint="check the base URL"
        )
    for place, item in enumerate(items):
        if not isinstance(item, dict):
            raise ConnectionFailed(
                f"{url} does not answer with a list of resources: [{place}] is no object",
                hint="check the base URL",
            )
    return items


def _identity(item: Mapping[str, Any]) -> str:
    """What tells list items apart; names are unique where there is no id."""
    for name in ("id", "executionId", "resourceGroupId", "applicationName", "name"):
        if item.get(name):
            return str(item[name])
    return json.dumps(item, sort_keys=True)
