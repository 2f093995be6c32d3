"""A stage in which everything that can come from the environment does, made from the schema.

``<word>`` in a value of WHOLE is where a canary goes: ``finch-word-1``, and ``finch-word-2`` once
the environment has changed. The whole value then comes from one variable of the environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cicd.config.json_schema import schema_of
from cicd.platforms.registry import DIALECTS

Position = tuple[str, ...]
"""Keys from the top of a stage file; ``[]`` for any item of a list, ``*`` for any key of a map."""

NAMES = frozenset(
    {
        *("group", "app", "repo", "host", "owner", "revision", "path", "mount", "scenario"),
        *("executable", "data-key", "data-name", "train", "training", "watched", "weekly"),
        *("weekly-name", "chat", "chat-name", "destination", "store", "pull", "api"),
    }
)
"""Words of what things are called or found by: they stay when the environment changes."""

WHOLE: dict[str, Any] = {
    "branch": "main",
    "aicore": {
        "resource_group": "<group>",
        "labels": {"ext.ai.sap.com/team": "<team>"},
        "launchpad_url": "https://<launchpad>.example/{kind}/{id}",
    },
    "variables": {"fed": "<fed>"},
    "git": {
        "application": "<app>",
        "repository": "https://<host>.example/<owner>/<repo>",
        "path": "<path>",
        "revision": "<revision>",
        "username": "<user>",
        "password": "<password>",
    },
    "secrets": {
        "object_store": [
            {
                "name": "<store>",
                "type": "S3",
                "bucket": "<bucket>",
                "endpoint": "<endpoint>.example",
                "region": "<region>",
                "path_prefix": "<prefix>",
                "data": {"AWS_ACCESS_KEY_ID": "<s3-id>", "AWS_SECRET_ACCESS_KEY": "<s3-key>"},
            }
        ],
        "docker_registry": [
            {
                "name": "<pull>",
                "data": {".dockerconfigjson": '{"auths": {"https://h": {"auth": "<docker>"}}}'},
            }
        ],
        "generic": [
            {
                "name": "<api>",
                "labels": {"ext.ai.sap.com/owner": "<owner-label>"},
                "data": {"api-key": "<api-key>"},
            }
        ],
    },
    "artifacts": [
        {
            "key": "<data-key>",
            "name": "<data-name>",
            "kind": "dataset",
            "url": "ai://default/<data-url>",
            "scenario_id": "<scenario>",
            "labels": {"ext.ai.sap.com/source": "<source>"},
            "description": "taken from <description>",
        }
    ],
    "executions": [
        {
            "key": "<train>",
            "configuration": {
                "name": "<training>",
                "scenario_id": "<scenario>",
                "executable_id": "<executable>",
                "parameter_bindings": {"word": "<word>", "fed": "${var.fed}", "pin": "<pin>"},
                "input_artifact_bindings": {"data": "<data-key>"},
            },
            "watch": ["src/<watched>.py"],
            "timeout": "2m",
        }
    ],
    "schedules": [
        {
            "key": "<weekly>",
            "name": "<weekly-name>",
            "execution": "<train>",
            "cron": "0 0 * * 0",
            "start": "2026-01-01T00:00:00Z",
            "end": "2099-01-01T00:00:00Z",
        }
    ],
    "deployments": [
        {
            "key": "<chat>",
            "configuration": {
                "name": "<chat-name>",
                "scenario_id": "foundation-models",
                "executable_id": "azure-openai",
                "parameter_bindings": {"modelName": "gpt-4o", "modelVersion": "latest"},
            },
            "timeout": "2m",
            "drain": "1s",
            "ttl": "24h",
            "smoke_test": {
                "method": "POST",
                "path": "/chat/completions?api-version=2024-02-01&note=<smoke-path>",
                "json": {"messages": [{"role": "user", "content": "<smoke>"}]},
                "headers": {"X-Probe": "<probe>"},
                "expect": {"status": 200, "contains": "<smoke>"},
            },
            "destination_name": "<destination>",
        }
    ],
    "lifecycle": {
        "require_assets": {"guide": "src/<watched>.py"},
        "test": "execution/<train>",
        "test_data": "src/<watched>.py",
        "comparator": {"command": ["true", "<comparator>"]},
        "deploy": ["deployment/<chat>"],
    },
    "notify": [
        {
            "on": ["retiring"],
            "to": "webhook+https://<receiver>.example/<hook>",
            "secret": "<hook-secret>",
        }
    ],
    "protect": ["artifact/<data-key>"],
    "local": {
        "images": {
            "docker.io/your-org/small:1": {
                "mounts": {"/app/src": "<mount>"},
                "env": {"SETTING": "<setting>"},
            },
            "docker.io/your-org/other:1": {
                "mounts": {"/app/src": "<mount>"},
                "python": "<python>",
                "command": ["python", "<command>"],
                "workdir": "/<workdir>",
            },
        },
        "artifacts": {"ai://default/<data-url>": "<mount>"},
    },
}
"""Like a stage file; keys of maps cannot come from the environment."""

HOLDS_NO_SECRET = {
    "$schema": "for editors, before anything is replaced",
    "extends": "refused: variables come after it",
    "stage": "refused: variables come after it",
    "branch": "looked up before anything is replaced",
    "executions.[].configuration.parameter_bindings.[].*": "another way to write the map",
    "executions.[].configuration.input_artifact_bindings.[].*": "another way to write the map",
    "deployments.[].configuration.parameter_bindings.[].*": "another way to write the map",
    "deployments.[].configuration.input_artifact_bindings.[].*": "another way to write the map",
    "deployments.[].configuration.input_artifact_bindings.*": "as those of executions",
    "deployments.[].configuration.parameter_bindings.*": "as those of executions",
    "deployments.[].configuration.scenario_id": "as that of executions",
    "deployments.[].configuration.executable_id": "as that of executions",
    "deployments.[].existing_deployment_id": "an id of the platform",
    "executions.[].require.[].metric": "the name of a metric that the run itself prints",
    "flows.[].*": "goes into a template that is committed",
    "lifecycle.approval.*": "who approves and where, which everybody who reads a plan is told",
    "*.timeout": "a time, one of few",
    "*.drain": "a time, one of few",
    "*.ttl": "a time, one of few",
    "schedules.[].cron": "a time, one of few",
    "schedules.[].start": "a time, one of few",
    "schedules.[].end": "a time, one of few",
    "sync.*": "times, of which few are, and yes or no",
}
"""Positions of texts in which nothing secret can stand, and why."""


def positions() -> Iterator[Position]:
    """Every place of a stage file where a text may stand that is not one of a few words."""
    schema = schema_of(DIALECTS)["$defs"]["aicore"]
    yield from dict.fromkeys(_positions(schema, schema["$defs"], ()))


def _positions(
    node: Mapping[str, Any], parts: Mapping[str, Any], at: Position
) -> Iterator[Position]:
    if "$ref" in node:
        yield from _positions(parts[node["$ref"].rpartition("/")[2]], parts, at)
        return
    for choice in (*node.get("anyOf", ()), *node.get("allOf", ())):
        yield from _positions(choice, parts, at)
    types = node.get("type", [])
    is_any = not node.keys() & {"type", "anyOf", "allOf", "enum", "const", "properties"}
    if is_any or ("string" in types and not node.keys() & {"enum", "const"}):
        yield at
    for key, child in node.get("properties", {}).items():
        yield from _positions(child, parts, (*at, key))
    for child in (node.get("additionalProperties"), *node.get("patternProperties", {}).values()):
        if isinstance(child, dict):
            yield from _positions(child, parts, (*at, "*"))
    if isinstance(node.get("items"), dict):
        yield from _positions(node["items"], parts, (*at, "[]"))


def is_filled(position: Position) -> bool:
    """Whether a canary stands there in WHOLE."""
    return any("<" in text and _is_at(at, position) for at, text in texts(WHOLE))


def _is_at(at: Position, position: Position) -> bool:
    is_free = position[-1] == "json"  # anything may stand below it
    pairs = zip(at, position, strict=False)
    is_same = all(there in ("*", here) for here, there in pairs)
    return is_same and (len(at) == len(position) or (is_free and len(at) > len(position)))


def texts(value: Any, at: Position = ()) -> Iterator[tuple[Position, str]]:
    """(path, text) of all texts in plain data; the items of a list are all called ``[]``."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from texts(child, (*at, key))
    elif isinstance(value, list):
        for child in value:
            yield from texts(child, (*at, "[]"))
    elif isinstance(value, str):
        yield at, value


def variable(text: str) -> str:
    """The variable of the environment that a text of WHOLE comes from."""
    return "V_" + re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_")


def as_stage(value: Any = WHOLE) -> Any:
    """WHOLE with ``${env.…}`` for each text with a canary."""
    if isinstance(value, Mapping):
        return {
            key.replace("<", "").replace(">", ""): as_stage(child) for key, child in value.items()
        }
    if isinstance(value, list):
        return [as_stage(child) for child in value]
    if isinstance(value, str) and "<" in value:
        return f"${{env.{variable(value)}}}"
    return value


def with_canaries(text: str, time: int) -> str:
    """A text of WHOLE as it is in the environment at the first or at the second time."""
    return re.sub("<([^>]*)>", lambda match: canary(match[1], time), text)


def canary(word: str, time: int) -> str:
    if word == "pin":
        return f"q7{time}Z"  # too short to be found by what it is
    # another word than in the tests that watch all processes of the machine: these may run beside
    return f"finch-{word}-{1 if word in NAMES else time}"


def environment(time: int) -> dict[str, str]:
    """All variables of the stage."""
    found = {text for _, text in texts(WHOLE) if "<" in text}
    return {variable(text): with_canaries(text, time) for text in found}
