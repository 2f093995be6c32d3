"""Each rule at both of its sides: what is said of a map, a container, a set, of arguments."""

from __future__ import annotations

from typing import Any

import pytest

from cicd.emulator.workflow.check import artifacts, calls, content, shape, volumes
from cicd.emulator.workflow.check.tables import Rule, broken
from cicd.emulator.workflow.container_sets import main_of, read_set, retries_of, set_problems
from cicd.emulator.workflow.expr.expressions import Unresolved

POD = {"container": {"image": "i", "command": ["c"]}}
IN = artifacts.Around(POD, is_output=False)
OUT = artifacts.Around(POD, is_output=True)
STEPS = artifacts.Around({"steps": [[]]}, is_output=True)
NAP = artifacts.Around({"suspend": {}}, is_output=True)
S3 = {
    "bucket": "b",
    "key": "k",
    "accessKeySecret": {"name": "n", "key": "a"},
    "secretKeySecret": {"name": "n", "key": "s"},
}
RULES: list[tuple[tuple[Rule, ...], dict[str, Any], Any, list[str]]] = [
    (volumes.CLAIM, {"metadata": {}}, None, ["p.metadata.name: is missing or not a name"]),
    (volumes.CLAIM, {}, None, ["p.metadata.name: is missing or not a name"]),
    (
        volumes.CLAIM,
        {"metadata": {"name": "-x"}},
        None,
        ["p.metadata.name: is missing or not a name"],
    ),
    (volumes.VOLUME, {"emptyDir": {}}, set(), ["p.name: is missing or not a name"]),
    (
        volumes.VOLUME,
        {"name": "v", "emptyDir": {}, "secret": {"secretName": "s"}},
        set(),
        ["p: needs one of emptyDir, secret, persistentVolumeClaim"],
    ),
    (volumes.VOLUME, {"name": "v", "persistentVolumeClaim": {"claimName": "c"}}, {"c"}, []),
    (
        volumes.VOLUME,
        {"name": "v", "persistentVolumeClaim": {"claimName": "c"}},
        set(),
        ["p.persistentVolumeClaim: 'c' is no volumeClaimTemplate"],
    ),
    (volumes.VOLUME, {"name": "v", "secret": {}}, set(), ["p.secret.secretName: is missing"]),
    (
        volumes.MOUNT,
        {"name": "v", "mountPath": "v"},
        {"v"},
        ["p.mountPath: must be an absolute path of a folder"],
    ),
    (
        volumes.MOUNT,
        {"name": "v", "mountPath": "/"},
        {"v"},
        ["p.mountPath: must be an absolute path of a folder"],
    ),
    (volumes.MOUNT, {"name": "v"}, {"v"}, ["p.mountPath: must be an absolute path of a folder"]),
    (
        volumes.MOUNT,
        {"name": "v", "mountPath": "/v", "subPath": "a/.."},
        {"v"},
        ["p.subPath: leads out of the volume"],
    ),
    (
        volumes.MOUNT,
        {"name": "v", "mountPath": "/v", "subPath": "a/../b"},
        {"v"},
        ["p.subPath: leads out of the volume"],
    ),
    (artifacts.ARTIFACT, {"path": "/"}, IN, ["p.path: / cannot be an artifact"]),
    (artifacts.ARTIFACT, {"path": "/a/.."}, IN, ["p.path: /a/.. cannot be an artifact"]),
    (artifacts.ARTIFACT, {"path": "/a/../a/b"}, IN, []),
    (artifacts.ARTIFACT, {"path": "{{x}}"}, IN, []),
    (artifacts.ARTIFACT, {}, IN, ["p.path: must be absolute"]),
    (
        artifacts.ARTIFACT,
        {"path": "/x"},
        STEPS,
        ["p.path: only where a container runs", "p.from: is missing"],
    ),
    (artifacts.ARTIFACT, {"from": "x"}, STEPS, []),
    (
        artifacts.ARTIFACT,
        {"path": "/x", "raw": {"data": "a"}, "http": {"url": "http://x"}},
        IN,
        ["p: has more than one of from, fromExpression, raw, http, s3"],
    ),
    (
        artifacts.ARTIFACT,
        {"path": "/x", "http": {"url": "ftp://x"}},
        IN,
        ["p.http.url: must begin with http:// or https://"],
    ),
    (
        artifacts.ARTIFACT,
        {"path": "/x", "http": {}},
        IN,
        ["p.http.url: must begin with http:// or https://"],
    ),
    (artifacts.ARTIFACT, {"path": "/x", "http": {"url": "https://x"}}, IN, []),
    (artifacts.ARTIFACT, {"path": "/x", "http": {"url": "{{x}}"}}, IN, []),
    (artifacts.ARTIFACT, {"path": "/x", "s3": {}}, IN, ["p.s3.key: is missing"]),
    (
        artifacts.ARTIFACT,
        {"path": "/x", "s3": {"key": "k", "endpoint": "e"}},
        IN,
        [
            "p.s3.bucket: is missing; only with a key alone it is the default store's",
            "p.s3.accessKeySecret: needs the name and key of a generic secret",
            "p.s3.secretKeySecret: needs the name and key of a generic secret",
        ],
    ),
    (artifacts.ARTIFACT, {"path": "/x", "s3": S3}, IN, []),
    (
        artifacts.ARTIFACT,
        {"path": "/x", "s3": {**S3, "accessKeySecret": {"name": "n"}}},
        IN,
        ["p.s3.accessKeySecret: needs the name and key of a generic secret"],
    ),
    (
        artifacts.ARTIFACT,
        {"path": "/x", "s3": {**S3, "secretKeySecret": {"key": "n"}}},
        IN,
        ["p.s3.secretKeySecret: needs the name and key of a generic secret"],
    ),
    (
        artifacts.ARTIFACT,
        {"path": "/x", "s3": {**S3, "bucket": ""}},
        IN,
        ["p.s3.bucket: is missing; only with a key alone it is the default store's"],
    ),
    (
        artifacts.ARTIFACT,
        {"path": "/x", "s3": S3},
        OUT,
        ["p.s3: say the key alone: outputs go to the store called default"],
    ),
    (
        artifacts.ARTIFACT,
        {"path": "/x", "subPath": "../a"},
        IN,
        ["p.subPath: leads out of the artifact"],
    ),
    (
        artifacts.ARTIFACT,
        {"path": "/x", "globalName": "a b"},
        OUT,
        ["p.globalName: 'a b' is not a name"],
    ),
    (artifacts.ARTIFACT, {"path": "/x", "globalName": "{{x}}"}, OUT, []),
    (artifacts.ARTIFACT, {"path": "/x", "globalName": "a"}, IN, []),
    (artifacts.ARTIFACT, {"path": "/x", "raw": {"data": "a"}}, OUT, []),
    (artifacts.ARTIFACT, {"path": "/x", "http": {"url": "http://x"}}, OUT, []),
    (artifacts.OUTPUT_PARAMETER, {}, OUT, ["p: needs valueFrom or value"]),
    (artifacts.OUTPUT_PARAMETER, {"valueFrom": {}}, OUT, ["p.valueFrom: needs one of path"]),
    (
        artifacts.OUTPUT_PARAMETER,
        {"valueFrom": {"parameter": "x"}},
        OUT,
        ["p.valueFrom: needs one of path"],
    ),
    (artifacts.OUTPUT_PARAMETER, {"valueFrom": {"parameter": "x"}}, STEPS, []),
    (artifacts.OUTPUT_PARAMETER, {"valueFrom": {"expression": "x"}}, STEPS, []),
    (
        artifacts.OUTPUT_PARAMETER,
        {"valueFrom": {"path": "/x"}},
        STEPS,
        ["p.valueFrom: needs one of parameter, expression"],
    ),
    (
        artifacts.OUTPUT_PARAMETER,
        {"valueFrom": {"supplied": {}}},
        NAP,
        ["p.valueFrom.default: is missing; nobody can supply a value on SAP AI Core"],
    ),
    (
        artifacts.OUTPUT_PARAMETER,
        {"valueFrom": {"supplied": {}}},
        OUT,
        ["p.valueFrom: needs one of path"],
    ),
    (artifacts.OUTPUT_PARAMETER, {"value": 1}, OUT, []),
    (artifacts.OUTPUT_PARAMETER, {"value": 1}, STEPS, []),
    (artifacts.OUTPUT_PARAMETER, {"valueFrom": {"path": "x"}}, OUT, []),
    (
        content.PARALLELISM,
        {"parallelism": 0, "steps": [[]]},
        None,
        ["p.parallelism: must be at least 1"],
    ),
    (
        content.PARALLELISM,
        {"parallelism": -1, "steps": [[]]},
        None,
        ["p.parallelism: must be at least 1"],
    ),
    (
        content.PARALLELISM,
        {"parallelism": 1, **POD},
        None,
        ["p.parallelism: only in steps and dag"],
    ),
    (
        content.TIMES,
        {"activeDeadlineSeconds": 5, "steps": [[]]},
        None,
        ["p.activeDeadlineSeconds: only where a container runs"],
    ),
    (
        content.TIMES,
        {"activeDeadlineSeconds": "x", **POD},
        None,
        [
            "p.activeDeadlineSeconds: must be a whole number",
            "p.activeDeadlineSeconds: cannot read 'x'",
        ],
    ),
    (content.TIMES, {"activeDeadlineSeconds": "{{x}}", **POD}, None, []),
    (content.TIMES, {"activeDeadlineSeconds": 5, "suspend": {"duration": "1s"}}, None, []),
    (
        content.TIMES,
        {"timeout": "5m", "steps": [[]]},
        None,
        ["p.timeout: only where a container runs"],
    ),
    (content.TIMES, {"timeout": "x", **POD}, None, ["p.timeout: cannot read 'x'"]),
    (content.TIMES, {"timeout": "{{x}}", **POD}, None, []),
    (
        content.TIMES,
        {"suspend": {}},
        None,
        ["p.suspend.duration: is missing; nobody can resume it on SAP AI Core"],
    ),
    (content.TIMES, {"suspend": {"duration": "x"}}, None, ["p.suspend.duration: cannot read 'x'"]),
    (content.TIMES, {"suspend": {"duration": "1s"}}, None, []),
    (content.TIMES, {"suspend": {"duration": 5}}, None, []),
    (content.RETRY, {"limit": "x"}, None, ["p.limit: must be a whole number"]),
    (content.RETRY, {"limit": 0}, None, []),
    (content.RETRY, {"limit": "{{x}}"}, None, []),
    (
        content.RETRY,
        {"backoff": {"factor": "1.5"}},
        None,
        ["p.backoff.factor: must be a whole number"],
    ),
    (content.RETRY, {"backoff": {"factor": "{{x}}"}}, None, []),
    (
        content.RETRY,
        {"retryPolicy": "Never"},
        None,
        ["p.retryPolicy: Never is not supported by the emulator"],
    ),
    (content.RETRY, {"retryPolicy": "OnError"}, None, []),
    (content.RETRY, {"backoff": {"duration": "x"}}, None, ["p.backoff.duration: cannot read 'x'"]),
    (content.RETRY, {"backoff": {"maxDuration": "{{x}}"}}, None, []),
    (
        content.CONTAINER,
        {},
        None,
        ["p.command: is missing; SAP AI Core does not use the image's own"],
    ),
    (
        content.CONTAINER,
        {"command": []},
        None,
        ["p.command: is missing; SAP AI Core does not use the image's own"],
    ),
    (content.BESIDE, {}, set(), ["p.name: is missing or not a name"]),
    (content.BESIDE, {"name": "a b"}, set(), ["p.name: is missing or not a name"]),
    (content.BESIDE, {"name": "x"}, {"x"}, ["p.name: 'x' is used twice, or Argo's own"]),
    (artifacts.ARTIFACT, {"path": "/x", "from": "a"}, OUT, ["p.from: only in steps and dag"]),
    (
        artifacts.ARTIFACT,
        {"path": "/x", "fromExpression": "a"},
        OUT,
        ["p.from: only in steps and dag"],
    ),
    (artifacts.ARTIFACT, {"path": "/x", "from": "a"}, IN, []),
    (artifacts.ARTIFACT, {}, STEPS, ["p.from: is missing"]),
    (artifacts.ARTIFACT, {"fromExpression": "a"}, STEPS, []),
    (artifacts.ARTIFACT, {}, artifacts.Around({"steps": [[]]}, is_output=False), []),
    (artifacts.ARCHIVE, {}, None, []),
    (artifacts.ARCHIVE, {"git": {}}, None, ["p.git.repo: is missing"]),
    (artifacts.OUTPUT_PARAMETER, {"valueFrom": {"supplied": {}, "default": ""}}, NAP, []),
    (artifacts.OUTPUT_PARAMETER, {"valueFrom": {"supplied": {}}, "default": ""}, NAP, []),
    (artifacts.OUTPUT_PARAMETER, {"value": 1}, NAP, []),
    (
        artifacts.OUTPUT_PARAMETER,
        {"valueFrom": {"path": "/x", "parameter": "y"}},
        OUT,
        ["p.valueFrom: needs one of path"],
    ),
    (volumes.CLAIM, {"metadata": {"name": "a" * 128}}, None, []),
    (
        volumes.CLAIM,
        {"metadata": {"name": "a" * 129}},
        None,
        ["p.metadata.name: is missing or not a name"],
    ),
]


@pytest.mark.parametrize(("rules", "item", "around", "said"), RULES)
def test_a_rule_says_what_is_wrong_and_nothing_else(
    rules: tuple[Rule, ...], item: dict[str, Any], around: Any, said: list[str]
) -> None:
    assert list(broken(rules, item, "p", around)) == said


@pytest.mark.parametrize(
    ("container", "said"),
    [
        ({}, ["p.image: is missing"]),
        ({"image": "i", "args": []}, ["p.args: must not be empty; leave it out instead"]),
        ({"image": "i", "env": [{}]}, ["p.env[0].name: is missing"]),
        (
            {"image": "i", "env": [{"name": "A", "valueFrom": {}}]},
            ["p.env[0].valueFrom: needs secretKeyRef or fieldRef"],
        ),
        (
            {"image": "i", "env": [{"name": "A", "valueFrom": {"secretKeyRef": {}}}]},
            [
                "p.env[0].valueFrom.secretKeyRef.name: is missing",
                "p.env[0].valueFrom.secretKeyRef.key: is missing",
            ],
        ),
        (
            {
                "image": "i",
                "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
            },
            [],
        ),
        (
            {"image": "i", "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]},
            ["p.env[0].valueFrom.fieldRef.fieldPath: x is not supported by the emulator"],
        ),
        (
            {
                "image": "i",
                "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            },
            [],
        ),
        (
            {
                "image": "i",
                "env": [
                    {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a']"}}}
                ],
            },
            [],
        ),
        ({"image": "i", "envFrom": [{}]}, ["p.envFrom[0].secretRef.name: is missing"]),
        (
            {"image": "i", "envFrom": [{"secretRef": {}}]},
            ["p.envFrom[0].secretRef.name: is missing"],
        ),
        ({"image": "i", "envFrom": [{"secretRef": {"name": "s"}}]}, []),
        ({"image": "i", "env": [{"name": "A", "value": "x"}], "args": ["a"]}, []),
    ],
)
def test_a_container_lacks_what_is_said(container: dict[str, Any], said: list[str]) -> None:
    assert list(shape.container_problems(container, "p")) == said


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"containerSet": {"containers": []}}, ["p.containers: must have at least one container"]),
        ({"containerSet": {"containers": [{"name": "a"}]}}, []),
        (
            {"containerSet": {"containers": [{"name": "a"}, {"name": "a"}]}},
            ["p.containers[1].name: 'a' is no name, used twice, or Argo's own"],
        ),
        (
            {"containerSet": {"containers": [{"name": "init"}]}},
            ["p.containers[0].name: 'init' is no name, used twice, or Argo's own"],
        ),
        (
            {"containerSet": {"containers": [{"name": "wait"}]}},
            ["p.containers[0].name: 'wait' is no name, used twice, or Argo's own"],
        ),
        (
            {"containerSet": {"containers": [{"name": "-a"}]}},
            ["p.containers[0].name: '-a' is no name, used twice, or Argo's own"],
        ),
        ({"containerSet": {"containers": [{"name": "a" * 128}]}}, []),
        (
            {"containerSet": {"containers": [{"name": "a" * 129}]}},
            [f"p.containers[0].name: {'a' * 129!r} is no name, used twice, or Argo's own"],
        ),
        (
            {"containerSet": {"containers": [{"name": "a", "dependencies": ["b"]}]}},
            ["p.containers[0]: dependency 'b' not defined"],
        ),
        (
            {
                "containerSet": {
                    "containers": [
                        {"name": "a", "dependencies": ["b"]},
                        {"name": "b", "dependencies": ["a"]},
                    ]
                }
            },
            ["p.containers[0]: wait for each other: a -> b -> a"],
        ),
        (
            {"containerSet": {"containers": [{"name": "a"}, {"name": "b", "dependencies": ["a"]}]}},
            [],
        ),
        (
            {
                "containerSet": {
                    "containers": [{"name": "a"}],
                    "volumeMounts": [{"mountPath": "/x"}, {"mountPath": "/x"}],
                }
            },
            ["p.volumeMounts[1].mountPath: '/x' already mounted"],
        ),
        (
            {
                "containerSet": {
                    "containers": [{"name": "a"}],
                    "volumeMounts": [{"mountPath": "/x"}, {"mountPath": "/y"}],
                }
            },
            [],
        ),
        (
            {
                "containerSet": {"containers": [{"name": "a"}]},
                "outputs": {"parameters": [{"name": "x"}]},
            },
            ['p.containers: must have a container named "main" for input or output'],
        ),
        (
            {
                "containerSet": {"containers": [{"name": "a"}]},
                "outputs": {"artifacts": [{"name": "x"}]},
            },
            ['p.containers: must have a container named "main" for input or output'],
        ),
        (
            {
                "containerSet": {"containers": [{"name": "a"}]},
                "inputs": {"artifacts": [{"name": "x"}]},
            },
            ['p.containers: must have a container named "main" for input or output'],
        ),
        (
            {
                "containerSet": {"containers": [{"name": "a"}]},
                "inputs": {"parameters": [{"name": "x"}]},
            },
            [],
        ),
        (
            {
                "containerSet": {"containers": [{"name": "main"}]},
                "outputs": {"parameters": [{"name": "x"}]},
            },
            [],
        ),
        (
            {"containerSet": {"containers": [{"name": "a"}], "retryStrategy": {"retries": "x"}}},
            ["p.retryStrategy.retries: must be a whole number"],
        ),
        (
            {
                "containerSet": {
                    "containers": [{"name": "a"}],
                    "retryStrategy": {"retries": "2", "duration": "1s"},
                }
            },
            [],
        ),
        (
            {
                "containerSet": {
                    "containers": [{"name": "a"}],
                    "retryStrategy": {"retries": "{{x}}", "duration": "{{x}}"},
                }
            },
            [],
        ),
        (
            {"containerSet": {"containers": [{"name": "a"}], "retryStrategy": {"duration": "x"}}},
            ["p.retryStrategy.duration: 'x' is no duration such as 30, 90s or 1h30m"],
        ),
        ({"containerSet": {"containers": [{"name": "a"}], "retryStrategy": {}}}, []),
    ],
)
def test_a_set_of_containers_lacks_what_is_said(item: dict[str, Any], said: list[str]) -> None:
    assert list(set_problems(item, "p")) == said


@pytest.mark.parametrize(
    ("arguments", "of_workflow", "of_call"),
    [
        ({"parameters": [{"name": "x"}]}, [], ["p.parameters[0]: needs value or valueFrom"]),
        ({"parameters": [{"name": "x", "value": 1}]}, [], []),
        ({"parameters": [{"name": "x", "valueFrom": {"configMapKeyRef": {"name": "c"}}}]}, [], []),
        ({"parameters": [{"name": "x", "valueFrom": {"event": "e"}}]}, [], []),
        ({"parameters": [{"name": "x", "valueFrom": {"supplied": {}}}]}, [], []),
        (
            {"parameters": [{"name": "x", "valueFrom": {"path": "p"}}]},
            ["p.parameters[0].valueFrom: only configMapKeyRef or supplied, with a default"],
            ["p.parameters[0].valueFrom: only configMapKeyRef or supplied, with a default"],
        ),
        (
            {"parameters": [{"name": "x", "valueFrom": {"supplied": {}, "path": "p"}}]},
            ["p.parameters[0].valueFrom: only configMapKeyRef or supplied, with a default"],
            ["p.parameters[0].valueFrom: only configMapKeyRef or supplied, with a default"],
        ),
        (
            {"parameters": [{"name": "x", "enum": []}]},
            ["p.parameters[0].enum: needs at least one value"],
            [
                "p.parameters[0]: needs value or valueFrom",
                "p.parameters[0].enum: needs at least one value",
            ],
        ),
        (
            {"parameters": [{"name": "x", "enum": ["a"]}]},
            [],
            ["p.parameters[0]: needs value or valueFrom", "p.parameters[0].value: is missing"],
        ),
        ({"parameters": [{"name": "x", "value": "a", "enum": ["a"]}]}, [], []),
        ({"parameters": [{"name": "x", "value": 5, "enum": ["5"]}]}, [], []),
        (
            {"parameters": [{"name": "x", "value": "b", "enum": ["a"]}]},
            ["p.parameters[0].value: 'b' is not in its enum"],
            ["p.parameters[0].value: 'b' is not in its enum"],
        ),
        ({"artifacts": [{"name": "x"}]}, [], ["p.artifacts[0]: needs from, a location or a key"]),
        (
            {"artifacts": [{"name": "x", "from": "a", "fromExpression": "b"}]},
            [],
            ["p.artifacts[0]: has both from and fromExpression"],
        ),
        (
            {"artifacts": [{"name": "x", "fromExpression": "b"}]},
            [],
            ["p.artifacts[0]: needs from, a location or a key"],
        ),
        ({"artifacts": [{"name": "x", "raw": {}}]}, [], []),
        (
            {"artifacts": [{"name": "x", "http": {}}]},
            [],
            ["p.artifacts[0]: needs from, a location or a key"],
        ),
        ({"artifacts": [{"name": "x", "http": {"url": "u"}}]}, [], []),
        ({"artifacts": [{"name": "x", "s3": {"key": "k"}}]}, [], []),
        (
            {"artifacts": [{"name": "x", "s3": {}}]},
            [],
            ["p.artifacts[0]: needs from, a location or a key"],
        ),
    ],
)
def test_arguments_of_a_workflow_may_lack_a_value_those_of_a_call_not(
    arguments: dict[str, Any], of_workflow: list[str], of_call: list[str]
) -> None:
    assert list(calls.argument_problems(arguments, "p")) == of_workflow
    assert list(calls.argument_problems(arguments, "p", is_bound=False)) == of_call


SHAPE = {
    "text": shape.TEXT,
    "word": shape.WORD,
    "number": shape.NUMBER,
    "flag": shape.FLAG,
    "list": [shape.TEXT],
    "any": [shape.ANY],
    "map": {"a": shape.TEXT},
    "exact": shape.Exact({"a": shape.TEXT}),
    "entire": shape.Entire({"a": shape.TEXT}),
    "no": shape.Refused("too hard"),
    "free": shape.ANY,
}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"text": "a", "word": "a", "number": 1.5, "flag": True, "list": ["a", 1]}, []),
        ({"text": 1.5}, []),
        ({"text": True}, []),
        ({"text": []}, ["p.text: must be text"]),
        ({"word": 1}, ["p.word: must be a text and no number"]),
        ({"number": "1"}, ["p.number: must be number"]),
        ({"flag": 1}, ["p.flag: must be true or false"]),
        ({"list": "a"}, ["p.list: must be a list"]),
        ({"list": ["a", None, {}]}, ["p.list[1]: is empty", "p.list[2]: must be text"]),
        ({"any": [None, {}]}, []),
        ({"map": []}, ["p.map: must be a map"]),
        ({"map": {"a": []}}, ["p.map.a: must be text"]),
        ({"map": {"b": 1}}, ["p.map.b: not supported by the emulator"]),
        ({"exact": {"b": 1}}, ["p.exact.b: is no field here, and Argo refuses it"]),
        ({"entire": {"b": 1, "a": []}}, ["p.entire.a: must be text"]),
        ({"no": 1}, ["p.no: not supported by the emulator: too hard"]),
        ({"no": False}, []),
        ({"no": None, "text": None, "list": None, "map": None}, []),
        ({"free": [{}]}, []),
        ([], ["p: must be a map"]),
        (None, []),
    ],
)
def test_a_value_differs_from_its_shape_where_it_is_said(value: Any, said: list[str]) -> None:
    assert list(shape.differences(value, SHAPE, "p")) == said


def container_set(**more: Any) -> dict[str, Any]:
    mounts = [{"name": "v", "mountPath": "/v"}]
    first = {"name": "a", "volumeMounts": [{"name": "w", "mountPath": "/w"}]}
    containers = [first, {"name": "main"}, {"name": "b"}]
    return {"containerSet": {"containers": containers, "volumeMounts": mounts, **more}}


def test_the_containers_of_a_set_have_its_volumes_too() -> None:
    found = read_set(container_set())
    assert found is not None
    assert [[mount["name"] for mount in item["volumeMounts"]] for item in found.containers] == [
        ["w", "v"],
        ["v"],
        ["v"],
    ]
    assert main_of(found)["name"] == "main"
    unnamed = read_set({"containerSet": {"containers": [{"name": "a"}, {"name": "b"}]}})
    assert unnamed is not None
    assert main_of(unnamed)["name"] == "b"
    assert read_set(POD) is read_set({"containerSet": {}}) is None


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (None, (1, 0)),
        ({"retries": 0}, (0, 0)),
        ({"retries": "{{n}}", "duration": "2m"}, (3, 120)),
        ({"duration": 5}, (1, 5)),
    ],
)
def test_a_container_of_a_set_is_tried_as_often_as_it_says(
    strategy: dict[str, Any] | None, expected: tuple[int, float]
) -> None:
    found = read_set(container_set(retryStrategy=strategy))
    assert found is not None
    assert retries_of(found, {"n": "3"}) == expected


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        ({"retries": "{{n}}"}, "containerSet.retryStrategy: invalid literal"),
        ({"duration": "{{n}}"}, "containerSet.retryStrategy: 'x' is no duration"),
    ],
)
def test_a_set_that_says_no_number_at_last_is_an_error(strategy: dict[str, Any], said: str) -> None:
    found = read_set(container_set(retryStrategy=strategy))
    assert found is not None
    with pytest.raises(Unresolved) as error:
        retries_of(found, {"n": "x"})
    assert str(error.value).startswith(said)
