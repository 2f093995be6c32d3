"""The ``flows`` of a stage: what is wrong with them, and what building their templates needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from cicd.config.fields import values_of
from cicd.config.files import is_file, read_trees
from cicd.config.formats import relative_path_problem
from cicd.config.tree import Place, did_you_mean, hidden_texts, plain
from cicd.errors import InvalidStage, Problem
from cicd.model import Secret
from cicd.platforms.aicore.dialect.draft import Draft
from cicd.platforms.aicore.dialect.flows.record import (
    differences,
    parts_of,
    read_record,
    sources_of,
)
from cicd.platforms.aicore.dialect.flows.schema import FlowInput, FlowOutput, FlowSettings
from cicd.platforms.aicore.dialect.flows.source import Decorator, FlowSource, read_flow

CURES = {
    "batch": "AI Core runs every step: use @kubernetes(image=…)",
    "conda": "build the libraries into the image",
    "conda_base": "build the libraries into the image",
    "pypi": "build the libraries into the image",
    "pypi_base": "build the libraries into the image",
    "uv": "build the libraries into the image",
    "exit_hook": "AI Core has no exit hooks",
    "parallel": "AI Core runs one pod for a step: use foreach",
    "torchrun": "AI Core runs one pod for a step",
    "slurm": "AI Core runs every step",
    "project": "name the scenario in the stage file",
    "schedule": "use schedules of the stage file",
    "secrets": "use a generic secret of AI Core",
    "trigger": "AI Core has no events: use schedules of the stage file",
    "trigger_on_finish": "AI Core has no events: use schedules of the stage file",
}
"""Decorators that AI Core cannot follow -> what to do instead."""
NOT_IN_TEMPLATE = frozenset({"file", "template", "python"})
"""Settings of which the template holds nothing: where things are on this machine."""
_ID = re.compile(r"[a-z0-9]([a-z0-9-]{2,62}[a-z0-9])")
_URL = re.compile(r"\b[a-zA-Z][\w+.-]*://[^\s'\"<>]+")


@dataclass(frozen=True)
class Store:
    """The bucket of a flow. ``root`` is s3://bucket/folder; ``endpoint`` empty for Amazon's own."""

    root: str
    endpoint: str = ""
    region: str = ""
    credentials: Mapping[str, Secret] | None = None


@dataclass(frozen=True)
class Flow:
    """One flow of a stage with its file read. ``store`` is None where the stage names none."""

    settings: FlowSettings
    source: FlowSource
    root: Path
    place: Place
    store: Store | None

    @property
    def record(self) -> dict[tuple[str, str], str]:
        """The fingerprints of all that its template is made from."""
        values = values_of(self.settings, NOT_IN_TEMPLATE, are_defaults_left_out=True)
        if self.store:
            kept = (self.store.root, self.store.endpoint, self.store.region)
            values["object store"] = kept
        return sources_of(self.source, values)

    @property
    def names(self) -> frozenset[str]:
        """What people call it: its class, its executable, the stem of its file."""
        source, stem = self.source, Path(self.settings.file).stem
        return frozenset({source.class_name, source.executable_id, stem})


def flows_of(draft: Draft) -> list[Flow]:
    """All flows of a draft. Raises InvalidStage with everything that is wrong with them."""
    problems = [p for p in check_flows(draft, built=False) if p.severity == "error"]
    if problems:
        raise InvalidStage(problems)
    return [_flow(draft, index) for index in range(len(draft.file.flows))]


def _flow(draft: Draft, index: int) -> Flow:
    settings, place = draft.file.flows[index], draft.place("flows", index)
    source = read_flow(draft.root, settings.file, draft.place("flows", index, "file"))
    return Flow(settings, source, draft.root, place, _store(draft, settings))


def _store(draft: Draft, settings: FlowSettings) -> Store | None:
    """Where its code and data are kept: the bucket of the secret that the steps get."""
    wanted = settings.object_store_secret
    for item in draft.file.secrets.object_store:
        if wanted not in {item.name, f"{item.name}-object-store-secret"} or not item.bucket:
            continue
        folder = "/".join(part for part in (item.path_prefix or "").split("/") if part)
        root = settings.datastore or "/".join(["s3:/", item.bucket, *filter(None, [folder])])
        root = root if settings.datastore else f"{root}/metaflow"
        endpoint = item.endpoint or ""
        if endpoint and "://" not in endpoint:
            endpoint = f"{'http' if item.use_https is False else 'https'}://{endpoint}"
        is_amazon = (urlsplit(endpoint).hostname or "").endswith(".amazonaws.com")
        return Store(root, "" if is_amazon else endpoint, item.region or "", dict(item.data))
    return Store(settings.datastore) if settings.datastore else None


def check_flows(draft: Draft, *, built: bool = True) -> Iterator[Problem]:
    """All problems of the ``flows`` section and of the flows themselves; nothing is run.

    ``built``: their templates must be there too.
    """
    templates: dict[str, Place] = {}
    executables: dict[str, Place] = {}
    for index, settings in enumerate(draft.file.flows):
        place = draft.place("flows", index, "template")
        if first := templates.get(settings.template):
            message = f"{settings.template} is already written by the flow at {first}: rename one"
            yield place.problem(message, "duplicate-name")
        templates.setdefault(settings.template, place)
        problems = list(_check_paths(draft, index, settings))
        yield from problems
        if problems:
            continue
        at = draft.place("flows", index, "file")
        try:
            source = read_flow(draft.root, settings.file, at)
        except InvalidStage as error:
            yield from error.problems
            continue
        if first := executables.get(source.executable_id):
            message = f'"{source.executable_id}" is already made from the flow at {first}: '
            yield at.problem(f"{message}rename a class", "duplicate-name")
        executables.setdefault(source.executable_id, at)
        yield from _check_source(source)
        yield from _check_settings(draft, index, settings, source)
        if built:
            yield from _check_template(draft, index)


def _check_paths(draft: Draft, index: int, settings: FlowSettings) -> Iterator[Problem]:
    for field in ("file", "template"):
        path = getattr(settings, field)
        problem = relative_path_problem(path)
        if not problem and not (draft.root / path).resolve().is_relative_to(draft.root.resolve()):
            problem = "leads out of the project"
        if problem:
            message = f'{field} is "{path}", which {problem}'
            yield draft.place("flows", index, field).problem(message, "bad-flow")


def _check_source(source: FlowSource) -> Iterator[Problem]:
    place = Place(source.file, source.line, 1)
    if not _ID.fullmatch(source.executable_id):
        message = f'the class {source.class_name} makes the executable id "{source.executable_id}"'
        message += ", which needs 4 to 64 letters, digits or underscores: rename it"
        yield place.problem(message, "bad-executable-id")
    yield from _check_decorators(source.file, "the flow", source.decorators)
    for step in source.steps.values():
        yield from _check_decorators(source.file, f'step "{step.name}"', step.decorators)
    for parameter in source.parameters:
        at = Place(source.file, parameter.line, 1)
        if parameter.sort == "IncludeFile":
            message = f'"{parameter.name}" includes a file, which is not in the template: '
            yield at.problem(f"{message}use an input artifact", "unsupported-in-flow")


def _check_decorators(file: str, what: str, decorators: tuple[Decorator, ...]) -> Iterator[Problem]:
    for decorator in decorators:
        if decorator.name in CURES:
            message = f"{what} has @{decorator.name}, which does not work on AI Core: "
            place = Place(file, decorator.line, 1)
            yield place.problem(f"{message}{CURES[decorator.name]}", "unsupported-in-flow")


def _check_settings(
    draft: Draft, index: int, settings: FlowSettings, source: FlowSource
) -> Iterator[Problem]:
    lists: Mapping[str, Sequence[FlowInput | FlowOutput]] = {
        "inputs": settings.inputs,
        "outputs": settings.outputs,
    }
    for field, items in lists.items():
        names = [item.name for item in items]
        for number, item in enumerate(items):
            place = draft.place("flows", index, field, number)
            if item.name in names[:number]:
                message = f'"{item.name}" stands twice in {field}: rename one'
                yield place.problem(message, "duplicate-item")
            if item.step not in source.steps:
                message = f'{field} names the step "{item.step}", which {settings.file} does not '
                hint = did_you_mean(item.step, source.steps)
                yield place.problem(f"{message}have{hint}", "unknown-reference")
    if settings.image is None:
        bare = [step.name for step in source.steps.values() if not _has_image(step.decorators)]
        if bare:
            message = f"no image for {', '.join(bare)}: set image, or @kubernetes(image=…)"
            yield draft.place("flows", index).problem(message, "missing-image")
    yield from _check_origins(draft, index, settings)
    for name, value in settings.env.items():
        node = draft.tree.get("flows", index, "env", name)
        if node is not None and node.is_hidden:
            cure = "put it into a secret that @kubernetes(secrets=…) names"
            yield node.place.problem(f"{_told(name, settings)}: {cure}", "secret-in-plain-text")
        elif isinstance(value, str) and (url := loopback_in(value)):
            message = f"{name} leads to this machine ({url}), where no step of AI Core runs"
            place = draft.place("flows", index, "env", name)
            yield place.problem(f"{message}: leave it out", "bad-flow")


def _check_origins(draft: Draft, index: int, settings: FlowSettings) -> Iterator[Problem]:
    """What goes into the template goes into Git, so nothing of it may come from the environment."""
    for field in sorted(set(FlowSettings.__struct_fields__) - NOT_IN_TEMPLATE - {"env"}):
        node = draft.tree.get("flows", index, field)
        for place in hidden_texts(node) if node is not None else ():
            message = f"{_told(field, settings)}: write it into the stage file"
            yield place.problem(message, "secret-in-plain-text")


def _told(what: str, settings: FlowSettings) -> str:
    return f"{what} comes from the environment, and would stand in {settings.template} in Git"


def _has_image(decorators: tuple[Decorator, ...]) -> bool:
    return any(d.name == "kubernetes" and re.search(r"\bimage\s*=", d.text) for d in decorators)


def loopback_in(text: str) -> str:
    """The first URL in a text that leads to the machine it is used on; empty where none does."""
    for url in _URL.findall(text):
        try:
            host = urlsplit(url).hostname or ""
        except ValueError:
            continue
        if host == "localhost" or host.endswith(".localhost") or _is_loopback(host):
            return str(url)
    return ""


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _check_template(draft: Draft, index: int) -> Iterator[Problem]:
    """Whether the template is there, where AI Core looks for it, and made from the flow as is."""
    flow, place = _flow(draft, index), draft.place("flows", index, "template")
    file = flow.settings.template
    if draft.file.git and Path(file).parent != Path(draft.file.git.path):
        message = f"{file} is not in git.path ({draft.file.git.path}), so AI Core never sees it"
        yield place.problem(f"{message}: move it", "template-folder", "warning")
    if not is_file(draft.root / file):
        message = f"{file} is not there: run cicd template build"
        yield place.problem(message, "no-template")
        return
    for text in template_differences(flow):
        message = f"{file} does not match {flow.settings.file}: {text}"
        cure = "run cicd template build"
        yield place.problem(f"{message}; {cure}", "outdated-template", "warning")


def template_differences(flow: Flow) -> list[str]:
    """How the committed template differs from what the flow makes, in words; no generator runs.

    Raises InvalidStage for a template that cannot be read.
    """
    file = flow.settings.template
    path = flow.root / file
    trees = read_trees(path, file)
    then = read_record(path.read_text(encoding="utf-8"))
    if not then or not trees:
        return ["it does not say what it was made from, so cicd did not write it"]
    extra = ["edited by hand: it holds more than one document"] if len(trees) > 1 else []
    return [*differences(then, {**flow.record, **parts_of(plain(trees[0]))}), *extra]
