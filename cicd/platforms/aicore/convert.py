"""AI Core's JSON -> our model. Pure, and tolerant: fields may be missing and words be new."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cicd.errors import ConnectionFailed
from cicd.model import (
    Key,
    LiveResource,
    LogEntry,
    Ref,
    Resource,
    Secret,
    State,
    Status,
)
from cicd.platforms.aicore.statuses import CLOSED, THERE, end_facts, run_status, status_of
from cicd.platforms.aicore.times import moment, rfc3339, utc_seconds

Document = Mapping[str, Any]
"""One JSON object as AI Core sends it."""
GROUP_CURE = "delete the group and create it again, or open a ticket for component CA-ML-AIC"
"""What to do about a resource group in ERROR."""
LABEL_PREFIX = "ext.ai.sap.com/"
OUR_LABELS = LABEL_PREFIX + "cicd."
STAGE_LABEL = OUR_LABELS + "stage"
"""Label with the name of the stage that made a resource group."""


def resource_group(document: Document) -> LiveResource:
    """``resource_group/<id>``, with the labels of its users; ours tell whose it is."""
    name = str(document.get("resourceGroupId", ""))
    status = status_of(document.get("status"), str(document.get("statusMessage") or ""))
    labels = pairs(document.get("labels"))
    spec = {"name": name, "labels": users_labels(labels)}
    notes: tuple[str, ...] = ()
    if status.state in CLOSED:
        why_not = f": {status.message}" if status.message else ""
        notes = (f"is {status.raw}{why_not}; what is in it cannot be seen, so all of it is new",)
    if status.state is State.FAILED:
        told = f"{status.message} ({GROUP_CURE})" if status.message else GROUP_CURE
        status = replace(status, message=told)
    owner = labels.get(STAGE_LABEL, "")
    return live_resource(
        "resource_group", name, name, spec, status, document, notes=notes, owner=owner
    )


def users_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels that people may set, without those in which cicd remembers things."""
    return {
        key: value
        for key, value in labels.items()
        if key.startswith(LABEL_PREFIX) and not key.startswith(OUR_LABELS)
    }


def repository(document: Document, desired: Iterable[Resource] = ()) -> LiveResource:
    """``repository/<name>``; its url in the spelling of the desired one that means the same."""
    name = str(document.get("name") or id_of(document))
    url = respell(str(document.get("url", "")), repositories_in(desired), same_repository)
    spec = {"name": name, "url": url}
    return live_resource(
        "repository", name, name, spec, status_of(document.get("status")), document
    )


def artifact(document: Document) -> LiveResource:
    """``artifact/<name>``, with its labels as a map."""
    spec = {
        "name": document.get("name", ""),
        "kind": document.get("kind", ""),
        "url": document.get("url", ""),
        "scenario_id": document.get("scenarioId", ""),
        "labels": pairs(document.get("labels")),
        "description": document.get("description") or "",
    }
    return live_resource("artifact", str(spec["name"]), id_of(document), spec, THERE, document)


def configuration(document: Document) -> LiveResource:
    """``configuration/<name>``, with both sorts of bindings as maps: their order never matters."""
    spec = {
        "name": document.get("name", ""),
        "scenario_id": document.get("scenarioId", ""),
        "executable_id": document.get("executableId", ""),
        "parameter_bindings": pairs(document.get("parameterBindings")),
        "input_artifact_bindings": pairs(document.get("inputArtifactBindings"), "artifactId"),
    }
    return live_resource("configuration", str(spec["name"]), id_of(document), spec, THERE, document)


def execution(
    document: Document, executables: Mapping[str, Document] | None = None
) -> LiveResource:
    """``execution/<configuration name>``, not knowing its tags yet (see ``tracking.tagged``).

    ``executables``: id -> document, to tell whether it ended after its template was last synced.
    """
    spec = _run_spec(document, str(document.get("configurationId", "")))
    synced = moment((executables or {}).get(spec["executable_id"], {}).get("modifiedAt"))
    ended = moment(document.get("completionTime"))
    if executables is not None:
        spec["completed_after_sync"] = ended is not None and synced is not None and ended >= synced
    outputs: dict[str, str] = {}
    for made in document.get("outputArtifacts") or ():
        names = (str(made.get("url", "")).rstrip("/").rpartition("/")[2], str(made.get("name", "")))
        outputs.update({f"artifacts.{name}": str(made.get("id", "")) for name in names if name})
    facts = {
        "started_at": utc_seconds(document.get("startTime")),
        "completed_at": utc_seconds(document.get("completionTime")),
        "schedule": str(document.get("executionScheduleId") or ""),
        **end_facts(document),
    }
    status = run_status(document)
    return live_resource(
        "execution", *_run_name(document), spec, status, document, outputs, facts=facts
    )


def deployment(
    document: Document, executables: Mapping[str, Document] | None = None
) -> LiveResource:
    """``deployment/<configuration name>``; its configuration is the one that really serves."""
    asked, serving = document.get("configurationId"), document.get("latestRunningConfigurationId")
    status = run_status(document)
    if status.state is State.RUNNING and serving and asked and serving != asked:
        # The update is still under way, or it failed: what was asked for does not run.
        message = f"configuration {asked} is not up yet, {serving} still serves"
        status, serving = Status(State.PENDING, "PENDING", message), None
    if status.state is not State.RUNNING:
        serving = None
    spec = _run_spec(document, str(serving or asked or ""))
    if document.get("ttl"):
        spec["ttl"] = document["ttl"]
    url = document.get("deploymentUrl")
    outputs = {"url": str(url)} if url else {}
    notes = _template_notes(document, (executables or {}).get(spec["executable_id"]))
    facts = {
        "configuration_name": str(document.get("configurationName") or ""),
        "last_operation": str(document.get("lastOperation") or ""),
        "model": _model(document),
        **end_facts(document),
    }
    return live_resource(
        "deployment", *_run_name(document), spec, status, document, outputs, notes, facts
    )


def id_of(document: Document) -> str:
    """What the platform knows it by. Raises ConnectionFailed for a document of another sort."""
    if not document.get("id"):
        raise ConnectionFailed(
            "the platform answers with something that has no id", hint="check the base URL"
        )
    return str(document["id"])


def same_repository(one: str, other: str) -> bool:
    """AI Core's own rule, case and trailing slash do not count, and ``.git`` neither."""

    def plain(url: str) -> str:
        return url.strip().rstrip("/").removesuffix(".git").rstrip("/").lower()

    return plain(one) == plain(other)


def repositories_in(desired: Iterable[Resource]) -> list[str]:
    """Every repository that is named, as it is spelt there."""
    fields = {"repository": "url", "application": "repository"}
    named = [(wish, fields.get(wish.key.kind, "")) for wish in desired]
    return [str(wish.spec[field]) for wish, field in named if wish.spec.get(field)]


def same_path(one: str, other: str) -> bool:
    """Whether two folders in a repository are the same: ``templates``, ``./templates/``."""

    def plain(path: str) -> str:
        return "/".join(
            part for part in path.replace("\\", "/").split("/") if part not in {"", "."}
        )

    return plain(one) == plain(other)


def respell(live: str, wishes: Iterable[str], is_same: Callable[[str, str], bool]) -> str:
    """``live`` as the wish spells it that means the same, else as it is."""
    return next((wish for wish in wishes if is_same(live, wish)), live)


def has_content(live: LiveResource, desired: Resource) -> bool:
    """Whether all that ``desired`` declares is so in ``live``; a Ref or Secret fits anything."""
    return all(_fits(live.spec.get(name), value) for name, value in desired.spec.items())


def _fits(live: Any, wish: Any) -> bool:
    if isinstance(wish, Ref | Secret):
        return True
    if isinstance(wish, Mapping) and isinstance(live, Mapping):
        return live.keys() == wish.keys() and all(_fits(live[key], wish[key]) for key in wish)
    return bool(live == wish)


def newest_of_each(
    runs: Sequence[LiveResource], configurations: Iterable[str]
) -> list[LiveResource]:
    """The newest run of each of these configurations; all of them where the second is shared."""
    wanted = set(configurations)
    newest: dict[str, str] = {}
    for run in runs:
        used = run.spec["configuration"]
        newest[used] = max(newest.get(used, ""), run.created_at)
    return [
        run
        for run in runs
        if run.spec["configuration"] in wanted
        if run.created_at == newest[run.spec["configuration"]]
    ]


def newest_of_families(runs: Sequence[LiveResource], desired: Iterable[Resource]) -> list[str]:
    """Ids of the newest runs of what is desired, whatever their parameters were: what a new run
    differs from."""
    names = ("configuration_name", "scenario_id", "executable_id")
    wanted = {
        tuple(wish.spec.get(name) for name in names)
        for wish in desired
        if wish.key.kind == "execution"
    }
    newest: dict[tuple[Any, ...], LiveResource] = {}
    for run in sorted(runs, key=lambda run: (run.created_at, run.id)):
        family = tuple(run.spec.get(name) for name in names)
        if family in wanted:
            newest[family] = run
    return [run.id for run in newest.values()]


def log_entry(item: Document, otherwise: int) -> LogEntry:
    """One line without the container runtime's prefix; ``otherwise``: its time if it tells none."""
    text = str(item.get("msg") or "").encode(errors="replace").decode().rstrip("\r\n")
    time = moment(item.get("timestamp"))
    return LogEntry(otherwise if time is None else time, CRI_PREFIX.sub("", text, count=1))


CRI_PREFIX = re.compile(r"^\d{4}-\d\d-\d\dT\S+ (?:stdout|stderr) [FP] ")


def _run_name(document: Document) -> tuple[str, str]:
    id = id_of(document)
    return str(document.get("configurationName") or id), id


def _run_spec(document: Document, configuration_id: str) -> dict[str, Any]:
    return {
        "configuration": configuration_id,
        "configuration_name": document.get("configurationName", ""),
        "scenario_id": document.get("scenarioId", ""),
        "executable_id": document.get("executableId", ""),
    }


def _model(document: Document) -> str:
    """Name and version of the model that a deployment of a scenario of the platform serves."""
    resources: Any = _part(_part(document, "details"), "resources")
    for side in ("backendDetails", "backend_details"):
        model = _part(_part(resources, side), "model")
        words = [str(_part(model, name) or "") for name in ("name", "version")]
        if words[0]:
            return " ".join(word for word in words if word)
    return ""


def _part(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _template_notes(document: Document, executable: Document | None) -> tuple[str, ...]:
    synced = moment((executable or {}).get("modifiedAt"))
    times = [moment(document.get(name)) for name in ("submissionTime", "startTime")]
    started = max((time for time in times if time is not None), default=None)
    # Runs tell whole seconds and executables fractions: within one second nobody knows.
    if synced is None or started is None or synced // 10**9 <= started // 10**9:
        return ()
    when = rfc3339(synced)[:19] + "Z"
    return (
        f"its serving template was synced at {when}, after it started: it may run an older one",
    )


def pairs(items: Any, value: str = "value") -> dict[str, str]:
    """A list of ``{key, value}`` as a map."""
    return {str(item.get("key")): str(item.get(value, "")) for item in items or ()}


def as_pairs(labels: Mapping[str, str]) -> list[dict[str, str]]:
    """The other way round."""
    return [{"key": key, "value": labels[key]} for key in sorted(labels)]


def live_resource(
    kind: str,
    name: str,
    id: str,
    spec: dict[str, Any],
    status: Status,
    document: Document,
    outputs: Mapping[str, str] | None = None,
    notes: tuple[str, ...] = (),
    facts: Mapping[str, str] | None = None,
    owner: str = "",
) -> LiveResource:
    """A live thing with what all documents tell alike: its id as an output, when it was made."""
    return LiveResource(
        Key(kind, name),
        id,
        spec,
        status,
        {"id": id, **(outputs or {})},
        created_at=utc_seconds(document.get("createdAt")),
        notes=notes,
        owner=owner,
        facts={name: fact for name, fact in (facts or {}).items() if fact},
    )
