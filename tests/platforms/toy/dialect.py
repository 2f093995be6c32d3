"""What stage files of the toy platform say: jobs that run scripts, and services that serve what a
job has written. It has a word of its own for everything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, field

from cicd.config.build import gates_of, inputs_of, smoke_test_of
from cicd.config.dialect import Around, Built, Carried, Export, Spellings, StandIn
from cicd.config.digests import digest
from cicd.config.draft import Draft as Base
from cicd.config.fields import Key, Part, Plain, SecretText
from cicd.config.files import is_file
from cicd.config.formats import seconds
from cicd.config.inherit import identity_of
from cicd.config.references import Reference
from cicd.config.rulebook import Rule
from cicd.config.rules import (
    check_cycles,
    check_gates,
    check_local,
    check_protect,
    check_unique,
    check_watch,
)
from cicd.config.schema import Require, Rerun, SmokeTest, StageBase, Timeout, Watch
from cicd.config.tree import Node, Paths, Place
from cicd.config.tree import Path as TreePath
from cicd.config.variables import GitFacts, GitOverride
from cicd.errors import Problem
from cicd.model import LiveResource, Options, Program, Resource, Stage
from cicd.values import Key as Name
from cicd.values import Ref


class Toy(Part, frozen=True, kw_only=True):
    box: Annotated[Plain | None, Meta(description="Where everything lies.")] = None
    token: Annotated[SecretText | None, Meta(description="Only as ${env.NAME}.")] = None


class Job(Part, frozen=True, kw_only=True):
    key: Key
    script: Plain
    knobs: dict[str, str | Ref] = {}
    rerun: Rerun = "on_change"
    watch: Watch = []
    timeout: Timeout = "1m"
    require: Require = []


class Service(Part, frozen=True, kw_only=True):
    key: Key
    serves: Plain | Ref
    smoke_test: SmokeTest | None = None


class StageFile(StageBase, frozen=True, kw_only=True):
    """What should exist on one stage."""

    platform: Annotated[Literal["toy"], Meta(description="Where it all runs.")] = "toy"
    toy: Toy = field(default_factory=Toy)
    jobs: list[Job] = []
    services: list[Service] = []


NAME = "toy"
File = StageFile
RULES: Mapping[str, Rule] = {
    "no-script": Rule("The script of a job is not there.", "cicd: the toy", "write it"),
    "no-box": Rule("Nothing says which box to use.", "cicd: the toy", "set toy.box"),
    "bad-gate": Rule("A toy cannot pass that gate.", "cicd: the toy"),
}
UNSURE = frozenset({"no-box"})
ENVIRONMENT = {"TOY_BOX": StandIn(offline="some-box", local="local-box")}
SECRETS = Paths("toy.token")
_KNOBS = {"knobs": Paths("jobs.*.knobs.*")}
REFERENCES = {
    "jobs.KEY.files.NAME": Reference("job", "files.NAME", _KNOBS),
    "jobs.KEY.result": Reference("job", "result", {**_KNOBS, "serves": Paths("services.*.serves")}),
}
SPELLINGS = Spellings(
    hints={"tasks": "jobs"}, texts=Paths("jobs.*.knobs.*"), lists={"knobs": "turned"}
)
CARRIED = {
    "jobs": Carried("job", (("script",), ("knobs",)), frozenset({"timeout"})),
    "services": Carried("service", (("serves",),), needs={("serves",): "jobs"}),
    "toy": Carried("toy", (("box",),), is_map=True),
}
identity = identity_of


class Draft(Base[StageFile, Mapping[str, str]]):
    """``sources``: script -> digest."""

    @property
    def box(self) -> str:
        return self.file.toy.box or self.variable("TOY_BOX")


def modernise(tree: Node, suffix: str) -> tuple[Node, list[Problem]]:
    """``knobs`` may be a list."""
    jobs = tree.get("jobs")
    if jobs is None or not isinstance(jobs.value, list):
        return tree, []
    items = [_with_map(item) for item in jobs.value]
    return tree.but(value={**tree.value, "jobs": jobs.but(value=items)}), []


def _with_map(item: Node) -> Node:
    knobs = item.get("knobs")
    if knobs is None or not isinstance(knobs.value, list):
        return item
    turned = {knob.value["key"].text: knob.value["turned"] for knob in knobs.value}
    return item.but(value={**item.value, "knobs": knobs.but(value=turned)})


def sources(
    file: StageFile, written: Node, root: Path, git: GitFacts, override: GitOverride | None
) -> tuple[Mapping[str, str], list[Problem]]:
    there = [job.script for job in file.jobs if is_file(root / job.script)]
    return {name: digest((root / name).read_text(encoding="utf-8")) for name in there}, []


def names(tree: Node) -> frozenset[Name]:
    found: set[Name] = set()
    for section, kind in (("jobs", "job"), ("services", "service")):
        node = tree.get(section)
        items = node.value if node is not None and isinstance(node.value, list) else []
        found |= {Name(kind, key.text) for item in items if (key := item.get("key"))}
    return frozenset(found)


def check(draft: Draft) -> Iterator[Problem]:
    if not draft.box:
        yield draft.place("toy").problem("no box: set toy.box or TOY_BOX", "no-box")
    yield from check_unique(draft, list(_placed(draft)))
    yield from check_cycles(_needs(draft))
    for index, job in enumerate(draft.file.jobs):
        path: TreePath = ("jobs", index)
        if job.script not in draft.sources:
            message = f'job/{job.key}: there is no script "{job.script}"'
            yield draft.place(*path, "script").problem(message, "no-script")
        yield from check_watch(draft, Name("job", job.key), job.watch, path)
        yield from check_gates(draft, Name("job", job.key), job.require, path)
    yield from check_local(draft)
    yield from check_protect(draft)


def _placed(draft: Draft) -> Iterator[tuple[Name, TreePath]]:
    yield from ((Name("job", job.key), ("jobs", i)) for i, job in enumerate(draft.file.jobs))
    for index, service in enumerate(draft.file.services):
        yield Name("service", service.key), ("services", index)


def _needs(draft: Draft) -> dict[Name, dict[Name, Place]]:
    return {
        Name("job", job.key): {
            value.key: draft.place("jobs", index, "knobs", name)
            for name, value in job.knobs.items()
            if isinstance(value, Ref)
        }
        for index, job in enumerate(draft.file.jobs)
    }


def export(live: Iterable[LiveResource], around: Around) -> Export:
    jobs = [item for item in live if item.key.kind == "job"]
    lines = [f"  - {{key: {job.key.name}, script: {job.spec['script']}}}" for job in jobs]
    head = [f"platform: {NAME}", f"toy: {{box: {around.target['box']}}}", "jobs:"]
    return Export("\n".join([*head, *lines, ""]), (), (), {"jobs": len(jobs)})


def needs(stage: Stage, live: LiveResource) -> list[str]:
    return [program.file for program in stage.programs if program.is_called_by(live.spec)]


def build(draft: Draft) -> Built:
    programs = tuple(
        Program(name, name, "", text, called={"script": name})
        for name, text in draft.sources.items()
    )
    resources = [*_jobs(draft), *_services(draft)]
    return Built({"box": draft.box}, resources, (draft.box,), programs=programs)


def _jobs(draft: Draft) -> Iterator[Resource]:
    for index, job in enumerate(draft.file.jobs):
        knobs = draft.hidden(job.knobs, "jobs", index, "knobs")
        spec: dict[str, Any] = {"name": job.key, "script": job.script, "knobs": knobs}
        files = {job.script: draft.sources[job.script]}
        spec |= inputs_of(draft, draft.name, spec, job.watch, files)
        options = Options(
            timeout=float(seconds(job.timeout)), rerun=job.rerun, require=gates_of(job.require)
        )
        source = str(draft.place("jobs", index))
        yield Resource(Name("job", job.key), spec, options, source=source)


def _services(draft: Draft) -> Iterator[Resource]:
    """What is served stands in releases, to go back to."""
    for index, service in enumerate(draft.file.services):
        test = service.smoke_test
        path = ("services", index, "smoke_test")
        options = Options(
            wait_for="up", smoke_test=smoke_test_of(draft, path, test) if test else None
        )
        release = Name("release", service.key)
        yield Resource(release, {"name": service.key, "serves": service.serves})
        spec = {"name": service.key, "release": Ref(release)}
        yield Resource(Name("service", service.key), spec, options)
