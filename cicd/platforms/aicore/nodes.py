"""Nodes that are kept ready for the tenant, per resource plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from cicd.errors import NotFound
from cicd.model import LiveResource, Resource, State, Status
from cicd.platforms.aicore import convert, statuses
from cicd.platforms.aicore.api import Api, changed, made
from cicd.platforms.aicore.convert import Document

PATH = "/admin/resources/nodes"


class NodeReservations:
    """``node_reservation/<resource plan>``; none requested is none there."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def peek(self, desired: Iterable[Resource] = ()) -> list[LiveResource]:
        """All reservations. One for which no node is wanted is there without any."""
        empty = {
            wish.spec["name"]
            for wish in desired
            if wish.key.kind == "node_reservation" and not wish.spec["count"]
        }
        return self._read(empty)

    def get(self, live: LiveResource) -> LiveResource:
        found = next((item for item in self._read(()) if item.id == live.id), None)
        if found is None:
            raise NotFound(f"no node of plan {live.id} is reserved", status=404)
        return found

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        return next((i for i in self.peek([desired]) if i.id == desired.spec["name"]), None)

    def create(self, desired: Resource) -> LiveResource:
        name = desired.spec["name"]
        self._request(name, desired.spec["count"])
        return made(desired, name, name, Status(State.PENDING, "PROVISIONING"))

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        self._request(live.id, desired.spec["count"])
        return changed(live, desired, Status(State.PENDING, "PROVISIONING"))

    def delete(self, live: LiveResource) -> None:
        self._request(live.id, 0)

    def _request(self, plan: str, count: int) -> None:
        body = {"resourcePlans": [{"name": plan, "request": count}]}
        self._api.http.call("PATCH", PATH, body=body)

    def _read(self, empty: Collection[str]) -> list[LiveResource]:
        plans = _plans(self._api.get(PATH).get("resourcePlans"))
        plans |= {name: {} for name in empty if name not in plans}
        found = [_reservation(name, plan) for name, plan in sorted(plans.items())]
        return [item for item in found if item.spec["count"] or item.id in empty]


def _plans(value: Any) -> dict[str, Document]:
    """Plan -> its numbers; also from a list like the one that is sent."""
    if isinstance(value, list):
        return {str(item.get("name")): item for item in value}
    return dict(value or {})


def _reservation(name: str, plan: Document) -> LiveResource:
    requested, provisioned = int(plan.get("requested") or 0), int(plan.get("provisioned") or 0)
    word = "PROVISIONED" if provisioned >= requested else "PROVISIONING"
    return convert.live_resource(
        "node_reservation",
        name,
        name,
        {"name": name, "count": requested},
        statuses.status_of(word, f"{provisioned} of {requested} nodes are up"),
        plan,
        facts={"provisioned": str(provisioned)},
    )
