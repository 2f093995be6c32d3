"""What stage files of AI Core say: its ``cicd.config.dialect.Dialect``. No SDK is loaded here.

::

    schema ─► draft ◄── catalogue (templates: metadata, workflow, serving)
                │
                ├─► resolve, rules, flows ─► problems
                └─► building ─► resources            exporting ◄── what is live
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cicd.config import inherit
from cicd.config.dialect import Around, Built, Carried, Export, Overridable, Spellings, StandIn
from cicd.config.formats import slug
from cicd.config.references import Reference
from cicd.config.tree import Node, Paths
from cicd.config.variables import GitFacts, GitOverride
from cicd.errors import Problem
from cicd.platforms.aicore.dialect import legacy
from cicd.platforms.aicore.dialect.catalogue import read_catalogue
from cicd.platforms.aicore.dialect.draft import GROUP, Draft, names_in
from cicd.platforms.aicore.dialect.resolve import check_references, lacks
from cicd.platforms.aicore.dialect.rulebook import RULES
from cicd.platforms.aicore.dialect.rules import NO_GROUP, check_rules
from cicd.platforms.aicore.dialect.schema import StageFile
from cicd.platforms.aicore.dialect.templates import Catalogue

if TYPE_CHECKING:
    from cicd.model import LiveResource, Stage
    from cicd.platforms.aicore.dialect.template_needs import Needs

__all__ = [
    "CARRIED",
    "EMULATED",
    "ENVIRONMENT",
    "NAME",
    "OVERRIDES",
    "REFERENCES",
    "RETIRING",
    "RULES",
    "SECRETS",
    "SPELLINGS",
    "TAKES",
    "UNSURE",
    "Draft",
    "File",
    "build",
    "check",
    "export",
    "identity",
    "lacks",
    "modernise",
    "names",
    "needs",
    "sources",
]

NAME = "aicore"
File = StageFile
UNSURE = frozenset({NO_GROUP})
RETIRING = frozenset({"retiring-model", "deprecated-model"})
ENVIRONMENT = {GROUP: StandIn(offline="unknown", local="default")}
SECRETS = Paths("git.username", "git.password", "secrets.*.*.data.**")

_PARAMETERS = "parameter_bindings"
_INPUTS = "input_artifact_bindings"
_PLACES = {name: Paths(f"*.*.configuration.{name}.*") for name in (_PARAMETERS, _INPUTS)}
REFERENCES = {
    "executions.KEY.artifacts.NAME": Reference("execution", "artifacts.NAME", _PLACES),
    "deployments.KEY.url": Reference("deployment", "url", {_PARAMETERS: _PLACES[_PARAMETERS]}),
}
TAKES = {
    **_PLACES,
    "url, description and labels of an artifact": Paths(
        "artifacts.*.url", "artifacts.*.description", "artifacts.*.labels.*"
    ),
}
SPELLINGS = Spellings(
    hints={
        "clean_up": "prune: resource_group",
        "existing_id": "existing_deployment_id",
        "resource_group": "aicore: {resource_group: …}",
    },
    texts=Paths(f"*.*.configuration.{_PARAMETERS}.*.**"),
    lists={_PARAMETERS: "value", _INPUTS: "artifact"},
    checked=Paths("git.repository.**", "git.username.**", "git.password.**"),
)

_RUN = (
    ("configuration", "scenario_id"),
    ("configuration", "executable_id"),
    ("configuration", _PARAMETERS),
    ("configuration", _INPUTS),
)
_NEEDS: Mapping[tuple[str, ...], str] = {("configuration", _INPUTS): "artifacts"}
_STAYS = frozenset({"destination_name", "existing_deployment_id", "ttl"})
EMULATED = True
OVERRIDES: Overridable | None = None
"""What a run takes in stands in its configuration, which the stage file alone says."""
CARRIED = {
    "artifacts": Carried(
        "artifact", (("kind",), ("url",), ("scenario_id",), ("description",), ("labels",)), _STAYS
    ),
    "executions": Carried("execution", _RUN, _STAYS, _NEEDS),
    "schedules": Carried("schedule", (("execution",), ("cron",)), _STAYS),
    "deployments": Carried("deployment", _RUN, _STAYS, _NEEDS),
    "git": Carried("git", (("revision",),), is_map=True),
}


def identity(item: Node) -> str | None:
    """Its key, name or file; a secret is another one in another scope."""
    file = item.get("file")
    named = inherit.identity_of(item)
    if named is None and file is not None and isinstance(file.value, str):
        named = file.value
    if named is not None:
        return f"{named}{_scope(item)}"
    name = item.get("configuration", "name")
    return slug(name.value) if name is not None and isinstance(name.value, str) else None


def _scope(item: Node) -> str:
    """The default goes without saying."""
    scope = item.get("scope")
    is_other = scope is not None and scope.value != "resource_group"
    return f" ({scope.text})" if scope is not None and is_other else ""


def modernise(tree: Node, suffix: str) -> tuple[Node, list[Problem]]:
    """Bindings as maps, and the whole file of the old pipeline in the words of today."""
    problems: list[Problem] = []
    if legacy.is_legacy(tree, suffix):
        tree, problems = legacy.modernised(tree)
    tree, found = legacy.with_binding_maps(tree)
    return tree, [*problems, *found]


def sources(
    file: StageFile, written: Node, root: Path, git: GitFacts, override: GitOverride | None
) -> tuple[Catalogue, list[Problem]]:
    """The templates that the stage syncs, or is likely to find on AI Core."""
    return read_catalogue(file, written, root, git, override)


names = names_in


def check(draft: Draft) -> Iterable[Problem]:
    """What its parts say of each other and of the templates; the flows."""
    found = [*check_references(draft), *check_rules(draft)]
    if draft.file.flows:
        # reads Python, which few stages need
        from cicd.platforms.aicore.dialect.flows.declared import check_flows

        found += check_flows(draft)
    return found


def export(live: Iterable[LiveResource], around: Around) -> Export:
    """What lives in a resource group; the templates of it are those of the project."""
    from cicd.platforms.aicore.dialect.exporting import export_stage
    from cicd.platforms.aicore.dialect.templates import templates_in

    return export_stage(live, around, templates_in(around.root, "templates"))


def needs(stage: Stage, live: LiveResource) -> Needs:
    """What the template of a run takes: images, secrets, resource plans."""
    from cicd.platforms.aicore.dialect.template_needs import needs as read

    return read(stage, live)


def build(draft: Draft) -> Built:
    """The resource group, what runs need, what is synced, and what runs."""
    from cicd.platforms.aicore.dialect.building import build  # not needed to check a stage

    return build(draft)
