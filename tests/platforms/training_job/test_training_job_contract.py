"""The training-job API passes the platform contract against the emulator, with real programs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest

from cicd.model import Hidden, Key, Options, Ref, Resource, Stage
from cicd.platforms import registry
from tests.emulator.training_job.training_job_client import Service
from tests.platforms.contract import Applied, PlatformContract, World, bring_up

LINES = tuple(f"line {number} grüße" for number in range(40)) + ("again",) * 7
TRAIN = """\
import argparse, json, pathlib
asked = argparse.ArgumentParser()
asked.add_argument("--lines")
for line in pathlib.Path(asked.parse_args().lines).read_text(encoding="utf-8").splitlines():
    print(line, flush=True)
for value in (0.25, 0.75):
    print(f"accuracy={value}", flush=True)
pathlib.Path("saved_model").mkdir()
pathlib.Path("saved_model/model.json").write_text("{}")
pathlib.Path("metrics.json").write_text(json.dumps({"loss": {"last": 0.5}, "name": "x"}))
"""
USE = """\
import pathlib, sys
print(sys.argv[1:], sorted(str(path) for path in pathlib.Path("model").rglob("*.json")))
pathlib.Path("score.txt").write_text("1")
"""


def job(name: str, inputs: str, **spec: object) -> Resource:
    given = {
        "key": name,
        "name": name,
        "image": "python:3.11",
        "completion_time": "1h",
        "python_major_version": 3,
        "resources": {"cpus": 1, "gpus": 0, "memory": 512},
        "inputs": inputs,
    }
    return Resource(Key("job", name), given | spec, Options("SUCCESSFUL"))


@pytest.fixture(scope="module")
def applied(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    root = tmp_path_factory.mktemp("project")
    content = "\n".join([*LINES, ""]).encode()
    (root / "lines.txt").write_bytes(content)
    (root / "train.py").write_text(TRAIN, encoding="utf-8")
    (root / "use.py").write_text(USE, encoding="utf-8")
    data = Resource(
        Key("dataset", "lines.txt"),
        {
            "digest": hashlib.sha256(content).hexdigest(),
            "size": len(content),
            "file": "lines.txt",
        },
    )
    train = job(
        "train",
        "0123abcd",
        script="train.py",
        env={"LINES": "lines.txt"},
        data={"lines.txt": Ref(data.key)},
        metrics={"accuracy": "accuracy=([0-9.]+)"},
        metrics_file="metrics.json",
    )
    use = job(
        "use",
        "4567cdef",
        script="use.py",
        env={"GREETING": Hidden("grüß dich, Welt")},
        data={"model": Ref(train.key, "artifacts.saved_model")},
    )
    stage = Stage(
        "dev", "", str(root), "training_job", {"api_url": service.api}, None, (data, train, use)
    )
    yield from bring_up(
        World(
            platform=registry.connect(stage, dict(service.variables)),
            desired=(data, train, use),
            place={"api_url": service.api},
            run=train.key,
            lines=LINES,
            metrics={"accuracy": 0.75, "loss.last": 0.5},
        )
    )


class TestTrainingJob(PlatformContract):
    """The contract; there are no services."""

    test_a_service_answers = None  # type: ignore[assignment]
    test_a_body_is_sent_as_it_is_or_as_json = None  # type: ignore[assignment]
    test_an_update_keeps_id_and_url = None  # type: ignore[assignment]


def test_a_second_job_has_found_the_model_of_the_first(applied: Applied) -> None:
    platform = applied.world.platform
    [line] = [
        entry.text
        for entry in platform.logs(applied.live[Key("job", "use")]).entries
        if "--greeting" in entry.text
    ]
    assert "--greeting=grüß dich, Welt" in line
    assert "model/saved_model/model.json" in line and "model/metrics.json" in line


def test_what_jobs_leave_behind_is_listed(applied: Applied) -> None:
    found = {live.spec["job"]: live for live in applied.world.platform.browse("artifact")}
    assert {"train", "use"} <= set(found)
    names = [item["name"] for item in found["train"].spec["contents"]]
    assert names == ["metrics.json", "saved_model/model.json"]
    assert found["train"].spec["size"] == len(json.dumps({"loss": {"last": 0.5}, "name": "x"})) + 2
