"""Tables of rules: which rows are broken, where, in which order, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from cicd.emulator.workflow.check import artifacts, content, volumes
from cicd.emulator.workflow.check.tables import Rule, broken, each

TABLE = (
    Rule("name", lambda x, _: not x.get("name"), "is missing"),
    Rule("", lambda x, around: x.get("size", 0) > around, "{name!r} is larger than allowed"),
    Rule("at.place", lambda x, _: "at" in x, lambda x, around: f"{x['at']} of {around}"),
)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"name": "a", "size": 1}, []),
        ({}, ["p.name: is missing"]),
        ({"name": "a", "size": 9}, ["p: 'a' is larger than allowed"]),
        ({"size": 9}, ["p.name: is missing", "p: None is larger than allowed"]),
        ({"name": "{size}", "size": 9}, ["p: '{size}' is larger than allowed"]),
        ({"name": "a", "at": "{0}"}, ["p.at.place: {0} of 3"]),
    ],
)
def test_each_broken_row_is_one_line_with_its_path(
    item: dict[str, Any], expected: list[str]
) -> None:
    assert list(broken(TABLE, item, "p", 3)) == expected


@pytest.mark.parametrize(
    ("holder", "paths"),
    [
        (None, []),
        ({}, []),
        ({"items": None}, []),
        ({"items": [{}, {}]}, ["p.items[0]", "p.items[1]"]),
    ],
)
def test_maps_of_a_list_have_their_places(holder: Any, paths: list[str]) -> None:
    assert [path for path, _ in each(holder, "items", "p")] == paths


POD = {"container": {"image": "i", "command": ["c"]}}
OUT = artifacts.Around(POD, is_output=True)
RIGHT: list[tuple[tuple[Rule, ...], dict[str, Any], Any]] = [
    (volumes.CLAIM, {"metadata": {"name": "c"}}, None),
    (volumes.VOLUME, {"name": "v", "emptyDir": {}}, set()),
    (volumes.SECRET_ITEM, {"key": "k", "path": "a/b"}, None),
    (volumes.MOUNT, {"name": "v", "mountPath": "/v", "subPath": "a"}, {"v"}),
    (artifacts.ARTIFACT, {"path": "/x", "s3": {"key": "k"}, "globalName": "g"}, OUT),
    (artifacts.ARCHIVE, {"git": {"repo": "r"}}, None),
    (artifacts.OUTPUT_PARAMETER, {"valueFrom": {"path": "/x"}}, OUT),
    (content.PARALLELISM, {"parallelism": 1, "steps": [[]]}, None),
    (content.TIMES, {**POD, "timeout": "5m", "activeDeadlineSeconds": 5}, None),
    (content.RETRY, {"limit": "2", "backoff": {"duration": "1s", "factor": 2}}, None),
    (content.CONTAINER, POD["container"], None),
    (content.BESIDE, {"name": "side"}, {"main"}),
]


@pytest.mark.parametrize(("table", "item", "around"), RIGHT)
def test_nothing_is_said_of_what_is_right(
    table: tuple[Rule, ...], item: dict[str, Any], around: Any
) -> None:
    assert list(broken(table, item, "p", around)) == []


@pytest.mark.parametrize(
    ("table", "item", "around", "said"),
    [
        (volumes.VOLUME, {"name": "v"}, set(), "p: needs one of emptyDir, secret"),
        (volumes.MOUNT, {"name": "w", "mountPath": "/w"}, {"v"}, "p.name: no volume 'w'"),
        (volumes.MOUNT, {"name": "v", "mountPath": "/a/../.."}, {"v"}, "p.mountPath: must be"),
        *(
            (
                volumes.MOUNT,
                {"name": "v", "mountPath": "/v", "subPath": path},
                {"v"},
                "p.subPath: leads out of the volume",
            )
            for path in ("/etc", "..", "a/../..", "/")
        ),
        *(
            (volumes.SECRET_ITEM, item, None, "p: need a key and a path inside of the volume")
            for item in (
                {"key": "k"},
                {"path": "a"},
                {"key": "k", "path": "/a"},
                {"key": "k", "path": "a/.."},
            )
        ),
        (artifacts.ARTIFACT, {"path": "x"}, OUT, "p.path: must be absolute"),
        (artifacts.ARTIFACT, {"path": "/x", "from": "y"}, OUT, "p.from: only in steps"),
        (artifacts.ARTIFACT, {"path": "/x", "globalName": 1.5}, OUT, "p.globalName: '1.5' is"),
        (artifacts.OUTPUT_PARAMETER, {"value": 1, "valueFrom": {"path": "/x"}}, OUT, "p: has both"),
        (content.TIMES, {**POD, "timeout": 5}, None, "p.timeout: needs a unit: 5s"),
        (content.TIMES, {**POD, "timeout": ""}, None, "p.timeout: cannot read ''"),
        (content.RETRY, {"backoff": {"maxDuration": "x"}}, None, "p.backoff.maxDuration: cannot"),
        (content.BESIDE, {"name": "main"}, {"main"}, "p.name: 'main' is used twice"),
    ],
)
def test_one_thing_is_said_of_what_is_wrong_once(
    table: tuple[Rule, ...], item: dict[str, Any], around: Any, said: str
) -> None:
    [found] = broken(table, item, "p", around)
    assert found.startswith(said)
