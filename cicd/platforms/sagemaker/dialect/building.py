"""Resources of a draft without errors: jobs, models, configurations, endpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cicd.config.build import AnyDraft, programs_of, resource_of
from cicd.config.dialect import Built, Carried
from cicd.config.fields import values_of
from cicd.config.formats import seconds
from cicd.config.tree import Path
from cicd.model import Resource
from cicd.platforms.sagemaker.dialect.checks import prefix_of
from cicd.platforms.sagemaker.dialect.naming import EMULATOR, Names
from cicd.platforms.sagemaker.dialect.place import place_of
from cicd.platforms.sagemaker.dialect.schema import (
    Container,
    Endpoint,
    EndpointConfig,
    Model,
    TrainingJob,
)
from cicd.platforms.sagemaker.dialect.source_folders import source_digest
from cicd.platforms.sagemaker.dialect.wording import said, text_of
from cicd.values import Key, Ref

JSON = "application/json"
PYTHON = ["python3"]
"""What runs a script of a processing job whose stage file says nothing else."""


def build(draft: AnyDraft, sections: Mapping[str, Carried]) -> Built:
    """Where it goes, and everything in the order of the file."""
    told = place_of(draft)
    place, region = draft.file.sagemaker, told["region"]
    bucket = place.bucket or f"sagemaker-{region}-{_account_of(told['role'])}"
    building = _Building(draft, sections, told["role"], bucket)
    settings = {
        "role": told["role"],
        "bucket": bucket,
        "prefix": building.prefix,
        "credentials": {} if draft.is_local else values_of(place.credentials),
    }
    target = {"region": region} | ({"account": EMULATOR} if draft.is_local else {})
    resources = [
        *building.jobs(),
        *building.processing(),
        *building.packages(),
        *building.models(),
        *building.transforms(),
        *building.configs(),
        *building.endpoints(),
    ]
    programs = programs_of(draft, sections)
    scope = (*target.values(), building.prefix, bucket)
    return Built(target, resources, scope, programs=programs, settings=settings)


def _account_of(role: str) -> str:
    """The account that a role is of: that of the stage."""
    return role.split(":")[4] if role.count(":") > 4 else ""


class _Building:
    """What a draft asks for, section by section."""

    def __init__(
        self, draft: AnyDraft, sections: Mapping[str, Carried], role: str, bucket: str
    ) -> None:
        self._draft = draft
        self._sections = sections
        self._role = role
        self.prefix = prefix_of(draft)
        self._names = Names(self.prefix)
        self._output = f"s3://{bucket}/cicd/{self._names.prefix.rstrip('-')}/output"

    def _resource(self, path: Path, item: Any, spec: Mapping[str, Any]) -> Resource:
        return resource_of(self._draft, self._sections, path, item, spec)

    def jobs(self) -> Iterator[Resource]:
        """Training jobs. What is not said is left out, but for what decides by its default."""
        for path, job in self._draft.items("training_jobs"):
            yield self._resource(path, job, self._job(path, job))

    def _job(self, path: Path, job: TrainingJob) -> dict[str, Any]:
        wait = seconds(job.max_wait) if job.max_wait else None
        said_of_it = {
            "image": job.image,
            "algorithm": job.algorithm,
            **self._source(job.source_dir, job.entry_point),
            "hyperparameters": self._hyperparameters(path, job),
            "channels": self._channels(path, job),
            "output": job.output or self._output,
            "instance": values_of(job.instance),
            "max_runtime": seconds(job.max_runtime),
            "max_wait": (wait or seconds(job.max_runtime)) if job.spot else None,
            "spot": job.spot,
            "checkpoints": job.checkpoints,
            "metrics": dict(job.metrics),
            "input_mode": job.input_mode,
            "environment": self._hidden(job.environment, *path, "environment"),
            "role": job.role or self._role,
            "network_isolation": job.network_isolation,
            "vpc": _vpc(job),
            "tags": dict(job.tags),
        }
        named = {"name": job.key}
        return named | {
            name: value for name, value in said_of_it.items() if value not in (None, "", {})
        }

    def processing(self) -> Iterator[Resource]:
        """Processing jobs; what is not said is left out."""
        for path, job in self._draft.items("processing_jobs"):
            told = {
                "image": job.image,
                **self._source(job.source_dir, job.entry_point),
                "command": list(job.command) or (PYTHON if job.entry_point else []),
                "arguments": list(job.arguments),
                "channels": self._hidden(dict(job.inputs), *path, "inputs"),
                "outputs": dict(job.outputs),
                "instance": values_of(job.instance),
                "max_runtime": seconds(job.max_runtime),
                "environment": self._hidden(dict(job.environment), *path, "environment"),
                "role": job.role or self._role,
                "network_isolation": job.network_isolation,
                "vpc": _vpc(job),
                "tags": dict(job.tags),
            }
            yield self._resource(path, job, {"name": job.key, **_said_in(told)})

    def transforms(self) -> Iterator[Resource]:
        """Transform jobs; what is not said is left out."""
        own = ("content_type", "compression", "split", "accept", "assemble", "strategy")
        for path, job in self._draft.items("transform_jobs"):
            told = {
                "model": self._model_named(job.model),
                "input": job.input,
                **{name: getattr(job, name) for name in own},
                "max_payload_mb": job.max_payload_mb,
                "max_concurrent": job.max_concurrent,
                "output": job.output or f"{self._output}/{job.key}",
                "instance": values_of(job.instance),
                "environment": self._hidden(dict(job.environment), *path, "environment"),
                "tags": dict(job.tags),
            }
            resource = self._resource(path, job, {"name": job.key, **_said_in(told)})
            yield self._using(resource, [(job.model, (*path, "model"))])

    def _using(self, resource: Resource, models: list[tuple[str, Path]]) -> Resource:
        """With those of the models that are not the stage's, each with the place that names it."""
        keys = [(Key("model", name), str(self._draft.place(*at))) for name, at in models]
        uses = tuple((key, place) for key, place in keys if not self._draft.is_named(key))
        return replace(resource, options=replace(resource.options, uses=uses)) if uses else resource

    def _hidden(self, value: Any, *path: str | int) -> Any:
        return self._draft.hidden(value, *path)

    def _hyperparameters(self, path: Path, job: TrainingJob) -> dict[str, Any]:
        """As they are for a script, which gets JSON; as texts for an image of one's own."""
        own = self._hidden(dict(job.hyperparameters), *path, "hyperparameters")
        if job.entry_point:
            return dict(own)
        return {
            name: text_of(value) if isinstance(value, int | float | list | dict) else value
            for name, value in own.items()
        }

    def _channels(self, path: Path, job: TrainingJob) -> dict[str, Any]:
        return {
            name: said({"url": url, **(values_of(told) if told else {})})
            for name, url in self._hidden(dict(job.inputs), *path, "inputs").items()
            for told in [job.channels.get(name)]
        }

    def _source(self, folder: str | None, entry_point: str | None) -> dict[str, Any]:
        if not folder:
            return {"entry_point": entry_point or ""}
        digest = source_digest(self._draft.root, folder)
        return {"source_dir": folder, "source": digest, "entry_point": entry_point or ""}

    def models(self) -> Iterator[Resource]:
        """Models, every field: what says nothing counts as well where content is compared."""
        for path, model in self._draft.items("models"):
            yield self._resource(path, model, self._model(path, model))

    def packages(self) -> Iterator[Resource]:
        """Versions of models, with the containers that a model of the stage has."""
        models = {model.key: (path, model) for path, model in self._draft.items("models")}
        for path, package in self._draft.items("model_packages"):
            place, model = models[package.model]
            spec = self._model(place, model)
            containers = spec["containers"]
            if not containers:
                [first], sources = _without_folders([self._container(place, model)])
                containers, spec = [first], {**spec, "sources": sources}
            told: dict[str, Any] = {
                "name": package.key,
                "group": package.group,
                "containers": containers,
                "content_types": list(package.content_types) or [JSON],
                "response_types": list(package.response_types) or [JSON],
                "instance_types": list(package.instance_types),
                "transform_instance_types": list(package.transform_instance_types),
                "description": package.description or "",
                "sources": spec["sources"],
            }
            if package.approval != "pending":  # else whatever somebody has decided stays
                told["approval"] = package.approval
            if package.metadata:
                told["metadata"] = dict(package.metadata)
            yield self._resource(path, package, told)

    def _model(self, path: Path, model: Model) -> dict[str, Any]:
        several, sources = _without_folders(
            [
                self._container((*path, "containers", index), one)
                for index, one in enumerate(model.containers)
            ]
        )
        return {
            "name": model.key,
            "role": model.role or self._role,
            **self._container(path, model),
            "containers": several,
            "sources": sources,
            "execution": (model.execution or "Serial") if several else "",
            "network_isolation": model.network_isolation,
            "vpc": _vpc(model),
            "tags": dict(model.tags),
        }

    def _container(self, path: Path, told: Container) -> dict[str, Any]:
        mode = told.mode or ""
        return {
            "image": told.image or "",
            "package": told.package or "",
            "data": told.data or "",
            "source": "",
            **self._source(told.source_dir, told.entry_point),
            "environment": self._hidden(dict(told.environment), *path, "environment"),
            "hostname": told.hostname or "",
            "mode": "" if mode == "SingleModel" else mode,
        }

    def configs(self) -> Iterator[Resource]:
        """Endpoint configurations, every field."""
        for path, config in self._draft.items("endpoint_configs"):
            variants = {one.name: self._variant(one) for one in config.variants}
            spec: dict[str, Any] = {
                "name": config.key,
                "models": {one.name: self._model_named(one.model) for one in config.variants},
                "variants": variants,
                "weights": _weights(config),
                "data_capture": _capture(config.data_capture),
                "async": _said(config.asynchronous),
                "kms_key": config.kms_key or "",
                "tags": dict(config.tags),
            }
            models = [
                (one.model, (*path, "variants", index, "model"))
                for index, one in enumerate(config.variants)
            ]
            yield self._using(self._resource(path, config, spec), models)

    def _variant(self, told: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if told.shadow:
            found = {"shadow": True, "weight": float(told.weight)}
        if told.serverless:
            found["serverless"] = _said(told.serverless)
        if told.instance:
            found["instance"] = values_of(told.instance)
        if told.startup_timeout:
            found["startup_timeout"] = seconds(told.startup_timeout)
        return found

    def _model_named(self, name: str) -> Ref | str:
        """A model of the stage, or the name of one that is there without it."""
        key = Key("model", name)
        return Ref(key) if self._draft.is_named(key) else name

    def endpoints(self) -> Iterator[Resource]:
        """Endpoints, by the names that they are asked by."""
        configs = {config.key: config for _, config in self._draft.items("endpoint_configs")}
        for path, endpoint in self._draft.items("endpoints"):
            config = configs[endpoint.config]
            spec: dict[str, Any] = {
                "name": endpoint.name or self._names.of_service(endpoint.key),
                "config": Ref(Key("endpoint_config", endpoint.config)),
                "deployment": _deployment(endpoint),
                "tags": dict(endpoint.tags),
            }
            weights = _weights(config)
            if len(weights) > 1:  # all of the requests is all, whatever the number
                spec["weights"] = weights
            if any(variant.serverless for variant in config.variants):
                spec["serverless"] = True
            yield self._resource(path, endpoint, spec)
            if endpoint.autoscaling:
                yield self._scaling(path, endpoint, spec["name"], config)

    def _scaling(
        self, path: Path, endpoint: Endpoint, name: str, config: EndpointConfig
    ) -> Resource:
        """How an endpoint is scaled, which can be told only once it is up. The types of instances
        stand beside: another one means to register the variant anew."""
        types = {one.name: one.instance.type for one in config.variants if one.instance}
        variants = {}
        for variant, told in endpoint.autoscaling.items():
            found = {**_said(told), "target": float(told.target), "instance_type": types[variant]}
            for field in ("scale_in", "scale_out"):
                if field in found:
                    found[field] = seconds(found[field])
            variants[variant] = found
        endpoint_key = Key("endpoint", endpoint.key)
        spec = {"name": name, "endpoint": Ref(endpoint_key), "variants": variants}
        source = str(self._draft.place(*path, "autoscaling", key=True))
        return Resource(Key("scaling", endpoint.key), spec, source=source)


def _weights(config: EndpointConfig) -> dict[str, float]:
    """The shares of the variants that answer, in as many digits as AWS keeps."""
    return {one.name: float(f"{one.weight:.6g}") for one in config.variants if not one.shadow}


def _without_folders(
    containers: list[dict[str, Any]],
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Containers as AWS knows them, and the folder of each digest of a source."""
    sources = {str(one["source"]): one.pop("source_dir") for one in containers if one["source"]}
    return containers, sources


def _deployment(endpoint: Endpoint) -> dict[str, Any]:
    """How an update is made, times in seconds."""
    found = _said(endpoint.deployment)
    for name in ("wait", "termination_wait", "timeout"):
        if name in found:
            found[name] = seconds(found[name])
    return {
        name: _said_in(value) if isinstance(value, Mapping) else value
        for name, value in found.items()
    }


def _capture(told: Any) -> dict[str, Any]:
    return {**values_of(told), "of": told.of or ["input", "output"]} if told else {}


def _said(part: Any) -> dict[str, Any]:
    return _said_in(values_of(part)) if part else {}


def _said_in(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def _vpc(item: Any) -> dict[str, Any]:
    if not item.vpc:
        return {}
    return {name: sorted(ids) for name, ids in values_of(item.vpc).items()}
