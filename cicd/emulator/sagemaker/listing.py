"""Lists: what of a kind is wanted, in which order, page by page."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cicd.emulator.sagemaker.account import Call, Handler
from cicd.emulator.sagemaker.errors import invalid
from cicd.emulator.sagemaker.nouns import Noun
from cicd.emulator.sagemaker.shapes import fitted
from cicd.emulator.sagemaker.things import Thing

PAGE = 10
"""As many as a page has whose caller wants no other number."""
TIMES = {
    "CreationTimeAfter": ("CreationTime", True),
    "CreationTimeBefore": ("CreationTime", False),
    "LastModifiedTimeAfter": ("LastModifiedTime", True),
    "LastModifiedTimeBefore": ("LastModifiedTime", False),
}
Place = tuple[Any, str]
"""Where in the order a thing stands: by what is sorted by, then by its name."""


def listing(
    noun: Noun, narrowed: Callable[[Call, list[Thing]], list[Thing]] | None = None
) -> Handler:
    """The operation that lists things of a kind; ``narrowed`` leaves out some more."""

    def answer(call: Call) -> Mapping[str, Any]:
        field, shape = call.account.shapes.page(call.operation)
        if call.effects.get("shuffle") and "NextToken" not in call.body:
            # a page may be empty and others follow
            return {field: [], "NextToken": _token(None)}
        found = call.account.things.all([noun.kind], str(call.body.get("NameContains", "")))
        wanted = [one for one in found if call.sees(noun, one) and _is_wanted(noun, one, call.body)]
        if narrowed:
            wanted = narrowed(call, wanted)
        order = str(call.body.get("SortOrder", noun.order))
        by = _sorted_by(noun, str(call.body.get("SortBy", "CreationTime")))
        ordered = sorted(wanted, key=by, reverse=order == "Descending")
        shown, more = page(ordered, by, call.body, is_falling=order == "Descending")
        return {field: [fitted(shape, thing) for thing in shown], **more}

    return answer


def page(
    ordered: Sequence[Thing],
    by: Callable[[Thing], Place],
    body: Mapping[str, Any],
    *,
    is_falling: bool = False,
) -> tuple[Sequence[Thing], dict[str, str]]:
    """The things of one page, and the token for the next as a field if there is one.

    A token says after which thing to go on, so that others may come and go meanwhile. Refused where
    it is not ours.
    """
    token = body.get("NextToken")
    after = _place(str(token)) if token else None
    if after is not None:
        ordered = [t for t in ordered if (by(t) < after if is_falling else by(t) > after)]
    size = int(body.get("MaxResults", PAGE))
    shown = ordered[:size]
    return shown, {"NextToken": _token(by(shown[-1]))} if len(ordered) > size else {}


def _is_wanted(noun: Noun, thing: Thing, body: Mapping[str, Any]) -> bool:
    status = body.get("StatusEquals")
    if status is not None and thing.get(noun.status) != status:
        return False
    for filter_, (field, is_after) in TIMES.items():
        if (moment := body.get(filter_)) is not None:
            at, limit = float(thing[field]), float(moment)
            if not (at > limit if is_after else at < limit):
                return False
    return True


def _sorted_by(noun: Noun, word: str) -> Callable[[Thing], Place]:
    field = {"Name": noun.name, "Status": noun.status}.get(word, word)
    return lambda thing: (thing.get(field, ""), str(thing.get(noun.arn)))


def _token(place: Place | None) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _place(token: str) -> Place | None:
    try:
        place = json.loads(base64.urlsafe_b64decode(token))
        if place is None:
            return None
        value, name = place
        return value, str(name)
    except (ValueError, TypeError):
        raise invalid("Invalid pagination token") from None
