"""Argo template as Metaflow writes it -> training template of SAP AI Core. Pure.

Each part is built anew from what is known; what only a cluster of one's own has is left out, and
what nobody here knows is refused: a step must not quietly run otherwise than its flow says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cicd.errors import CicdError
from cicd.metaflow.script import variable_of, without_download, without_parameters
from cicd.platforms.aicore.dialect.flows.declared import Flow, Store, loopback_in
from cicd.platforms.aicore.dialect.flows.schema import FlowInput, FlowOutput

Document = Mapping[str, Any]

PLAN = "ai.sap.com/resourcePlan"
_OWN_LABELS = "ai.sap.com/"
_TEMPLATE = {"name", "inputs", "outputs", "container", "dag", "retryStrategy"} | {
    "activeDeadlineSeconds",
    "volumes",
    "metadata",
}
_TEMPLATE_DROPPED = {"failFast", "serviceAccountName", "nodeSelector", "tolerations"}
_TASK = {"name", "template", "depends", "dependencies", "arguments", "when"} | {
    "withParam",
    "withItems",
}
_CONTAINER = {"image", "command", "args", "env", "envFrom", "volumeMounts", "imagePullPolicy"}
_CONTAINER_DROPPED = {"name", "resources", "terminationMessagePolicy"}
_VARIABLES_DROPPED = (
    "METAFLOW_ARGO_EVENTS_",
    "METAFLOW_ARGO_WORKFLOWS_",
    "METAFLOW_PRODUCTION_TOKEN",
    "METAFLOW_S3_ENDPOINT_URL",  # ours says where, and never this machine
    "METAFLOW_SERVICE_",  # may hold a token
    "METAFLOW_VERSION",  # names the person and the machine that built it
)
_CODE_VARIABLES = "METAFLOW_CODE_"
_CURES = {
    "podSpecPatch": "name pull secrets as image_pull_secrets in the stage file",
    "resource": "AI Core runs one pod for a step: take @parallel and the like out",
}


def convert(raw: Document, flow: Flow, store: Store) -> dict[str, Any]:
    """The template of AI Core. Raises CicdError for what it cannot have."""
    if raw.get("kind") != "WorkflowTemplate":
        raise CicdError(f"the generator made a {raw.get('kind')}, not a WorkflowTemplate")
    spec = raw["spec"]
    templates = {item["name"]: item for item in spec["templates"]}
    order = list(dict.fromkeys(_walk(spec["entrypoint"], templates)))
    parameters = [_parameter(item) for item in _items(spec, "arguments")]
    _check_outputs(flow, templates[spec["entrypoint"]])
    made = [
        _template(templates[name], flow, store, parameters, is_first=name == "start")
        for name in order
    ]
    arguments = {
        "parameters": parameters,
        "artifacts": [{"name": item.name} for item in flow.settings.inputs],
    }
    pull = [{"name": name} for name in flow.settings.image_pull_secrets]
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": _metadata(flow),
        "spec": _filled(
            entrypoint=spec["entrypoint"],
            imagePullSecrets=pull,
            arguments=_filled(**arguments),
            parallelism=spec.get("parallelism"),
            templates=made,
        ),
    }
    if url := loopback_in(json.dumps(document)):
        raise CicdError(
            f"{flow.settings.file}: {url} would be in the template, but leads to this machine",
            hint="take it out of @environment and the parameters' defaults",
        )
    return document


def _walk(name: str, templates: Mapping[str, Document]) -> Iterator[str]:
    """The templates as they run: each dag, then what it calls. What nothing calls is left out."""
    yield name
    for task in (templates[name].get("dag") or {}).get("tasks", ()):
        yield from _walk(task["template"], templates)


def _metadata(flow: Flow) -> dict[str, Any]:
    settings, name = flow.settings, flow.source.executable_id
    artifacts: list[FlowInput | FlowOutput] = [*settings.inputs, *settings.outputs]
    kinds = {f"artifacts.ai.sap.com/{item.name}.kind": item.kind for item in artifacts}
    return {
        "name": name,
        "labels": {
            "scenarios.ai.sap.com/id": settings.scenario.id,
            "ai.sap.com/version": settings.version,
        },
        "annotations": {
            "scenarios.ai.sap.com/name": settings.scenario.name,
            "executables.ai.sap.com/name": name,
            **kinds,
        },
    }


def _parameter(item: Document) -> dict[str, Any]:
    """Metaflow writes defaults as JSON; AI Core has text, and the flow reads just that."""
    made = {"name": item["name"]}
    # null: the flow has no default, so it must be bound
    if (value := item.get("value")) not in (None, "null"):
        made["value"] = _plain_text(str(value))
    if item.get("description"):
        made["description"] = item["description"]
    return made


def _plain_text(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text


def _template(
    raw: Document, flow: Flow, store: Store, parameters: list[dict[str, Any]], *, is_first: bool
) -> dict[str, Any]:
    name = raw["name"]
    _refuse_unknown(raw, _TEMPLATE | _TEMPLATE_DROPPED, name)
    inputs = [{"name": i.name, "path": i.path} for i in flow.settings.inputs if i.step == name]
    outputs = [
        {"name": o.name, "globalName": o.name, "path": o.path, "archive": {"none": {}}}
        for o in flow.settings.outputs
        if o.step == name
    ]
    container = raw.get("container")
    return _filled(
        name=name,
        metadata=_pod_metadata(raw, flow) if container else None,
        inputs=_filled(parameters=_items(raw, "inputs"), artifacts=inputs),
        outputs=_filled(parameters=_items(raw, "outputs"), artifacts=outputs),
        activeDeadlineSeconds=raw.get("activeDeadlineSeconds"),
        retryStrategy=raw.get("retryStrategy"),
        dag=_dag(raw["dag"]) if raw.get("dag") else None,
        volumes=_volumes(raw),
        container=_container(container, name, flow, store, parameters if is_first else [])
        if container
        else None,
    )


def _pod_metadata(raw: Document, flow: Flow) -> dict[str, Any]:
    """Labels of AI Core; those of Metaflow may hold what no label can (user names)."""
    given = (raw.get("metadata") or {}).get("labels") or {}
    labels = {key: str(text) for key, text in given.items() if key.startswith(_OWN_LABELS)}
    if flow.settings.resource_plan:
        labels.setdefault(PLAN, flow.settings.resource_plan)
    return _filled(labels=labels)


def _dag(dag: Document) -> dict[str, Any]:
    for task in dag["tasks"]:
        _refuse_unknown(task, _TASK, task["name"])
    tasks = [
        _filled(
            name=task["name"],
            template=task["template"],
            depends=task.get("depends"),
            dependencies=task.get("dependencies"),
            arguments=_filled(parameters=_items(task, "arguments")),
            when=task.get("when"),
            withParam=task.get("withParam"),
            withItems=task.get("withItems"),
        )
        for task in dag["tasks"]
    ]
    return {"tasks": tasks}


def _volumes(raw: Document) -> list[Document]:
    """The empty folders that are mounted: nothing else is there on AI Core."""
    mounts = (raw.get("container") or {}).get("volumeMounts") or ()
    mounted = {mount["name"] for mount in mounts}
    volumes = [item for item in raw.get("volumes") or () if item["name"] in mounted]
    for volume in volumes:
        if "emptyDir" not in volume:
            raise CicdError(
                f'step "{raw["name"]}": AI Core has no volume "{volume["name"]}"',
                hint="take it out of @kubernetes",
            )
    return volumes


def _container(
    raw: Document, step: str, flow: Flow, store: Store, parameters: Iterable[Document]
) -> dict[str, Any]:
    _refuse_unknown(raw, _CONTAINER | _CONTAINER_DROPPED, step)
    words = [*(raw.get("command") or ()), *(raw.get("args") or ())]
    script = without_parameters(words[-1], step)
    if flow.settings.embedded:
        script = without_download(script, step)
    return _filled(
        image=raw["image"],
        imagePullPolicy=raw.get("imagePullPolicy"),
        command=["bash", "-c"],
        args=[script],
        env=_variables(raw, flow, store, parameters),
        envFrom=_secrets(raw, flow),
        volumeMounts=[_filled(**mount) for mount in raw.get("volumeMounts") or ()],
    )


def _variables(
    raw: Document, flow: Flow, store: Store, parameters: Iterable[Document]
) -> list[dict[str, Any]]:
    """Parameters first: so nothing that comes after can be drawn into them as $(NAME)."""
    dropped = _VARIABLES_DROPPED + ((_CODE_VARIABLES,) if flow.settings.embedded else ())
    given = {
        item["name"]: item for item in raw.get("env") or () if not item["name"].startswith(dropped)
    }
    ours = {"METAFLOW_S3_ENDPOINT_URL": store.endpoint, "AWS_DEFAULT_REGION": store.region}
    texts = {name: text for name, text in ours.items() if text and not loopback_in(text)}
    texts |= {name: _as_text(value) for name, value in flow.settings.env.items()}
    bound = {
        variable_of(item["name"]): f"{{{{workflow.parameters.{item['name']}}}}}"
        for item in parameters
    }
    return [
        *({"name": name, "value": text} for name, text in bound.items()),
        *(_variable(item) for name, item in given.items() if name not in texts),
        *({"name": name, "value": text} for name, text in texts.items()),
    ]


def _variable(item: Document) -> dict[str, Any]:
    source = {
        key: _filled(**value) for key, value in (item.get("valueFrom") or {}).items() if value
    }
    if source:
        return {"name": item["name"], "valueFrom": source}
    return {"name": item["name"], "value": str(item.get("value") or "")}


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _secrets(raw: Document, flow: Flow) -> list[dict[str, Any]]:
    """What @kubernetes(secrets=…) names, and the object store on every step."""
    given = [
        source["secretRef"]["name"] for source in raw.get("envFrom") or () if source["secretRef"]
    ]
    names = dict.fromkeys([*given, flow.settings.object_store_secret])
    return [{"secretRef": {"name": name}} for name in names]


def _check_outputs(flow: Flow, entry: Document) -> None:
    """In a foreach a step runs many times, and each would overwrite the artifact of the others."""
    once = {task["template"] for task in entry["dag"]["tasks"]}
    for output in flow.settings.outputs:
        if output.step not in once:
            raise CicdError(
                f'output "{output.name}" is made by step "{output.step}", which runs many times',
                hint="name the step that joins the foreach",
            )


def _items(holder: Document, part: str) -> list[dict[str, Any]]:
    """The parameters of inputs, outputs or arguments, without the empty fields."""
    found = holder.get(part) or {}
    _refuse_unknown(found, {"parameters"}, f"{holder.get('name', 'flow')} ({part})")
    items = found.get("parameters") or ()
    return [{k: v for k, v in item.items() if v is not None} for item in items]


def _refuse_unknown(raw: Document, known: set[str], step: str) -> None:
    for key, value in raw.items():
        if key not in known and value:
            cure = _CURES.get(key, "take out of the flow what it stands for")
            raise CicdError(f'step "{step}": templates of AI Core have no {key}', hint=cure)


def _filled(**fields: Any) -> dict[str, Any]:
    """The fields that hold something; numbers always do."""
    return {k: v for k, v in fields.items() if v is not None and v != "" and v != [] and v != {}}
