"""``templateDefaults``: what every template has unless it says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd.emulator.workflow.check.inline import with_names

PODS = ("container", "script", "containerSet")
"""The kinds that become a pod."""
KINDS = (*PODS, "steps", "dag", "suspend")
GROUPS_ONLY = ("parallelism", "failFast")
LEAVES_ONLY = ("activeDeadlineSeconds", "timeout", "initContainers", "sidecars", "volumes")


def with_defaults(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """``spec`` with its templateDefaults and retryStrategy written into every template, and with
    a name for those that are inline.

    Maps are merged; what a template says itself wins. A kind of the defaults counts only for
    templates of that kind, deadlines only where a container runs, parallelism only where none does.
    """
    spec = with_names(spec)
    defaults = dict(spec.get("templateDefaults") or {})
    defaults.pop("name", None)
    if spec.get("retryStrategy") and not defaults.get("retryStrategy"):
        defaults["retryStrategy"] = spec["retryStrategy"]
    if not defaults:
        return spec
    return {**spec, "templates": [_merged(defaults, item) for item in spec["templates"]]}


def is_pod(template: Mapping[str, Any]) -> bool:
    """Whether containers run where the template is called."""
    return any(template.get(kind) for kind in PODS)


def _merged(defaults: Mapping[str, Any], template: Mapping[str, Any]) -> dict[str, Any]:
    is_leaf = is_pod(template)
    is_group = bool(template.get("steps") or template.get("dag"))
    relevant = {
        key: value
        for key, value in defaults.items()
        if (key not in KINDS or template.get(key))
        and (is_leaf or key not in LEAVES_ONLY)
        and (is_group or key not in GROUPS_ONLY)
    }
    return _over(relevant, template)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(below)
    for key, value in above.items():
        under = found.get(key)
        is_both = isinstance(under, Mapping) and isinstance(value, Mapping)
        found[key] = _over(under, value) if is_both else value  # type: ignore[arg-type]
    return found
