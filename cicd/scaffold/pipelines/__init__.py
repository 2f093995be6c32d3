"""The pipelines of other CI systems than GitHub's: one file each, made from the folder's templates.

Beside the markers of all files a template has parts: what stands between a line with ``@FOR PART@``
and one with ``@END PART@`` is written once for each of the part's items, or not at all. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from cicd.errors import Usage
from cicd.scaffold import Markers, Scaffold, render
from cicd.scaffold.facts import BRANCHES
from cicd.scaffold.workflows import FOLDER, slug_of

GITHUB = "github"
FILES = {"gitlab": ".gitlab-ci.yml", "azure": "azure-pipelines.yml", "jenkins": "Jenkinsfile"}
"""CI system -> the file that it reads; GitHub reads a folder."""
NAMES = (GITHUB, *FILES)
_TEMPLATES = {"gitlab": "gitlab.yml", "azure": "azure.yml", "jenkins": "jenkins.groovy"}
_HOSTS = {"gitlab": ("gitlab",), "azure": ("dev.azure.com", "visualstudio.com")}
_PART = re.compile(
    r"^[^\S\n]*@FOR (?P<part>[A-Z_]+)@\n(?P<text>.*?)^[^\S\n]*@END (?P=part)@\n", re.M | re.S
)
_AZURE_PATH = re.compile(r"[^~^:\s\[\]\\*?]+")
"""What Azure takes in `paths`: a project in another folder runs on every push."""
Parts = Mapping[str, Sequence[Markers]]


def ci_of(remote: str) -> str:
    """The CI system of a repository by the host of its URL: GitHub's where it says nothing else."""
    host = urlsplit(remote).hostname or ""
    found = (name for name, signs in _HOSTS.items() if any(sign in host for sign in signs))
    return next(found, GITHUB)


def expand(text: str, parts: Parts) -> str:
    """``text`` with each part as often as it has items, each with its own markers."""

    def written(found: re.Match[str]) -> str:
        items = parts.get(found["part"], ())
        return "".join(expand(render(found["text"], item), parts) for item in items)

    return _PART.sub(written, text)


def parts_of(ci: str, scaffold: Scaffold, stages: Sequence[str], project: str) -> Parts:
    """What the parts of templates and of READMEs are written for."""
    names = (*scaffold.SECRETS, *scaffold.SETTINGS)
    return {
        "GITHUB": [{}] if ci == GITHUB else [],
        "ELSEWHERE": [] if ci == GITHUB else [{}],
        "IN_FOLDER": [{}] if project else [],
        "PLAIN_FOLDER": [{}] if _AZURE_PATH.fullmatch(project) else [],
        "STAGE": [_stage(stage, is_last=stage == stages[-1]) for stage in stages],
        "LOGIN": [{"NAME": name} for name in names],
        "SECRET": [{"NAME": name, "ID": _id(name)} for name in scaffold.SECRETS],
        "SETTING": [{"NAME": name} for name in scaffold.SETTINGS],
    }


def _stage(stage: str, *, is_last: bool) -> Markers:
    is_asked = is_last and stage != "dev"
    return {
        "STAGE": stage,
        "BRANCH": BRANCHES[stage],
        "TIER": {"dev": "development", "tst": "testing"}.get(stage, "production"),
        "WHEN": "manual" if is_asked else "on_success",
        "WHEN_WHY": " # the gate where environments cannot be protected" if is_asked else "",
    }


def markers_for(ci: str, scaffold: Scaffold, stages: Sequence[str], project: str) -> Markers:
    """What stands for the markers of pipelines, and for those about them in READMEs."""
    slug = slug_of(project) if project else ""
    branches = [BRANCHES[stage] for stage in stages]
    path = PurePosixPath(project, FILES[ci]).as_posix() if ci in FILES else FOLDER
    return {
        "EXTRA": scaffold.EXTRA,
        "SLUG_DASH": f"{slug}-" if slug else "",
        "FOLDER_TEXT": _text(project or "."),
        "FOLDER_GROOVY": re.sub(r"(['\\])", r"\\\1", project or "."),
        "LOCAL": _text(f"/{path}"),
        "LOGIN_NAMES": ", ".join((*scaffold.SECRETS, *scaffold.SETTINGS)),
        "BRANCH_LIST": ", ".join(branches),
        "BRANCH_PATTERN": "|".join(branches),
        "STAGE_MAP": ", ".join(f"{BRANCHES[stage]}: '{stage}'" for stage in stages),
        "ASKED_STAGE": stages[-1] if stages[-1] != "dev" else "",
        "CI_FILES": f"`{FILES.get(ci, f'{FOLDER}/')}`",
        "CI_FILE": FILES.get(ci, FOLDER),
    }


def pipeline(ci: str, scaffold: Scaffold, stages: Sequence[str], markers: Markers) -> str:
    """The text of the file that a CI system reads. ``markers``: with those of ``markers_for``.
    Raises Usage for a platform without a login."""
    template = files(__name__).joinpath(_TEMPLATES[ci]).read_text(encoding="utf-8")
    project = "" if markers["FOLDER_TEXT"] == '"."' else json.loads(markers["FOLDER_TEXT"])
    return render(expand(template, parts_of(ci, scaffold, stages, project)), markers)


def check_ci(name: str) -> str:
    """The name of a CI system. Raises Usage."""
    if name not in NAMES:
        raise Usage(f"there is no template for {name!r}", hint=f"there are: {', '.join(NAMES)}")
    return name


def _id(name: str) -> str:
    """A variable's name as one of a credential."""
    return name.lower().replace("_", "-")


def _text(value: str) -> str:
    """As YAML on one line, whatever is in it."""
    return json.dumps(value, ensure_ascii=False)
