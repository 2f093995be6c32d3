"""The application that syncs a project's templates -> the ``git`` section. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from cicd.config.dialect import Around
from cicd.config.exported import Section
from cicd.config.live_texts import literal
from cicd.model import LiveResource
from cicd.platforms.aicore.dialect import formats
from cicd.platforms.aicore.dialect.draft import PLATFORM_SCENARIOS
from cicd.platforms.aicore.dialect.repository import inside
from cicd.platforms.aicore.dialect.template import Template


def export_git(
    applications: Sequence[LiveResource],
    used: Iterable[LiveResource],
    around: Around,
    templates: Sequence[Template],
) -> Section:
    """The application that syncs the templates of the configurations in use, where the templates
    are here too: a stage that syncs must have them."""
    found = Section("git")
    needed = {
        str(configuration.spec["executable_id"])
        for configuration in used
        if configuration.spec["scenario_id"] not in PLATFORM_SCENARIOS
    }
    missing = sorted(needed - {template.executable_id for template in templates})
    application = application_of(applications, around, templates)
    if not needed:
        return found
    if missing:
        found.notes.append(
            f"git: this folder has no template of {', '.join(missing)}, and nothing can read "
            "them back from AI Core; they stay as they are there"
        )
    elif application:
        found.content = _content(application, around, found)
    elif not around.is_local:
        names = ", ".join(each.id for each in applications) or "none"
        found.notes.append(
            f"git: no application is known to sync {around.repository or 'this'} "
            f"(there are: {names})"
        )
    return found


def _content(application: LiveResource, around: Around, section: Section) -> dict[str, Any]:
    spec = application.spec
    if around.is_local:  # the working tree stands in for the rest
        return {"application": spec["name"], "path": literal(spec["path"])}
    item = {"application": spec["name"]}
    if re.match(formats.REPOSITORY_URL, str(spec["repository"])):  # AI Core takes any text
        item["repository"] = literal(spec["repository"])
        section.comments["git", "repository"] = (
            "username and password cannot be read back; declared, they are sent again"
        )
    path = _path_of(application, around) or "." if around.folder else str(spec["path"])
    return {**item, "path": literal(path), "revision": literal(spec["revision"])}


def application_of(
    applications: Iterable[LiveResource], around: Around, templates: Iterable[Template]
) -> LiveResource | None:
    """The newest one that syncs this project's repository into AI Core."""
    folders = {_plain_path(template.file.rpartition("/")[0]) for template in templates}
    fitting = [
        application
        for application in applications
        if _plain_url(application.spec.get("repository")) == _plain_url(around.repository)
        if _path_of(application, around) in folders
    ]
    return fitting[-1] if fitting else None


def _path_of(application: LiveResource, around: Around) -> str:
    """Where an application finds its templates, as seen from the project; with a slash at its
    start where that lies elsewhere in the repository."""
    path, folder = _plain_path(application.spec.get("path")), around.folder
    if around.is_local or not folder:
        return path
    inner = inside(path, folder)
    return f"/{path}" if inner is None else inner


def _plain_url(url: Any) -> str:
    """How AI Core and people compare repositories: no login, no case, no ``.git``."""
    text = re.sub(r"^git@([^:/]+):", r"https://\1/", str(url or "").strip())
    text = re.sub(r"^(\w+://)[^/@]*@", r"\1", text)
    return text.rstrip("/").removesuffix(".git").lower().replace("ssh://", "https://")


def _plain_path(path: Any) -> str:
    return "/".join(part for part in str(path or "").split("/") if part not in {"", "."})
