"""Live secrets -> the ``secrets`` section, with a variable for each value. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cicd.config.live_texts import literal, variable_name
from cicd.model import LiveResource, Spec
from cicd.platforms.aicore.dialect.labels import OURS
from cicd.platforms.aicore.dialect.secrets import OBJECT_STORES

_STORE = ("bucket", "endpoint", "region", "path_prefix", "use_https", "verify_ssl")


@dataclass
class Secrets:
    """The section, and what is not in it."""

    sections: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, section: str, item: dict[str, Any], entries: Iterable[str]) -> None:
        """One more secret; ``entries`` are the keys of its data."""
        name = str(item["name"])
        data = {entry: variable_name(name, entry) for entry in entries}
        if not data:
            self.notes.append(f"secret {name}: which keys it has cannot be read back")
            return
        values = {entry: f"${{env.{variable}}}" for entry, variable in data.items()}
        self.sections.setdefault(section, []).append({**item, "data": values})


def export_secrets(live: Mapping[str, Sequence[LiveResource]]) -> Secrets:
    """The secrets of the resource group; ``live`` is by kind."""
    found = Secrets()
    for store in live.get("object_store_secret", ()):
        _add_store(found, store.spec)
    for registry in live.get("docker_registry_secret", ()):
        if registry.owner:
            item = {"name": registry.spec["name"]}
            found.add("docker_registry", item, [".dockerconfigjson"])
        else:
            found.notes.append(f"secret {registry.spec['name']}: it is the whole tenant's")
    for secret in live.get("generic_secret", ()):
        _add_generic(found, secret.spec)
    return found


def _add_store(found: Secrets, spec: Spec) -> None:
    type_name = str(spec.get("type") or "")
    if type_name not in OBJECT_STORES:
        found.notes.append(f"secret {spec['name']}: its type cannot be read back")
        return
    given = {name: literal(spec[name]) for name in _STORE if spec.get(name) not in (None, "")}
    entries = list(spec.get("data") or ()) or OBJECT_STORES[type_name].needed
    found.add("object_store", {"name": spec["name"], "type": type_name, **given}, entries)


def _add_generic(found: Secrets, spec: Spec) -> None:
    if spec.get("scope") != "resource_group":
        found.notes.append(f"secret {spec['name']}: it is the tenant's, not this group's")
        return
    labels = users_labels(spec)
    item = {
        "name": spec["name"],
        "scope": "resource_group",
        **({"labels": labels} if labels else {}),
    }
    found.add("generic", item, spec.get("data") or ())


def users_labels(spec: Spec) -> dict[str, Any]:
    """The labels that are not cicd's own."""
    labels = spec.get("labels") or {}
    return {name: literal(v) for name, v in labels.items() if not name.startswith(OURS)}
