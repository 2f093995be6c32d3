"""Names, values and fields inside a workflow, as Argo asks for them.

Source: Argo Workflows 3.5, workflow/validate/validate.go and docs/fields.md.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping

from cicd.config.metadata import children, text_of
from cicd.config.tree import Node
from cicd.config.workflow_calls import calls_of
from cicd.errors import Problem

_NAME = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]{0,127}")
"""Of templates, steps and tasks."""
_ITEM = re.compile(r"[-a-zA-Z0-9_]+")
"""Of parameters and artifacts, and of what they are called for the whole workflow."""
_LEAVES = ("container", "script", "containerSet")
_GROUPS = ("steps", "dag")
_LOCATIONS = "from fromExpression raw http s3 git gcs oss hdfs azure artifactory plugin"
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
CALL_FIELDS = (
    "name template inline arguments templateRef withItems withParam withSequence when continueOn "
    "onExit hooks dependencies depends"
)
CONTAINER_FIELDS = (
    "name image command args workingDir ports envFrom env resources volumeMounts volumeDevices "
    "livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath "
    "terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty source "
    "mirrorVolumeMounts resizePolicy restartPolicy"
)


def check_items(tree: Node, templates: Mapping[str, Node]) -> Iterator[Problem]:
    """All problems with names, values and fields; what has no name at all is said elsewhere."""
    spec = tree.get("spec")
    if spec is None:
        return
    yield from check_fields(spec, SPEC_FIELDS, is_all=True)
    yield from _check_parts(spec, ("arguments",))
    for template in templates.values():
        yield from _check_form(template.get("name"), _NAME)
        yield from check_fields(template, TEMPLATE_FIELDS, is_all=True)
        yield from _check_parts(template, ("inputs", "outputs"))
        yield from _check_outputs(template)
        for key in ("container", "script"):
            yield from check_container(template.get(key))
        for _, call in calls_of(template):
            yield from _check_form(call.get("name"), _NAME)
            yield from check_fields(call, CALL_FIELDS, is_all=True)
            yield from _check_arguments(call)


def check_fields(node: Node | None, words: str, *, is_all: bool = False) -> Iterator[Problem]:
    """A warning for each field that is nearly one of ``words`` and is dropped unread; where these
    are all that there are, for each that is none of them."""
    known = words.split()
    if node is None or not isinstance(node.value, dict):
        return
    free = {name.lower(): name for name in known if name not in node.value}
    for key in node.value.keys() - set(known):
        close = difflib.get_close_matches(str(key).lower(), free, n=1, cutoff=0.85)
        if close or (is_all and not str(key).startswith("x-")):  # as people call what only anchors
            hint = f' (did you mean "{free[close[0]]}"?)' if close else ""
            message = f'"{key}" is no field here, so it does nothing{hint or ": take it out"}'
            yield node.place_of(key, key=True).problem(message, "mistyped-field", "warning")


def check_container(container: Node | None) -> Iterator[Problem]:
    """Its fields, and what is a number where Kubernetes has text."""
    yield from check_fields(container, CONTAINER_FIELDS)
    if container is None:
        return
    values = [item.get("value") for item in children(container.get("env"))]
    for node in (*children(container.get("command")), *children(container.get("args")), *values):
        if node is not None and isinstance(node.value, int | float):
            message = f'{node.text} is no text here: put quotes around it, "{node.text}"'
            yield node.place.problem(message, "wrong-type", "warning")


def _check_parts(holder: Node, where: Iterable[str]) -> Iterator[Problem]:
    for part in where:
        for sort in ("parameters", "artifacts"):
            for item in children(holder.get(part, sort)):
                yield from _check_form(item.get("name"), _ITEM)
                yield from _check_form(item.get("globalName"), _ITEM)


def _check_form(node: Node | None, form: re.Pattern[str]) -> Iterator[Problem]:
    text = node.value if node is not None and isinstance(node.value, str) else ""
    if node is None or not text or "{{" in text or form.fullmatch(text):
        return
    says = "letters, digits, hyphens" + (" and _" if form is _ITEM else ", 128 at most")
    message = f'Argo takes no name like "{text}": {says}'
    yield node.place.problem(message, "bad-item-name")


def _check_outputs(template: Node) -> Iterator[Problem]:
    """Where the value of an output comes from."""
    is_leaf = any(template.get(body) is not None for body in _LEAVES)
    is_group = any(template.get(body) is not None for body in _GROUPS)
    if not is_leaf and not is_group:
        return
    wanted = ("path",) if is_leaf else ("parameter", "expression")
    for item in children(template.get("outputs", "parameters")):
        source = item.get("valueFrom")
        is_given = source is not None and any(source.get(key) is not None for key in wanted)
        if item.get("value") is None and not is_given:
            message = f'the output parameter "{text_of(item, "name")}" has no value: give it '
            message += " or ".join(f"valueFrom.{key}" for key in wanted)
            yield item.place.problem(message, "output-without-value")
    key = "path" if is_leaf else "from"
    for item in children(template.get("outputs", "artifacts")):
        others = ("fromExpression",) if is_group else ()
        if not any(item.get(name) is not None for name in (key, *others)):
            message = f'the output artifact "{text_of(item, "name")}" has no {key}: add it'
            yield item.place.problem(message, "output-without-value")


def _check_arguments(call: Node) -> Iterator[Problem]:
    who = f'"{text_of(call, "name")}"'
    for item in children(call.get("arguments", "parameters")):
        if item.get("value") is None and item.get("valueFrom") is None:
            message = (
                f'{who} passes the parameter "{text_of(item, "name")}" without a value: add it'
            )
            yield item.place.problem(message, "missing-argument")
    for item in children(call.get("arguments", "artifacts")):
        if not any(item.get(key) is not None for key in _LOCATIONS.split()):
            message = f'{who} passes the artifact "{text_of(item, "name")}" from nowhere: add from'
            yield item.place.problem(message, "missing-argument")
