"""The local SageMaker that stumbles, and small projects that are applied to it.

Jobs and endpoints really run, in this process; each project has names, a script and an endpoint of
its own, so that nothing that one has left is of use to another.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cicd.cli import root
from cicd.emulator.faults.rules import read
from cicd.emulator.sagemaker.nouns import NOUNS
from cicd.emulator.sagemaker.things import Things
from cicd.platforms.sagemaker import api
from tests.emulator.sagemaker.aws import IMAGE, ROLE, Aws
from tests.faults.faults_world import SQUEEZE, Clock, Result, hastened

BUCKET = "faults"
STAGE = """\
platform: sagemaker
sagemaker: {{region: eu-central-1, role: "{role}", bucket: {bucket}, prefix: {name}}}
training_jobs:
  - key: train
    image: {image}
    source_dir: src
    entry_point: train.py
    hyperparameters: {{word: {word}}}
    instance: {{type: ml.m5.large}}
    metrics: {{accuracy: "accuracy=([0-9.]+)"}}
    require: [{{metric: accuracy, min: 0.7}}]
models:
  - {{key: churn, image: {image}, data: "${{training_jobs.train.model}}"}}
endpoint_configs:
  - {{key: churn, variants: [{{name: main, model: churn, instance: {{type: ml.m5.large}}}}]}}
endpoints:
  - key: churn
    name: {name}-e
    config: churn
    smoke_test: {{json: 1, expect: {{contains: {word}}}}}
"""
TRAIN = """\
import os, shutil, sys
print("accuracy=0.75", flush=True)
with open("/opt/ml/model/word", "w") as file:
    file.write(sys.argv[sys.argv.index("--word") + 1])
os.mkdir("/opt/ml/model/code")
shutil.copy("/opt/ml/code/inference.py", "/opt/ml/model/code/")
"""
INFERENCE = """\
def model_fn(folder):
    with open(f"{folder}/word") as file:
        return file.read()
def predict_fn(data, model):
    return model
"""
NUMBERS = itertools.count()
UNANSWERED = 0.5
"""Seconds that a client waits for an answer where one comes too late."""
KINDS: Mapping[str, Mapping[str, Any]] = {
    "throttled": {"status": 400, "code": "ThrottlingException", "message": "Rate exceeded"},
    "throttled with Retry-After": {
        "status": 429,
        "code": "ThrottlingException",
        "message": "Rate exceeded",
        "retry-after": 20,
    },
    "refused at first": {"status": 400, "code": "RequestTimeout", "message": "Too slow"},
    "InternalFailure": {"status": 500, "code": "InternalFailure", "message": "We failed"},
    "ServiceUnavailable": {"status": 503, "code": "ServiceUnavailable"},
    "proxy page before": {"status": 502, "body": "html"},
    "proxy page after": {"body": "html"},
    "truncated": {"body": "truncated"},
    "not JSON": {"body": "not-json"},
    "empty": {"body": "empty"},
    "reset before": {"reset": True},
    "reset after": {"lost": "reset"},
    "500 after": {"lost": 500},
    "504 after": {"lost": 504},
    "too slow": {"slow-after": 1.5 * UNANSWERED},
}
"""What can happen to a request."""
LASTING = ("throttled", "InternalFailure", "reset before", "reset after", "500 after")
"""Of these also so many in a row that boto3 gives up."""
ROW = 6


@dataclass(frozen=True)
class Target:
    """The ``nth`` request (from 0) of an operation."""

    operation: str
    nth: int = 0

    def rule(self, effects: Mapping[str, Any], times: int = 1) -> dict[str, Any]:
        told = {"operation": self.operation, "after": self.nth, "times": times}
        if ".s3." in self.operation and "code" in effects:
            # S3 has words and statuses of its own
            effects = {name: effects[name] for name in effects if name not in ("code", "message")}
            effects["status"] = 503 if effects["status"] in (400, 429) else effects["status"]
        return {**told, **effects}

    def __str__(self) -> str:
        return f"{self.operation} #{self.nth}"


def targets(requests: Sequence[Mapping[str, Any]]) -> list[Target]:
    """Every request that was recorded, by what it asks for."""
    seen: Counter[str] = Counter()
    found = []
    for operation in [str(one["operation"]) for one in requests if one["operation"]]:
        found.append(Target(operation, seen[operation]))
        seen[operation] += 1
    return found


@dataclass
class Project:
    """A stage that trains, serves and answers, in a folder of its own."""

    folder: Path
    aws: Aws
    capsys: pytest.CaptureFixture[str]

    @property
    def name(self) -> str:
        return self.folder.name

    def cicd(self, *arguments: str, timeout: float | None = None) -> Result:
        """A command in this process, its pauses shortened."""
        self.capsys.readouterr()
        with hastened_here(timeout), chdir(self.folder):
            code = root.execute([*arguments])
        return Result(code, *self.capsys.readouterr())

    def write(self, word: str) -> None:
        """The stage, whose job is given this word."""
        text = STAGE.format(name=self.name, role=ROLE, image=IMAGE, bucket=BUCKET, word=word)
        (self.folder / "stages/dev.yaml").write_text(text, encoding="utf-8")

    def fault(self, *rules: Mapping[str, Any]) -> None:
        """Let these come to pass."""
        faults = self.aws.world.faults
        faults.add([read(dict(rule), faults.known) for rule in rules])

    def left(self) -> dict[str, Any]:
        """All that there is of it."""
        client = self.aws.client("sagemaker")
        named = {"NameContains": f"{self.name}-", "MaxResults": 100}
        jobs = client.list_training_jobs(**named)["TrainingJobSummaries"]
        models = client.list_models(**named)["Models"]
        configs = client.list_endpoint_configs(**named)["EndpointConfigs"]
        endpoints = client.list_endpoints(**named)["Endpoints"]
        return {
            "jobs": sorted(one["TrainingJobStatus"] for one in jobs),
            "models": len(models),
            "configs": len(configs),
            "endpoints": [one["EndpointStatus"] for one in endpoints],
            "answer": self.answer() if endpoints else "",
            "locks": self.keys("locks/"),
        }

    def end(self) -> None:
        """Nothing of it answers any more: so many programs run at once, and no more."""
        client = self.aws.client("sagemaker")
        for one in client.list_endpoints(NameContains=f"{self.name}-")["Endpoints"]:
            if one["EndpointStatus"] in ("InService", "Failed"):
                client.delete_endpoint(EndpointName=one["EndpointName"])

    def grow_old(self, seconds: float) -> None:
        """Everything of it was made so much earlier."""
        things = Things(self.aws.world.store)
        for noun in NOUNS:
            for thing in things.all([noun.kind], f"{self.name}-"):
                made = thing["CreationTime"] - seconds
                things.put(noun.kind, thing[noun.name], CreationTime=made)

    def contents(self) -> list[str]:
        """What models and configurations are made of, without their names: nothing twice."""
        client, found = self.aws.client("sagemaker"), []
        named = {"NameContains": f"{self.name}-", "MaxResults": 100}
        for kind, field_ in (("model", "Models"), ("endpoint_config", "EndpointConfigs")):
            for one in getattr(client, f"list_{kind}s")(**named)[field_]:
                name = next(key for key in one if key.endswith("Name"))
                told = getattr(client, f"describe_{kind}")(**{name: one[name]})
                own = {name, "CreationTime", "ResponseMetadata", f"{name[:-4]}Arn"}
                found.append(json.dumps({k: told[k] for k in told if k not in own}, default=str))
        return found

    def answer(self) -> str:
        runtime = self.aws.client("sagemaker-runtime")
        told = runtime.invoke_endpoint(
            EndpointName=f"{self.name}-e", Body=b"1", ContentType="application/json"
        )
        return str(json.load(told["Body"]))

    def keys(self, folder: str) -> list[str]:
        prefix = f"cicd/{self.name}/{folder}"
        listed = self.aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [item["Key"].removeprefix(prefix) for item in listed.get("Contents", ())]


def make(folder: Path, aws: Aws, capsys: pytest.CaptureFixture[str]) -> Project:
    """A new project below a folder."""
    place = folder / f"p{next(NUMBERS):03d}"
    for name, text in {"train.py": TRAIN, "inference.py": INFERENCE}.items():
        (place / "src").mkdir(parents=True, exist_ok=True)
        # nobody else has the same source
        (place / "src" / name).write_text(f"# {place.name}\n{text}", encoding="utf-8")
    (place / "stages").mkdir()
    project = Project(place, aws, capsys)
    project.write("hello")
    return project


@contextmanager
def hastened_here(timeout: float | None = None) -> Iterator[Clock]:
    """Also what boto3 waits for; ``timeout``: seconds for an answer."""
    loader = import_module("botocore.loaders").JSONFileLoader
    with pytest.MonkeyPatch.context() as patch, hastened() as clock:
        quick = SimpleNamespace(sleep=clock.sleep)
        patch.setattr(import_module("botocore.endpoint"), "time", quick)
        bucket = import_module("botocore.retries.bucket").TokenBucket
        patch.setattr(bucket.__init__, "__defaults__", (float(SQUEEZE),))
        patch.setattr(loader, "load_file", read_once)
        if timeout:
            given = api._config

            def impatient(service: str) -> Any:
                more = import_module("botocore.config").Config(read_timeout=timeout)
                return given(service).merge(more)

            patch.setattr(api, "_config", impatient)
        yield clock


@cache
def _read(path: str) -> Any:
    return LOAD(import_module("botocore.loaders").JSONFileLoader(), path)


def read_once(self: Any, path: str) -> Any:
    """A service model, which takes longer to read than all else here does."""
    return _read(path)


LOAD = import_module("botocore.loaders").JSONFileLoader.load_file
