"""Pure: what a client submits, read and checked; all that is wrong with it at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from cicd.emulator.workflow.yaml12 import load_yaml

NAME = re.compile(r"[^/\\\x00-\x1f\x7f]{1,200}")
"""A name is a part of a path."""
VARIABLE = re.compile(r"[^=\x00-\x20]+")
RESOURCES = ("cpus", "gpus", "memory")
MOST_RETRIES = 10
MOST_ALIASES = 20
"""So few of them that what they stand for cannot become much, however they are nested."""
REQUIRED: Mapping[str, Callable[[Any], bool]] = {
    "name": bool,
    "execution.command": bool,
    "execution.completionTime": lambda found: found not in ("", None),
    "execution.image": bool,
}
Found = Mapping[str, Any]


class Unacceptable(Exception):
    """What is wrong with a submission, in one line."""


@dataclass(frozen=True)
class Submission:
    """A job as its client wants it. ``environment`` in the order it was written."""

    name: str
    command: str
    image: str
    environment: tuple[tuple[str, str], ...] = ()
    retries: int = 0


def read(body: bytes) -> Submission:
    """A body, YAML or JSON. Raises Unacceptable."""
    job = part(load(body), "job")
    if not job:
        raise Unacceptable("missing: job")
    execution = part(job, "execution")
    fields: Found = {**job, **{f"execution.{name}": value for name, value in execution.items()}}
    missing, wrong = [], []
    for name, is_there in REQUIRED.items():
        if not is_there(fields.get(name)):
            missing.append(name)
        elif name != "execution.completionTime" and not is_text(fields[name]):
            wrong.append(f"{name} must be a text")
    lacking, odd = resources(execution)
    missing += lacking
    environment, unclear = variables(job.get("env"))
    wrong += odd + unclear
    if is_text(job.get("name")) and job["name"] and not is_name(job["name"]):
        wrong.append("name must be one part of a path, of at most 200 characters")
    retries = execution.get("retries")
    if retries is not None and not (is_whole(retries) and retries <= MOST_RETRIES):
        wrong.append(f"execution.retries must be a whole number up to {MOST_RETRIES}")
    if missing:
        wrong.insert(0, f"missing: {', '.join(missing)}")
    if wrong:
        raise Unacceptable("; ".join(wrong))
    return Submission(
        job["name"], execution["command"], execution["image"], environment, retries or 0
    )


def load(body: bytes) -> Any:
    """The one document of a body. Raises Unacceptable."""
    try:
        text = body.decode("utf-8-sig")
        events = yaml.parse(text, yaml.CSafeLoader)
        if sum(isinstance(event, yaml.AliasEvent) for event in events) > MOST_ALIASES:
            raise Unacceptable(f"the body has more than {MOST_ALIASES} aliases")
        found = list(load_yaml(text))
    except (ValueError, RecursionError, TypeError, OverflowError, yaml.YAMLError) as error:
        said = " ".join(str(error).split())[:200]
        raise Unacceptable(f"the body is neither YAML nor JSON: {said}") from None
    if len(found) != 1:
        raise Unacceptable(f"the body must be one document, not {len(found)}")
    return found[0]


def part(found: Any, name: str) -> Found:
    """A map in a map; an empty one where it is not there. Raises Unacceptable for anything else."""
    if not isinstance(found, Mapping):
        raise Unacceptable("the body must be a map with the one key job")
    inner = found.get(name)
    if inner is None:
        return {}
    if not isinstance(inner, Mapping):
        raise Unacceptable(f"{name} must be a map")
    return {key: value for key, value in inner.items() if isinstance(key, str)}


def resources(execution: Found) -> tuple[list[str], list[str]]:
    """What is missing of the resources, and what is wrong with them."""
    found, plan = execution.get("resources"), execution.get("resourcePlanId")
    if found is None:
        if plan is None or plan == "":
            return ["execution.resources"], []
        return [], [] if is_text(plan) else ["execution.resourcePlanId must be a text"]
    if not isinstance(found, Mapping):
        return [], ["execution.resources must be a map"]
    where = "execution.resources"
    missing = [f"{where}.{name}" for name in RESOURCES if found.get(name) is None]
    wrong = [
        f"{where}.{name} must be a whole number{instead(found[name])}"
        for name in RESOURCES
        if found.get(name) is not None and not is_whole(found[name])
    ]
    return missing, wrong


def variables(found: Any) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    """The environment, and what is wrong with it."""
    if found is None:
        return (), []
    if not isinstance(found, list):
        return (), ["env must be a list of name and value"]
    read, wrong = [], []
    for number, item in enumerate(found):
        name = item.get("name") if isinstance(item, Mapping) else None
        value = item.get("value") if isinstance(item, Mapping) else None
        if not isinstance(name, str) or not is_text(name) or not VARIABLE.fullmatch(name):
            wrong.append(f"env[{number}].name must be the name of a variable")
        elif (text := text_of(value)) is None:
            wrong.append(f"env[{number}].value must be a text")
        else:
            read.append((name, text))
    return tuple(read), wrong


def text_of(value: Any) -> str | None:
    """A scalar of YAML as it was meant; None for what is none, or cannot be a variable."""
    if value is None or is_text(value):
        return value or ""
    if isinstance(value, bool):
        return str(value).lower()
    is_number = isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63)
    return str(value) if is_number else None


def instead(value: Any) -> str:
    """What was there, for a message; nothing of what may be large."""
    text = text_of(value)
    return "" if text is None else f", not {text[:50]!r}"


def is_text(value: Any) -> bool:
    """Whether it is a text that programs can be given."""
    if not isinstance(value, str) or "\0" in value:
        return False
    return not any("\ud800" <= sign <= "\udfff" for sign in value)


def is_name(text: str) -> bool:
    """Whether a job may be called so."""
    return NAME.fullmatch(text) is not None and text not in (".", "..")


def is_whole(value: Any) -> bool:
    """Whether it is a whole number that is not negative."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
