"""What an import reads of an account: models, and all that belongs to them. Nothing but questions.

::

    models ─► training jobs that made their data ─► transform jobs ─► configurations ─► endpoints
           ─► versions in registers that are made of the same
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from cicd.errors import Denied, NotFound, PlatformError
from cicd.model import LiveResource
from cicd.platforms.sagemaker import (
    endpoint_configs,
    models,
    packages,
    processing,
    training,
    transforming,
)
from cicd.platforms.sagemaker.api import Api
from cicd.platforms.sagemaker.dialect.schema import NAME
from cicd.platforms.sagemaker.endpoint_configs import weight_of
from cicd.platforms.sagemaker.nouns import NOUNS, Noun
from cicd.platforms.sagemaker.packages import Packages
from cicd.platforms.sagemaker.scaling import Scalings
from cicd.platforms.sagemaker.things import Things
from cicd.threads import together

Told = Mapping[str, Any]
Unseen = Callable[[str, PlatformError], None]
READERS = 8
WILD = re.compile(r"[*?\[\]]+")
MADE_BY = re.compile(r"s3://.+/([^/]+)/output/model(\.tar\.gz|/)?")
"""Where AWS puts what a training job has made: its name is a part of that."""
SENT: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "training_job": lambda spec: training.request(spec, str(spec.get("source") or "")),
    "processing_job": lambda spec: processing.request(spec, str(spec.get("source") or "")),
    "transform_job": transforming.request,
    "model": lambda spec: models.request(spec, defaultdict(str)),
    "endpoint_config": endpoint_configs.request,
    packages.KIND: lambda spec: packages.request(spec, defaultdict(str)),
}
"""What would be sent for a thing as it is read."""
ANYWAY = frozenset(
    {
        "CustomerMetadataProperties",
        "HyperParameters",
        "ModelDataSource",
        "ModelPackageVersion",
        "Tags",
        "VolumeSizeInGB",
    }
)
"""What an answer has beside or in place of what was sent; and what is told elsewhere."""
SILENT: Sequence[Any] = (None, False, "", [], {}, "None", "SingleModel", "FullyReplicated")
"""Values that say no more than if they were not there."""


@dataclass
class Survey:
    """``select``: globs, only models of such names and what belongs to them; none for all.
    ``unseen``: hears of what this login may not see (``hidden``: why); ``untold``: why tags are not
    told."""

    api: Api
    things: Things
    packages: Packages
    scalings: Scalings
    select: Collection[str]
    unseen: Unseen
    untold: list[PlatformError] = field(default_factory=list)
    hidden: dict[str, Denied] = field(default_factory=dict)

    def all(self) -> list[LiveResource]:
        """Everything, kind by kind, with its tags. Raises NotFound for a model that is named and
        is not there, and Denied where this login may see nothing at all."""
        chosen = self._chosen()
        asked = {str(told["ModelName"]) for told in chosen}
        configs = [
            told
            for told in self._every("endpoint_config")
            if not self.select or not asked.isdisjoint(models_of(told))
        ]
        beside = {name for told in configs for name in models_of(told)} - asked
        served = {str(told["EndpointConfigName"]) for told in configs}
        found = {
            "model": [*chosen, *self._of("model", beside)],
            "training_job": self._trained(chosen),
            "transform_job": [
                told
                for told in self._every("transform_job")
                if not self.select or told.get("ModelName") in asked
            ],
            "endpoint_config": configs,
            "endpoint": [
                told
                for told in self._every("endpoint")
                if not self.select or told.get("EndpointConfigName") in served
            ],
            "processing_job": [] if self.select else self._every("processing_job"),
        }
        if self.hidden.keys() == found.keys():
            raise self.hidden["model"]
        for kind, error in self.hidden.items():
            self.unseen(kind, error)
        pairs = [(NOUNS[kind], told) for kind, several in found.items() for told in several]
        with together(READERS) as pool:
            lives = [*pool.map(lambda pair: self._live(*pair), pairs)]
        return [*self._scaled(lives), *self._registered(chosen, lives)]

    def _scaled(self, lives: Sequence[LiveResource]) -> Iterator[LiveResource]:
        """The same, endpoints with what scales them."""
        serving = [one for one in lives if one.key.kind == "endpoint"]
        by = {one.id: one.spec["variants"] for one in self.scalings.beside(serving)}
        for one in lives:
            scaled = by.get(one.id) if one.key.kind == "endpoint" else None
            if not scaled:
                yield one
                continue
            unsaid = [
                f"autoscaling.{name}" for name, told in scaled.items() if "target" not in told
            ]
            left_out = {"left_out": ", ".join(unsaid)} if unsaid else {}
            spec = {**one.spec, "autoscaling": scaled}
            yield replace(one, spec=spec, facts={**one.facts, **left_out})

    def _registered(
        self, chosen: Sequence[Told], lives: Sequence[LiveResource]
    ) -> list[LiveResource]:
        """The versions of models, each with the model that has the same containers."""
        urls = {url for told in chosen for url in self._urls(told) if url}
        try:
            found = self.packages.described(urls if self.select else None)
        except Denied as error:
            self.unseen(packages.KIND, error)
            return []
        same = [(parts_of(live), live.id) for live in lives if live.key.kind == "model"]
        with together(READERS) as pool:
            versions = [*pool.map(lambda told: self._live(packages.NOUN, told), found)]
        return [
            replace(one, spec={**one.spec, "model": id})
            for one in versions
            for id in [next((id for parts, id in same if parts == one.spec["containers"]), "")]
        ]

    def _chosen(self) -> list[Told]:
        """The models that are asked for, each once."""
        if not self.select:
            return self._every("model")
        found: dict[str, Told] = {}
        noun = NOUNS["model"]
        for glob in self.select:
            if WILD.search(glob):
                longest = max(WILD.split(glob), key=len)
                listed = self.api.listed(noun, longest)
                items = [one for one in listed if fnmatchcase(str(one[noun.name]), glob)]
                several: Sequence[Told] = self.things.described(noun, items)
            else:
                several = self._of("model", [glob] if re.fullmatch(NAME, glob) else [])
            if not several:
                text = f"there is no model {glob} in {self.api.region}"
                raise NotFound(text, hint="check the name, and the region; * stands for anything")
            found |= {str(told[noun.name]): told for told in several}
        return [*found.values()]

    def _every(self, kind: str) -> list[Told]:
        noun = NOUNS[kind]
        try:
            return self.things.described(noun, [*self.api.listed(noun)])
        except Denied as error:
            self.hidden[kind] = error
            return []

    def _of(self, kind: str, names: Collection[str]) -> list[Told]:
        """Those of these names that are there."""
        noun = NOUNS[kind]
        return self.things.described(noun, [{noun.name: name} for name in sorted(names)])

    def _trained(self, chosen: Sequence[Told]) -> list[Told]:
        """The training jobs that have made what models are made of; else all."""
        if not self.select:
            return self._every("training_job")
        urls = {url for told in chosen for url in self._urls(told)}
        names = {match[1] for url in urls if (match := MADE_BY.fullmatch(url))}
        try:
            told = self._of("training_job", names)
        except Denied as error:
            self.unseen("training_job", error)
            return []
        return [one for one in told if made_by(one) in urls]

    def _urls(self, told: Told) -> Iterator[str]:
        """Where the data of a model is, also of what it has from a package."""
        for one in containers_of(told):
            yield str(models.container_of(one)["data"])
            if package := one.get("ModelPackageName"):
                try:
                    inside = self.api.read("describe_model_package", ModelPackageName=package)
                except PlatformError as error:
                    self.unseen("model_package", error)
                    continue
                held = inside.get("InferenceSpecification", {}).get("Containers", ())
                yield from (str(part.get("ModelDataUrl") or "") for part in held)

    def _live(self, noun: Noun, told: Told) -> LiveResource:
        is_version = noun.kind == packages.KIND
        live = self.packages.whole(told) if is_version else self.things.whole(noun, told)
        return replace(
            live,
            spec={**live.spec, "tags": self._tags(noun, told)},
            facts={**live.facts, **serving(told), **self._left_out(noun, told, live)},
        )

    def _tags(self, noun: Noun, told: Told) -> dict[str, str]:
        """Those that people have given it."""
        try:
            pages = [*self.api.pages("sagemaker", "list_tags", ResourceArn=told[noun.arn])]
        except PlatformError as error:
            if not self.untold:  # of many things there would be many words of the same
                self.untold.append(error)
                self.unseen("tag", error)
            return {}
        tags = {one["Key"]: one["Value"] for page in pages for one in page["Tags"]}
        return {name: text for name, text in tags.items() if not name.startswith(("aws:", "cicd:"))}

    def _left_out(self, noun: Noun, told: Told, live: LiveResource) -> dict[str, str]:
        """What of it the same request would not say again."""
        if noun.kind not in SENT:
            return {}
        try:
            sent = SENT[noun.kind](live.spec)
        except (KeyError, TypeError):  # it is of a sort that nothing here can make
            return {}
        asked = self.api.inputs(f"Create{noun.word}") - {noun.name}
        said = {name: told[name] for name in asked if name in told}
        if not said.get("PrimaryContainer") and len(said.get("Containers") or ()) == 1:
            said["PrimaryContainer"] = said.pop("Containers")[0]  # the same in other words
        paths = [*unsaid(said, sent)]
        return {"left_out": ", ".join(sorted(paths))} if paths else {}


def containers_of(told: Told) -> list[Told]:
    """All containers of a model."""
    first = told.get("PrimaryContainer")
    return [*([first] if first else []), *(told.get("Containers") or ())]


def parts_of(live: LiveResource) -> list[dict[str, Any]]:
    """All containers of a model as a stage file says them."""
    spec = live.spec
    return list(spec["containers"]) or [{name: spec[name] for name in models.CONTAINER}]


def models_of(told: Told) -> set[str]:
    """The models of a configuration."""
    fields = ("ProductionVariants", "ShadowProductionVariants")
    variants = [one for field in fields for one in told.get(field) or ()]
    return {str(one["ModelName"]) for one in variants if one.get("ModelName")}


def serving(told: Told) -> dict[str, str]:
    """What answers for an endpoint just now."""
    parts = [
        f"{one['VariantName']}: {one.get('CurrentInstanceCount', 0)} instances, "
        f"weight {one.get('CurrentWeight', 0):g}"
        for one in told.get("ProductionVariants") or ()
        if "CurrentWeight" in one
    ]
    return {"serving": "; ".join(parts)} if parts else {}


def made_by(told: Told) -> str:
    """Where a training job has put its model."""
    return str((told.get("ModelArtifacts") or {}).get("S3ModelArtifacts") or "")


def unsaid(told: Any, sent: Any, at: str = "") -> Iterator[str]:
    """Where something says more than what would be sent for it."""
    if isinstance(told, Mapping) and isinstance(sent, Mapping):
        for name, value in told.items():
            if name not in ANYWAY and value not in SILENT:
                yield from unsaid(value, sent.get(name), f"{at}.{name}" if at else name)
    elif is_list_of_maps(told) and isinstance(sent, list) and len(told) == len(sent):
        for index, (one, other) in enumerate(zip(told, sent, strict=True)):
            yield from unsaid(one, other, f"{at}[{index}]")
    elif isinstance(told, list) and isinstance(sent, list) and not is_list_of_maps(told):
        if sorted(map(str, told)) != sorted(map(str, sent)):
            yield at
    elif isinstance(told, float) and isinstance(sent, float | int):
        if weight_of(told) != weight_of(sent):
            yield at
    elif told != sent:
        yield at


def is_list_of_maps(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, Mapping) for one in value)
