"""What stage files of the shelf say."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from cicd.config.build import gates_of, inputs_of, smoke_test_of
from cicd.config.dialect import Around, Built, Carried, Export, Spellings
from cicd.config.draft import Draft as Draft
from cicd.config.fields import Key as KeyField
from cicd.config.fields import Part
from cicd.config.formats import seconds
from cicd.config.inherit import identity_of as identity
from cicd.config.references import Reference
from cicd.config.rules import check_gates, check_unique
from cicd.config.schema import AnySmokeTest, Gate, Rerun, StageBase
from cicd.config.tree import Node, Paths
from cicd.config.yaml_text import block_lines
from cicd.errors import Problem
from cicd.model import LiveResource, Options, Resource
from cicd.values import Key, Ref

__all__ = ["Draft", "identity"]

NAME = "shelf"
RULES: dict[str, Any] = {}
UNSURE: frozenset[str] = frozenset()
ENVIRONMENT: dict[str, Any] = {}
SECRETS = Paths()
SPELLINGS = Spellings()
REFERENCES = {"jobs.KEY.model": Reference("job", "model", {"text": Paths("notes.*.text")})}
CARRIED = {"notes": Carried("note", (("text",),))}
SECTIONS = {"jobs": "job", "notes": "note", "services": "service"}


class Place(Part, frozen=True, kw_only=True):
    folder: Annotated[str, Meta(description="Where it all is kept.", examples=["things"])]


class Job(Part, frozen=True, kw_only=True):
    key: KeyField
    lines: Annotated[list[str], Meta(description="What it prints.")] = []
    metrics: Annotated[dict[str, float], Meta(description="What it records.")] = {}
    takes: Annotated[str, Meta(description="How long it takes.")] = "0s"
    fails: bool = False
    rerun: Rerun = "on_change"
    require: list[Gate] = []


class Note(Part, frozen=True, kw_only=True):
    key: KeyField
    text: Annotated[str | Ref, Meta(description="What it says.")]


class Service(Part, frozen=True, kw_only=True):
    key: KeyField
    note: Annotated[str, Meta(description="Key of the note that it reads out.")]
    size: int = 1
    smoke_test: AnySmokeTest | None = None


class File(StageBase, frozen=True, kw_only=True):
    """What should exist on one stage."""

    platform: Literal["shelf"] = "shelf"
    shelf: Annotated[Place, Meta(description="Where it runs.")]
    jobs: Annotated[list[Job], Meta(description="Runs that end.")] = []
    notes: Annotated[list[Note], Meta(description="Content.")] = []
    services: Annotated[list[Service], Meta(description="What answers.")] = []


def modernise(tree: Node, suffix: str) -> tuple[Node, list[Problem]]:
    return tree, []


def sources(*_: object) -> tuple[None, list[Problem]]:
    return None, []


def names(tree: Node) -> frozenset[Key]:
    return frozenset(
        Key(kind, named.text)
        for section, kind in SECTIONS.items()
        if (node := tree.get(section)) and isinstance(node.value, list)
        for item in node.value
        if (named := item.get("key"))
    )


def check(draft: Draft[File, None]) -> Iterator[Problem]:
    yield from check_unique(
        draft,
        [
            (Key(kind, item.key), (section, index))
            for section, kind in SECTIONS.items()
            for index, item in enumerate(getattr(draft.file, section))
        ],
    )
    for index, job in enumerate(draft.file.jobs):
        yield from check_gates(draft, Key("job", job.key), job.require, ("jobs", index))
    for index, service in enumerate(draft.file.services):
        if not draft.is_named(Key("note", service.note)):
            message = f'service/{service.key} reads "{service.note}", which is no note'
            place = draft.place("services", index, "note")
            yield place.problem(message, "unknown-reference")


def build(draft: Draft[File, None]) -> Built:
    folder = str(Path(draft.root, draft.file.shelf.folder))
    return Built(target={"folder": folder}, resources=list(_resources(draft)))


def export(live: Iterable[LiveResource], around: Around) -> Export:
    """Jobs, notes and services as a file; of a job or note of many versions the newest."""
    lives = list(live)
    place = str(Path(around.target["folder"]).relative_to(around.root))
    found: dict[str, Any] = {"platform": NAME, NAME: {"folder": place}}
    for section, kind in SECTIONS.items():
        newest = {one.key.name: one for one in lives if one.key.kind == kind}
        items = [_exported(one, lives) for one in newest.values()]
        found |= {section: items} if items else {}
    counts = {section: len(found.get(section, ())) for section in SECTIONS}
    return Export("\n".join([*block_lines(found, {}), ""]), (), (), counts)


def _exported(one: LiveResource, lives: Iterable[LiveResource]) -> dict[str, Any]:
    left_out = {"name", "inputs", "files"}
    item = {name: value for name, value in one.spec.items() if name not in left_out}
    if one.key.kind == "service":
        item["note"] = next(o.key.name for o in lives if o.id == item["note"])
    return {"key": one.key.name, **item}


def _resources(draft: Draft[File, None]) -> Iterable[Resource]:
    for index, job in enumerate(draft.file.jobs):
        lines = draft.hidden(job.lines, "jobs", index, "lines")
        spec = {"name": job.key, "lines": lines, "metrics": job.metrics, "takes": job.takes}
        spec |= {"fails": job.fails, **inputs_of(draft, f"{draft.name} {job.key}", spec)}
        wait = max(60.0, 2.0 * seconds(job.takes))
        options = Options("DONE", wait, rerun=job.rerun, require=gates_of(job.require))
        yield Resource(Key("job", job.key), spec, options)
    for index, note in enumerate(draft.file.notes):
        text = draft.hidden(note.text, "notes", index, "text")
        yield Resource(Key("note", note.key), {"name": note.key, "text": text})
    for index, service in enumerate(draft.file.services):
        at = ("services", index, "smoke_test")
        test = smoke_test_of(draft, at, service.smoke_test) if service.smoke_test else None
        spec = {"name": service.key, "note": Ref(Key("note", service.note)), "size": service.size}
        yield Resource(Key("service", service.key), spec, Options("UP", 60.0, smoke_test=test))
