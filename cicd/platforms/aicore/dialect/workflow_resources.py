"""``resource``: a template that makes or changes an object of the cluster.

Source: Argo Workflows 3.5, workflow/validate/validate.go (``validateLeaf``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cicd.config.files import yaml_trees
from cicd.config.tree import Node, did_you_mean
from cicd.errors import InvalidStage, Problem
from cicd.platforms.aicore.dialect.metadata import children, is_given, text_of
from cicd.platforms.aicore.dialect.placeholders import FILLER

_ACTIONS = ("get", "create", "apply", "delete", "replace", "patch")
_WITHOUT_MANIFEST = ("get", "delete")
_TAG = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_RULE = "bad-resource"


def check_resource(template: Node) -> Iterator[Problem]:
    """Its action, and the object that it is about."""
    found = template.get("resource")
    if found is None or not isinstance(found.value, dict):
        return
    action = text_of(found, "action")
    if action not in _ACTIONS and "{{" not in action:
        says = f'there is no action "{action}"' if action else "a resource needs an action"
        hint = did_you_mean(action, _ACTIONS) or f": {', '.join(_ACTIONS)}"
        yield found.place_of("action").problem(f"{says}{hint}", _RULE)
    if action not in _WITHOUT_MANIFEST:
        yield from _check_manifest(template, found)


def _check_manifest(template: Node, found: Node) -> Iterator[Problem]:
    manifest, source = found.get("manifest"), found.get("manifestFrom")
    if not is_given(manifest) and source is None:
        yield found.place.problem("a resource needs a manifest: add it", _RULE)
    elif is_given(manifest) and source is not None:
        message = "a resource has manifest and manifestFrom: keep one"
        yield found.place_of("manifestFrom", key=True).problem(message, _RULE)
    name = found.get("manifestFrom", "artifact", "name")
    known = [text_of(item, "name") for item in children(template.get("inputs", "artifacts"))]
    if name is not None and name.text not in known:
        message = f'manifestFrom names the artifact "{name.text}", which is no input here'
        yield name.place.problem(f"{message}{did_you_mean(name.text, known)}", _RULE)
    if manifest is not None and isinstance(manifest.value, str):
        yield from _check_text(manifest)


def _check_text(manifest: Node) -> Iterator[Problem]:
    """Whether it is YAML, whatever its placeholders stand for."""
    try:
        yaml_trees(_TAG.sub(lambda match: FILLER * len(match[0]), manifest.value), "")
    except InvalidStage as error:
        first = error.problems[0]
        message = f"the manifest, line {first.line}: {first.message}"
        yield manifest.place_at(first.line, first.column).problem(message, _RULE)
