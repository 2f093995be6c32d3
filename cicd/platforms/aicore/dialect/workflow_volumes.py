"""What containers mount must be a volume of the workflow or of their template.

Source: Kubernetes, pods: volumeMounts; Argo Workflows 3.5, workflow/controller/workflowpod.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cicd.config.tree import Node, did_you_mean
from cicd.errors import Problem
from cicd.platforms.aicore.dialect.metadata import children, is_given, text_of
from cicd.platforms.aicore.dialect.workflow_calls import with_inline

_CONTAINERS = (("containerSet", "containers"), ("initContainers",), ("sidecars",))


def check_volumes(spec: Node, templates: Mapping[str, Node]) -> Iterator[Problem]:
    """A problem for each mount of a volume that nobody declares; a patch may declare more."""
    shared = _names(children(spec.get("volumes")))
    shared |= _names(children(spec.get("templateDefaults", "volumes")))
    claims = children(spec.get("volumeClaimTemplates"))
    shared |= {text_of(claim, "metadata", "name") for claim in claims}
    for _, template in with_inline(templates.items()):
        if any(is_given(holder.get("podSpecPatch")) for holder in (spec, template)):
            continue
        known = shared | _names(children(template.get("volumes")))
        for mount in _mounts(template):
            name = text_of(mount, "name")
            if name and "{{" not in name and name not in known:
                message = f'no volume is called "{name}"'
                hint = did_you_mean(name, known) or ": declare it under volumes"
                yield mount.place_of("name").problem(f"{message}{hint}", "unknown-volume")


def _names(volumes: list[Node]) -> set[str]:
    return {text_of(volume, "name") for volume in volumes}


def _mounts(template: Node) -> Iterator[Node]:
    holders = [template.get(body) for body in ("container", "script", "containerSet")]
    holders += [item for where in _CONTAINERS for item in children(template.get(*where))]
    for holder in holders:
        if holder is not None:
            yield from children(holder.get("volumeMounts"))
