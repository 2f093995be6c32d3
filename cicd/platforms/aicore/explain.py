"""Why something is as it is: its status, what that means, and whether what it needs is there.

Only reads. What a login may not see is left out: the rest still helps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from cicd.errors import CicdError, NotFound, PlatformError
from cicd.model import LiveResource, LogEntry, State
from cicd.platforms.aicore import causes, convert, doctor, statuses
from cicd.platforms.aicore.api import Api
from cicd.platforms.aicore.convert import Document
from cicd.platforms.aicore.dialect.template_needs import Needs
from cicd.platforms.aicore.listing import resources
from cicd.platforms.base import Finding
from cicd.threads import together

LINES = 40
"""Lines of a log in which causes are looked for."""
RUNS = {"execution": "/lm/executions", "deployment": "/lm/deployments"}
STATES: Mapping[State, Literal["ok", "warning", "error"]] = {
    State.FAILED: "error",
    State.RUNNING: "ok",
    State.SUCCEEDED: "ok",
}
PARAMETER = re.compile(r"\{\{\s*(?:workflow\.|inputs\.)?parameters\.([\w.-]+)\s*\}\}")
EXIT_CODE = re.compile(r"exit code [1-9]")
TAG = re.compile(r"(:[\w.{}-]+)?(@[\w:]+)?$")
NAME = re.compile(r"[\w.{}:/-]+")
STORE = "-object-store-secret"


def explain(
    api: Api, live: LiveResource, needs: Needs, log: Sequence[LogEntry]
) -> Iterator[Finding]:
    """All findings; what is likely comes right after the status."""
    yield Finding("status", STATES.get(live.status.state, "warning"), _status(live))
    document = _details(api, live) if live.key.kind in RUNS else {}
    messages = list(dict.fromkeys(statuses.messages(document.get("statusDetails"))))
    # Nothing is sought for what went well: the words occur in many a harmless log.
    if live.status.state is not State.SUCCEEDED:
        said = "\n".join([live.status.message, *messages])
        text = "\n".join(entry.text for entry in log)
        # As long as it runs, an error in its log may be one that it has coped with.
        has_failed = live.status.state is State.FAILED
        found = list(causes.likely(said, text if has_failed else "", statuses.exit_codes(document)))
        has_run = bool(log or statuses.exit_codes(document) or EXIT_CODE.search(said))
        yield from found or _unknown_cause(live, has_run=has_run)
    for message in messages:
        # The short status often is one of these already.
        if message not in live.status.message:
            yield Finding("reported", "warning", message)
    if live.key.kind in RUNS:
        yield from _surroundings(api, live, needs)


def _unknown_cause(live: LiveResource, *, has_run: bool) -> Iterator[Finding]:
    """What can be said where no word is known; ``has_run``: whether its program ever began."""
    if live.key.kind not in RUNS:
        return
    if live.status.state is State.FAILED:
        if has_run:
            text = "its program ended by itself: the end of its log says why"
        else:
            text = "its program never began, as far as anything tells"
        yield Finding("likely", "warning", text)
    elif live.status.state in {State.PENDING, State.UNKNOWN}:
        text = "it waits for a node with room, for its image, or for its first answer"
        cure = "wait some minutes; a run that stays so has no room, or its image cannot be had"
        yield Finding("likely", "warning", text, cure)


def _status(live: LiveResource) -> str:
    word = live.status.raw or "there"
    return f"{word}: {live.status.message}" if live.status.message else word


def _details(api: Api, live: LiveResource) -> Document:
    return api.get_or_none(f"{RUNS[live.key.kind]}/{live.id}") or {}


def _surroundings(api: Api, live: LiveResource, needs: Needs) -> Iterator[Finding]:
    """What a run or deployment needs: image, secrets, plan, inputs, store, quota; side by side."""
    configuration = _configuration(api, live)
    looks: list[Callable[[], list[Finding]]] = [
        lambda: _images(needs, configuration),
        partial(_secrets, api, "pull secret", "/admin/dockerRegistrySecrets", needs.pull_secrets),
        partial(_secrets, api, "secret", "/admin/secrets", needs.secrets),
        partial(_plans, api, needs.plans),
        partial(_inputs, api, configuration),
    ]
    if live.key.kind == "execution":
        looks.append(partial(doctor.object_store, api))
    else:
        looks.append(partial(doctor.quota, api, "deployments", "deployments"))
    with together(len(looks)) as pool:
        # All are begun before the first is waited for, hence a list.
        for answer in [pool.submit(_quietly, look) for look in looks]:
            yield from answer.result()


def _quietly(look: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return look()
    except (CicdError, AttributeError, KeyError, TypeError, ValueError):
        return []


def _configuration(api: Api, live: LiveResource) -> Document:
    try:
        return api.get(f"/lm/configurations/{live.spec.get('configuration')}")
    except PlatformError:
        return {}


def _images(needs: Needs, configuration: Document) -> list[Finding]:
    bound = convert.pairs(configuration.get("parameterBindings"))

    def filled(image: str) -> str:
        # A parameter without a binding has its default, which only the platform knows: it stays in
        # braces.
        return PARAMETER.sub(lambda found: bound.get(found[1], found[0]), image)

    found = []
    for image in dict.fromkeys(map(filled, needs.images)):
        name = TAG.sub("", image)
        if name != name.lower() or not NAME.fullmatch(name):
            text = f'"{image}" is no name of an image'
            found.append(Finding("image", "warning", text, "write it as registry/name:tag"))
        else:
            found.append(Finding("image", "ok", image))
    return found


def _secrets(api: Api, check: str, path: str, names: Iterable[str]) -> list[Finding]:
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return []
    there = {str(item.get("name")) for item in resources(api.http.call("GET", path), path)}
    kind = "docker registry secret" if path.endswith("dockerRegistrySecrets") else "generic secret"
    section = "docker_registry" if kind.startswith("docker") else "generic"
    found = []
    for name in wanted:
        # The platform keeps the object store secret X as X-object-store-secret, and templates may
        # name either.
        if name in there or f"{name}{STORE}" in there:
            found.append(Finding(check, "ok", f'"{name}" is there'))
        else:
            text = f'there is no {kind} "{name}", which the template names'
            cure = f"declare it under secrets.{section} in the stage file, or correct the template"
            found.append(Finding(check, "error", text, cure))
    return found


def _plans(api: Api, names: Iterable[str]) -> list[Finding]:
    """What each resource plan gives, as far as that can be read."""
    wanted = [name for name in dict.fromkeys(names) if not PARAMETER.search(name)]
    if not wanted:
        return []
    known: Mapping[str, Any] = {}
    try:
        known = api.get("/admin/resources/instanceTypes")
    except PlatformError:
        # A login may lack the right to read the list. Which plan is named is worth a line even so.
        return [Finding("resource plan", "ok", name) for name in wanted]
    found = []
    for name in wanted:
        size = known.get(name)
        if isinstance(size, Mapping):
            parts = [f"{size[part]} {unit}" for part, unit in _SIZES if size.get(part)]
            found.append(Finding("resource plan", "ok", f"{name}: {', '.join(parts)}"))
        else:
            # No error: nothing says that the list is whole.
            found.append(Finding("resource plan", "ok", name))
    return found


_SIZES = (("cpu", "CPU"), ("memory", "memory"), ("gpu", "GPU"))


def _inputs(api: Api, configuration: Document) -> list[Finding]:
    found = []
    bound = convert.pairs(configuration.get("inputArtifactBindings"), "artifactId")
    for name, id in bound.items():
        try:
            artifact = api.get(f"/lm/artifacts/{id}")
        except NotFound:
            text = f'input "{name}": there is no artifact {id}'
            found.append(Finding("input", "error", text, "apply again, so that it is bound anew"))
        else:
            found.append(Finding("input", "ok", f"{name}: {artifact.get('url', id)}"))
    return found
