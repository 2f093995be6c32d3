"""What stage files of the toy say: jobs that have a script, and services that serve something."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, field

from cicd.config import draft
from cicd.config.build import gates_of, inputs_of, smoke_test_of
from cicd.config.dialect import Around, Built, Carried, Export, Spellings, StandIn
from cicd.config.digests import digest
from cicd.config.fields import Key, Part, Plain, SecretText
from cicd.config.files import is_file
from cicd.config.formats import seconds
from cicd.config.references import Reference
from cicd.config.rulebook import Rule
from cicd.config.rules import check_items
from cicd.config.schema import AnySmokeTest, Require, Rerun, StageBase, Timeout, Watch
from cicd.config.tree import Node, Paths
from cicd.config.yaml_text import block_lines
from cicd.errors import Problem
from cicd.model import LiveResource, Options, Program, Resource, Stage
from cicd.values import Key as Name
from cicd.values import Ref


class Toy(Part, frozen=True, kw_only=True):
    box: Annotated[Plain | None, Meta(description="The folder with everything.")] = None
    token: Annotated[SecretText | None, Meta(description="Only as ${env.NAME}.")] = None


class Job(Part, frozen=True, kw_only=True):
    key: Key
    script: Annotated[Plain, Meta(description="The file that says what it prints.")]
    knobs: Annotated[dict[str, str | Ref], Meta(description="$NAME in the script.")] = {}
    rerun: Rerun = "on_change"
    watch: Watch = []
    timeout: Timeout = "1m"
    require: Require = []


class Service(Part, frozen=True, kw_only=True):
    key: Key
    serves: Annotated[Plain | Ref, Meta(description="What it answers.")]
    size: int = 1
    smoke_test: AnySmokeTest | None = None


class File(StageBase, frozen=True, kw_only=True):
    """What should exist on one stage."""

    platform: Annotated[Literal["toy"], Meta(description="Where it all runs.")] = "toy"
    toy: Toy = field(default_factory=Toy)
    jobs: list[Job] = []
    services: list[Service] = []


NAME = "toy"
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


def sources(
    file: File, written: Node, root: Path, *_: object
) -> tuple[Mapping[str, str], list[Problem]]:
    """Script -> its text."""
    there = [job.script for job in file.jobs if is_file(root / job.script)]
    return {name: (root / name).read_text(encoding="utf-8") for name in there}, []


class Draft(draft.Draft[File, Mapping[str, str]]):
    """``sources``: script -> its text."""

    @property
    def box(self) -> str:
        return self.file.toy.box or self.variable("TOY_BOX")


def check(draft: Draft) -> Iterator[Problem]:
    yield from check_items(draft, CARRIED)
    if not draft.box:
        yield draft.place("toy").problem("no box: set toy.box or TOY_BOX", "no-box")
    for index, job in enumerate(draft.file.jobs):
        if job.script not in draft.sources:
            message = f'job/{job.key}: there is no script "{job.script}"'
            yield draft.place("jobs", index, "script").problem(message, "no-script")


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
        spec = {"name": job.key, "script": job.script, "knobs": knobs}
        files = {job.script: digest(draft.sources[job.script])}
        spec |= inputs_of(draft, draft.name, spec, job.watch, files)
        patience, gates = float(seconds(job.timeout)), gates_of(job.require)
        options = Options("done", patience, rerun=job.rerun, require=gates)
        yield Resource(Name("job", job.key), spec, options, source=str(draft.place("jobs", index)))


def _services(draft: Draft) -> Iterator[Resource]:
    """What is served stands in releases, to go back to."""
    for index, service in enumerate(draft.file.services):
        path, asked = ("services", index), service.smoke_test
        test = smoke_test_of(draft, (*path, "smoke_test"), asked) if asked else None
        release = Name("release", service.key)
        serves = draft.hidden(service.serves, *path, "serves")
        yield Resource(release, {"name": service.key, "serves": serves})
        spec = {"name": service.key, "release": Ref(release), "size": service.size}
        yield Resource(Name("service", service.key), spec, Options("up", 60.0, smoke_test=test))


def export(live: Iterable[LiveResource], around: Around) -> Export:
    """Of a job the newest."""
    newest = {item.key: item for item in live}.values()
    serves = {item.id: item.spec.get("serves") for item in newest}
    jobs = [
        {"key": item.key.name, "script": item.spec["script"], "knobs": item.spec.get("knobs", {})}
        for item in newest
        if item.key.kind == "job"
    ]
    services = [
        {"key": item.key.name, "serves": serves[item.spec["release"]], "size": item.spec["size"]}
        for item in newest
        if item.key.kind == "service"
    ]
    found = {"platform": NAME, NAME: dict(around.target), "jobs": jobs, "services": services}
    counts = {"jobs": len(jobs), "services": len(services)}
    return Export("\n".join([*block_lines(found), ""]), (), (), counts)


def needs(stage: Stage, live: LiveResource) -> list[str]:
    return [program.file for program in stage.programs if program.is_called_by(live.spec)]
