"""What lives in an account in the fields of a stage file: before an import writes it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from cicd.config.dialect import Around
from cicd.config.plain_export import Drafted
from cicd.config.rules import is_slip
from cicd.model import LiveResource, State, Status
from cicd.values import Key

JOBS = ("training_job", "processing_job", "transform_job")
WITH_JOBS, WITHOUT_CONFIG = "jobs", "no_default_config"
"""What of an import may be asked for."""
INSTANCE = {"type": "ml.m5.large", "count": 1}
"""What a model is served on where nobody has said so yet."""
OWN = "sagemaker_"
SILENT: tuple[Any, ...] = (None, "", {}, [], (), False)
UNITS = {"d": 86400, "h": 3600, "m": 60}


def drafted(live: Iterable[LiveResource], around: Around) -> Drafted:
    """What a stage file can ask for of it, and why not of the rest. Jobs only where they are asked
    for: they never run again."""
    found = sorted(live, key=lambda one: (one.created_at, one.id))
    if WITH_JOBS not in around.wants:
        found = [one for one in found if one.key.kind not in JOBS]
    others = _others(found, around)
    left_out = {(one.key.kind, one.id): why for one in found if (why := _why_not(one, found))}
    notes = [f"{kind} {id}: {why}" for (kind, id), why in left_out.items()]
    kept = [
        one
        for one in found
        if (one.key.kind, one.id) not in left_out
        if one.key.kind != "model" or one.id not in others  # what serves it too names it
    ]
    notes += [note for one in kept for note in _notes_on(one)]
    role = _role(kept)
    weights = {
        one.spec["config"]: one.spec["weights"] for one in kept if one.key.kind == "endpoint"
    }
    said = [_said(_weighted(one, weights.get(one.id)), role) for one in kept]
    if WITHOUT_CONFIG not in around.wants:
        said += _default_configs(kept)
    region = next((_region(one) for one in found), "")
    target = {**around.target, **_filled({"region": region, "role": role})}
    why = "it ran before it was imported"
    never = {one.key.name: why for one in kept if one.key.kind in JOBS} | dict(around.never)
    return Drafted(
        said, msgspec.structs.replace(around, target=target, select=(), never=never), notes
    )


def _others(found: list[LiveResource], around: Around) -> set[str]:
    """Models that nobody asks for, which can be named without being listed: but for those whose
    names would be taken for slips."""
    models = {one.id: _is_asked(one, around) for one in found if one.key.kind == "model"}
    others = {name for name, is_asked in models.items() if not is_asked}
    while slips := {name for name in others if is_slip(name, models.keys() - others)}:
        others -= slips
    return others


def _is_asked(live: LiveResource, around: Around) -> bool:
    return not around.select or any(fnmatchcase(live.id, glob) for glob in around.select)


def _weighted(live: LiveResource, weights: Mapping[str, float] | None) -> LiveResource:
    """A configuration with the shares that the variants of its endpoint have by now."""
    if live.key.kind != "endpoint_config" or not weights:
        return live
    return replace(live, spec={**live.spec, "weights": weights})


def _why_not(live: LiveResource, found: list[LiveResource]) -> str:
    """Why a stage file cannot ask for it as it is; empty where it can."""
    spec, status = live.spec, live.status
    there = {(one.key.kind, one.id) for one in found}
    if live.key.kind == "endpoint" and status.state is not State.RUNNING:
        reason = f": {status.message}" if status.message else ""
        return f"it is {status.raw}{reason}"
    if live.key.kind in JOBS and not status.has_ended:
        return f"it is still {status.raw}; import again when it has ended"
    if live.key.kind == "endpoint" and ("endpoint_config", spec["config"]) not in there:
        return f"its configuration {spec['config']} is not there any more"
    if live.key.kind == "endpoint" and any(_differs(live, one) for one in found):
        return "it shares its configuration with another one that has other weights"
    if live.key.kind == "endpoint_config":
        models = dict.fromkeys(spec["models"].values())
        if "" in models:
            return "it serves no model by its name"
        if gone := [name for name in models if ("model", name) not in there]:
            return f"its model {', '.join(gone)} is not there any more"
    disks = [name for name, told in _channels(live).items() if "file_system" in told]
    if disks:
        return f"{', '.join(disks)} is on a file system, which a stage file cannot say"
    if live.key.kind == "model_package":
        if status.state is not State.SUCCEEDED:
            return f"it is {status.raw}"
        if ("model", spec["model"]) not in there:
            return "no model here has its containers"
        if not spec["content_types"] or not spec["response_types"]:
            return "it does not say what it takes and answers"
    if live.key.kind == "transform_job" and ("model", spec["model"]) not in there:
        return f"its model {spec['model']} is not there any more"
    if live.key.kind == "model" and not spec["role"]:
        return "it has no role"
    return ""


def _channels(live: LiveResource) -> Mapping[str, Any]:
    return live.spec["channels"] if live.key.kind == "training_job" else {}


def _differs(live: LiveResource, other: LiveResource) -> bool:
    """Whether a later endpoint of the same configuration has other weights."""
    is_later = other.key.kind == "endpoint" and (other.created_at, other.id) > (
        live.created_at,
        live.id,
    )
    is_same = is_later and other.spec["config"] == live.spec["config"]
    return is_same and other.spec.get("weights") != live.spec.get("weights")


def _notes_on(live: LiveResource) -> Iterator[str]:
    """What a stage file does not say of it."""
    if fields := live.facts.get("left_out"):
        yield f"{live.key.kind} {live.id}: {fields}, which a stage file cannot say"
    parts = [live.spec, *(live.spec.get("containers") or ())]
    if any(part.get("source") for part in parts):
        yield f"{live.key.kind} {live.id}: its script; name source_dir and entry_point"


def _role(live: Iterable[LiveResource]) -> str:
    """The one that most have."""
    roles = Counter(str(one.spec["role"]) for one in live if one.spec.get("role"))
    return next((role for role, _ in roles.most_common(1)), "")


def _region(live: LiveResource) -> str:
    return live.facts.get("arn", ":::").split(":")[3]


def _said(live: LiveResource, role: str) -> LiveResource:
    """The same in the fields of its section, without what goes without saying."""
    fields = _FIELDS.get(live.key.kind, dict)(live.spec)
    if fields.get("role") == role:
        fields["role"] = None
    if "containers" in fields:
        fields["containers"] = [_filled(_without_source(one)) for one in fields["containers"]]
    return replace(live, spec=_filled(fields))


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in SILENT}


def _without_source(values: Mapping[str, Any]) -> dict[str, Any]:
    """Of a script nobody knows in which folder of which repository it was."""
    return {name: value for name, value in values.items() if name not in {"source", "entry_point"}}


def _training(spec: Mapping[str, Any]) -> dict[str, Any]:
    own = spec["hyperparameters"].items()
    channels = {
        name: {field: value for field, value in told.items() if field != "url"}
        for name, told in spec["channels"].items()
    }
    is_spot = spec["spot"]
    return {
        **_without_source(spec),
        "hyperparameters": {name: value for name, value in own if not name.startswith(OWN)},
        "inputs": {name: told["url"] for name, told in spec["channels"].items()},
        "channels": _filled(channels),
        "max_runtime": duration(spec["max_runtime"]),
        "max_wait": duration(spec["max_wait"]) if is_spot else None,
    }


def _processing(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **spec,
        "inputs": spec["channels"],
        "max_runtime": duration(spec["max_runtime"]),
    }


def _config(spec: Mapping[str, Any]) -> dict[str, Any]:
    variants = [
        {
            "name": name,
            "model": spec["models"][name],
            "weight": spec["weights"].get(name, told.get("weight", 1.0)),
            **_timed(told, "startup_timeout"),
        }
        for name, told in spec["variants"].items()
    ]
    return {**spec, "variants": variants}


def _timed(values: Mapping[str, Any], *fields: str) -> dict[str, Any]:
    return {**values, **{name: duration(values[name]) for name in fields if name in values}}


def _endpoint(spec: Mapping[str, Any]) -> dict[str, Any]:
    scaled = {
        name: _timed(told, "scale_in", "scale_out")
        for name, told in spec.get("autoscaling", {}).items()
        if "target" in told
    }
    for told in scaled.values():
        told.pop("instance_type")  # the configuration says that
    return {**spec, "autoscaling": scaled}


_FIELDS = {
    "training_job": _training,
    "processing_job": _processing,
    "endpoint_config": _config,
    "endpoint": _endpoint,
    "model": _without_source,
}


def duration(seconds: int | None) -> str | None:
    """A time as a stage file says it."""
    if not seconds:
        return None
    unit = next((unit for unit, size in UNITS.items() if seconds % size == 0), "s")
    return f"{seconds // UNITS.get(unit, 1)}{unit}"


def _default_configs(live: Iterable[LiveResource]) -> Iterator[LiveResource]:
    """One for each model that none serves, in any of its versions."""
    found = list(live)
    configs = [one for one in found if one.key.kind == "endpoint_config"]
    taken = {one.key.name for one in configs}
    keys = {one.id: one.key.name for one in found if one.key.kind == "model"}
    served = {keys.get(name) for one in configs for name in one.spec["models"].values()}
    for model, key in {key: model for model, key in keys.items() if key not in served}.items():
        name = f"{model}-default"
        while name in taken:
            name += "-default"
        variant = {"name": "AllTraffic", "model": key, "instance": INSTANCE}
        yield LiveResource(
            Key("endpoint_config", name),
            name,
            {"variants": [variant]},
            Status(State.UNKNOWN, ""),
            notes=(
                f"{key} has no endpoint configuration: this is one to begin with, which the next "
                "apply makes. Choose the instance that it needs.",
            ),
        )
