"""What a schema cannot say: what belongs together or excludes each other, patterns, addresses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from cicd.config.build import AnyDraft
from cicd.config.formats import relative_path_problem
from cicd.config.tree import Path, did_you_mean
from cicd.errors import Problem
from cicd.platforms.sagemaker.dialect.naming import Names
from cicd.platforms.sagemaker.dialect.schema import (
    Container,
    Deployment,
    Endpoint,
    EndpointConfig,
    Model,
    TrainingJob,
)
from cicd.platforms.sagemaker.dialect.source_folders import source_files
from cicd.platforms.sagemaker.dialect.wording import CODE
from cicd.values import Ref

LONGEST_VALUE = 2500
MOST_PARAMETERS = 100
URL = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?")
OF_ONE = ("data", "environment", "source_dir", "entry_point", "hostname", "mode")
"""What a model with several containers does not have itself."""
NOT_FOR_SHADOWS = "a configuration with a shadow has one variant that answers and one shadow"


def check_all(draft: AnyDraft) -> Iterator[Problem]:
    """All that is wrong with what the sections list."""
    for path, job in draft.items("training_jobs"):
        yield from _check_job(draft, path, job)
    for path, job in draft.items("processing_jobs"):
        named = f"processing_job/{job.key}"
        yield from _check_source(draft, path, named, job.source_dir, job.entry_point)
        if job.source_dir and CODE in job.inputs:
            message = f"{named}: input {CODE} is for source_dir: name this one otherwise"
            yield draft.place(*path, "inputs", CODE, key=True).problem(message, "bad-address")
        for name, url in job.inputs.items():
            where = (*path, "inputs", name)
            yield from _check_address(draft, where, f"processing_job/{job.key}: input {name}", url)
    for path, job in draft.items("transform_jobs"):
        name = f"transform_job/{job.key}: input"
        yield from _check_address(draft, (*path, "input"), name, job.input)
    for path, model in draft.items("models"):
        yield from _check_model(draft, path, model)
    yield from _check_packages(draft)
    models = {model.key: model for _, model in draft.items("models")}
    for path, config in draft.items("endpoint_configs"):
        yield from _check_config(draft, path, config)
        yield from _check_serverless(draft, path, config, models)
    yield from _check_endpoints(draft)


def prefix_of(draft: AnyDraft) -> str:
    """With what the names of a stage's things begin."""
    folder = draft.git.folder
    return draft.file.sagemaker.prefix or (f"{folder}/" if folder else "") + draft.name


def _check_job(draft: AnyDraft, path: Path, job: TrainingJob) -> Iterator[Problem]:
    name = f"training_job/{job.key}"
    if bool(job.image) == bool(job.algorithm) and not draft.has_lost(*path, "image"):
        message = f"{name}: give one of image and algorithm"
        yield draft.place(*path).problem(message, "bad-container")
    yield from _check_source(draft, path, name, job.source_dir, job.entry_point)
    for channel, url in job.inputs.items():
        where = (*path, "inputs", channel)
        yield from _check_address(draft, where, f"{name}: input {channel}", url)
    for channel in job.channels.keys() - job.inputs.keys():
        message = f"{name}: {channel} is no input{did_you_mean(channel, job.inputs)}"
        yield draft.place(*path, "channels", channel, key=True).problem(message, "bad-container")
    if len(job.inputs) > 20:
        yield draft.place(*path, "inputs").problem(f"{name}: more than 20 inputs", "bad-address")
    yield from _check_hyperparameters(draft, path, name, job)
    yield from _check_metrics(draft, path, name, job)
    if job.max_wait and not job.spot:
        message = f"{name}: max_wait is only for spot instances: add spot: true, or take it out"
        yield draft.place(*path, "max_wait").problem(message, "bad-container")


def _check_address(draft: AnyDraft, path: Path, name: str, url: Any) -> Iterator[Problem]:
    if isinstance(url, str) and not URL.fullmatch(url):
        message = f'{name} "{url}" must be an address like s3://bucket/folder{_why_not(url)}'
        yield draft.place(*path).problem(message, "bad-address")


def _why_not(url: str) -> str:
    """What is wrong with an address that nearly is one."""
    if not url.startswith("s3://"):
        return ": upload it first" if "://" not in url else ""
    return ": buckets have 3 to 63 characters of a-z, 0-9, dot and hyphen"


def _check_hyperparameters(
    draft: AnyDraft, path: Path, name: str, job: TrainingJob
) -> Iterator[Problem]:
    place, rule = (*path, "hyperparameters"), "bad-hyperparameter"
    if len(job.hyperparameters) > MOST_PARAMETERS:
        message = f"{name}: more than {MOST_PARAMETERS} hyperparameters"
        yield draft.place(*place).problem(message, rule)
    for parameter, value in job.hyperparameters.items():
        if len(str(value)) > LONGEST_VALUE:
            message = f"{name}: {parameter} is longer than {LONGEST_VALUE} characters"
            yield draft.place(*place, parameter).problem(message, rule)
        if parameter.startswith("sagemaker_"):
            message = f"{name}: {parameter} is for the platform's own use: name it otherwise"
            yield draft.place(*place, parameter).problem(message, rule)


def _check_metrics(draft: AnyDraft, path: Path, name: str, job: TrainingJob) -> Iterator[Problem]:
    for metric, pattern in job.metrics.items():
        try:
            groups = re.compile(pattern).groups
            problem = "" if groups == 1 else f"has {groups} groups: put just the value in ( )"
        except (re.error, OverflowError, RecursionError) as error:
            problem = f"is no regular expression: {error}"
        if problem:
            message = f'{name}: the pattern "{pattern}" of {metric} {problem}'
            yield draft.place(*path, "metrics", metric).problem(message, "bad-metric-pattern")
    for at, gate in enumerate(job.require):
        is_known = gate.metric in job.metrics or job.algorithm
        if not is_known and not draft.has_lost(*path, "metrics"):
            meant = did_you_mean(gate.metric, job.metrics) or ": add one"
            message = f'{name} requires "{gate.metric}", for which metrics has no pattern{meant}'
            yield draft.place(*path, "require", at).problem(message, "bad-gate")


def _check_source(
    draft: AnyDraft, path: Path, name: str, folder: str | None, script: str | None
) -> Iterator[Problem]:
    if bool(folder) != bool(script):
        missing, has = ("entry_point", "source_dir") if folder else ("source_dir", "entry_point")
        if not draft.has_lost(*path, missing):
            message = f"{name}: {has} needs {missing} beside it"
            yield draft.place(*path, has).problem(message, "bad-container")
        return
    if not folder or not script or relative_path_problem(folder):
        return
    files = source_files(draft.root, folder)
    if files and script not in files:
        message = f'{name}: "{script}" is not in {folder}{did_you_mean(script, files)}'
        yield draft.place(*path, "entry_point").problem(message, "missing-file")


def _check_model(draft: AnyDraft, path: Path, model: Any) -> Iterator[Problem]:
    name = f"model/{model.key}"
    own = model.image or model.package
    if model.containers and own:
        message = f"{name}: give either image or containers"
        yield draft.place(*path, "containers", key=True).problem(message, "bad-container")
    for field in OF_ONE if model.containers and not own else ():
        if getattr(model, field):
            message = f"{name}: {field} is of one container: say it inside containers"
            yield draft.place(*path, field, key=True).problem(message, "bad-container")
    if model.execution and not model.containers:
        message = (
            f"{name}: execution is how several containers are asked: name them, or take it out"
        )
        yield draft.place(*path, "execution", key=True).problem(message, "bad-container")
    for at, one in (
        [((), model)]
        if not model.containers
        else [(("containers", index), one) for index, one in enumerate(model.containers)]
    ):
        yield from _check_container(draft, (*path, *at), name, one)
    names = [one.hostname for one in model.containers if one.hostname]
    if len(names) < len(model.containers) and (names or model.execution == "Direct"):
        why = "one has one" if names else "execution: Direct asks them by it"
        message = f"{name}: each container needs a hostname where {why}"
        yield draft.place(*path, "containers").problem(message, "bad-container")
    for twice in (text for text, count in Counter(names).items() if count > 1):
        message = f"{name}: two containers have the hostname {twice}"
        yield draft.place(*path, "containers").problem(message, "bad-container")


def _check_packages(draft: AnyDraft) -> Iterator[Problem]:
    models = {model.key: model for _, model in draft.items("models")}
    for path, package in draft.items("model_packages"):
        model = models.get(package.model)
        if model and any(one.package for one in (model, *model.containers)):
            message = f"model_package/{package.key}: model {model.key} is made of a package: name "
            message += "one with an image"
            yield draft.place(*path, "model").problem(message, "bad-container")


def _check_container(draft: AnyDraft, path: Path, name: str, told: Container) -> Iterator[Problem]:
    if bool(told.image) == bool(told.package) and not draft.has_lost(*path, "image"):
        message = f"{name}: give one of image and package"
        yield draft.place(*path).problem(message, "bad-container")
    if isinstance(told.data, str) and not URL.fullmatch(told.data):
        like = f"s3://bucket/model.tar.gz{_why_not(told.data)}"
        message = f'{name}: data "{told.data}" must be an address like {like}'
        yield draft.place(*path, "data").problem(message, "bad-address")
    yield from _check_source(draft, path, name, told.source_dir, told.entry_point)


def _check_config(draft: AnyDraft, path: Path, config: EndpointConfig) -> Iterator[Problem]:
    name, rule = f"endpoint_config/{config.key}", "bad-variant"
    for twice in [
        one for one, count in Counter(v.name for v in config.variants).items() if count > 1
    ]:
        message = f"{name}: two variants are called {twice}"
        yield draft.place(*path, "variants").problem(message, rule)
    for index, variant in enumerate(config.variants):
        at = (*path, "variants", index)
        if bool(variant.instance) == bool(variant.serverless) and draft.is_whole(*at):
            message = f"{name}: variant {variant.name} needs one of instance and serverless"
            yield draft.place(*at).problem(message, rule)
        if variant.serverless and config.data_capture:
            message = f"{name}: data_capture is not for serverless variants"
            yield draft.place(*path, "data_capture").problem(message, rule)
        told = variant.serverless
        if told and told.provisioned and told.provisioned > told.max_concurrency:
            message = f"{name}: provisioned is above max_concurrency"
            yield draft.place(*at, "serverless", "provisioned").problem(message, rule)
    answering = [variant for variant in config.variants if not variant.shadow]
    shadows = len(config.variants) - len(answering)
    if answering and not any(variant.weight for variant in answering):
        message = f"{name}: no variant that answers has a weight above 0"
        yield draft.place(*path, "variants").problem(message, rule)
    if shadows and (shadows > 1 or len(answering) != 1):
        message = f"{name}: {NOT_FOR_SHADOWS}"
        yield draft.place(*path, "variants").problem(message, rule)


def _check_serverless(
    draft: AnyDraft, path: Path, config: EndpointConfig, models: Mapping[str, Model]
) -> Iterator[Problem]:
    """What AWS does not serve without instances."""
    for index, variant in enumerate(config.variants):
        if not variant.serverless:
            continue
        model = models.get(variant.model)
        problems = {
            "it is the only one": len(config.variants) > 1,
            "its model has no vpc": bool(model and model.vpc),
            "its model has no network_isolation": bool(model and model.network_isolation),
            "its model has one container": bool(model and len(model.containers) > 1),
            "its container has one model": bool(
                model and any(one.mode == "MultiModel" for one in (model, *model.containers))
            ),
            "its configuration has no async": bool(config.asynchronous),
        }
        for needed in (text for text, is_broken in problems.items() if is_broken):
            message = (
                f"endpoint_config/{config.key}: variant {variant.name} can be serverless only "
            )
            place = draft.place(*path, "variants", index, "serverless", key=True)
            yield place.problem(f"{message}where {needed}", "bad-variant")


def _check_endpoints(draft: AnyDraft) -> Iterator[Problem]:
    configs = {config.key: config for _, config in draft.items("endpoint_configs")}
    names = Names(prefix_of(draft))
    seen: dict[str, str] = {}
    for path, endpoint in draft.items("endpoints"):
        name = endpoint.name or names.of_service(endpoint.key)
        # in another case it is the same to AWS
        if (same := name.lower()) in seen:
            message = f"endpoint/{endpoint.key}: its name {name} is that of endpoint/{seen[same]} "
            message += "too: AWS has one of each name"
            field = "name" if endpoint.name else "key"
            yield draft.place(*path, field).problem(message, "duplicate-name")
        seen.setdefault(name.lower(), endpoint.key)
        config = configs.get(endpoint.config)
        if config and (problem := _variant_problem(endpoint, config)):
            place = draft.place(*path, "smoke_test", "variant")
            yield place.problem(f"endpoint/{endpoint.key}: {problem}", "bad-variant")
        if config:
            yield from _check_scaling(draft, path, endpoint, config)
        if endpoint.deployment and config:
            for field, problem in _guardrail_problems(endpoint.deployment, config):
                message = f"endpoint/{endpoint.key}: {problem}"
                place = draft.place(*path, "deployment", *([field] if field else []))
                yield place.problem(message, "bad-guardrail")


def _variant_problem(endpoint: Endpoint, config: EndpointConfig) -> str:
    """Why the smoke test cannot ask just the variant that it names; empty where it can."""
    name = endpoint.smoke_test.variant if endpoint.smoke_test else ""
    if not name:
        return ""
    if config.asynchronous:
        return "an endpoint that answers asynchronously cannot be asked for one variant"
    known = {variant.name: variant for variant in config.variants}
    if name not in known:
        return f"{config.key} has no variant {name}{did_you_mean(name, known)}"
    return f"{name} is a shadow: it never answers" if known[name].shadow else ""


def _check_scaling(
    draft: AnyDraft, path: Path, endpoint: Endpoint, config: EndpointConfig
) -> Iterator[Problem]:
    variants = {variant.name: variant for variant in config.variants if not variant.shadow}
    for name, told in endpoint.autoscaling.items():
        problem = ""
        if name not in variants:
            problem = f"{name} is no variant that answers{did_you_mean(name, variants)}"
        elif variants[name].serverless:
            problem = f"{name} is serverless, and scales by itself"
        elif told.min > told.max:
            problem = f"the min of {name} is above its max: swap them"
        if problem:
            place = draft.place(*path, "autoscaling", name, key=True)
            yield place.problem(f"endpoint/{endpoint.key}: {problem}", "bad-scaling")


def _guardrail_problems(told: Deployment, config: EndpointConfig) -> Iterator[tuple[str, str]]:
    """Where in it, and what AWS says of it."""
    variants = config.variants
    types = [variant.instance.type for variant in variants if variant.instance]
    if any(variant.serverless for variant in variants):
        yield "", "deployment is not for serverless variants: AWS would update it all at once"
    if any(kind.startswith("ml.inf1.") for kind in types):
        yield "", "deployment is not for ml.inf1 instances: AWS would update it all at once"
    if told.rolling and len(variants) > 1:
        yield "rolling", "rolling is not for several variants: AWS would update it all at once"
    if told.rolling and told.traffic != "all_at_once":
        yield "rolling", "give either rolling or traffic"
    if told.traffic != "all_at_once" and told.step is None:
        yield "traffic", f"{told.traffic} needs step: {{percent: 10}} or {{instances: 1}}"
    if told.step and told.traffic == "all_at_once":
        yield "step", "step is for traffic: canary or linear"
    if told.termination_wait and told.rolling:
        yield "termination_wait", "rolling leaves no old ones that could stay: take it out"
    counts = [variant.instance.count for variant in variants if variant.instance]
    for field, size in (("step", told.step), ("rolling", told.rolling)):
        least = 5 if field == "rolling" else 10 if told.traffic == "linear" else 1
        if size and (size.percent is None) == (size.instances is None):
            yield field, "give one of percent and instances"
        elif size and size.percent and not least <= size.percent <= 50:
            yield field, f"AWS moves at least {least} and at most 50 percent at once"
        elif size and size.instances and counts and 2 * size.instances > min(counts):
            text = (
                f"AWS moves at most half of the instances at once, and {min(counts)} is the count"
            )
            yield field, f"{text} that a variant begins with"


def lacks(draft: AnyDraft, ref: Ref) -> str:
    """Why a job will not have what another stage asks of it; empty where it may."""
    sort, _, name = ref.output.partition(".")
    jobs = [job for _, job in draft.items("processing_jobs") if job.key == ref.key.name]
    outputs = [output for job in jobs for output in job.outputs]
    is_known = sort != "outputs" or not jobs or name in outputs
    return "" if is_known else f"has no output {name}{did_you_mean(name, outputs)}"
