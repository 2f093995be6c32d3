"""Schedules: what starts executions of a configuration at fixed times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cicd.errors import PlatformError
from cicd.model import LiveResource, Resource, Spec
from cicd.platforms.aicore import convert, statuses
from cicd.platforms.aicore.api import Api, changed, made
from cicd.platforms.aicore.convert import Document
from cicd.platforms.aicore.register import Register
from cicd.platforms.aicore.times import moment, rfc3339

PATH = "/lm/executionSchedules"
ACTIVE, INACTIVE = "ACTIVE", "INACTIVE"
FIELDS = {"cron": "cron", "start": "start", "end": "end", "configuration": "configurationId"}
"""Our field -> the API's, of all that can be changed besides the status."""
NEEDED = ("configurationId", "cron", "status")
NAMES = ("configuration_name", "scenario_id", "executable_id")


class Schedules:
    """``schedule/<name>``. Names are not unique; the active, newest one of a name counts."""

    def __init__(self, api: Api, register: Register) -> None:
        self._api = api
        self._register = register
        self._names: dict[str, dict[str, str]] = {}

    def peek(
        self, desired: Iterable[Resource] = (), *, is_thorough: bool = False
    ) -> Sequence[Document]:
        """All of them, as documents; the desired ones whole, whatever the list leaves out."""
        names = {wish.spec["name"] for wish in desired if wish.key.kind == "schedule"}
        return [
            self._api.completed(item, f"{PATH}/{item['id']}", NEEDED)
            if item["name"] in names
            else item
            for item in self._api.http.pages(PATH, is_thorough=is_thorough)
        ]

    def read(
        self,
        documents: Iterable[Document],
        configurations: Iterable[LiveResource],
        desired: Iterable[Resource] = (),
    ) -> list[LiveResource]:
        """The schedules, with the names that their configurations tell; a note where several have
        the name of a desired one."""
        for item in configurations:
            self._names[item.id] = _names(item)
        wishes = {wish.spec["name"]: wish.spec for wish in desired if wish.key.kind == "schedule"}
        found = [
            self._read(document, wishes.get(document.get("name"), {})) for document in documents
        ]
        count = Counter(live.spec["name"] for live in found)
        return [_with_note(live, count[live.spec["name"]]) for live in found]

    def get(self, live: LiveResource) -> LiveResource:
        return self._look(self._api.get(f"{PATH}/{live.id}"), live.spec)

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        name = desired.spec["name"]
        same = [d for d in self.peek() if d.get("name") == name and str(d.get("id")) not in known]
        # The API takes any number of schedules with one name.
        same.sort(key=lambda d: (d.get("status") == ACTIVE, str(d.get("createdAt"))))
        return self._look(same[-1], desired.spec) if same else None

    def create(self, desired: Resource) -> LiveResource:
        """POST; one that is to be paused is so at once. Raises LostAnswer only for the POST."""
        spec = desired.spec
        body = {"name": spec["name"], **_body(spec)}
        answer = self._api.http.call("POST", PATH, body=body)
        status = statuses.status_of(ACTIVE if spec["active"] else INACTIVE)
        live = made(desired, str(answer.get("id") or ""), spec["name"], status)
        self._register.enter(desired, live.id)
        if not spec["active"]:
            self._pause(live)
        return live

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        """One PATCH of what differs."""
        before, after = _body(live.spec), _body(desired.spec)
        body: dict[str, Any] = {
            name: value for name, value in after.items() if not _same(before.get(name), value)
        }
        status = ACTIVE if desired.spec["active"] else INACTIVE
        # One that its end has stopped starts again only when it is told to.
        if live.status.raw != status and not (
            status == ACTIVE and self._is_over({**live.spec, **desired.spec})
        ):
            body["status"] = status
        if body:
            self._api.http.call("PATCH", f"{PATH}/{live.id}", body=body)
        self._register.enter(desired, live.id)
        return changed(live, desired, statuses.status_of(status))

    def delete(self, live: LiveResource) -> None:
        self._api.http.call("DELETE", f"{PATH}/{live.id}")
        self._register.leave(live.key.kind, live.id)

    def _pause(self, live: LiveResource) -> None:
        try:
            self._api.http.call("PATCH", f"{PATH}/{live.id}", body={"status": INACTIVE})
        except PlatformError as error:
            # Not as it came: the schedule itself is there, and nobody may create it once more.
            raise PlatformError(
                f"schedule {live.id} was created, but whether it is paused is not known: {error}",
                hint="apply again",
            ) from None

    def _look(self, document: Document, wish: Spec) -> LiveResource:
        id = str(document.get("configurationId", ""))
        if id and id not in self._names:
            found = self._api.get_or_none(f"/lm/configurations/{id}")
            if found:
                self._names[id] = _names(convert.configuration({"id": id, **found}))
        return self._read(document, wish)

    def _read(self, document: Document, wish: Spec) -> LiveResource:
        """Times are spelt as wished where they mean the same; one whose end has passed counts as
        active, if so wished: it is INACTIVE by itself."""
        configuration = str(document.get("configurationId", ""))
        spec: dict[str, Any] = {
            "name": str(document.get("name", "")),
            "configuration": configuration,
            **self._names.get(configuration, {}),
            "cron": str(document.get("cron", "")),
            "active": document.get("status") != INACTIVE,
        }
        spec |= {name: str(document[name]) for name in ("start", "end") if document.get(name)}
        for name in ("cron", "start", "end"):
            if name in spec and _same(spec[name], wish.get(name)):
                spec[name] = wish[name]
        notes: tuple[str, ...] = ()
        if not spec["active"] and self._is_over(spec):
            spec["active"] = wish.get("active", True)
            notes = (f"its end {spec['end']} has passed, so it is {INACTIVE} by itself",)
        name, id = spec["name"], convert.id_of(document)
        status = statuses.status_of(document.get("status"))
        return convert.live_resource("schedule", name, id, spec, status, document, notes=notes)

    def _is_over(self, spec: Spec) -> bool:
        end = moment(spec.get("end"))
        return end is not None and end <= self._api.http.now().timestamp() * 10**9


def _body(spec: Spec) -> dict[str, Any]:
    """The fields as they are sent: times in UTC and whole seconds."""
    return {
        theirs: _sent(ours, spec[ours])
        for ours, theirs in FIELDS.items()
        if spec.get(ours) is not None
    }


def _sent(name: str, value: Any) -> Any:
    time = moment(value) if name in {"start", "end"} else None
    return value if time is None else rfc3339(time)[:19] + "Z"


def _same(one: Any, other: Any) -> bool:
    """Whether two times are the same second, or two cron expressions the same but for blanks."""
    # The API keeps whole seconds in UTC, whatever it was sent.
    times = [moment(one), moment(other)]
    if None in times:
        return str(one).split() == str(other).split()
    return len({time // 10**9 for time in times if time is not None}) == 1


def _names(configuration: LiveResource) -> dict[str, str]:
    spec: Mapping[str, Any] = {
        **configuration.spec,
        "configuration_name": configuration.spec["name"],
    }
    return {name: str(spec[name]) for name in NAMES}


def _with_note(live: LiveResource, count: int) -> LiveResource:
    if count < 2:
        return live
    note = f"{count} schedules have this name, {live.id} is taken: it is active or the newest"
    return replace(live, notes=(*live.notes, note))
