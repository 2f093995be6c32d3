"""``--local``: the embedded emulator, fed with the working tree as it is on disk.

The templates are committed into a shadow repository under ``.cicd/``, so that the emulator syncs
real Git and nothing of the user's own repository is touched. The commit has a fixed author and
date: the same files give the same id, whoever asks and whenever.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from cicd.automation.bounds import choose_bounds, told_by
from cicd.automation.built_images import built_images, flow_images
from cicd.automation.git import git
from cicd.automation.objects import write_commit
from cicd.config import GitOverride
from cicd.errors import CicdError, ConnectionFailed
from cicd.masking import Mask
from cicd.model import Resource, Stage, opened

if TYPE_CHECKING:
    from cicd.emulator.host.folder import Endpoint
    from cicd.platforms.base import Finding

PULLED = "docker_registry_secret"
"""Nothing is pulled here, so that the secrets for it need not be there."""
NOT_NEEDED = frozenset({"object store", "pull secret"})
"""Checks of a platform that say nothing here: the emulator keeps by itself what runs make, and
pulls no image."""
CHANGED = " with changes"
NO_COMMIT = "none yet"
SUFFIXES = (".yaml", ".yml", ".json")


def state_folder(root: Path) -> Path:
    """Where everything local is kept; it ignores itself in Git."""
    folder = root / ".cicd"
    try:
        folder.mkdir(exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise CicdError(
            f"cannot write to {folder}: {error.strerror}",
            hint="--local keeps its state there; make the folder writable or free some space",
        ) from error
    return folder


def shadow(root: Path) -> Path:
    """The shadow repository. Its name holds the place of the project: a repository that the
    emulator knows keeps its url for good, and a project may be moved."""
    place = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:6]
    return state_folder(root) / f"worktree-{place}.git"


def override(root: Path) -> GitOverride:
    """What stands in for the stage's own Git repository; with_snapshot() fills in the rest."""
    return GitOverride(repository=shadow(root).as_uri(), revision="HEAD", commit="")


def snapshot(root: Path, path: str, environ: Mapping[str, str]) -> str:
    """Commit the templates in folder ``path`` to the shadow repository; the id of the commit.

    Just what AI Core would read, ignored by Git or not. Moves no branch.
    """
    folder = root / path
    found = (file for file in folder.iterdir() if file.suffix in SUFFIXES and file.is_file())
    files = sorted(file.relative_to(root) for file in found)
    return _commit(root, files, "working tree", environ)


def _commit(root: Path, files: Sequence[Path], message: str, environ: Mapping[str, str]) -> str:
    """A commit of files below the root, as they are on disk, in the shadow repository; its id."""
    repository = shadow(root)
    if not repository.exists():
        _make_repository(repository, root, environ)
    try:
        # not git add: it takes nothing out of a submodule, and changes what it takes elsewhere
        contents = {
            tuple(map(os.fsencode, file.parts)): (root / file).read_bytes() for file in files
        }
        return write_commit(repository, contents, message)
    except OSError as error:
        raise CicdError(
            f"{error.filename or repository}: {error.strerror}",
            hint="--local keeps a copy of templates and stage files in .cicd",
        ) from error


def _make_repository(repository: Path, root: Path, environ: Mapping[str, str]) -> None:
    """Make an empty one. Half-made it is in a folder of its own: several plans at once must not
    meet."""
    with tempfile.TemporaryDirectory(dir=repository.parent) as temporary:
        begun = Path(temporary) / "new.git"
        begin = ("init", "--quiet", "--bare", "--template=", str(begun))
        git(*begin, cwd=root, environ=environ)
        with suppress(OSError):  # another one was quicker
            begun.rename(repository)


def remember(root: Path, name: str, folders: Iterable[str], environ: Mapping[str, str]) -> None:
    """Keep the stage files and templates of an apply: what the next plan is compared with."""
    places = [root, *(root / folder for folder in folders)]
    files = {
        file.relative_to(root)
        for place in places
        if place.is_dir()
        for file in place.iterdir()
        if file.suffix in SUFFIXES and file.is_file()
    }
    commit = _commit(root, sorted(files), f"applied {name}", environ)
    here = {"GIT_DIR": str(shadow(root))}
    git("update-ref", applied(name), commit, cwd=root, environ=environ, env=here)


def applied(name: str) -> str:
    """The ref of what ``remember`` kept of a stage."""
    return f"refs/applied/{name}"


def publish(stage: Stage, root: Path, environ: Mapping[str, str]) -> None:
    """Let the emulator see the snapshot: what ``git push`` is to a real repository."""
    here = {"GIT_DIR": str(shadow(root))}
    for resource in stage.resources:
        if resource.key.kind == "application":
            made = str(resource.spec["commit"])
            git("update-ref", _branch(resource), made, cwd=root, environ=environ, env=here)


def _branch(application: Resource) -> str:
    """The ref that an application syncs, named like it: stages that share one share its files."""
    return f"refs/heads/{application.spec['name']}"


def _snapshot_of(stage: Stage) -> str:
    """The commit of the shadow repository that a stage deploys; empty where it has no templates."""
    found = (item.spec.get("commit") for item in stage.resources if item.key.kind == "application")
    return next(map(str, found), "")


def with_snapshot(stage: Stage, root: Path, environ: Mapping[str, str], mask: Mask) -> Stage:
    """The same stage, its application deploying the working tree from a branch of its own.

    The commit of the stage is the one that is checked out, marked where files differ from it. Those
    of the shadow repository are known to nobody's Git: wherever ``mask`` is used, that one shows.
    """
    resources = []
    for resource in stage.resources:
        if resource.key.kind == "application":
            made = snapshot(root, opened(resource.spec["path"]), environ)
            spec = {**resource.spec, "revision": resource.spec["name"], "commit": made}
            resource = replace(resource, spec=spec)
        resources.append(resource)
    # AI Launchpad shows nothing of an emulator
    target = {name: text for name, text in stage.target.items() if name != "launchpad_url"}
    paths = [opened(item.spec["path"]) for item in resources if item.key.kind == "application"]
    head, changes = working_tree(root, paths, environ)
    local = replace(stage, resources=tuple(resources), commit=head + changes, target=target)
    before = _published(local, root, environ)
    _name_snapshots(mask, before, _snapshot_of(local), head, changes)
    return local


def working_tree(root: Path, paths: Sequence[str], environ: Mapping[str, str]) -> tuple[str, str]:
    """The commit that is checked out, and `` with changes`` where the files of the project are not
    those of it; ``none yet`` where there is no commit. ``paths``: where new files count too: not
    everything that lies about, like a saved plan, is deployed."""
    ask = partial(git, cwd=root, environ=environ)
    try:
        head = ask("rev-parse", "--verify", "--quiet", "HEAD")
        is_changed = bool(ask("status", "--porcelain", "--untracked-files=no", "--", "."))
        if paths and not is_changed:
            status = ("--literal-pathspecs", "status", "--porcelain", "--untracked-files=all")
            is_changed = bool(ask(*status, "--", *paths))
    except CicdError:
        return NO_COMMIT, ""
    return head, CHANGED if is_changed else ""


def _published(stage: Stage, root: Path, environ: Mapping[str, str]) -> str:
    """The commit of the shadow repository that was deployed last; empty where there is none."""
    here = {"GIT_DIR": str(shadow(root))}
    branches = [_branch(item) for item in stage.resources if item.key.kind == "application"]
    try:
        asked = ("rev-parse", *branches)
        return git(*asked, cwd=root, environ=environ, env=here) if branches else ""
    except CicdError:
        return ""


def _name_snapshots(mask: Mask, before: str, now: str, head: str, changes: str) -> None:
    """Show the commit of the user in place of the snapshot's, and of the one applied before it."""
    if head == NO_COMMIT and now:
        for commit in (now, now[:12]):
            mask.show_as(f"commit {commit}", "your files, not committed yet")
    names = {before: ("files applied last",) * 2, now: (head + changes, head[:12] + changes)}
    for commit, (name, short) in names.items():
        if commit:
            mask.show_as(commit, name)
            mask.show_as(commit[:12], short)


def start(root: Path, environ: Mapping[str, str]) -> Endpoint:
    """The running emulator of this project, started when there is none, with the bounds that the
    environment says. Raises Usage for bounds that it cannot be given."""
    from cicd.emulator.errors import EmulatorError
    from cicd.emulator.host import control

    data = state_folder(root) / "emulator"
    bounds = told_by(environ)
    try:
        choose_bounds(control, data, bounds)
        return control.start(data, command=control.serve_command(data), environ=environ)
    except EmulatorError as error:
        raise ConnectionFailed(error.message, hint=error.hint) from error


def entered(
    stage: Stage, root: Path, environ: Mapping[str, str]
) -> tuple[Endpoint | None, Mapping[str, str]]:
    """The running emulator, and the variables with which it is used in place of the account. None,
    and those that there are, for a platform that itself runs on this machine."""
    from cicd.platforms.registry import DIALECTS

    if not DIALECTS[stage.platform].EMULATED:
        return None, environ
    endpoint = start(root, environ)
    return endpoint, environment(endpoint, stage, environ)


def group_of(stage: Stage) -> str:
    """Where in the emulator a stage deploys to."""
    from cicd.emulator.host import control

    return control.group_of(stage.platform, stage.target.get("resource_group", "default"))


def speak_of(endpoint: Endpoint, stage: Stage) -> None:
    """Let ``cicd emulator env`` tell the variables of the platform of a stage too."""
    from cicd.emulator.host import control

    control.offer_doors(endpoint.data, [stage.platform])


def environment(endpoint: Endpoint, stage: Stage, environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` with every login of a real account taken out and the emulator's put in."""
    from cicd.emulator.host import control

    own = control.platform_environment(endpoint, stage.platform, group_of(stage))
    families = {f"{name.partition('_')[0]}_" for name in own}
    theirs = ("AICORE_", "DESTINATION_", "VCAP_", f"{stage.platform.upper()}_", *families)
    kept = {name: value for name, value in environ.items() if not name.startswith(theirs)}
    return {**kept, **own}


def stand_ins(stage: Stage, root: Path) -> dict[str, Any]:
    """What the emulator is told about images and ``ai://`` urls, all paths absolute."""
    local = stage.local
    images = {name: _image(image, root) for name, image in local.get("images", {}).items()}
    artifacts = {url: str(root / path) for url, path in local.get("artifacts", {}).items()}
    artifacts = {**_made_here(stage), **artifacts}
    return {
        "images": images,
        "artifacts": artifacts,
        "secrets": local.get("pull_secrets", []),
        "built": {**built_images(root), **flow_images(stage.local.get("flows", ()), root)},
    }


def _made_here(stage: Stage) -> dict[str, str]:
    """What other stages have made on this machine, by its urls."""
    texts = {text for resource in stage.resources for text in _texts(resource.spec)}
    files = (text for text in texts if stage.taken and text.startswith("file:"))
    return {url: unquote(urlsplit(url).path) for url in files}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)


def needed(findings: Iterable[Finding]) -> list[Finding]:
    """The findings about a platform without what the emulator does not need."""
    return [one for one in findings if one.state == "ok" or one.check not in NOT_NEEDED]


def _image(image: Mapping[str, Any], root: Path) -> dict[str, Any]:
    mounts = {inside: str(root / outside) for inside, outside in image.get("mounts", {}).items()}
    python = image.get("python", "")
    absolute = {"mounts": mounts, "python": str(root / python) if python else ""}
    return {**image, **absolute}


def tell_stand_ins(endpoint: Endpoint, stage: Stage, root: Path) -> None:
    """Let the emulator know what stands in where this stage deploys to."""
    from cicd.emulator.errors import EmulatorError
    from cicd.emulator.host import control

    body, group = stand_ins(stage, root), group_of(stage)
    try:
        control.ask(endpoint, "PUT", "/emulator/stand-ins", body, group=group)
    except EmulatorError as error:
        raise ConnectionFailed(error.message, hint=error.hint) from error
