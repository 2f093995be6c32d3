"""What an answer has to be made of before anything of it is believed. Pure.

One place knows the type of every field that is read: an element that is null, a number in place of
a text, half a character end here, by name, and not somewhere in the midst of a plan. Fields that
nobody reads may be anything; null is as good as left out. What must be there is in ``needs``: all
without which the thing could not be told from another. Source: AI Core's OpenAPI document.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cicd.platforms.aicore.statuses import STATES

Shape = Callable[[Any], Any]
"""A value -> the value as it is used. Raises Unfit."""
HALVES = re.compile("[\ud800-\udfff]")
"""Half a character each: JSON can hold one, and nothing can print it."""
NO_NAME = re.compile(r"[/\\?#%\s\x00-\x1f\x7f]")
"""In no id or name that becomes a part of an address."""


class Unfit(Exception):
    """A value that is not what it should be. ``path``: where, from the outside in."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
        self.path: list[str | int] = []

    def __str__(self) -> str:
        where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in self.path)
        return f"{where.removeprefix('.') or 'the answer'} {self.what}"


def text(value: Any) -> str:
    """A text that identifies something or is sent on: whole characters only."""
    if not isinstance(value, str):
        raise Unfit(f"is {_kind(value)}, not a text")
    if not value.isascii() and HALVES.search(value):
        raise Unfit("holds half a character")
    return value


def name(value: Any) -> str:
    """A text that can be a part of an address."""
    if not text(value) or NO_NAME.search(value) or value in {".", ".."}:
        raise Unfit("is no name" if value else "is empty")
    return str(value)


def prose(value: Any) -> str:
    """A text for people, also where it comes as a number."""
    if isinstance(value, str):
        return value if value.isascii() else HALVES.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, bool | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    raise Unfit(f"is {_kind(value)}, not a text")


def word(value: Any) -> str:
    """A status. Those that are known in their own spelling: servers differ in upper and lower."""
    said = prose(value)
    return said.upper() if said.upper() in STATES else said


def number(value: Any) -> int | float:
    """A number, also as a text."""
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit(f"is {_kind(value)}, not a number")
    if not math.isfinite(value):
        raise Unfit("is no finite number")
    return value


def anything(value: Any) -> Any:
    """Whatever it is."""
    return value


def each(shape: Shape) -> Shape:
    """A list of such."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise Unfit(f"is {_kind(value)}, not a list")
        found = []
        for place, item in enumerate(value):
            try:
                found.append(shape(item))
            except Unfit as error:
                error.path.insert(0, place)
                raise
        return found

    return read


def mapping(shape: Shape) -> Shape:
    """An object with names of others, each of whose values is such."""

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Unfit(f"is {_kind(value)}, not an object")
        return {text(key): _inside(key, shape, value[key]) for key in value}

    return read


def record(needs: Sequence[str] = (), **fields: Shape) -> Shape:
    """An object with such fields, ``needs`` of them, and whatever others."""

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Unfit(f"is {_kind(value)}, not an object")
        found = {key: item for key, item in value.items() if item is not None}
        for key, shape in fields.items():
            if key in found:
                found[key] = _inside(key, shape, found[key])
        for key in needs:
            if key not in found:
                raise Unfit(f"has no {key}")
        return found

    return read


def _inside(key: str, shape: Shape, value: Any) -> Any:
    try:
        return shape(value)
    except Unfit as error:
        error.path.insert(0, key)
        raise


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", str: "a text", list: "a list", dict: "an object"}
    if value is None:
        return "null"
    return kinds.get(type(value), "a number")


def listing(shape: Shape) -> Shape:
    """The answer of a list; without one it is left as it is, for whoever reads it to say so."""
    items = each(shape)

    def read(value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("resources"), list):
            return {**value, "resources": _inside("resources", items, value["resources"])}
        return value

    return read


LABELS = each(record(("key", "value"), key=text, value=text))
TAGS = each(record(("name",), name=text, value=text))
NAMED = each(record(("name",), name=text, value=prose))
BINDINGS = each(record(("key", "value"), key=text, value=text))
INPUTS = each(record(("key", "artifactId"), key=text, artifactId=name))
TIMES: dict[str, Shape] = dict.fromkeys(
    ("createdAt", "modifiedAt", "submissionTime", "startTime", "completionTime"), prose
)
STATUS = {"status": word, "targetStatus": word, "statusMessage": prose}
CONTENT = {"id": name, "name": text, "scenarioId": text, "executableId": text}
ARTIFACT = record(("id",), **CONTENT, **TIMES, kind=text, url=text, description=text, labels=LABELS)
CONFIGURATION = record(
    ("id",), **CONTENT, **TIMES, parameterBindings=BINDINGS, inputArtifactBindings=INPUTS
)
RUN: dict[str, Shape] = {
    **STATUS,
    **TIMES,
    "id": name,
    "configurationId": name,
    "configurationName": text,
    "scenarioId": text,
    "executableId": text,
    "latestRunningConfigurationId": name,
    "executionScheduleId": prose,
    "deploymentUrl": text,
    "ttl": text,
    "lastOperation": prose,
    "outputArtifacts": each(record(("id",), id=name, name=text, url=text)),
}
SCHEDULE = record(
    ("id", "name"),
    id=name,
    name=text,
    configurationId=name,
    cron=text,
    start=prose,
    end=prose,
    status=word,
    createdAt=prose,
)
PARAMETERS = each(record(("name",), name=text, default=prose))
EXECUTABLE = record(
    ("id",),
    id=text,
    scenarioId=text,
    versionId=prose,
    modifiedAt=prose,
    parameters=PARAMETERS,
    inputArtifacts=NAMED,
    outputArtifacts=NAMED,
)
VERSIONS = each(record((), name=prose, retirementDate=prose, suggestedReplacements=each(prose)))
MODEL = record(
    (),
    model=prose,
    executableId=prose,
    versions=VERSIONS,
    allowedScenarios=each(record((), scenarioId=prose, executableId=prose)),
)
TRACKED = record(
    ("executionId",),
    executionId=name,
    tags=TAGS,
    customInfo=NAMED,
    metrics=each(record((), name=prose, timestamp=prose, labels=NAMED)),
)
GROUP = record(
    ("resourceGroupId",),
    resourceGroupId=name,
    status=word,
    statusMessage=prose,
    labels=LABELS,
    createdAt=prose,
)
REPOSITORY = record((), name=name, id=name, url=text, status=word)
APPLICATION = record((), applicationName=name, repositoryUrl=text, path=text, revision=text)
SYNCED = each(record((), name=prose, status=prose, message=prose))
SYNC = record(
    (),
    message=prose,
    syncStatus=prose,
    healthStatus=prose,
    source=record((), revision=prose, path=prose, repoURL=prose),
    syncStartedAt=prose,
    syncFinishedAt=prose,
    reconciledAt=prose,
    syncResourcesStatus=SYNCED,
    syncRessourcesStatus=SYNCED,
    syncResourceStatus=SYNCED,
)
SECRET = record(("name",), name=name, labels=LABELS, createdAt=prose)
STORE = record(("name",), name=name, metadata=mapping(prose))
PLAN = record((), name=text, requested=number, provisioned=number)


def plans(value: Any) -> Any:
    """Reserved nodes: by plan, or as a list like the one that is sent."""
    return each(PLAN)(value) if isinstance(value, list) else mapping(PLAN)(value)


QUOTA = record(
    (),
    usage=record((), items=each(record())),
    quotas=each(record((), deploymentQuota=record())),
    quota=mapping(anything),
)
LINES = record((), data=record((), result=each(anything)))
PROPERTIES: dict[str, Shape] = dict.fromkeys(
    (
        *("Name", "URL", "Type", "ProxyType", "Authentication", "clientId", "clientSecret"),
        *("tokenServiceURL", "tokenServiceURLType", "URL.headers.AI-Resource-Group"),
    ),
    prose,
)
ENTRY = record((), **PROPERTIES, destinationConfiguration=record(("Name",), **PROPERTIES))


def entry(value: Any) -> Any:
    """A destination; nothing found is an empty list in some versions of the service."""
    return value if value == [] else ENTRY(value)


ANSWERS: Mapping[str, Shape] = {
    "/lm/artifacts": listing(ARTIFACT),
    "/lm/artifacts/*": ARTIFACT,
    "/lm/configurations": listing(CONFIGURATION),
    "/lm/configurations/*": CONFIGURATION,
    "/lm/executions": listing(record(("id",), **RUN)),
    "/lm/executions/*": record(("id", "status"), **RUN),
    "/lm/executions/*/logs": LINES,
    "/lm/deployments": listing(record(("id",), **RUN)),
    "/lm/deployments/*": record(("id", "status"), **RUN),
    "/lm/deployments/*/logs": LINES,
    "/lm/executionSchedules": listing(SCHEDULE),
    "/lm/executionSchedules/*": SCHEDULE,
    "/lm/metrics": listing(TRACKED),
    "/lm/scenarios/*/executables": listing(EXECUTABLE),
    "/lm/scenarios/*/models": listing(MODEL),
    "/admin/resourceGroups": listing(GROUP),
    "/admin/resourceGroups/*": GROUP,
    "/admin/repositories": listing(REPOSITORY),
    "/admin/repositories/*": REPOSITORY,
    "/admin/applications": listing(APPLICATION),
    "/admin/applications/*": APPLICATION,
    "/admin/applications/*/status": SYNC,
    "/admin/secrets": listing(SECRET),
    "/admin/secrets/*": record((), name=name, labels=LABELS, createdAt=prose),
    "/admin/objectStoreSecrets": listing(STORE),
    "/admin/objectStoreSecrets/*": record((), name=name, metadata=mapping(prose)),
    "/admin/dockerRegistrySecrets": listing(record(("name",), name=name)),
    "/admin/dockerRegistrySecrets/*": record((), name=name),
    "/admin/resources/nodes": record((), resourcePlans=plans),
    "/admin/resourceQuota/*": QUOTA,
    "/subaccountDestinations": each(ENTRY),
    "/subaccountDestinations/*": entry,
}
"""Path -> the shape of what a GET of it answers; ``*`` is an id."""


def checked(path: str, value: Any) -> Any:
    """An answer to a GET of ``path`` with everything in its place. Raises Unfit."""
    _, *parts = path.split("/")
    if not parts or parts[-1].startswith("$"):
        return value
    for star in (None, 1, 2):
        asked = "/".join("*" if n == star else part for n, part in enumerate(parts))
        if shape := ANSWERS.get(f"/{asked}"):
            return shape(value)
    return value
