"""What stage files of the toy say: jobs that have a script, and services that serve something."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, field

from cicd.config.build import AnyDraft, programs_of, resource_of, spec_of
from cicd.config.dialect import Built, Carried, Spellings, StandIn
from cicd.config.fields import Part, Plain, SecretText
from cicd.config.references import Reference
from cicd.config.rulebook import Rule
from cicd.config.schema import RunItem, ServiceItem, StageBase, Timeout
from cicd.config.target import target_of
from cicd.config.tree import Paths
from cicd.model import Resource
from cicd.values import Key as Name
from cicd.values import Ref


class Toy(Part, frozen=True, kw_only=True):
    box: Annotated[Plain | None, Meta(description="The folder with everything.")] = None
    token: Annotated[SecretText | None, Meta(description="Only as ${env.NAME}.")] = None


class Job(RunItem, frozen=True, kw_only=True):
    script: Annotated[Plain, Meta(description="The file that says what it prints.")]
    knobs: Annotated[dict[str, str | Ref], Meta(description="$NAME in the script.")] = {}
    timeout: Timeout = "1m"


class Service(ServiceItem, frozen=True, kw_only=True):
    serves: Annotated[Plain | Ref, Meta(description="What it answers.")]
    size: int = 1


class File(StageBase, frozen=True, kw_only=True):
    """What should exist on one stage."""

    platform: Annotated[Literal["toy"], Meta(description="Where it all runs.")] = "toy"
    toy: Toy = field(default_factory=Toy)
    jobs: list[Job] = []
    services: list[Service] = []


NAME = "toy"
RULES = {"bad-gate": Rule("A toy cannot pass that gate.", "cicd: the toy", "lower it")}
ENVIRONMENT = {"TOY_BOX": StandIn(offline="some-box", local="local-box", field="box")}
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
    "jobs": Carried("job", (("script",), ("knobs",)), frozenset({"timeout"}), files=(("script",),)),
    "services": Carried("service", (("serves",),)),
    "toy": Carried("toy", (("box",),), is_map=True),
}


def build(draft: AnyDraft) -> Built:
    target = target_of(draft, ENVIRONMENT)
    jobs = [resource_of(draft, CARRIED, *found) for found in draft.items("jobs")]
    programs = programs_of(draft, CARRIED)
    return Built(target, [*jobs, *_services(draft)], tuple(target.values()), programs=programs)


def _services(draft: AnyDraft) -> Iterator[Resource]:
    """What is served stands in releases, to go back to."""
    for path, service in draft.items("services"):
        spec, release = spec_of(draft, CARRIED, path, service), Name("release", service.key)
        yield Resource(release, {"name": service.key, "serves": spec.pop("serves")})
        yield resource_of(draft, CARRIED, path, service, {**spec, "release": Ref(release)})
