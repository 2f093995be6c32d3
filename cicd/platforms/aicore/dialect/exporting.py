"""What lives in a resource group -> a stage file that asks for just that. Pure.

::

    live ─► runs (which of them count) ─► artifacts, inputs ─► sections ─► text with comments
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from cicd.config.dialect import Around, Export
from cicd.config.fields import Part, misfit
from cicd.config.tree import Path
from cicd.config.yaml_text import block_lines, comment_lines
from cicd.model import LiveResource, Spec, State
from cicd.platforms.aicore.dialect import formats, schema
from cicd.platforms.aicore.dialect.draft import PLATFORM_SCENARIOS
from cicd.platforms.aicore.dialect.export_runs import (
    Configurations,
    Inputs,
    chosen_artifacts,
    unique_key,
)
from cicd.platforms.aicore.dialect.export_secrets import (
    export_secrets,
    literal,
    literals,
    users_labels,
)
from cicd.platforms.aicore.dialect.export_values import Values, variables_in
from cicd.platforms.aicore.dialect.repository import inside
from cicd.platforms.aicore.dialect.template import Template
from cicd.words import count

ALIVE = frozenset({State.RUNNING, State.PENDING, State.UNKNOWN})
GOOD = ALIVE | {State.SUCCEEDED}
_PREFERENCE = (State.RUNNING, State.PENDING, State.UNKNOWN)
FAMILY = ("configuration_name", "scenario_id", "executable_id")


def export_stage(
    live: Iterable[LiveResource], around: Around, templates: Sequence[Template] = ()
) -> Export:
    """The stage file for all of ``live`` that is alive and can be expressed; ``templates``: those
    of the project."""
    work = _Export(list(live), around, templates)
    content = work.content()
    head = [f"# yaml-language-server: $schema={around.schema_path}"] if around.schema_path else []
    head += comment_lines(work.head())
    text = "\n".join([*head, *block_lines(content, work.comments), ""])
    sections = ("artifacts", "executions", "schedules", "deployments")
    counts = {name: len(content.get(name, ())) for name in sections}
    counts["secrets"] = sum(map(len, content.get("secrets", {}).values()))
    return Export(text, tuple(work.notes), tuple(dict.fromkeys(work.environment)), counts)


class _Export:
    """The file while it grows, section by section."""

    def __init__(
        self, live: Sequence[LiveResource], around: Around, templates: Sequence[Template]
    ) -> None:
        self._around = around
        self._templates = templates
        self._group = around.target["resource_group"]
        self._live: dict[str, list[LiveResource]] = {}
        self._values = Values(around.secrets)
        for item in sorted(live, key=lambda item: (item.created_at, item.id)):
            if self._is_wanted(item.spec):
                self._live.setdefault(item.key.kind, []).append(self._values.of(item))
        self._configurations = Configurations(self._of("configuration"))
        self.comments: dict[Path, str] = {}
        self.notes: list[str] = []
        self.environment: list[str] = []

    def _of(self, kind: str) -> list[LiveResource]:
        """All of one kind, the oldest first."""
        return self._live.get(kind, [])

    def _is_wanted(self, spec: Spec) -> bool:
        wanted, scenario = self._around.select, spec.get("scenario_id")
        return not wanted or not scenario or any(fnmatchcase(str(scenario), w) for w in wanted)

    def head(self) -> str:
        """What to know before using the file."""
        lines = [f"Imported from the resource group {self._group}."]
        if self.environment:
            names = ", ".join(dict.fromkeys(self.environment))
            lines.append(f"Values that cannot be read back; set these variables: {names}")
        if self.notes:
            lines += ["Not in this file:", *(f"- {note}" for note in self.notes)]
        return "\n".join(lines)

    def content(self) -> dict[str, Any]:
        """All sections in the order of the schema; empty ones left out."""
        around = self._around
        executions, deployments = self._chosen_executions(), self._chosen_deployments()
        used = [self._configurations.of(run) for run in [*executions.values(), *deployments]]
        keys = {id: key for key, run in executions.items() if (id := run.id)}
        artifacts = chosen_artifacts(
            self._of("artifact"), self._of("execution"), [c.spec for c in used if c]
        )
        inputs = Inputs(artifacts, self._of("artifact"), executions, self._templates)
        sections: dict[str, Any] = {} if around.is_named_by_file else {"stage": around.stage}
        sections["aicore"] = {"resource_group": self._group, **self._labels()}
        sections["git"] = self._git([c for c in used if c])
        secrets = export_secrets(self._live)
        self.notes += secrets.notes
        sections["secrets"] = secrets.sections
        sections["artifacts"] = self._artifacts(inputs)
        sections["executions"] = self._executions(executions, inputs)
        written = {item["key"] for item in sections["executions"]}
        sections["schedules"] = self._schedules(executions, keys, written)
        sections["deployments"] = self._deployments(deployments, inputs)
        found = {name: value for name, value in sections.items() if value}
        needed = list(variables_in(found))
        self.environment += needed
        self.notes += [note for name, note in self._values.notes.items() if name in needed]
        return found

    # which runs count

    def _chosen_executions(self) -> dict[str, LiveResource]:
        """Key -> the newest good run of each family, and of each configuration that a schedule
        starts; what failed or was stopped is only counted."""
        runs = self._of("execution")
        good = [r for r in runs if r.status.state in GOOD and self._configurations.of(r)]
        if len(good) < len(runs):
            self.notes.append(f"{count(len(runs) - len(good), 'run')} that failed or stopped")
        newest = {_family(run): run for run in good}
        scheduled = {str(s.spec.get("configuration")) for s in self._of("schedule")}
        chosen = list(newest.values())
        for configuration in sorted(scheduled - {str(r.spec["configuration"]) for r in chosen}):
            ran = [r for r in good if r.spec["configuration"] == configuration]
            chosen += ran[-1:]
        taken: set[str] = set()
        named = sorted(chosen, key=lambda run: (run.created_at, run.id))
        return {unique_key(r.spec["configuration_name"], "execution", taken): r for r in named}

    def _chosen_deployments(self) -> list[LiveResource]:
        """One of each family: the liveliest, then the newest, as a plan chooses."""
        found = self._of("deployment")
        alive = [d for d in found if d.status.state in ALIVE and self._configurations.of(d)]
        if len(alive) < len(found):
            self.notes.append(f"{count(len(found) - len(alive), 'deployment')} not alive")
        chosen: dict[tuple[str, ...], LiveResource] = {}
        for live in sorted(alive, key=lambda d: -_PREFERENCE.index(d.status.state)):
            if _family(live) in chosen:
                other = chosen[_family(live)].id
                self.notes.append(
                    f"deployment {other}: same configuration name as {live.id}, which is taken"
                )
            chosen[_family(live)] = live
        return sorted(chosen.values(), key=lambda live: (live.created_at, live.id))

    # sections

    def _labels(self) -> dict[str, Any]:
        groups = [g for g in self._of("resource_group") if g.id == self._group]
        kept = users_labels(groups[0].spec) if groups else {}
        return {"labels": kept} if kept else {}

    def _git(self, used: Sequence[LiveResource]) -> dict[str, Any]:
        """The application that syncs the templates, where the templates are here too: a stage that
        syncs must have them."""
        needed = {
            str(c.spec["executable_id"])
            for c in used
            if c.spec["scenario_id"] not in PLATFORM_SCENARIOS
        }
        missing = sorted(needed - {t.executable_id for t in self._templates})
        application = self._application()
        if not needed:
            return {}
        if missing:
            self.notes.append(
                f"git: this folder has no template of {', '.join(missing)}, and nothing can read "
                "them back from AI Core; they stay as they are there"
            )
            return {}
        if application is None:
            if not self._around.is_local:
                names = ", ".join(a.id for a in self._of("application")) or "none"
                self.notes.append(
                    f"git: no application is known to sync {self._around.repository or 'this'} "
                    f"(there are: {names})"
                )
            return {}
        return self._git_of(application)

    def _git_of(self, application: LiveResource) -> dict[str, Any]:
        spec = application.spec
        found = {"application": spec["name"], "path": literal(spec["path"])}
        if self._around.is_local:  # the working tree stands in for the rest
            return found
        item = {"application": spec["name"]}
        if re.match(formats.REPOSITORY_URL, str(spec["repository"])):  # AI Core takes any text
            item["repository"] = literal(spec["repository"])
            self.comments["git", "repository"] = (
                "username and password cannot be read back; declared, they are sent again"
            )
        path = self._path_of(application) or "." if self._around.folder else str(spec["path"])
        return {**item, "path": literal(path), "revision": literal(spec["revision"])}

    def _application(self) -> LiveResource | None:
        """The one that syncs this project's repository into AI Core."""
        folders = {t.file.rpartition("/")[0] for t in self._templates}
        fitting = [
            item
            for item in self._of("application")
            if _plain_url(item.spec.get("repository")) == _plain_url(self._around.repository)
            if self._path_of(item) in {_plain_path(f) for f in folders}
        ]
        return fitting[-1] if fitting else None

    def _path_of(self, application: LiveResource) -> str:
        """Where an application finds its templates, as seen from the project; with a slash at its
        start where that lies elsewhere in the repository."""
        path, folder = _plain_path(application.spec.get("path")), self._around.folder
        if self._around.is_local or not folder:
            return path
        inner = inside(path, folder)
        return f"/{path}" if inner is None else inner

    def _artifacts(self, inputs: Inputs) -> list[dict[str, Any]]:
        items = []
        for key, spec in inputs.declared.items():
            item = {"key": key, **{n: literals(v) for n, v in spec.items()}}
            if self._is_valid(f"artifact {spec['name']}", item, schema.Artifact):
                items.append(item)
        return items

    def _executions(
        self, chosen: Mapping[str, LiveResource], inputs: Inputs
    ) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        for key, live in chosen.items():
            item = {"key": key, "configuration": self._configuration(live, inputs)}
            why = self._around.never.get(key)
            item["rerun"] = "never" if why else "on_change"
            if self._is_valid(f"execution {live.id}", item, schema.Execution):
                if why:
                    self.comments["executions", len(items), "rerun"] = why
                items.append(item)
        return items

    def _schedules(
        self, executions: Mapping[str, LiveResource], keys: Mapping[str, str], written: set[str]
    ) -> list[dict[str, Any]]:
        started = {
            str(run.spec["configuration"]): keys[run.id]
            for key, run in executions.items()
            if key in written
        }
        by_name = {str(s.spec["name"]): s for s in self._of("schedule") if not s.spec["active"]}
        by_name |= {str(s.spec["name"]): s for s in self._of("schedule") if s.spec["active"]}
        others = len(self._of("schedule")) - len(by_name)
        if others:
            self.notes.append(f"{count(others, 'schedule')} with a name that another one has")
        items = []
        for name, live in by_name.items():
            spec = live.spec
            key = started.get(str(spec.get("configuration")))
            if key is None:
                self.notes.append(
                    f"schedule {name}: no execution of its configuration could be imported"
                )
                continue
            item = {"name": literal(name), "execution": key, "cron": spec["cron"]}
            item |= {n: _utc(spec[n]) for n in ("start", "end") if spec.get(n)}
            item["active"] = bool(spec["active"])
            if self._is_valid(f"schedule {name}", item, schema.Schedule):
                items.append(item)
        return items

    def _deployments(self, chosen: Sequence[LiveResource], inputs: Inputs) -> list[dict[str, Any]]:
        taken: set[str] = set()
        items = []
        for live in chosen:
            key = unique_key(live.spec["configuration_name"], "deployment", taken)
            item: dict[str, Any] = {
                "key": key,
                "configuration": self._configuration(live, inputs),
            }
            if live.spec.get("ttl"):
                item["ttl"] = str(live.spec["ttl"])
            url = live.outputs.get("url")
            names = [d.id for d in self._of("destination") if url and d.spec.get("url") == url]
            if names:
                item["destination_name"] = names[0]
            if self._is_valid(f"deployment {live.id}", item, schema.Deployment):
                items.append(item)
        return items

    def _configuration(self, live: LiveResource, inputs: Inputs) -> dict[str, Any]:
        found = self._configurations.of(live)
        assert found, "only runs with a configuration are chosen"
        spec = found.spec
        item = {
            "name": literal(spec["name"]),
            "scenario_id": spec["scenario_id"],
            "executable_id": spec["executable_id"],
        }
        if spec.get("parameter_bindings"):
            bindings = spec["parameter_bindings"]
            item["parameter_bindings"] = literals(bindings)
        if spec.get("input_artifact_bindings"):
            bindings = spec["input_artifact_bindings"]
            item["input_artifact_bindings"] = {
                name: inputs.source(str(id), live.id) for name, id in bindings.items()
            }
        return item

    def _is_valid(self, what: str, item: Mapping[str, Any], model: type[Part]) -> bool:
        """Whether a stage file can say that; if not, a note says why."""
        found = misfit(model, item)
        if found:
            where, why = found
            self.notes.append(f"{what}: {where} cannot be written in a stage file: {why}")
        return found is None


def _family(live: LiveResource) -> tuple[str, ...]:
    return tuple(str(live.spec.get(name, "")) for name in FAMILY)


def _utc(text: Any) -> str:
    """A time as a stage file has it: in UTC, without fractions of a second."""
    whole = re.sub(r"\.\d+", "", str(text))
    try:
        time = datetime.fromisoformat(whole)
    except ValueError:
        return whole
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain_url(url: Any) -> str:
    """How AI Core and people compare repositories: no login, no case, no ``.git``."""
    text = re.sub(r"^git@([^:/]+):", r"https://\1/", str(url or "").strip())
    text = re.sub(r"^(\w+://)[^/@]*@", r"\1", text)
    return text.rstrip("/").removesuffix(".git").lower().replace("ssh://", "https://")


def _plain_path(path: Any) -> str:
    return "/".join(part for part in str(path or "").split("/") if part not in {"", "."})
