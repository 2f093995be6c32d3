"""Names, values and fields inside a workflow, as Argo asks for them.

Source: Argo Workflows 3.5, workflow/validate/validate.go and docs/fields.md.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping

from cicd.config.tree import Node, did_you_mean
from cicd.errors import Problem
from cicd.platforms.aicore.dialect.metadata import children, named, text_of
from cicd.platforms.aicore.dialect.workflow_arguments import (
    check_call_arguments,
    check_workflow_arguments,
)
from cicd.platforms.aicore.dialect.workflow_calls import calls_of
from cicd.platforms.aicore.dialect.workflow_container_sets import check_container_set
from cicd.platforms.aicore.dialect.workflow_kinds import check_kind, check_parallelism
from cicd.platforms.aicore.dialect.workflow_resources import check_resource
from cicd.platforms.aicore.dialect.workflow_times import check_repetition, check_times
from cicd.platforms.aicore.dialect.workflow_types import SPEC, TEMPLATE, check_types
from cicd.platforms.aicore.dialect.workflow_upkeep import check_metrics, check_pod_deletion
from cicd.platforms.aicore.dialect.workflow_volumes import check_volumes

_NAME = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]{0,127}")
"""Of templates, steps and tasks."""
_PARTS = "parameters artifacts"
_ITEM = re.compile(r"[-a-zA-Z0-9_]+")
"""Of parameters and artifacts, and of what they are called for the whole workflow."""
SPEC_FIELDS = (
    "templates entrypoint arguments serviceAccountName automountServiceAccountToken executor "
    "volumes volumeClaimTemplates parallelism artifactRepositoryRef suspend nodeSelector affinity "
    "tolerations imagePullSecrets hostNetwork dnsPolicy dnsConfig onExit ttlStrategy "
    "activeDeadlineSeconds priority schedulerName podGC podPriorityClassName hostAliases "
    "securityContext podSpecPatch podDisruptionBudget metrics shutdown workflowTemplateRef "
    "synchronization volumeClaimGC retryStrategy podMetadata templateDefaults archiveLogs hooks "
    "workflowMetadata artifactGC"
)
TEMPLATE_FIELDS = (
    "name inputs outputs nodeSelector affinity metadata daemon steps container containerSet script "
    "resource dag suspend data http plugin volumes initContainers sidecars archiveLocation "
    "activeDeadlineSeconds retryStrategy parallelism failFast tolerations schedulerName "
    "priorityClassName priority serviceAccountName automountServiceAccountToken executor "
    "hostAliases securityContext podSpecPatch metrics synchronization memoize timeout"
)
STEP_FIELDS = (
    "name template inline arguments templateRef withItems withParam withSequence when continueOn "
    "onExit hooks"
)
TASK_FIELDS = f"{STEP_FIELDS} dependencies depends"
_INNER = {
    ("retryStrategy",): "limit retryPolicy backoff affinity expression",
    ("retryStrategy", "backoff"): "duration factor maxDuration",
    ("dag",): "tasks target failFast",
    ("suspend",): "duration",
    ("withSequence",): "count start end format",
    ("continueOn",): "error failed",
    ("containerSet",): "containers volumeMounts retryStrategy",
    ("containerSet", "retryStrategy"): "retries duration",
}
"""Maps in a template or a call, and their fields."""
CONTAINER_FIELDS = (
    "name image command args workingDir ports envFrom env resources volumeMounts volumeDevices "
    "livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath "
    "terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty source "
    "mirrorVolumeMounts resizePolicy restartPolicy"
)
_MEMBER_FIELDS = f"{CONTAINER_FIELDS} dependencies"
_OF_PARTS = {
    "parameters": "name default value valueFrom globalName enum description",
    "artifacts": (
        "name path mode from fromExpression archive archiveLogs globalName optional subPath "
        "recurseMode artifactGC deleted artifactory azure gcs git hdfs http oss raw s3"
    ),
}
_SOURCES = "path jsonPath jqFilter event parameter supplied configMapKeyRef default expression"
"""Of ``valueFrom``."""


def check_items(tree: Node, templates: Mapping[str, Node]) -> Iterator[Problem]:
    """All problems with names, values and fields; what has no name at all is said elsewhere."""
    spec = tree.get("spec")
    if spec is None:
        return
    yield from check_fields(spec, SPEC_FIELDS, is_all=True)
    yield from check_types(spec, SPEC)
    yield from _check_parts(spec, ("arguments",))
    yield from check_workflow_arguments(spec)
    yield from check_pod_deletion(spec)
    yield from check_parallelism(spec)
    if (stop := spec.get("suspend")) is not None and stop.value is True:
        message = "a workflow that is suspended never goes on: nobody can resume it on SAP AI Core"
        yield stop.place.problem(f"{message}, take it out", "bad-deadline", "warning")
    if (strategy := spec.get("retryStrategy")) is not None:
        yield from check_repetition(strategy)
    yield from check_volumes(spec, templates)
    for template in templates.values():
        yield from _check_form(template.get("name"), _NAME)
        yield from _check_template(template)


def _check_template(template: Node) -> Iterator[Problem]:
    """One template, and those that stand in its steps themselves."""
    yield from check_fields(template, TEMPLATE_FIELDS, is_all=True)
    yield from check_types(template, TEMPLATE)
    yield from _check_inner(template)
    yield from _check_parts(template, ("inputs", "outputs"))
    yield from _check_parameter_names(template)
    yield from check_kind(template)
    yield from check_times(template)
    yield from check_resource(template)
    yield from check_container_set(template)
    yield from check_metrics(template)
    for key in ("container", "script"):
        yield from check_container(template.get(key))
    for part in ("initContainers", "sidecars"):
        for container in children(template.get(part)):
            yield from check_container(container)
    for container in children(template.get("containerSet", "containers")):
        yield from check_container(container, _MEMBER_FIELDS)
    for sort, call in calls_of(template):
        yield from _check_form(call.get("name"), _NAME)
        yield from _check_call_fields(call, is_step=sort == "steps.")
        yield from _check_inner(call)
        yield from check_call_arguments(call)
        yield from _check_parts(call, ("arguments",))
        if (inline := call.get("inline")) is not None and isinstance(inline.value, dict):
            yield from _check_template(inline)


def _check_call_fields(call: Node, *, is_step: bool) -> Iterator[Problem]:
    """Of a step Argo reads no field that it does not know; of a task it drops it."""
    if not is_step:
        yield from check_fields(call, TASK_FIELDS, is_all=True)
        return
    known = STEP_FIELDS.split()
    for key in call.value.keys() - set(known) if isinstance(call.value, dict) else ():
        hint = did_you_mean(str(key), known) or ": take it out"
        message = f'"{key}" is no field of a step, and Argo refuses it{hint}'
        yield call.place_of(key, key=True).problem(message, "mistyped-field")


def _check_inner(holder: Node) -> Iterator[Problem]:
    for where, words in _INNER.items():
        yield from check_fields(holder.get(*where), words, is_all=True)


def check_fields(node: Node | None, words: str, *, is_all: bool = False) -> Iterator[Problem]:
    """A warning for each field that is nearly one of ``words`` and is dropped unread; where these
    are all that there are, for each that is none of them."""
    known = words.split()
    if node is None or not isinstance(node.value, dict):
        return
    free = {name.lower(): name for name in known if name not in node.value}
    for key in node.value.keys() - set(known):
        close = difflib.get_close_matches(str(key).lower(), free, n=1, cutoff=0.8)
        if close or (is_all and not str(key).startswith("x-")):  # as people call what only anchors
            hint = f' (did you mean "{free[close[0]]}"?)' if close else ""
            message = f'"{key}" is no field here, so it does nothing{hint or ": take it out"}'
            yield node.place_of(key, key=True).problem(message, "mistyped-field", "warning")


def check_container(container: Node | None, fields: str = CONTAINER_FIELDS) -> Iterator[Problem]:
    """Its fields, and what is a number where Kubernetes has text."""
    yield from check_fields(container, fields)
    if container is None:
        return
    values = [item.get("value") for item in children(container.get("env"))]
    for node in (*children(container.get("command")), *children(container.get("args")), *values):
        if node is not None and isinstance(node.value, int | float):
            message = f'{node.text} is no text here: put quotes around it, "{node.text}"'
            yield node.place.problem(message, "wrong-type", "warning")


def _check_parts(holder: Node, where: Iterable[str]) -> Iterator[Problem]:
    for part in where:
        fields = f"{_PARTS} result exitCode" if part == "outputs" else _PARTS
        yield from check_fields(holder.get(part), fields, is_all=True)
        for sort in ("parameters", "artifacts"):
            for item in children(holder.get(part, sort)):
                yield from check_fields(item, _OF_PARTS[sort])
                yield from check_fields(item.get("valueFrom"), _SOURCES)
                yield from _check_form(item.get("name"), _ITEM)
                if "{{" not in text_of(item, "globalName"):
                    yield from _check_form(item.get("globalName"), _ITEM)


def _check_parameter_names(template: Node) -> Iterator[Problem]:
    """Of artifacts it is said where they are read."""
    problems: list[Problem] = []
    for part, word in (("inputs", "an input"), ("outputs", "an output")):
        list(named(children(template.get(part, "parameters")), f"{word} parameter", problems))
    yield from problems


def _check_form(node: Node | None, form: re.Pattern[str]) -> Iterator[Problem]:
    text = node.value if node is not None and isinstance(node.value, str) else ""
    if node is None or not text or form.fullmatch(text):
        return
    says = "letters, digits, hyphens" + (" and _" if form is _ITEM else ", 128 at most")
    message = f'Argo takes no name like "{text}": {says}'
    yield node.place.problem(message, "bad-item-name")
