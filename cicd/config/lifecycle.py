"""What is wrong with ``lifecycle`` of a stage file beside its shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from cicd.config.dialect import Carried
from cicd.config.draft import Draft
from cicd.config.fields import values_of
from cicd.config.formats import relative_path_problem
from cicd.config.lifecycle_schema import Jira, Lifecycle
from cicd.config.tree import Path, did_you_mean
from cicd.config.watch import is_file_name, names_beside
from cicd.errors import Problem
from cicd.values import Key

AnyDraft = Draft[Any, Any]
Sections = Mapping[str, Carried]
PACKAGE = "model_package"
RULE = "bad-lifecycle"
OTHERS = "prevent_self_approval"
_BY_THE_SYSTEM = "it is set at the environment itself, leave it out here"
_ALWAYS = "nobody approves their own there anyway, leave it out"
OF_MEANS = {
    "github": "set prevent self-review at the environment itself, and leave it out here",
    "gitlab": _BY_THE_SYSTEM,
    "azure": _BY_THE_SYSTEM,
    "pull_request": _ALWAYS,
    "jira": _ALWAYS,
    "model_package": "AWS tells nobody who decided, so it cannot be held",
}
"""What is so for the other means."""
PROGRAMS = (".py", ".sh")
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_AT = "lifecycle"


def check_lifecycle(draft: AnyDraft, sections: Sections) -> Iterator[Problem]:
    """All of it; ``sections``: those of the platform."""
    part: Lifecycle | None = draft.file.lifecycle
    if part is None:
        return
    yield from _check_keys(draft, part, sections)
    yield from _check_assets(draft, part)
    yield from _check_approval(draft, part)
    if part.comparator and not part.test and not draft.has_lost(_AT, "test"):
        message = "comparator judges the result of test, and there is no test: name the run"
        yield draft.place(_AT, "comparator").problem(message, RULE)
    elif part.comparator:
        yield from _check_programs(draft, part.comparator.command)
    if part.test_data and not part.test and not draft.has_lost(_AT, "test"):
        message = "test_data is there and no test that takes it: name the run in test"
        yield draft.place(_AT, "test_data").problem(message, RULE, "warning")


def _check_keys(draft: AnyDraft, part: Lifecycle, sections: Sections) -> Iterator[Problem]:
    """What ``test`` and ``deploy`` name, and nothing of the stage is."""
    known = sorted(map(str, draft.named))
    runs = {str(key) for key in _runs(draft, sections)}
    if part.test and not draft.is_named(_key(part.test)):
        message = f"test names {part.test}, which is not defined{did_you_mean(part.test, known)}"
        yield draft.place(_AT, "test").problem(message, "unknown-reference")
    elif part.test and part.test not in runs:
        message = f"test is {part.test}, which is no run: {_there_are(sorted(runs))}"
        yield draft.place(_AT, "test").problem(message, RULE)
    for index, text in enumerate(part.deploy):
        place = draft.place(_AT, "deploy", index)
        if not draft.is_named(_key(text)):
            message = f"deploy names {text}, which is not defined{did_you_mean(text, known)}"
            yield place.problem(message, "unknown-reference")
        elif text == part.test:
            yield place.problem(f"deploy names {text}, which is the test itself", RULE)


def _key(text: str) -> Key:
    kind, _, name = text.partition("/")
    return Key(kind, name)


def _there_are(names: list[str]) -> str:
    return f"there are {', '.join(names)}" if names else "the stage has none"


def _runs(draft: AnyDraft, sections: Sections) -> Iterator[Key]:
    """What starts and ends."""
    for name, section in sections.items():
        for _, item in () if section.is_map else draft.items(name):
            if hasattr(item, "rerun"):
                yield Key(section.kind, item.key)


def _check_assets(draft: AnyDraft, part: Lifecycle) -> Iterator[Problem]:
    """Paths that lead out of the project, and slips of what is there. What is not there yet is no
    error: an apply waits for it and says so."""
    assets = part.require_assets.items()
    named: list[tuple[Path, str]] = [((_AT, "require_assets", name), path) for name, path in assets]
    named += [((_AT, "test_data"), part.test_data)] if part.test_data else []
    for at, path in named:
        if not is_file_name(path):
            if problem := _url_problem(path):
                yield draft.place(*at).problem(f"{at[-1]} is no URL: {problem}", RULE)
            continue
        if problem := relative_path_problem(path):
            yield draft.place(*at).problem(f'"{path}" {problem}', "missing-file")
        elif not (draft.root / path).exists():
            meant = did_you_mean(path, names_beside(draft.root, path))
            message = f'{at[-1]} is "{path}", which is not there{meant}'
            yield draft.place(*at).problem(message, "missing-file", "warning")


def _url_problem(text: str) -> str:
    try:
        urlsplit(text)
    except ValueError as error:
        return str(error)
    return ""


def _check_programs(draft: AnyDraft, command: Sequence[str]) -> Iterator[Problem]:
    """Programs of the project that are not there: an apply would come to them after its test."""
    for index, word in enumerate(command):
        is_program = word.endswith(PROGRAMS) and not word.startswith(("/", "-", "~"))
        if is_program and not (draft.root / word).exists():
            meant = did_you_mean(word, names_beside(draft.root, word))
            message = f"the comparator names {word}, which is not there{meant}"
            place = draft.place(_AT, "comparator", "command", index)
            yield place.problem(message, "missing-file", "warning")


def _file_problem(draft: AnyDraft, path: str) -> str:
    """Why a file cannot be one that holds an approval; empty where it can."""
    if problem := relative_path_problem(path):
        return problem
    if ".git" in path.split("/"):
        return "is never committed"
    if (draft.root / path).is_dir():
        return "is a folder"
    return "is the stage file" if path == draft.tree.place.file else ""


def _check_approval(draft: AnyDraft, part: Lifecycle) -> Iterator[Problem]:
    approval = part.approval
    if approval is None:
        return
    at = (_AT, "approval")
    means = values_of(approval, but=(OTHERS,))
    told = [name for name, value in means.items() if value is not None]
    if not told and draft.is_whole(*at):
        message = f"approval names no means: give one of {', '.join(means)}"
        yield draft.place(*at).problem(message, RULE)
    for name in told[1:]:
        message = f"approval has {told[0]} already: keep one of the two"
        yield draft.place(*at, name, key=True).problem(message, RULE)
    if approval.prevent_self_approval and told and not approval.file:
        place = draft.place(*at, OTHERS, key=True)
        yield place.problem(f"{OTHERS} is for file: {OF_MEANS[told[0]]}", RULE)
    if approval.file and (problem := _file_problem(draft, approval.file)):
        message = f'the file of an approval is "{approval.file}", which {problem}'
        yield draft.place(*at, "file").problem(message, "missing-file")
    asked = approval.pull_request
    if asked and asked.label and not asked.reviewers:
        message = "whoever may triage sets a label: name the reviewers whose label counts"
        yield draft.place(*at, "pull_request").problem(message, RULE)
    if approval.jira:
        yield from _check_jira(draft, approval.jira)
    if approval.model_package:
        yield from _check_package(draft, approval.model_package)


def _check_jira(draft: AnyDraft, jira: Jira) -> Iterator[Problem]:
    """An address that gives the login away, and statuses that say both."""
    place = draft.place(_AT, "approval", "jira", "url")
    if problem := _url_problem(jira.url):
        yield place.problem(f"approval.jira.url is no URL: {problem}", RULE)
        return
    parts = urlsplit(jira.url)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        message = f"the token goes to http://{parts.hostname} for everybody on the way to read"
        yield place.problem(message, RULE, "warning")
    approved = {name.casefold() for name in jira.approved}
    for index, name in enumerate(jira.rejected):
        if name.casefold() in approved:
            message = f'"{name}" is in approved and in rejected: keep one of the two'
            yield draft.place(_AT, "approval", "jira", "rejected", index).problem(message, RULE)


def _check_package(draft: AnyDraft, name: str) -> Iterator[Problem]:
    place = draft.place(_AT, "approval", PACKAGE)
    packages = [key.name for key in draft.named if key.kind == PACKAGE]
    if not hasattr(draft.file, f"{PACKAGE}s"):
        message = f"{draft.file.platform} keeps no approvals with versions of models: take others"
        yield place.problem(message, RULE)
    elif name not in packages:
        message = f"approval names {PACKAGE}/{name}, which is not defined"
        yield place.problem(f"{message}{did_you_mean(name, packages)}", "unknown-reference")
    for path, item in draft.items(f"{PACKAGE}s") if name in packages else ():
        if item.key == name and getattr(item, "approval", "pending") != "pending":
            message = (
                f"{PACKAGE}/{name} is {item.approval} by the stage file itself: leave that out"
            )
            yield draft.place(*path, "approval").problem(message, RULE)
